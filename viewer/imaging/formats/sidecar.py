"""What stands beside a NIfTI file: ``scan.json``, ``scan.bval`` and ``scan.bvec``, as dcm2niix and BIDS write them.

NIfTI itself does not say what it is a picture of, so without these files nobody can tell whether a model applies.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from viewer.foundation.errors import ExportError
from viewer.foundation.whole_file import write_whole
from viewer.imaging.diagnoses import Diagnosis
from viewer.imaging.image import MedicalImage
from viewer.imaging.mr_sequence import MAPS, named_sequence, names_trace
from viewer.imaging.volumes import Direction

_SUFFIXES = (".json", ".bval", ".bvec")
_LARGEST = 1 << 20
"""A sidecar is small; a larger file is something else, bytes."""
_OURS = "WhySlice"
"""Under which this program writes into a sidecar."""
_UNEVEN = ("uneven-spacing", "missing-slice")
_FACTS = ("Modality", "SeriesDescription", "ProtocolName", "ImageType", "BodyPartExamined", "BodyPart", _OURS)
"""Everything in a sidecar that is read as a fact of its image."""
_IMAGES = (".nii", ".nii.gz", ".hdr", ".hdr.gz", ".img", ".img.gz")
"""Endings of images that have these sidecars."""
_CODE = re.compile(r"[A-Z][A-Z _]{0,15}")
_FAR = 1e4
"""Nothing of a patient is further off, mm."""


@dataclass(frozen=True)
class Sidecar:
    """Facts about an image that its own file cannot hold; empty where nothing is said.

    Attributes
    ----------
    b_value : of an image of one volume, s/mm2.
    b_values, directions : of every volume, as FSL writes them: one line of b-values, three lines of vectors; a
        direction is None where no vector is known.
    words : everything that may name the sequence.
    map_kind : the map computed from diffusion-weighted images that the image type names (``ADC``, ``FA``...).
    """

    modality: str = ""
    description: str = ""
    b_value: float | None = None
    b_values: tuple[float, ...] = ()
    directions: tuple[Direction | None, ...] = ()
    body_part: str = ""
    words: str = ""
    map_kind: str = ""
    diagnoses: tuple[Diagnosis, ...] = ()

    @property
    def sequence(self) -> str:
        """What is known of the MR sequence."""
        return self.sequence_of(self.b_value)

    @property
    def trace(self) -> bool:
        """Whether a diffusion-weighted image of one volume is said to be a trace image."""
        return self.sequence == "DWI" and self.b_value != 0 and names_trace(self.words)

    def sequence_of(self, b_value: float | None) -> str:
        """What is known of the MR sequence of a volume with that weighting."""
        if self.modality not in ("MR", ""):
            return ""
        return self.map_kind or named_sequence(self.words, b_value)


def sidecar_files(path: Path) -> set[Path]:
    """The files that may stand beside an image and belong to it."""
    return {path.with_name(_stem(path) + suffix) for suffix in _SUFFIXES}


def read_sidecar(path: Path) -> Sidecar:
    """Facts beside an image file. A damaged sidecar costs its facts and a notice, never the image.

    Parameters
    ----------
    path : the image.
    """
    weightings = _weightings(path)
    beside = path.with_name(_stem(path) + ".json")
    if not beside.is_file():
        return weightings
    try:
        if beside.stat().st_size > _LARGEST:
            raise ValueError("too large")
        facts = json.loads(beside.read_text(encoding="utf-8"))
        if not isinstance(facts, dict):
            raise ValueError("not a table")
    except (OSError, ValueError, RecursionError):
        note = Diagnosis(
            "bad-sidecar", "note", f"'{beside.name}' beside the image is not a readable sidecar."
        )
        return replace(weightings, diagnoses=(*weightings.diagnoses, note))
    description = _text(facts, "SeriesDescription")
    return replace(
        weightings,
        diagnoses=(*weightings.diagnoses, *_misplaced(facts.get(_OURS))),
        modality=_text(facts, "Modality").upper(),
        description=description,
        body_part=(_text(facts, "BodyPartExamined") or _text(facts, "BodyPart")).lower(),
        map_kind=_map_kind(facts.get("ImageType")),
        words=" ".join([description, _text(facts, "ProtocolName"), str(facts.get("ImageType", ""))]),
    )


def sidecars_for(path: Path, image: MedicalImage, largest_mm: float) -> dict[Path, str]:
    """What shall stand beside an image that is to be written, so that whoever opens it knows as much of its kind.

    Only coded facts: modality, body part, sequence, b-value, and how far slices lie from where the affine puts them.
    The series' own words may speak of the patient and are left out. What a sidecar says beyond its facts of an image
    stays; facts of an earlier image go.

    Parameters
    ----------
    path : where the image will be.
    largest_mm : the furthest that a slice lies from where the affine puts it; 0 where all are right.

    Returns
    -------
    dict
        Text of each file to be written; empty for one that is to go.

    Raises
    ------
    ExportError
        When the files belong to another image too, or what stands there is no sidecar.
    """
    beside, weighting, vectors = (path.with_name(_stem(path) + suffix) for suffix in _SUFFIXES)
    facts = _facts_of(image, largest_mm)
    weighted = "" if image.b_value is None else f"{image.b_value:.12g}\n"
    there = [file for file in (beside, weighting, vectors) if file.exists()]
    if not there and not facts and not weighted:
        return {}
    for suffix in _IMAGES:
        other = path.with_name(_stem(path) + suffix)
        if other != path and other.exists():
            raise ExportError(
                f"'{path.name}' would share its sidecar files with '{other.name}': name another file to write.",
                code="shared-sidecar",
            )
    try:
        kept = json.loads(beside.read_text(encoding="utf-8")) if beside in there else {}
    except (OSError, ValueError, RecursionError):
        kept = None
    if not isinstance(kept, dict):
        raise ExportError(
            f"'{beside.name}' stands beside '{path.name}' and is not a sidecar: name another file to write.",
            code="no-sidecar",
        )
    said = {name: value for name, value in kept.items() if name not in _FACTS} | facts
    texts = {
        beside: json.dumps(said, indent=2) + "\n" if said else "",
        weighting: weighted,
        vectors: "",
    }
    return {file: text for file, text in texts.items() if text or file in there}


def write_sidecars(texts: Mapping[Path, str]) -> None:
    """Write, or take away, what `sidecars_for` says.

    Raises
    ------
    ExportError
        When a file cannot be written.
    """
    for file, text in texts.items():
        if text:
            write_whole(file, text.encode())
        else:
            file.unlink(missing_ok=True)


def _facts_of(image: MedicalImage, largest_mm: float) -> dict[str, Any]:
    kinds = [image.sequence, "TRACEW" if image.trace else ""]
    facts: dict[str, Any] = {
        "Modality": _code(image.modality),
        "BodyPartExamined": _code(image.body_part),
        "ImageType": [kind for kind in kinds if kind],
    }
    if largest_mm:
        codes = [finding.code for finding in image.diagnoses]
        uneven = [code for code in codes if code in _UNEVEN] or [_UNEVEN[0]]
        facts[_OURS] = {"findings": uneven, "misplaced_up_to_mm": round(largest_mm, 3)}
    return {name: value for name, value in facts.items() if value}


def _code(value: str) -> str:
    """A value where it has the form of a DICOM code without digits: nothing else of a file is handed on."""
    return value.upper() if _CODE.fullmatch(value.upper()) else ""


def _misplaced(said: object) -> list[Diagnosis]:
    """The findings of `sidecars_for`, in words of this program: a sidecar is anybody's file."""
    if not isinstance(said, dict):
        return []
    largest, codes = said.get("misplaced_up_to_mm"), said.get("findings")
    if not isinstance(largest, (int, float)) or not 0 < largest < _FAR or not isinstance(codes, list):
        return []
    return [
        Diagnosis(
            code,
            "warning",
            "The slices were acquired at uneven distances and this file spaces them evenly: they lie up to "
            f"{largest:.1f} mm from their place.",
            "For exact positions open the source, or convert it with --resample.",
        )
        for code in _UNEVEN
        if code in codes
    ]


def _stem(path: Path) -> str:
    return Path(path.name.removesuffix(".gz")).stem


def _text(facts: Mapping[str, Any], name: str) -> str:
    value = facts.get(name)
    return value.strip()[:64] if isinstance(value, str) else ""


def _map_kind(image_type: object) -> str:
    """The map that DICOM's image type names, as a list or in one text."""
    values = image_type if isinstance(image_type, list) else str(image_type).split("\\")
    return next((str(value).upper() for value in values if str(value).upper() in MAPS), "")


def _weightings(path: Path) -> Sidecar:
    """b-values and gradient directions; several belong to several volumes and say nothing of an image of one."""
    beside = path.with_name(_stem(path) + ".bval")
    lines = _numbers(beside)
    if lines is None:
        return Sidecar()
    values = tuple(value for line in lines for value in line)
    if not values or min(values) < 0:
        note = Diagnosis("bad-sidecar", "note", f"'{beside.name}' beside the image holds no b-values.")
        return Sidecar(diagnoses=(note,))
    vectors = _vectors(_numbers(path.with_name(_stem(path) + ".bvec")), len(values))
    return Sidecar(b_value=values[0] if len(values) == 1 else None, b_values=values, directions=vectors)


def _numbers(path: Path) -> list[list[float]] | None:
    """The lines of a small file of numbers, an empty list where they are not; None without a file."""
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST:
            return None
        lines = [line.split() for line in path.read_text(encoding="ascii").splitlines()]
        numbers = [[float(word) for word in line] for line in lines if line]
    except (OSError, ValueError):
        return []
    return numbers if all(math.isfinite(value) for line in numbers for value in line) else []


def _vectors(lines: list[list[float]] | None, count: int) -> tuple[Direction | None, ...]:
    """Directions from three lines of `count` numbers, or, as some programs write them, `count` lines of three."""
    if lines and [len(line) for line in lines] == [count] * 3:
        return tuple(zip(*lines, strict=True))
    if lines and [len(line) for line in lines] == [3] * count:
        return tuple((x, y, z) for x, y, z in lines)
    return (None,) * count

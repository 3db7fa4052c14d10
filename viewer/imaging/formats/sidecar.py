"""What stands beside a NIfTI file: ``scan.json``, ``scan.bval`` and ``scan.bvec``, as dcm2niix and BIDS write them.

NIfTI itself does not say what it is a picture of, so without these files nobody can tell whether a model applies.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from viewer.foundation.whole_file import write_whole
from viewer.imaging.diagnoses import Diagnosis
from viewer.imaging.mr_sequence import named_sequence, names_trace
from viewer.imaging.volumes import Direction

_SUFFIXES = (".json", ".bval", ".bvec")
_LARGEST = 1 << 20
"""A sidecar is small; a larger file is something else, bytes."""
_OURS = "WhySlice"
"""Under which this program writes into a sidecar."""
_UNEVEN = ("uneven-spacing", "missing-slice")
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
    """

    modality: str = ""
    description: str = ""
    b_value: float | None = None
    b_values: tuple[float, ...] = ()
    directions: tuple[Direction | None, ...] = ()
    body_part: str = ""
    words: str = ""
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
        return named_sequence(self.words, b_value) if self.modality in ("MR", "") else ""


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
        words=" ".join([description, _text(facts, "ProtocolName"), str(facts.get("ImageType", ""))]),
    )


def note_misplaced(path: Path, largest_mm: float, codes: Sequence[str]) -> None:
    """Say beside an image that its slices do not lie where its affine says, so that whoever opens it is told.

    What else the sidecar says stays; without an error, what an earlier writing said of one goes.

    Parameters
    ----------
    path : the image.
    largest_mm : the furthest that a slice lies from where the affine puts it; 0 where all are right.
    codes : findings about the image that was written.

    Raises
    ------
    ExportError
        When the sidecar cannot be written.
    """
    beside = path.with_name(_stem(path) + ".json")
    try:
        facts = json.loads(beside.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        facts = {}
    if not isinstance(facts, dict) or (not largest_mm and _OURS not in facts):
        if not largest_mm:
            return
        facts = {}
    facts.pop(_OURS, None)
    if largest_mm:
        uneven = [code for code in codes if code in _UNEVEN] or [_UNEVEN[0]]
        facts[_OURS] = {"findings": uneven, "misplaced_up_to_mm": round(largest_mm, 3)}
    if facts:
        write_whole(beside, (json.dumps(facts, indent=2) + "\n").encode())
    else:
        beside.unlink()


def _misplaced(said: object) -> list[Diagnosis]:
    """The findings of `note_misplaced`, in words of this program: a sidecar is anybody's file."""
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

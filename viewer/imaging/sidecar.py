"""What stands beside a NIfTI file: ``scan.json`` and ``scan.bval``, as dcm2niix and BIDS write them.

NIfTI itself does not say what it is a picture of, so without these files nobody can tell whether a model applies.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from viewer.imaging.diagnoses import Diagnosis
from viewer.imaging.mr_sequence import named_sequence

_SUFFIXES = (".json", ".bval", ".bvec")
_LARGEST = 1 << 20
"""A sidecar is small; a larger file is something else, bytes."""


@dataclass(frozen=True)
class Sidecar:
    """Facts about an image that its own file cannot hold; empty where nothing is said."""

    modality: str = ""
    description: str = ""
    sequence: str = ""
    b_value: float | None = None
    body_part: str = ""
    diagnoses: tuple[Diagnosis, ...] = ()


def sidecar_files(path: Path) -> set[Path]:
    """The files that may stand beside an image and belong to it."""
    stem = Path(path.name.removesuffix(".gz")).stem
    return {path.with_name(stem + suffix) for suffix in _SUFFIXES}


def read_sidecar(path: Path) -> Sidecar:
    """Facts beside an image file. A damaged sidecar costs its facts and a notice, never the image.

    Parameters
    ----------
    path : the image.
    """
    stem = Path(path.name.removesuffix(".gz")).stem
    beside, b_value = path.with_name(stem + ".json"), _b_value(path.with_name(stem + ".bval"))
    if not beside.is_file():
        return Sidecar(b_value=b_value, sequence="" if b_value is None else "DWI")
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
        return Sidecar(b_value=b_value, diagnoses=(note,))
    modality = _text(facts, "Modality").upper()
    description = _text(facts, "SeriesDescription")
    words = " ".join([description, _text(facts, "ProtocolName"), str(facts.get("ImageType", ""))])
    return Sidecar(
        modality=modality,
        description=description,
        sequence=named_sequence(words, b_value) if modality in ("MR", "") else "",
        b_value=b_value,
        body_part=(_text(facts, "BodyPartExamined") or _text(facts, "BodyPart")).lower(),
    )


def _text(facts: Mapping[str, Any], name: str) -> str:
    value = facts.get(name)
    return value.strip()[:64] if isinstance(value, str) else ""


def _b_value(path: Path) -> float | None:
    """The weighting of an image of one volume; several belong to several volumes and say nothing of one."""
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST:
            return None
        values = [float(word) for word in path.read_text(encoding="ascii").split()]
    except (OSError, ValueError):
        return None
    return values[0] if len(values) == 1 and math.isfinite(values[0]) and values[0] >= 0 else None

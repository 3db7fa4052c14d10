"""Findings about the input itself: what is odd about a file, how bad it is and what to do."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Literal

Severity = Literal["note", "warning", "error"]

ONE_PLACE = "one-place"
RESAMPLED = "resampled"
SPACING_BY_HAND = "spacing-by-hand"
ERASED = "erased"
BENT = frozenset({"gantry-tilt", "missing-slice", "uneven-spacing", "sheared"})
"""Findings that a stack is not an even grid at right angles; resampling mends them."""


@dataclass(frozen=True)
class Diagnosis:
    """One coded finding about an image or file.

    Attributes
    ----------
    code : stable identifier, lower case with hyphens.
    severity : ``note`` (worth knowing), ``warning`` (may mislead), ``error`` (part of the data is not usable).
    sentence : one sentence for a person, without patient attributes.
    action : what to do about it; empty when nothing need be done.
    """

    code: str
    severity: Severity
    sentence: str
    action: str = ""

    def to_json(self) -> dict[str, str]:
        return asdict(self)


def no_orientation() -> Diagnosis:
    """The finding that sides are unknown."""
    return Diagnosis(
        "no-orientation",
        "warning",
        "The file does not say how the patient lies: left and right are unknown.",
        "Check the side against another source.",
    )


def no_spacing() -> Diagnosis:
    """The finding that sizes are unknown."""
    return Diagnosis(
        "no-spacing",
        "warning",
        "The file does not say how large its pixels or voxels are; 1 mm is assumed.",
        "Do not trust distances, areas and volumes, or state the spacing yourself.",
    )


def as_history(finding: Diagnosis) -> Diagnosis:
    """A finding after the volume was resampled: what has been mended is only worth knowing any more."""
    if finding.code not in BENT:
        return finding
    sentence = finding.sentence
    # A name or number at the start of a sentence keeps its form.
    lowered = sentence[:1].lower() + sentence[1:] if sentence[1:2].islower() else sentence
    return replace(finding, severity="note", sentence=f"Before resampling: {lowered}", action="")

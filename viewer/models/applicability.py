"""Does this model apply to this image? Asked before every prediction, answered with reasons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from viewer.imaging.diagnoses import BENT, ONE_PLACE
from viewer.imaging.image import MedicalImage
from viewer.imaging.resampling import irregular
from viewer.models.card import AppliesTo, ModelCard

Verdict = Literal["applies", "unproven", "does_not_apply"]

NOT_MADE_FOR_IT = "MODEL NOT MADE FOR THIS IMAGE"
"""Across every picture with a map of a model that does not apply."""
_BELOW, _ABOVE = 0.99, 1.01
"""A bound is met within a hundredth: headers hold 2.0000001 mm where 2 mm is meant."""
_VOLUMES = 3
_PLANES_OF_VIEWS = {
    **dict.fromkeys(("PA", "AP"), "coronal"),
    **dict.fromkeys(("LL", "RL", "LAT", "LATERAL"), "sagittal"),
}
"""View position of a film (DICOM 0018,5101) -> the plane that it shows."""
_FILMS = {"coronal": "frontal", "sagittal": "lateral"}
"""Plane -> what a film of it is called."""


@dataclass(frozen=True)
class Applicability:
    """A verdict with its reasons.

    Attributes
    ----------
    verdict : ``applies`` (the image says that it is what the model was made for), ``unproven`` (the image does not say
        what it is: PNG, bare NIfTI; or the card not what the model was made for, or it cautions against the model),
        ``does_not_apply`` (it says that it is something else).
    reasons : one clause each, for people.
    caution : of the card, whatever the image; of a model that does not apply the reasons are enough.
    """

    verdict: Verdict
    reasons: tuple[str, ...] = ()
    caution: str = ""

    @property
    def fits(self) -> bool:
        """Whether the image says that it is what the model was made for, be the card cautious or not."""
        return self.verdict != "does_not_apply" and not self.reasons

    @property
    def sentence(self) -> str:
        """The verdict in words."""
        why = "; ".join(self.reasons)
        caution = f"{self.caution[:1].upper()}{self.caution[1:]}." if self.caution else ""
        if self.verdict == "applies":
            return "The model was made for images of this kind."
        if self.verdict == "does_not_apply":
            return f"The model was not made for this image: {why}."
        doubt = f"Nobody can tell whether the model applies: {why}." if why else ""
        return " ".join(filter(None, (caution, doubt)))


def applicability(card: ModelCard, image: MedicalImage) -> Applicability:
    """Compare what the card demands with what the image says of itself."""
    wanted = card.applies_to
    against: list[str] = []
    silent: list[str] = []  # what the image should have stated

    def demand(allowed: tuple[str, ...], found: str, what: str) -> None:
        if allowed and not found:
            silent.append(what)
        elif allowed and found.upper() not in allowed:
            against.append(f"{what} {found}, made for {' or '.join(allowed)}")

    demand(wanted.modality, image.modality, "modality")
    demand(wanted.sequence, image.sequence, "sequence")
    demand((_body(wanted.body_part),) if wanted.body_part else (), _body(image.body_part), "body part")

    def bounds(allowed: tuple[float, float] | None, found: float | None, what: str, unit: str) -> None:
        if allowed and found is None:
            silent.append(what)
        elif allowed and found is not None and not allowed[0] * _BELOW <= found <= allowed[1] * _ABOVE:
            against.append(f"{what} {found:.4g} {unit}, made for {allowed[0]:g} to {allowed[1]:g} {unit}")

    oriented = image.geometry.oriented
    bounds(wanted.b_values, image.b_value, "b-value", "s/mm\u00b2")
    bounds(
        wanted.spacing_mm, max(image.plane.spacing(image.geometry)) if oriented else None, "pixel size", "mm"
    )
    by_view = _PLANES_OF_VIEWS.get(image.view_position, "")
    other = _other_view(wanted.plane, by_view, image.view_position)
    against.extend(other)
    demand(() if other else wanted.view_position, image.view_position, "view position")
    plane = (wanted.plane.upper(),) if wanted.plane and not other else ()
    demand(plane, image.plane.name if oriented else by_view, "slice direction")
    if card.dims == _VOLUMES:
        against.extend(no_volume(image))
    if image.colour and not wanted.colour:
        against.append("a colour picture, made for grey ones")
    if against:
        return Applicability("does_not_apply", tuple(against))
    if wanted == AppliesTo(colour=wanted.colour):
        return Applicability("unproven", ("its card does not say what images it was made for",))
    if silent:
        return Applicability("unproven", (f"the image does not state its {_listed(silent)}",), card.caution)
    return Applicability("unproven" if card.caution else "applies", (), card.caution)


def _other_view(plane: str, by_view: str, position: str) -> list[str]:
    """What speaks against a film whose view position shows another plane than the one that is wanted."""
    if not plane or by_view in ("", plane):
        return []
    wanted = f"{_FILMS[plane]} films" if plane in _FILMS else f"{plane} slices"
    return [f"a {_FILMS[by_view]} film ({position}), made for {wanted}"]


def no_volume(image: MedicalImage) -> list[str]:
    """Why a network that reads whole volumes would misread this one, with the way out; empty for an even grid."""
    if any(finding.code == ONE_PLACE for finding in image.diagnoses):
        return ["its pictures lie at one place and are no volume (a network that reads single slices may do)"]
    bent = list(irregular(image.geometry)) or [
        _clause(finding.sentence)
        for finding in image.diagnoses
        if finding.code in BENT and finding.severity != "note"
    ]
    if not bent:
        return []
    return [f"{' and '.join(bent)} (resample the volume first, or confirm that it shall be read as it is)"]


def _clause(sentence: str) -> str:
    return (sentence[:1].lower() + sentence[1:]).rstrip(".")


def _listed(words: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _body(part: str) -> str:
    """Hospitals write the head in several ways; everything else is compared as it stands."""
    return "HEAD" if part.upper() in {"HEAD", "BRAIN", "SKULL", "NEURO"} else part.upper()

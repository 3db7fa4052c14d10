"""Checks that change the input: mirrored, cropped, shifted by a constant, with a little noise."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from viewer.evaluation.agreement import correlation, mirror_consistency
from viewer.evaluation.checks.declaration import CHECKS
from viewer.evaluation.checks.finding import Finding, Panel, number, undefined, weighed
from viewer.evaluation.checks.subject import Made, Step, Subject
from viewer.evaluation.outside import mass_outside
from viewer.evaluation.sensitivity import max_sensitivity, relative_change
from viewer.explainers.shifted import compensated
from viewer.foundation.progress import Progress
from viewer.imaging.image import MedicalImage
from viewer.models.card import Crop, ModelCard
from viewer.models.input_view import InputView

RADIUS = 0.02
"""Of the input's range: the default of captum's ``sensitivity_max``, and less than an eye sees in a grey picture."""
_SAMPLES, _VOLUME_SAMPLES = 10, 3
_SEED = 0
_UNMOVED = 1e-6
_NO_FLIPS = ("no flip", "not flip", "without flip", "no mirror", "not mirror", "without mirror", "none")


def mirror(subject: Subject, progress: Progress) -> Finding:
    """The map of the input against that of its mirror image, mirrored back.

    Thresholds on Pearson's r: below 0.7 less than half of the variance is common (r squared), below 0.3 less than a
    tenth. A network may be right to tell sides apart, as with the heart in a chest film; then a low number is no fault.
    """
    info, base = CHECKS["mirror"], subject.base()
    other = subject.other(mirror=not subject.mirror, progress=progress)
    flips = _flip_words(subject.classifier.card)
    first, second = base.drawn, other.drawn
    found, top = mirror_consistency(first, second)
    panels = (subject.panel("this input", base), subject.panel("mirrored, brought back", other))
    details = {
        "top_overlap": number(top.value),
        "probability": base.probability,
        "probability_mirrored": other.probability,
        "flips_in_training": flips_in_training(subject.classifier.card),
    }
    if not found.defined:
        return _vanished(info.name, base, other, "of the mirrored input", panels, details)
    sentence = (
        f"The map of the mirrored input, mirrored back, correlates with the map by {found.value:.2f} and shares "
        f"{_percent(top.value)} of its most important 5% (p {base.probability:.2f}, mirrored {other.probability:.2f}); "
        f"{flips}."
    )
    verdict = weighed(found.value, doubtful=info.doubtful, fails=info.fails or 0)
    return Finding(info.name, found.value, verdict, sentence, panels, details)


def flips_in_training(card: ModelCard) -> bool | None:
    """Whether the card says that training mirrored its images; None where it is silent."""
    said: bool | None = None
    for key, value in card.training.items():
        words = f"{key} {value}".lower()
        if "flip" in words or "mirror" in words:
            if isinstance(value, (bool, int, float)):
                return bool(value)
            return not any(no in words for no in _NO_FLIPS)
        if "augment" in key.lower():
            said = False
    return said


def _flip_words(card: ModelCard) -> str:
    return {
        True: "training mirrored its images, so this is partly trained in",
        False: "training did not mirror its images",
        None: "the card does not say whether training mirrored its images",
    }[flips_in_training(card)]


def crop(subject: Subject, progress: Progress) -> Finding:
    """The map of the input against that of the input cropped in another way, where the network saw both.

    Thresholds as of `mirror`. The other way is none where the input is cropped, else the card's rule or the body.
    """
    info = CHECKS["crop"]
    if not isinstance(subject.image, MedicalImage):
        return undefined(info.name, "An array already is what the network takes; it cannot be cropped.")
    rule = _other_crop(subject)
    base, other = subject.base(), subject.other(crop=rule, progress=progress)
    if base.view.box == other.view.box:
        return undefined(
            info.name, f"The crop '{rule if rule != 'none' else subject.crop}' takes nothing away here."
        )
    both = (base.view.back(np.ones_like(base.shown)) > 0.5) & (
        other.view.back(np.ones_like(other.shown)) > 0.5
    )
    first, second = base.drawn, other.drawn
    found = correlation(first[both], second[both])
    body, outside = _body_on_picture(subject, base), {}
    if body is not None:
        for name, drawn in ((subject.crop, first), (rule, second)):
            outside[name] = number(mass_outside(drawn, body)[0].value)
    panels = (
        subject.panel(f"crop: {subject.crop}", base),
        subject.panel(f"crop: {rule}", other),
    )
    details = {
        "crop": subject.crop,
        "other_crop": rule,
        "probability": base.probability,
        "probability_other": other.probability,
        "mass_outside_body": outside,
    }
    if not found.defined:
        return _vanished(info.name, base, other, f"with the crop '{rule}'", panels, details)
    air = "; ".join(
        f"{_percent(v)} of the mass outside the body with {k}" for k, v in outside.items() if v is not None
    )
    sentence = (
        f"With the crop '{rule}' in place of '{subject.crop}' the map correlates by {found.value:.2f} where both "
        f"were seen (p {base.probability:.2f} and {other.probability:.2f}{'; ' + air if air else ''})."
    )
    verdict = weighed(found.value, doubtful=info.doubtful, fails=info.fails or 0)
    return Finding(info.name, found.value, verdict, sentence, panels, details)


def _other_crop(subject: Subject) -> Crop:
    if subject.crop != "none":
        return "none"
    own = subject.classifier.card.input.crop
    return own if own != "none" else ("brain" if subject.dims == 2 else "body")


def _body_on_picture(subject: Subject, base: Made) -> np.ndarray | None:
    """The body on the picture; None for a volume, whose slices would take too long, and where nothing stands out."""
    from viewer.imaging.body import body_mask

    assert isinstance(subject.image, MedicalImage)
    if not isinstance(base.view, InputView) or subject.slice is None:
        return None
    image = subject.image
    mask = body_mask(image.grey(image.plane.picture(image.voxels, subject.slice)))
    return None if mask.all() else mask


def input_invariance(subject: Subject, progress: Progress) -> Finding:
    """A constant is added to the input and taken away again by the first layer: the network computes the same.

    So the map should be the same (Kindermans et al. 2017). Rounding that switches a ReLU moved the gradient of a
    ResNet-18 by 0.004; from a tenth on the map depends on where the zero of the grey values happens to lie. The
    constant is the range of the input.
    """
    info, base = CHECKS["input-invariance"], subject.base()
    shift = float(subject.ready.max() - subject.ready.min()) or 1.0
    network = compensated(subject.question, shift)
    other = subject.of_input(subject.ready + np.float32(shift), progress, network)
    found = relative_change(base.shown, other.shown)
    panels = (
        subject.panel("this input", base),
        subject.panel(f"input {shift:+.3g}", other, f"{found.value:.2g}"),
    )
    reached = found.value >= info.doubtful
    sentence = (
        f"With {shift:.3g} added to the input and taken away in the first layer the map changes by {found.value:.2g} "
        f"of itself, although the network computes the same"
        + (": it depends on where the zero of the input lies." if reached else "; the rest is rounding.")
    )
    verdict = weighed(found.value, doubtful=info.doubtful, fails=info.fails or 0)
    return Finding(info.name, found.value, verdict, sentence, panels, {"shift": shift})


def stability(subject: Subject, progress: Progress) -> Finding:
    """Max-sensitivity: how far the map moves at most under uniform noise within 2% of the input's range.

    Yeh et al. 2019, over the norm of the map as captum has it. From 1 on the change is as large as the map; half of
    that is doubtful. The largest of a few samples is a lower bound of the true maximum. A map that does not move at all
    is doubtful too: DeconvNet of a network that pools by means has the same map for every image.
    """
    info, base = CHECKS["stability"], subject.base()
    samples = _SAMPLES if subject.dims == 2 else _VOLUME_SAMPLES
    reach = RADIUS * float(subject.ready.max() - subject.ready.min())
    generator = torch.Generator().manual_seed(_SEED)
    changed: list[Made] = []
    for count in range(samples):
        progress.report(count, samples, "noisy inputs")
        noise = (2 * torch.rand(subject.ready.shape, generator=generator) - 1) * reach
        changed.append(
            subject.of_input(subject.ready + noise.numpy(), Step(progress, count, samples, "noisy inputs"))
        )
    found = max_sensitivity(base.shown, [made.shown for made in changed])
    each = [relative_change(base.shown, made.shown).value for made in changed]
    worst = changed[int(np.argmax(each))]
    ps = [made.probability for made in changed]
    panels = (
        subject.panel("this input", base),
        subject.panel("worst noisy input", worst, f"{max(each):.2f}"),
    )
    sentence = (
        f"Noise within {RADIUS:.0%} of the input's range moves the map by up to {found.value:.2f} of its norm "
        f"({samples} tries, p {min(ps):.2f} to {max(ps):.2f})."
    )
    verdict = weighed(found.value, doubtful=info.doubtful, fails=info.fails or 0)
    if found.value < _UNMOVED:
        verdict = "doubtful"
        sentence += " It does not move at all: does it look at the image?"
    details = {
        "samples": samples,
        "radius": RADIUS,
        "mean": float(np.mean(each)),
        "probabilities": [min(ps), max(ps)],
    }
    return Finding(info.name, found.value, verdict, sentence, panels, details)


def _vanished(
    name: str, base: Made, other: Made, which: str, panels: tuple[Panel, ...], details: Mapping[str, Any]
) -> Finding:
    """No correlation: the other map is gone, which speaks against the map, or one does not vary."""
    if not other.shown.any():
        sentence = f"The map {which} is empty (p {base.probability:.2f}, there {other.probability:.2f})."
        return Finding(name, None, "fails", sentence, panels, details)
    sentence = "A map that is the same everywhere correlates with nothing."
    return Finding(name, None, "not defined", sentence, panels, details)


def _percent(share: float) -> str:
    return "none" if math.isnan(share) else f"{100 * share:.0f}%"

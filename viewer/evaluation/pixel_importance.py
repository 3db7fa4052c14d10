"""Whether the pixels that a map calls important are important to the network: replaced, it is asked again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from viewer.evaluation.importance_result import FRACTIONS, PixelImportance, Plan, ReplacementCurve
from viewer.evaluation.replacement import (
    TRANSFORMS,
    Input,
    altered,
    importance_order,
    random_order,
    replaced_everywhere,
)
from viewer.explainers.explaining import seen_input
from viewer.explainers.explanation import Explanation
from viewer.explainers.scoring import class_probabilities
from viewer.foundation.progress import SILENT, Progress
from viewer.imaging.image import MedicalImage
from viewer.models.card import Crop
from viewer.models.classifier import Classifier
from viewer.models.prediction import probabilities_of

_TOGETHER = 16
_NUMBERS = 1 << 22
"""At most so many images, and about so many numbers of them, are sent through the network at once."""


def pixel_importance(
    classifier: Classifier,
    image: MedicalImage | NDArray,
    map: Explanation | NDArray,
    *,
    fractions: Sequence[float] = FRACTIONS,
    transforms: Sequence[str] = TRANSFORMS,
    target: int | str | None = None,
    slice: int | None = None,
    mirror: bool | None = None,
    crop: Crop | None = None,
    steps: int = 20,
    random_orders: int = 3,
    seed: int = 0,
    progress: Progress = SILENT,
) -> PixelImportance:
    """Replace the most important pixels of what the network gets, and see how every class's probability falls.

    Parameters
    ----------
    image : an image, or an array (channel, row, column) or (channel, slice, row, column) that already is an input.
    map : an explanation of it, or a map (row, column) or (slice, row, column) on any grid over the network's input.
    fractions : percent of the input's pixels, each above 0 and at most 100; k = round(fraction / 100 * pixels).
    transforms : ``mean``, ``blur-11``, ``blur-21`` (any odd width), ``noise``; see `replaced_everywhere`.
    target : class of the curves; None for the explanation's class, else the predicted one.
    slice, mirror, crop : of the input; None for the explanation's own. Without one, as in `explain`.
    steps : points of the deletion and insertion curves after the first; 0 for no curves.
    random_orders : how many random choices of pixels the map is compared with, at least 1.
    seed : of noise and random orders.
    progress : told between batches, where the work can be stopped.

    Raises
    ------
    UsageError
        An unknown class, slice or transform, or a fraction out of range.
    ExplainError
        When the map is the same everywhere.
    """
    number = slice
    explained = map if isinstance(map, Explanation) else None
    if explained is not None:
        target = explained.target if target is None else target
        number = explained.slice if slice is None else slice
        mirror = bool(explained.provenance.get("mirror", False)) if mirror is None else mirror
        if crop is None and isinstance(image, MedicalImage):
            crop = explained.provenance.get("crop")
    index = None if target is None else classifier.target_index(target)
    _, ready, number, _ = seen_input(classifier, image, number, index, bool(mirror), crop, progress)
    return importance_of_input(
        classifier,
        ready,
        map.signed if isinstance(map, Explanation) else map,
        plan=Plan(tuple(fractions), tuple(transforms), steps, random_orders, seed),
        target=index,
        explainer=explained.explainer if explained else "",
        layer=explained.layer if explained else "",
        slice=number,
        progress=progress,
    )


@dataclass
class _Asked:
    """Altered inputs waiting for their probabilities, and the probabilities of those that were asked."""

    classifier: Classifier
    total: int
    progress: Progress
    found: list[NDArray[np.float64]] = field(default_factory=list)
    flags: tuple[str, ...] = ()

    def run(self, inputs: Iterator[Input], size: int) -> None:
        together = max(1, min(_TOGETHER, _NUMBERS // size))
        waiting: list[Input] = []
        for each in inputs:
            waiting.append(each)
            if len(waiting) == together:
                self._ask(waiting)
                waiting = []
        if waiting:
            self._ask(waiting)
        self.progress.report(self.total, self.total, "pixel importance")

    def _ask(self, inputs: list[Input]) -> None:
        self.progress.report(len(self.found), self.total, "pixel importance")
        batch = np.stack(inputs)
        if self.classifier.card.task == "segmentation":
            for each in batch:  # the probability of a segmentation is the mean over the picture
                row, _ = class_probabilities(self.classifier, self.classifier.tensor(each[None]), None)
                self.found.append(row.astype(np.float64))
            return
        rows, fallen = probabilities_of(self.classifier, batch)
        self.flags = tuple(dict.fromkeys((*self.flags, *fallen)))
        self.found.extend(rows.astype(np.float64))


def importance_of_input(
    classifier: Classifier,
    ready: Input,
    signed: NDArray,
    *,
    plan: Plan,
    target: int | None = None,
    explainer: str = "",
    layer: str = "",
    slice: int | None = None,
    progress: Progress = SILENT,
) -> PixelImportance:
    """`pixel_importance` of a ready input (channel, *space) and a map before or after ReLU on any grid over it."""
    ready = np.asarray(ready, dtype=np.float32)
    order, positive = importance_order(signed, ready.shape[1:])
    at_random = [random_order(order.size, plan.seed + number) for number in range(plan.random_orders)]
    counts = [round(fraction / 100 * order.size) for fraction in plan.fractions]
    shares = np.linspace(0, 100, plan.steps + 1) if plan.steps else np.zeros(0)
    inner = [round(share / 100 * order.size) for share in shares[1:-1]]

    def inputs() -> Iterator[Input]:
        yield ready
        for transform in plan.transforms:
            instead = replaced_everywhere(ready, transform, plan.seed)
            for count in counts:
                for chosen in (order, *at_random):
                    yield altered(ready, instead, chosen[:count])
            if plan.steps:
                yield instead
                for count in inner:
                    yield altered(ready, instead, order[:count])
                    yield altered(instead, ready, order[:count])
                    yield altered(ready, instead, at_random[0][:count])

    asked = _Asked(classifier, plan.passes, progress)
    asked.run(inputs(), ready.size)
    original = asked.found[0]
    chosen = int(original.argmax()) if target is None else target
    deltas: list[NDArray[np.float64]] = []
    at_chance: list[NDArray[np.float64]] = []
    curves: list[ReplacementCurve] = []
    per_transform = (plan.passes - 1) // len(plan.transforms)
    for number, transform in enumerate(plan.transforms):
        rows = np.stack(asked.found[1 + number * per_transform : 1 + (number + 1) * per_transform])
        split = len(counts) * (1 + plan.random_orders)
        by_fraction = original - rows[:split].reshape(len(counts), 1 + plan.random_orders, -1)
        deltas.append(by_fraction[:, 0])
        at_chance.append(by_fraction[:, 1:].mean(axis=1))
        if plan.steps:
            curves += _curves(transform, shares, original[chosen], rows[split:, chosen])
    return PixelImportance(
        classifier.classes,
        chosen,
        explainer,
        layer,
        slice,
        plan.fractions,
        plan.transforms,
        original,
        np.stack(deltas),
        np.stack(at_chance),
        plan.random_orders,
        plan.seed,
        positive,
        tuple(curves),
        asked.flags,
    )


def _curves(
    transform: str, shares: NDArray[np.float64], original: float, rows: NDArray[np.float64]
) -> tuple[ReplacementCurve, ReplacementCurve]:
    """Deletion and insertion from probabilities of: everything replaced, then per inner point three inputs."""
    nothing, inner = rows[0], rows[1:].reshape(-1, 3)
    deleted = np.array([original, *inner[:, 0], nothing])
    inserted = np.array([nothing, *inner[:, 1], original])
    random = np.array([original, *inner[:, 2], nothing])
    # A random deletion read backwards is an insertion in the reversed order, which is as random.
    return (
        ReplacementCurve(transform, "deletion", shares, deleted, random),
        ReplacementCurve(transform, "insertion", shares, inserted, random[::-1]),
    )

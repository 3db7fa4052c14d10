"""Pixel importance of all maps of one input: what is common to them is made once.

The numbers are those of `viewer.evaluation.pixel_importance`, which asks about one map.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.controllers.cohort.look import RANDOM, Look, MapKey
from viewer.controllers.cohort.order import CohortPlan
from viewer.evaluation.replacement import altered, importance_order, random_order, replaced_everywhere
from viewer.explainers.explainer_info import INPUT_LAYER
from viewer.foundation.errors import ExplainError
from viewer.foundation.progress import SILENT, Progress

_TOGETHER = 16
_VALUES = 1 << 22
"""At most so many altered inputs, and about so many of their values, are in memory at once."""


def importance_rows(
    plan: CohortPlan,
    look: Look,
    maps: Mapping[MapKey, NDArray[np.float32]],
    seed: int,
    problems: Counter[str],
    progress: Progress = SILENT,
) -> list[list[Any]]:
    """What replacing the most important pixels does to the probability of every class.

    Parameters
    ----------
    maps : signed, on their own grids.
    seed : of noise and of the random order, which stands among the maps as `RANDOM`.

    Returns
    -------
    list
        ``[class of the map, explainer, layer, transform, fraction, [p(original) - p(replaced) per class]]``.
    """
    from viewer.controllers.cohort import passes

    ready = passes.ready_input(plan.model, plan.device, look.image, look.index, plan.mirror, plan.crop)
    space = ready.shape[1:]
    pixels = int(np.prod(space))
    orders: dict[tuple[str, str, str], NDArray[np.intp]] = {}
    for (target, layer, explainer), signed in maps.items():
        try:
            orders[plan.classes[target], explainer, layer] = importance_order(signed, space)[0]
        except ExplainError:
            problems[f"{explainer} on {layer}: the map is the same everywhere and orders no pixels"] += 1
    for target in dict.fromkeys(target for target, _, _ in maps):
        orders[plan.classes[target], RANDOM, INPUT_LAYER] = random_order(pixels, seed)
    names: list[tuple[str, str, str, str, float]] = []

    def inputs() -> Iterator[NDArray[np.float32]]:
        yield ready
        for transform in plan.transforms:
            instead = replaced_everywhere(ready, transform, seed)
            for key, order in orders.items():
                for fraction in plan.fractions:
                    names.append((*key, transform, fraction))
                    yield altered(ready, instead, order[: round(fraction / 100 * pixels)])

    together = max(1, min(_TOGETHER, _VALUES // ready.size))
    total = 1 + len(plan.transforms) * len(orders) * len(plan.fractions)
    found: list[NDArray[np.float32]] = []
    batch: list[NDArray[np.float32]] = []
    for number, each in enumerate(inputs(), start=1):
        batch.append(each)
        if len(batch) == together or number == total:
            progress.report(number, total, "pixel importance")
            found.extend(passes.probabilities_of_inputs(plan.model, plan.device, np.stack(batch)))
            batch = []
    original = found[0].astype(np.float64)
    return [[*name, (original - replaced).tolist()] for name, replaced in zip(names, found[1:], strict=True)]

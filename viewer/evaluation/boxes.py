"""From a map to the places it points at: a threshold rule, connected pieces, their bounding boxes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viewer.evaluation.regions import Place, Region, area_of
from viewer.foundation.errors import UsageError
from viewer.foundation.registry import nearest

Rule = Literal["top-percent", "fraction-of-max", "top-area-of-truth"]


@dataclass(frozen=True)
class BoxRule:
    """Which pixels of a map count.

    Attributes
    ----------
    rule : ``top-percent``: the `value` percent most important pixels (k = round(value/100 * pixels), equal values by
        lowest index); ``fraction-of-max``: pixels of at least `value` times the maximum; ``top-area-of-truth``: `value`
        times as many of the most important pixels as the truth has, so that a map is not judged by a size that it did
        not choose. Only positive pixels count.
    value : percent in (0, 100], fraction in (0, 1], or a multiple in (0, 100].
    """

    rule: Rule = "top-percent"
    value: float = 5.0

    def __post_init__(self) -> None:
        if self.rule not in get_args(Rule):
            raise UsageError(
                f"There is no rule '{self.rule}'{nearest(self.rule, list(get_args(Rule)))}.", code="rule"
            )
        largest = 1 if self.rule == "fraction-of-max" else 100
        if not (math.isfinite(self.value) and 0 < self.value <= largest):
            raise UsageError(
                f"The value of the rule '{self.rule}' must be above 0 and at most {largest}.",
                code="rule-value",
            )

    def __str__(self) -> str:
        if self.rule == "top-percent":
            return f"most important {self.value:g}%"
        if self.rule == "top-area-of-truth":
            times = "" if self.value == 1 else f"{self.value:g} times "
            return f"{times}as many of the most important pixels as the truth has"
        return f"at least {self.value * 100:g}% of the maximum"


def mask_from_map(
    map: ArrayLike,
    *,
    rule: Rule = "top-percent",
    value: float = 5.0,
    within: NDArray[np.bool_] | None = None,
    truth: Place | None = None,
) -> NDArray[np.bool_]:
    """The pixels of a map that count under a rule.

    Parameters
    ----------
    map : (row, column) or (slice, row, column), any unit. Negative, zero and non-finite pixels never count.
    rule, value : see `BoxRule`.
    within : bool of the same shape; pixels outside, such as those the network never saw, neither count nor are counted.
    truth : what ``top-area-of-truth`` takes the area of; of no meaning for the others.

    Returns
    -------
    ndarray of bool
        The shape of the map.

    Raises
    ------
    UsageError
        When the rule or its value does not exist, or the rule needs a truth and there is none.
    """
    BoxRule(rule, value)
    if rule == "top-area-of-truth" and truth is None:
        raise UsageError("The rule 'top-area-of-truth' needs a truth region.", code="no-truth")
    values = np.asarray(map)
    if within is not None and within.shape != values.shape:
        raise ValueError("`within` has the shape of the map")
    usable = np.isfinite(values) & (values > 0)
    if within is not None:
        usable &= within
    if not usable.any():
        return np.zeros(values.shape, dtype=bool)
    if rule == "fraction-of-max":
        return np.asarray(usable & (values >= value * values[usable].max()))
    if truth is not None and rule == "top-area-of-truth":
        return _largest(values, usable, round(value * area_of(truth)))
    count = round(value / 100 * (values.size if within is None else np.count_nonzero(within)))
    return _largest(values, usable, count)


def _largest(values: NDArray, usable: NDArray[np.bool_], count: int) -> NDArray[np.bool_]:
    """The `count` largest usable values, equal ones by lowest index."""
    if count == 0:
        return np.zeros(values.shape, dtype=bool)
    chosen = values[usable]
    if count >= chosen.size:
        return usable
    limit = np.partition(chosen, -count)[-count]
    mask: NDArray[np.bool_] = usable & (values > limit)
    equal = np.flatnonzero(usable & (values == limit))[: count - np.count_nonzero(mask)]
    mask.flat[equal] = (
        True  # `ravel` would copy a mask that is not in row order, such as that of a transposed map
    )
    return mask


def boxes_from_mask(mask: NDArray[np.bool_], **attributes: Any) -> list[Region]:
    """Bounding boxes of the connected pieces of a mask, in reading order.

    Pixels that touch at a side or a corner are connected (8 neighbours in 2D, 26 in 3D), which gives outer contours.

    Parameters
    ----------
    mask : (row, column) or (slice, row, column).
    **attributes
        ``label``, ``reader`` and, for a picture, ``slice`` of every box.
    """
    from scipy import ndimage  # not before it is needed: the window is there first

    pieces, _ = ndimage.label(mask, structure=np.ones((3,) * mask.ndim, dtype=bool))
    boxes = []
    for extent in ndimage.find_objects(pieces):
        rows, columns = extent[-2:]
        if mask.ndim == 3:
            attributes |= {"slice": int(extent[0].start), "slice_max": int(extent[0].stop)}
        boxes.append(
            Region(int(rows.start), int(columns.start), int(rows.stop), int(columns.stop), **attributes)
        )
    return boxes


def boxes_from_map(
    map: ArrayLike,
    *,
    rule: Rule = "top-percent",
    value: float = 5.0,
    within: NDArray[np.bool_] | None = None,
    truth: Place | None = None,
    slice: int | None = None,
) -> list[Region]:
    """Boxes around the places that a map calls important; see `mask_from_map` and `boxes_from_mask`.

    Returns
    -------
    list of Region
        In reading order, with half-open pixel edges and ``reader="map"``; empty when no pixel is positive.

    Raises
    ------
    UsageError
        When the rule or its value does not exist.

    References
    ----------
    Chrysoula (2023), "XAI for chest X-ray classification": outer contours of the most important pixels.
    """
    mask = mask_from_map(map, rule=rule, value=value, within=within, truth=truth)
    attributes: dict[str, Any] = {"reader": "map"}
    if slice is not None:
        attributes["slice"] = slice
    return boxes_from_mask(mask, **attributes)

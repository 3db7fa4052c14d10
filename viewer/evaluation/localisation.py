"""How well a map, or the boxes made of it, agrees with a place in the image."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from viewer.evaluation.energy_table import EnergyTable
from viewer.evaluation.regions import Place, Region


def intersection(a: Region, b: Region) -> float:
    """Shared area (volume) of two boxes; masks are not looked at. Boxes on different slices share nothing."""
    if a.ndim != b.ndim:
        raise ValueError("a box on a picture and a box through slices cannot be compared")
    if a.ndim == 2 and a.slice is not None and b.slice is not None and a.slice != b.slice:
        return 0.0
    pairs = zip(a.edges, b.edges, strict=True)
    return math.prod(max(0.0, min(high, up) - max(low, down)) for (low, high), (down, up) in pairs)


def _shared(a: Place, b: Place) -> tuple[float, float, float]:
    """(shared, area of a, area of b)."""
    if isinstance(a, Region) and isinstance(b, Region) and a.mask is None and b.mask is None:
        return intersection(a, b), a.area, b.area
    grids = [place if isinstance(place, np.ndarray) else place.mask for place in (a, b)]
    shape = next(grid.shape for grid in grids if grid is not None)
    first, second = (
        place.rasterised(shape) if isinstance(place, Region) else place.astype(bool) for place in (a, b)
    )
    if first.shape != second.shape:
        raise ValueError("masks are compared on one grid")
    return (float(np.count_nonzero(part)) for part in (first & second, first, second))  # type: ignore[return-value]


def iou(a: Place, b: Place) -> float:
    """Intersection over union of two boxes (exact, also with fractional edges) or masks.

    A box beside a mask is taken as the pixels whose centre it holds. Two empty masks have the value nan.
    """
    shared, area_a, area_b = _shared(a, b)
    union = area_a + area_b - shared
    return shared / union if union > 0 else math.nan


def iobb(detected: Place, truth: Place) -> float:
    """Intersection over the area of the detected box: 1 when it lies wholly inside the truth. nan when it is empty."""
    shared, area, _ = _shared(detected, truth)
    return shared / area if area > 0 else math.nan


def dice(a: Place, b: Place) -> float:
    """Twice what two boxes or masks share over the sum of their areas, 0..1; nan when both are empty.

    References
    ----------
    Dice (1945), "Measures of the amount of ecologic association between species", Ecology 26.
    """
    shared, area_a, area_b = _shared(a, b)
    return 2 * shared / (area_a + area_b) if area_a + area_b > 0 else math.nan


def energy_inside(map: ArrayLike, region: Place) -> float:
    """Share of the map's positive mass inside a region, 0..1; nan when the map has none."""
    if isinstance(region, Region) and region.mask is None:
        table = EnergyTable(map)
        return share(table.inside(region.edges), table.total)
    values = np.asarray(map, dtype=np.float64)
    values = np.where(np.isfinite(values) & (values > 0), values, 0.0)
    mask = region.rasterised(values.shape) if isinstance(region, Region) else region
    return share(float(values[mask].sum()), float(values.sum()))


def share(part: float, total: float) -> float:
    """A part of a total, 0..1; nan of nothing."""
    # Rounding in the table may leave a hair below 0 or above 1.
    return min(max(part / total, 0.0), 1.0) if total > 0 else math.nan


def peak_position(map: ArrayLike) -> tuple[int, ...] | None:
    """Index of the largest pixel, the lowest index among equals; None when no pixel is positive."""
    values = np.asarray(map, dtype=np.float64)
    values = np.where(np.isfinite(values), values, -np.inf)
    if values.size == 0 or not values.max() > 0:
        return None
    return tuple(int(index) for index in np.unravel_index(int(np.argmax(values)), values.shape))


def pointing_hit(map: ArrayLike, region: Place, tolerance: float = 0.0) -> bool | None:
    """The pointing game: whether the centre of the map's peak pixel lies in the region.

    Parameters
    ----------
    tolerance : distance in pixels up to which a peak beside the region is a hit too.

    Returns
    -------
    bool or None
        None when the map has no peak.

    References
    ----------
    Zhang et al. (2018), "Top-down neural attention by excitation backprop", IJCV 126.
    """
    peak = peak_position(map)
    if peak is None:
        return None
    return peak_hits(peak, region, tolerance)


def peak_hits(peak: tuple[int, ...], region: Place, tolerance: float = 0.0) -> bool:
    """Whether the centre of a pixel lies in a region, or within `tolerance` pixels of it."""
    mask = region.mask if isinstance(region, Region) else region
    if mask is None:
        assert isinstance(region, Region)
        # Half-open: a centre on the upper edge lies outside, at no distance.
        inside = all(low <= i + 0.5 < high for i, (low, high) in zip(peak, region.edges, strict=True))
    else:
        inside = bool(mask[peak])
    return inside or (tolerance > 0 and distance_to(peak, region) <= tolerance)


def distance_to(pixel: tuple[int, ...], region: Place, spacing: Sequence[float] | None = None) -> float:
    """Distance from the centre of a pixel to a region; 0 inside, infinite to an empty mask.

    Parameters
    ----------
    pixel : index, one per axis.
    region : of a box the nearest edge counts, of a mask the centre of its nearest pixel.
    spacing : mm along each axis; None for a distance in pixels.
    """
    steps = np.ones(len(pixel)) if spacing is None else np.asarray(spacing, dtype=np.float64)
    mask = region.mask if isinstance(region, Region) else region
    if mask is not None:
        if mask[pixel]:
            return 0.0
        apart = (np.argwhere(mask) - np.asarray(pixel)) * steps
        return float(np.sqrt((apart**2).sum(axis=1).min(initial=np.inf)))
    assert isinstance(region, Region)
    pairs = zip(pixel, region.edges, steps, strict=True)
    return math.hypot(*(max(low - i - 0.5, 0, i + 0.5 - high) * step for i, (low, high), step in pairs))


def peak_distance(map: ArrayLike, region: Place, spacing: Sequence[float] | None = None) -> float:
    """Distance from the map's peak to a region, see `distance_to`; nan when the map has no peak.

    Parameters
    ----------
    spacing : mm along each axis of the map; None for a distance in pixels.
    """
    peak = peak_position(map)
    return math.nan if peak is None else distance_to(peak, region, spacing)

"""From raw values to pixels, without anything drawn on top."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from viewer.foundation.errors import ExportError
from viewer.foundation.registry import nearest

if TYPE_CHECKING:
    from matplotlib.colors import Colormap

_FADE = 0.3
"""Share of the scale over which the overlay fades in, so that a weak map does not paint the whole picture dark."""


@dataclass(frozen=True, eq=False)
class Overlay:
    """A map as it is to be shown.

    Attributes
    ----------
    values : (row, column) float, raw values on the grid of the picture; pixels that are not finite are not shown.
    scale : (low, high) raw values at the ends of the colour bar; low < high. A negative `low` makes the map diverging.
        (0, 0), which is what an empty map has, is shown as 0 to 1.
    scale_name : where the scale comes from ("model reference", "series", "slice").
    colour_map : name of a matplotlib colour map.
    opacity : 0..1.
    threshold : share of the scale, 0..1, below which nothing is shown.
    """

    values: NDArray
    scale: tuple[float, float]
    scale_name: str = ""
    colour_map: str = "inferno"
    opacity: float = 0.7
    threshold: float = 0.0

    def __post_init__(self) -> None:
        low, high = self.scale
        if low == high == 0:
            high = 1.0
            object.__setattr__(self, "scale", (low, high))
        if not (np.isfinite(low) and np.isfinite(high) and low < high):
            raise ValueError("the scale of an overlay goes from a lower to a higher value")

    @property
    def colours(self) -> Colormap:
        """The colour map.

        Raises
        ------
        ExportError
            When matplotlib has none of that name.
        """
        # Here, so that content can be described before matplotlib is loaded.
        from matplotlib import colormaps

        if self.colour_map not in colormaps:
            known = sorted(colormaps)
            raise ExportError(
                f"There is no colour map '{self.colour_map}'{nearest(self.colour_map, known)}.",
                code="colour-map",
            )
        return colormaps[self.colour_map]

    def rgba(self) -> NDArray[np.float64]:
        """(row, column, 4) colours 0..1; alpha is `opacity` where the map is strong and 0 where it is not shown."""
        low, high = self.scale
        values = np.asarray(self.values, dtype=np.float64)
        shown = np.isfinite(values)
        values = np.where(shown, values, 0.0)
        strength = np.abs(values) / max(abs(low), abs(high))
        shown &= (strength > 0) & (strength >= self.threshold)
        colours = np.asarray(self.colours(np.clip((values - low) / (high - low), 0, 1)), dtype=np.float64)
        colours[..., 3] = np.where(shown, self.opacity * np.clip(strength / _FADE, 0, 1), 0.0)
        return colours


@dataclass(frozen=True, eq=False)
class Tint:
    """The map of one of several findings on one picture, in the colour of its class.

    Attributes
    ----------
    words : what the legend says of it.
    number : of the class; stands where the map is largest, for whoever does not tell the colours apart.
    colour : ``#rrggbb``.
    values : (row, column) float, raw values on the grid of the picture; None where the map is hidden or not there.
    scale : raw value of full colour.
    peak : (row, column) in pixel edges, where the map is largest; None without a map.
    opacity, threshold : as those of `Overlay`.
    """

    words: str
    number: int
    colour: str
    values: NDArray | None = None
    scale: float = 1.0
    peak: tuple[float, float] | None = None
    opacity: float = 0.7
    threshold: float = 0.0

    def rgba(self) -> NDArray[np.float64]:
        """(row, column, 4) colours 0..1: opaque where the value is large, so that several may lie over each other."""
        assert self.values is not None
        strength = np.nan_to_num(np.asarray(self.values, dtype=np.float64)) / (self.scale or 1.0)
        shown = (strength > 0) & (strength >= self.threshold)
        colours = np.empty((*strength.shape, 4))
        colours[..., :3] = [int(self.colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        colours[..., 3] = np.where(shown, self.opacity * np.clip(strength, 0, 1), 0.0)
        return colours


def grey_levels(
    picture: NDArray, window: tuple[float, float], *, inverted: bool = False
) -> NDArray[np.float64]:
    """A picture as colours.

    Parameters
    ----------
    picture : (row, column) in the units of the image, or (row, column, 3) uint8 colours, which no window touches.
    window : (low, high) values shown black and white; a window without width is a step.
    inverted : whether low values are white (MONOCHROME1).

    Returns
    -------
    ndarray
        (row, column, 3) float 0..1; pixels that are not finite are black.
    """
    if picture.ndim == 3:
        return np.asarray(picture[..., :3], dtype=np.float64) / 255
    low, high = window
    values = np.asarray(picture, dtype=np.float64)
    finite = np.isfinite(values)
    values = np.clip((np.where(finite, values, low) - low) / max(high - low, 1e-12), 0, 1)
    values = np.where(finite, 1 - values if inverted else values, 0.0)
    return np.repeat(values[..., None], 3, axis=2)


def blended(base: NDArray[np.float64], *maps: Overlay | Tint | None) -> NDArray[np.float64]:
    """(row, column, 3) colours 0..1 of a picture with maps over it, the first at the bottom."""
    for map_ in maps:
        if map_ is None or map_.values is None:
            continue
        if map_.values.shape != base.shape[:2]:
            raise ValueError("a map is drawn on the grid of its picture")
        colours = map_.rgba()
        alpha = colours[..., 3:]
        base = base * (1 - alpha) + colours[..., :3] * alpha
    return base

"""Colour tables: from a share of the scale to a colour with its own transparency; never from the values' extremes."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from viewer.imaging.image import Window
from viewer.imaging.windows import grey_bytes
from viewer.state.canvas_view import Background

STEPS = 1024
"""Entries of a colour table."""
FADE = 0.3
"""Share of the scale over which the overlay fades in, so that a weak map does not paint the whole picture dark."""

Table = NDArray[np.uint8]

_DIVERGING = ((0.0, "#8fd0ff"), (0.25, "#2f7fe0"), (0.5, "#1b1f26"), (0.75, "#e0662f"), (1.0, "#ffe08f"))


@lru_cache(maxsize=16)
def colours(name: str, diverging: bool) -> Table:
    """(STEPS, 3) colours over the whole scale; a diverging map runs from -1 to 1 of it, whatever its name."""
    at = np.linspace(0, 1, STEPS)
    if diverging:
        stops = [position for position, _ in _DIVERGING]
        rgb = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for _, c in _DIVERGING], dtype=float)
        table = np.stack([np.interp(at, stops, rgb[:, i]) for i in range(3)], axis=1)
    elif name == "jet":
        # The three tents of the old default map: red, green and blue centred on 3/4, 1/2 and 1/4.
        table = np.stack([np.clip(1.5 - np.abs(4 * at - centre), 0, 1) for centre in (3, 2, 1)], axis=1) * 255
    else:
        from cmap import Colormap  # not before there is a map to colour

        table = Colormap(name)(at)[:, :3] * 255
    table = np.asarray(np.rint(table), dtype=np.uint8)
    table.setflags(write=False)
    return table


@lru_cache(maxsize=64)
def overlay_table(name: str, threshold: float, diverging: bool) -> Table:
    """(STEPS, 4) colours with the alpha of an overlay at full opacity.

    Parameters
    ----------
    threshold : share of the scale below which the map is transparent, 0..1.
    """
    at = np.linspace(-1, 1, STEPS) if diverging else np.linspace(0, 1, STEPS)
    strength = np.abs(at)
    alpha = np.where((strength > 0) & (strength >= threshold), np.clip(strength / FADE, 0, 1), 0)
    table = np.empty((STEPS, 4), dtype=np.uint8)
    table[:, :3] = colours(name, diverging)
    table[:, 3] = np.rint(alpha * 255)
    table.setflags(write=False)
    return table


@lru_cache(maxsize=64)
def finding_table(colour: str, threshold: float) -> Table:
    """(STEPS, 4) one colour, the more opaque the larger the value: several of them may lie over each other.

    Parameters
    ----------
    colour : ``#rrggbb``.
    threshold : share of the scale below which the map is transparent, 0..1.
    """
    at = np.linspace(0, 1, STEPS)
    table = np.empty((STEPS, 4), dtype=np.uint8)
    table[:, :3] = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    table[:, 3] = np.rint(np.where((at > 0) & (at >= threshold), at, 0) * 255)
    table.setflags(write=False)
    return table


def levels(scale: float, diverging: bool) -> tuple[float, float]:
    """Raw values at the ends of the colour table."""
    return (-scale, scale) if diverging else (0.0, scale)


def coloured(values: NDArray[Any], scale: float, diverging: bool, table: Table) -> QImage:
    """A map (row, column) as an image; `table` has three or four channels. A number that is none counts as zero."""
    low, high = levels(scale, diverging)
    index = np.nan_to_num(np.asarray(values, dtype=np.float32), posinf=high, neginf=low)
    index -= np.float32(low)
    index *= np.float32((STEPS - 1) / max(high - low, 1e-30))
    steps = np.clip(index, 0, STEPS - 1, out=index).astype(np.int16)
    if table.shape[1] == 4:  # a colour at a time, not a channel at a time: five times as fast
        return image_of(table.view(np.uint32)[:, 0].take(steps)[..., None].view(np.uint8))
    return image_of(table[steps])


def grey(background: Background) -> QImage:
    """A background as an image, with its window."""
    if background.pixels.ndim == 3:
        return image_of(np.asarray(background.pixels[..., :3], dtype=np.uint8))
    bytes_ = np.ascontiguousarray(shades(background))
    rows, columns = bytes_.shape
    return QImage(bytes_.data, columns, rows, columns, QImage.Format.Format_Grayscale8).copy()


def shades(background: Background) -> NDArray[np.uint8]:
    """The grey bytes of a picture through its window, (row, column); numbers that are none are black.

    Integers of up to 16 bits are looked up in a table of all their values: no arithmetic per pixel, so that three
    planes fit into a frame.
    """
    pixels = background.pixels
    if pixels.dtype.kind in "iu" and pixels.dtype.itemsize <= 2:
        table = _shade_table(pixels.dtype.str, background.low, background.high, background.inverted)
        unsigned = np.dtype(f"u{pixels.dtype.itemsize}").newbyteorder(pixels.dtype.byteorder)
        return np.asarray(table[pixels.view(unsigned)])
    window = Window((background.low + background.high) / 2, background.high - background.low)
    return grey_bytes(pixels, window, inverted=background.inverted)


@lru_cache(maxsize=16)
def _shade_table(dtype: str, low: float, high: float, inverted: bool) -> Table:
    """Grey byte of every value of an integer type, in the order of its bits."""
    kind = np.dtype(dtype)
    values = np.arange(1 << 8 * kind.itemsize, dtype=f"u{kind.itemsize}").view(f"{kind.kind}{kind.itemsize}")
    table = grey_bytes(values, Window((low + high) / 2, high - low), inverted=inverted)
    table.setflags(write=False)
    return table


def image_of(rgb: NDArray[np.uint8]) -> QImage:
    """A QImage that owns its pixels, from (row, column, 3 or 4) colours."""
    rgb = np.ascontiguousarray(rgb)
    rows, columns, channels = rgb.shape
    kind = QImage.Format.Format_RGBA8888 if channels == 4 else QImage.Format.Format_RGB888
    return QImage(rgb.data, columns, rows, columns * channels, kind).copy()

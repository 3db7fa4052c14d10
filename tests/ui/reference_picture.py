"""Reference pictures of panels: grey, a quarter of the size, compared in blocks, so that another font version passes.

They are renewed by ``WHYSLICE_RENEW_PICTURES=1 pytest tests/ui/test_reference_pictures.py``; look at them afterwards.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

FOLDER = Path(__file__).parent / "reference"
RENEW = os.environ.get("WHYSLICE_RENEW_PICTURES") == "1"
STEP, BLOCK = 4, 4
"""Pixels of the screen in one of a picture, and of a picture in one block, along each side."""
MOST, MEAN = 26.0, 3.0
"""Largest difference of a block, and of blocks on average, of 255 grey levels."""
_SIZE = 0.04
"""Share of its size by which a panel may be larger or smaller: words are as long as their font makes them."""


def small_grey(widget: QWidget) -> NDArray[np.uint8]:
    """(row, column) luminance of a widget, a quarter of its size."""
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_Grayscale8)
    raw = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    picture = Image.fromarray(raw[:, : image.width()].copy())
    size = max(1, image.width() // STEP), max(1, image.height() // STEP)
    return np.asarray(picture.resize(size, Image.Resampling.BOX))


def difference(found: NDArray[np.uint8], wanted: NDArray[np.uint8]) -> str:
    """How two pictures differ, in words; empty where they do not beyond the tolerance."""
    for mine, theirs in zip(found.shape, wanted.shape, strict=True):
        if abs(mine - theirs) > max(2, _SIZE * theirs):
            return f"its size is {found.shape}, not {wanted.shape}"
    resized = Image.fromarray(found).resize(wanted.shape[::-1], Image.Resampling.BILINEAR)
    apart = np.abs(_blocks(np.asarray(resized)) - _blocks(wanted))
    if apart.max() <= MOST and apart.mean() <= MEAN:
        return ""
    row, column = np.unravel_index(int(apart.argmax()), apart.shape)
    side = STEP * BLOCK
    return f"{apart.max():.0f} grey levels at ({column * side}, {row * side}), {apart.mean():.1f} on average"


def _blocks(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    rows, columns = (-(-n // BLOCK) * BLOCK for n in picture.shape)
    padded = np.pad(
        picture.astype(float), ((0, rows - picture.shape[0]), (0, columns - picture.shape[1])), "edge"
    )
    return padded.reshape(rows // BLOCK, BLOCK, columns // BLOCK, BLOCK).mean(axis=(1, 3))


def compared(panels: dict[str, QWidget]) -> list[str]:
    """What differs from the reference pictures, a line for each panel; renews them where that is asked for."""
    lines = []
    for name, widget in panels.items():
        found, path = small_grey(widget), FOLDER / f"{name}.png"
        if RENEW:
            Image.fromarray(found).save(path, optimize=True)
        if not path.is_file():
            lines.append(f"{name}: there is no reference picture")
            continue
        with Image.open(path) as picture:
            words = difference(found, np.asarray(picture.convert("L")))
        if words:
            lines.append(f"{name}: {words}")
    return lines

"""Grey-level windows: what the file recommends, what the modality suggests, what the values themselves suggest."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.imaging.image import MedicalImage, VoiTable, Window

_CT = (
    Window(40, 80, "brain"),
    Window(40, 40, "stroke"),
    Window(75, 215, "subdural"),
    Window(600, 2800, "bone"),
    Window(-600, 1500, "lung"),
)
_PROJECTIONS = ("CR", "DX", "MG", "RG", "PX", "IO")
_SAMPLE = 250_000
_NUCLEAR = ("PT", "NM")
_ALIKE = 0.03
"""Share of its width by which a window must differ from another one to be worth a key."""
PRESETS = 5
_BACKGROUND = 0.05
"""Share of the range below which a voxel of a cross-section is background: air, noise, padding."""


def automatic_window(image: MedicalImage, picture: NDArray[Any] | None = None) -> Window:
    """A window from the values: 0.5th to 99.5th percentile of what is not background.

    Parameters
    ----------
    image : whose volume is looked at.
    picture : (row, column[, channel]), to use one slice in place of the volume.

    Returns
    -------
    Window
        Never empty: a constant image gets a width of 1.
    """
    values = _unpadded(_sample(image.voxels if picture is None else picture), image.intensity.padding)
    if image.colour and values.dtype == np.uint8:
        return Window(127.5, 255, "automatic")
    values = values.astype(np.float64)
    values = values[np.isfinite(values)]
    if not values.size:
        return Window(0.5, 1, "automatic")
    if image.geometry.shape[0] > 1 and image.modality not in _PROJECTIONS and not image.intensity.inverted:
        least, most = float(values.min()), float(np.percentile(values, 99.8))
        tissue = values[values > least + _BACKGROUND * (most - least)]
        tissue = tissue if tissue.size >= 0.001 * values.size else values
    else:
        tissue = values
    low, high = (float(edge) for edge in np.percentile(tissue, (0.5, 99.5)))
    if high <= low:
        # A mask: what is not background has one value, and is bright against the background.
        low, high = float(values.min()), float(values.max())
    width = high - low
    return Window((low + high) / 2, width if width > 0 else 1.0, "automatic")


def presets(image: MedicalImage) -> tuple[Window, ...]:
    """Windows for the keys 1 to 5, best first, no two alike; none for colours, which no window touches.

    CT in Hounsfield units has those of its organs. Counts (PET, scintigraphy) are shown from zero, so that nothing
    looks hot which is not. Everything else has the file's own and those that its values suggest.
    """
    if image.colour:
        return ()
    if image.modality == "CT" and image.intensity.unit in ("HU", ""):
        return _CT
    automatic = automatic_window(image)
    own = [window for window in image.intensity.windows if _sane(window, image)][:2]
    own = [replace(window, name=window.name or "as stored in the file") for window in own]
    least, most = _extremes(image)
    full = _between(least, most, "full range")
    if image.modality in _NUCLEAR:
        shares = ((1.0, "0 to maximum"), (0.5, "0 to half"), (0.25, "0 to a quarter"), (0.1, "0 to a tenth"))
        wanted = [*(_between(0, most * share, name) for share, name in shares), *own, automatic]
    else:
        high = automatic.high
        derived = [
            Window(automatic.centre, automatic.width * 1.6, "wide"),
            Window(automatic.centre, automatic.width * 0.6, "narrow"),
            _between(high - 0.4 * automatic.width, high, "bright parts"),
            _between(automatic.low, automatic.low + 0.4 * automatic.width, "dark parts"),
        ]
        first = [automatic, *own] if image.modality == "MR" else [*own, automatic]
        if not image.modality and image.voxels.dtype == np.uint8:
            first = [*own, full, automatic]
        wanted = [*first, *derived, full]
    return _different(wanted)[:PRESETS]


def _different(wanted: list[Window]) -> tuple[Window, ...]:
    """The windows that can be told apart on screen, in their order."""
    kept: list[Window] = []
    for window in wanted:
        least = _ALIKE * window.width
        if window.width > 0 and not any(
            abs(window.low - k.low) < least and abs(window.high - k.high) < least for k in kept
        ):
            kept.append(window)
    return tuple(kept)


def _between(low: float, high: float, name: str) -> Window:
    return Window((low + high) / 2, high - low, name)


def _extremes(image: MedicalImage) -> tuple[float, float]:
    """Least and greatest value of a sample; (0, 0) without any number."""
    values = _sample(image.voxels)
    values = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    return (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)


def default_window(image: MedicalImage) -> Window:
    """The window in which an image is first shown.

    The file's first window when it meets the values, else brain for CT, the full range for a photograph of 8 bits, else
    the automatic one.
    """
    for window in image.intensity.windows:
        if _sane(window, image):
            return window
    if image.modality == "CT" and not image.colour:
        return _CT[0]
    if image.voxels.dtype == np.uint8 and not image.modality and not image.geometry.oriented:
        return Window(127.5, 255, "as stored in the file")
    return automatic_window(image)


def grey_levels(picture: NDArray[Any], window: Window, *, inverted: bool = False) -> NDArray[np.float32]:
    """A picture through a window.

    Parameters
    ----------
    picture : (row, column[, channel]), in the units of the window.
    inverted : whether low values are bright (MONOCHROME1).

    Returns
    -------
    (row, column[, channel]) float32
        0 (black) to 1 (white); values that are no numbers are black.
    """
    if isinstance(window, VoiTable):
        levels = window.grey(np.asarray(picture))
    elif window.function == "SIGMOID":
        away = (np.asarray(picture, dtype=np.float32) - np.float32(window.centre)) / np.float32(window.width)
        levels = 1 / (1 + np.exp(np.clip(-4 * away, -80, 80)))
    else:
        levels = (np.asarray(picture, dtype=np.float32) - np.float32(window.low)) / np.float32(
            max(window.high - window.low, 1e-9)
        )
    levels = np.clip(levels, 0, 1)
    if inverted:
        levels = 1 - levels
    return np.asarray(np.nan_to_num(levels, copy=False, nan=0.0), dtype=np.float32)


def straightened(picture: NDArray[Any], window: Window) -> tuple[NDArray[Any], float, float]:
    """A picture and two values of it, black and white, between which grey grows evenly: what a canvas can draw.

    Of a straight window the picture itself and the window's ends; of a table or a sigmoid its grey levels, 0 and 1.
    """
    if picture.ndim == 3 or not (isinstance(window, VoiTable) or window.function == "SIGMOID"):
        return picture, window.low, window.high
    return grey_levels(picture, window), 0.0, 1.0


def grey_bytes(picture: NDArray[Any], window: Window, *, inverted: bool = False) -> NDArray[np.uint8]:
    """`grey_levels` as bytes for a screen: 0 (black) to 255 (white)."""
    return np.asarray(np.rint(grey_levels(picture, window, inverted=inverted) * 255), dtype=np.uint8)


def _sane(window: Window, image: MedicalImage) -> bool:
    """Whether a window of the file meets the values at all; some files carry the window of another image."""
    values = _sample(image.voxels)
    if image.colour or not values.size or not np.isfinite([window.centre, window.width]).all():
        return False
    finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    if not finite.size or window.width <= 0:
        return False
    least, most = float(finite.min()), float(finite.max())
    return window.high > least and window.low < most and window.width < 100 * max(most - least, 1.0)


def _unpadded(values: NDArray[Any], padding: tuple[float, float] | None) -> NDArray[Any]:
    """Values without those that only fill the picture up; all of them when nothing else is there."""
    if padding is None:
        return values
    kept = values[(values < padding[0]) | (values > padding[1])]
    return kept if kept.size else values


def _sample(values: NDArray[Any]) -> NDArray[Any]:
    """At most about half a million values, evenly spread: enough for percentiles, quick for any volume."""
    flat = values.reshape(-1)
    return flat[:: max(1, flat.size // _SAMPLE)]

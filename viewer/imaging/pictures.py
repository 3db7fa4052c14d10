"""PNG and JPEG: one slice, no place in the patient."""

from __future__ import annotations

import warnings
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from viewer.foundation.errors import ReadError
from viewer.foundation.provenance import sha256_of
from viewer.imaging.budget import BUDGET
from viewer.imaging.diagnoses import Diagnosis, no_orientation, no_spacing
from viewer.imaging.geometry import Geometry
from viewer.imaging.image import Intensity, MedicalImage, Source
from viewer.imaging.series import Candidate, SeriesInfo, Wish
from viewer.imaging.voxel_types import value_findings

_FORMATS = ("PNG", "JPEG")
_GREY = ("L", "I;16", "I;16B", "I;16L", "I", "F", "1", "LA")
_ROTATED = (5, 6, 7, 8)
_EXIF_ORIENTATION = 0x0112


def candidates(path: Path) -> list[Candidate]:
    """The one picture in a file.

    Raises
    ------
    ReadError
        When the header is damaged or announces more pixels than the budget allows.
    """
    with _opened(path) as picture:
        columns, rows = picture.size
        turn = _turn(picture)
        colour = picture.mode not in _GREY and not _grey_palette(picture)
    if turn in _ROTATED:
        columns, rows = rows, columns
    BUDGET.check(path.name, rows * columns * (3 if colour else 2))
    diagnoses = [no_spacing(), no_orientation()]
    if turn != 1:
        diagnoses.append(Diagnosis("turned", "note", "The picture was turned as its camera data ask."))
    geometry = Geometry.unoriented((1, rows, columns))
    info = SeriesInfo.of(
        geometry,
        path,
        frames=1,
        photometric="RGB" if colour else "MONOCHROME2",
        diagnoses=tuple(diagnoses),
    )
    return [Candidate(info, partial(_load, path, geometry, tuple(diagnoses)))]


def _opened(path: Path) -> Image.Image:
    """A lazily opened picture; Pillow's own limit against bombs counts as our budget."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return Image.open(path, formats=_FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ReadError(
            f"'{path.name}' announces more pixels than are allowed for one picture.", code="over-budget"
        ) from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, OverflowError):
        raise _damaged(path) from None


def _damaged(path: Path) -> ReadError:
    return ReadError(f"'{path.name}' is a cut-off or damaged picture.", code="truncated")


def _turn(picture: Image.Image) -> int:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = picture.getexif().get(_EXIF_ORIENTATION, 1)
    except Exception:  # noqa: BLE001 camera data are a convenience, never a reason to refuse a picture
        return 1
    return value if isinstance(value, int) and value in range(2, 9) else 1


def _grey_palette(picture: Image.Image) -> bool:
    if picture.mode != "P":
        return False
    palette = np.asarray(picture.getpalette("RGB") or [0, 0, 0], dtype=np.uint8).reshape(-1, 3)
    return bool((palette == palette[:, :1]).all()) and "transparency" not in picture.info


def _load(path: Path, geometry: Geometry, diagnoses: tuple[Diagnosis, ...], wish: Wish) -> MedicalImage:
    wish.progress.report(0, 1, "reading")
    with _opened(path) as picture:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                picture.load()
                if _turn(picture) != 1:
                    turned = ImageOps.exif_transpose(picture)
                    array, found = _array(turned)
                else:
                    array, found = _array(picture)
        except (OSError, ValueError, SyntaxError, EOFError, IndexError):
            raise _damaged(path) from None
    wish.progress.report(1, 1)
    return MedicalImage(
        voxels=np.ascontiguousarray(array[np.newaxis]),
        geometry=geometry,
        intensity=Intensity(photometric="RGB" if array.ndim == 3 else "MONOCHROME2"),
        source=Source(path, (path,), sha256=sha256_of(path)),
        diagnoses=diagnoses + found + value_findings(array),
    )


def _array(picture: Image.Image) -> tuple[NDArray[Any], tuple[Diagnosis, ...]]:
    """(row, column) in uint8, uint16 or float32, or (row, column, 3) in uint8."""
    found: tuple[Diagnosis, ...] = ()
    mode = picture.mode
    if mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        alpha = np.asarray(picture.convert("RGBA"))[..., 3]
        if (alpha < 255).any():
            found = (
                Diagnosis(
                    "transparent", "note", "Parts of the picture are transparent; transparency is ignored."
                ),
            )
    if mode == "1":
        return np.asarray(picture.convert("L")), found
    if mode == "LA":
        return np.asarray(picture)[..., 0], found
    if _grey_palette(picture):
        return np.asarray(picture.convert("L")), found
    if mode in ("I;16", "I;16B", "I;16L"):
        return np.asarray(picture).astype(np.uint16), found
    if mode == "I":
        values = np.asarray(picture)
        return (values.astype(np.uint16) if values.min() >= 0 and values.max() < 65536 else values), found
    if mode in ("L", "F"):
        return np.asarray(picture), found
    return np.asarray(picture.convert("RGB")), found

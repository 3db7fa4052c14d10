"""Pillow's side of pictures; runs in the decoding worker, see `viewer.imaging.decoding.door`.

A picture is looked at first, which decodes nothing, so that its size can meet the budget; then its pages are decoded.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from viewer.foundation.errors import ReadError

_DEEP = ("I;16", "I;16B", "I;16L", "I;16N")
_GREY = ("L", "1", "LA", "La", "I", "F", *_DEEP)
_EXIF_ORIENTATION = 0x0112
_BITS, _PHOTOMETRIC, _FORMAT = 258, 262, 339
_WHITE_IS_ZERO, _SIGNED = 0, 2
_MOST_PAGES = 10_000
_BROKEN = (OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, OverflowError, TypeError)


def look(path: str, kind: str) -> tuple[dict[str, Any], list[NDArray[Any]]]:
    """Facts about a picture from its header: size, pages, colours; nothing is decoded.

    Returns
    -------
    facts
        ``columns``, ``rows`` (as stored), ``pages`` (numbers of those like the first), ``others`` (how many are not),
        ``colour``, ``item`` (bytes per value), ``turn`` (EXIF orientation, 1 to 8), ``inverted`` (0 is white),
        ``reduced`` (bits per colour that are brought down to 8, else 0).
    """
    with _opened(path, kind) as picture:
        colour = picture.mode not in _GREY and not _grey_palette(picture)
        like: list[int] = []
        count = min(int(getattr(picture, "n_frames", 1)), _MOST_PAGES)
        shape = (picture.size, picture.mode)
        for page in range(count) if kind == "TIFF" else ():
            picture.seek(page)
            if (picture.size, picture.mode) == shape:
                like.append(page)
        if kind == "TIFF":
            picture.seek(0)
        else:
            like = list(range(count))
        bits = _stored_bits(picture, kind, path)
        columns, rows = picture.size
        return {
            "columns": columns,
            "rows": rows,
            "pages": like,
            "others": count - len(like),
            "colour": colour,
            "item": _item(picture.mode, colour),
            "turn": _turn(picture) if count == 1 else 1,
            "inverted": picture.mode in _DEEP and _tag(picture, _PHOTOMETRIC) == _WHITE_IS_ZERO,
            "reduced": bits if colour and bits > 8 else 0,
        }, []


def decode(path: str, kind: str, pages: list[int], colour: bool) -> tuple[dict[str, Any], list[NDArray[Any]]]:
    """The pages of a picture, turned as its camera data ask.

    Returns
    -------
    facts
        ``transparent`` : whether some of it is not opaque. Transparency is left out: the stored colours are what
        networks are trained on.
    arrays
        One array (page, row, column[, 3]); integers keep their type, colours have 8 bits.
    """
    transparent = False
    out: NDArray[Any] | None = None
    with _opened(path, kind) as picture:
        turn = _turn(picture) if int(getattr(picture, "n_frames", 1)) == 1 else 1
        for place, page in enumerate(pages):
            if page:
                picture.seek(page)
            picture.load()
            transparent = transparent or _transparent(picture)
            array = _turned(_values(picture, colour), turn)
            if out is None:
                out = np.empty((len(pages), *array.shape), array.dtype)
            out[place] = array
    assert out is not None
    return {"transparent": transparent}, [out]


def _item(mode: str, colour: bool) -> int:
    """Bytes per value of what `decode` gives."""
    if colour or mode in ("L", "1", "P", "LA", "La"):
        return 1
    return 2 if mode in _DEEP else 4


@contextmanager
def _opened(path: str, kind: str) -> Iterator[Image.Image]:
    """A picture, opened lazily; what Pillow throws at a broken one becomes a sentence."""
    name = Path(path).name
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=("JPEG", "MPO") if kind == "JPEG" else (kind,)) as picture:
                yield picture
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ReadError(
            f"'{name}' announces more pixels than are allowed for one picture.", code="over-budget"
        ) from None
    except FileNotFoundError:
        raise ReadError(f"'{name}' is no longer there.", code="missing", action="Open it again.") from None
    except UnidentifiedImageError:
        if kind == "TIFF":
            raise ReadError(
                f"'{name}' is a TIFF picture that is damaged or of a kind that is not read.",
                code="not-decodable",
                action="Save it as PNG or as a plain TIFF with another program.",
            ) from None
        raise ReadError(f"'{name}' is a cut-off or damaged picture.", code="truncated") from None
    except _BROKEN:
        raise ReadError(f"'{name}' is a cut-off or damaged picture.", code="truncated") from None


def _tag(picture: Image.Image, number: int) -> Any:
    """A tag of a TIFF page, unpacked where it is a single value; None for other formats."""
    tags = getattr(picture, "tag_v2", None)
    value = None if tags is None else tags.get(number)
    return value[0] if isinstance(value, tuple) and value else value


def _stored_bits(picture: Image.Image, kind: str, path: str) -> int:
    """Bits per value in the file, which Pillow does not always keep."""
    if kind == "PNG":
        with Path(path).open("rb") as stream:
            return stream.read(25)[24]
    bits = _tag(picture, _BITS)
    return bits if isinstance(bits, int) else 8


def _turn(picture: Image.Image) -> int:
    try:
        value = picture.getexif().get(_EXIF_ORIENTATION, 1)
    except Exception:  # noqa: BLE001 camera data are a convenience, never a reason to refuse a picture
        return 1
    return value if isinstance(value, int) and value in range(2, 9) else 1


def _turned(array: NDArray[Any], turn: int) -> NDArray[Any]:
    """An array (row, column[, 3]) turned as an EXIF orientation asks."""
    if turn in (5, 6, 7, 8):
        array = array.swapaxes(0, 1)
    if turn in (3, 4, 7, 8):
        array = array[::-1]
    return array[:, ::-1] if turn in (2, 3, 6, 7) else array


def _grey_palette(picture: Image.Image) -> bool:
    if picture.mode != "P":
        return False
    palette = np.asarray(picture.getpalette("RGB") or [0, 0, 0], dtype=np.uint8).reshape(-1, 3)
    return bool((palette == palette[:, :1]).all())


def _transparent(picture: Image.Image) -> bool:
    if picture.mode not in ("RGBA", "LA", "PA", "RGBa", "La") and "transparency" not in picture.info:
        return False
    return bool(np.asarray(picture.convert("RGBA"))[..., 3].min() < 255)


def _values(picture: Image.Image, colour: bool) -> NDArray[Any]:
    """(row, column) in 8, 16 or 32 bits, or (row, column, 3) in uint8."""
    mode = picture.mode
    if colour:
        return np.asarray(picture if mode == "RGB" else picture.convert("RGB"))
    if mode in _DEEP:
        return np.asarray(picture).astype(np.uint16)
    if mode == "I":
        wide = np.asarray(picture)
        if _tag(picture, _BITS) == 16:
            return wide.astype(np.int16)
        unsigned = _tag(picture, _BITS) == 32 and _tag(picture, _FORMAT) != _SIGNED
        return wide.view(np.uint32) if unsigned else wide
    if mode == "F":
        return np.asarray(picture)
    if mode in ("LA", "La"):
        return np.asarray(picture.getchannel(0))
    return np.asarray(picture if mode == "L" else picture.convert("L"))

"""Pixels of one DICOM file, frame by frame.

Plain pixels are read here, by numpy; compressed ones are decoded in the worker of `decoding`, one frame to a request.
"""

from __future__ import annotations

import contextlib
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID, ExplicitVRLittleEndian

from viewer.foundation.errors import ReadError
from viewer.imaging.decoding import door as decoding
from viewer.imaging.decoding.door import DecodingFailed
from viewer.imaging.dicom.codestream import codestream_size
from viewer.imaging.dicom.encapsulation import Fragment, frames_of_fragments, read_frame
from viewer.imaging.dicom.luts import StoredTables, from_partial_range
from viewer.imaging.dicom.pixel_element import PixelElement, read_pixel_element
from viewer.imaging.dicom.stream import InflatingStream, open_dicom
from viewer.imaging.dicom.syntaxes import DEFLATED_FRAMES, PLAIN, WRAPPED
from viewer.imaging.file_stamp import check_unchanged

_MAGNIFIED = 4
"""How many times more pixels than announced a compressed picture may hold before it is refused."""
_LARGEST = 1 << 20
"""Pixels along a side beyond which the header of a compressed picture is not believed."""
_PARTIAL = ("YBR_PARTIAL_422", "YBR_PARTIAL_420")
_PADDING = 64


def pictures(
    path: Path, indices: list[int], *, palette: bool, element: PixelElement | None = None
) -> Iterator[NDArray[Any]]:
    """Decode frames of a file one after the other; the file is opened once.

    Parameters
    ----------
    indices : places in the file's pixel data, in any order.
    palette : whether the values are entries of the file's colour table.
    element : what its header says of its pixels; None to read the header now.

    Yields
    ------
    (row, column[, channel]) array
        Stored values, before any rescale, in the order of `indices`, in memory of their own; a modality table is
        applied, colour is RGB.

    Raises
    ------
    ReadError
        When no decoder can; the sentence names the compression.
    """
    with _one_sentence(path):
        file = PixelFile(path, element or read_pixel_element(path), palette=palette)
    with contextlib.closing(file):
        for index in indices:
            with _one_sentence(path, file.syntax):
                frame = file.frame(index)
            yield frame


@contextlib.contextmanager
def _one_sentence(path: Path, syntax: str = "") -> Iterator[None]:
    """Whatever damaged data raise, as one sentence about the file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except Exception as error:
        if isinstance(error, ReadError) and not isinstance(error, DecodingFailed):
            raise
        cause = error.cause if isinstance(error, DecodingFailed) else type(error).__name__
        words = f"{UID(syntax).name}; {cause}" if syntax else cause
        raise ReadError(
            f"The picture in '{path.name}' cannot be decoded ({words}).",
            code="not-decodable",
            action="The file may be damaged, or its compression is not supported.",
        ) from None


def from_upper_bits(array: NDArray[Any], stored: int, shift: int) -> NDArray[Any]:
    """Values of a frame whose file states that `shift` bits lie below the `stored` ones.

    Many files only say so: where the bits below hold something, the values lie in the lowest bits as everywhere.
    """
    if not (array & ((1 << shift) - 1)).any():
        return array >> shift
    low = array & ((1 << stored) - 1)
    if array.dtype.kind == "i":
        sign = 1 << (stored - 1)
        low = (low ^ sign) - sign
    return np.asarray(low, dtype=array.dtype)


class PixelFile:
    """An open DICOM file whose frames can be decoded one by one.

    Parameters
    ----------
    element : what its header says of its pixels.
    palette : whether the values are entries of the file's colour table.
    """

    def __init__(self, path: Path, element: PixelElement, *, palette: bool) -> None:
        self._path = path
        self._stored = int(element.form["bits_stored"])
        if element.shift:
            # All bits are needed to see which of them are used.
            every = {**element.form, "bits_stored": self._stored + element.shift}
            element = replace(element, form=every)
        self._element = element
        self.syntax = element.syntax
        self._tables = StoredTables(element.tables or Dataset(), palette)
        check_unchanged(path, element.stamp)
        self._stream = open_dicom(path)
        if isinstance(self._stream, InflatingStream):
            self._stream.limit = element.start + element.frame_bytes * element.count + _PADDING

    def close(self) -> None:
        self._stream.close()

    def frame(self, index: int) -> NDArray[Any]:
        """One frame (row, column[, channel]); see `pictures`.

        Raises
        ------
        Exception
            Of whatever kind, on damaged data.
        """
        if self.syntax in PLAIN:
            array = self._plain(index)
        else:
            data = self._wrapped(index)
            array = self._unwrapped(data) if self.syntax in WRAPPED else self._decoded(data)
        if self._element.shift:
            array = from_upper_bits(array, self._stored, self._element.shift)
        if self._element.form["photometric_interpretation"] in _PARTIAL and array.ndim == 3:
            array = from_partial_range(array)
        array = self._tables.apply(array)
        if array.ndim == 3:
            array = array[..., :3]
        array = np.asarray(array, dtype=array.dtype.newbyteorder("="))
        return array if array.flags.owndata and array.flags.writeable else array.copy()

    def _plain(self, index: int) -> NDArray[Any]:
        self._stream.seek(self._element.start)
        # A stream has no length to be checked against; too little of it is an error all the same.
        form = {**self._element.form, "number_of_frames": max(self._element.count, index + 1)}
        return self._native(self.syntax, self._stream, index, form)

    @staticmethod
    def _native(syntax: str, source: Any, index: int, form: dict[str, Any]) -> NDArray[Any]:
        if form["photometric_interpretation"] in _PARTIAL:
            form = {**form, "photometric_interpretation": "YBR_FULL_422"}
            return get_decoder(UID(syntax)).as_array(source, index=index, raw=True, **form)[0]
        return get_decoder(UID(syntax)).as_array(source, index=index, **form)[0]

    @cached_property
    def _frames(self) -> list[list[Fragment]]:
        element = self._element
        return frames_of_fragments(self._stream, element.start, element.count, element.extended)

    def _wrapped(self, index: int) -> bytes:
        if index >= len(self._frames):
            raise ReadError(
                f"'{self._path.name}' is cut short: it announces {self._element.count} frames and holds "
                f"{len(self._frames)}.",
                code="truncated",
            )
        return read_frame(self._stream, self._frames[index])

    def _unwrapped(self, data: bytes) -> NDArray[Any]:
        """A frame that is plain inside its wrapping."""
        needed = self._element.frame_bytes
        if self.syntax == DEFLATED_FRAMES:
            inflater = zlib.decompressobj(-zlib.MAX_WBITS)
            data = inflater.decompress(data, needed + 1)
        if len(data) < needed:
            raise ReadError(
                f"'{self._path.name}' is cut short: a frame needs {needed:,} bytes and has {len(data):,}.",
                code="truncated",
            )
        return self._native(str(ExplicitVRLittleEndian), data[:needed], 0, self._element.form)

    def _decoded(self, data: bytes) -> NDArray[Any]:
        """A compressed frame, refused when it is far larger inside than its header says: decoders allocate that."""
        form = self._element.form
        size = codestream_size(data)
        if size is not None and max(size) > _LARGEST:
            raise ReadError(
                f"The compressed picture in '{self._path.name}' is damaged: its own header makes no sense.",
                code="not-decodable",
            )
        if size is not None and size[0] * size[1] > _MAGNIFIED * form["rows"] * form["columns"]:
            raise ReadError(
                f"'{self._path.name}' announces {form['rows']} x {form['columns']} pixels and its compressed picture "
                f"holds {size[0]} x {size[1]}.",
                code="size-mismatch",
            )
        answer = decoding.run(
            "viewer.imaging.dicom.codecs:decode_frame",
            {"frame": data, "syntax": self.syntax, "form": form},
            name=self._path.name,
            size=self._element.frame_bytes,
        )
        return answer.arrays[0]

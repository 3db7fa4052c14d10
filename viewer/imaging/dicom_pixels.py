"""Pixels of one DICOM file, frame by frame.

Plain pixels are read here, by numpy; compressed ones are decoded in the worker of `decoding`, one frame to a request.
"""

from __future__ import annotations

import contextlib
import math
import warnings
import zlib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from viewer.foundation.errors import ReadError
from viewer.imaging import decoding
from viewer.imaging.codestream import codestream_size
from viewer.imaging.decoding import DecodingFailed
from viewer.imaging.dicom_luts import StoredTables, from_partial_range
from viewer.imaging.dicom_stream import InflatingStream, open_dicom
from viewer.imaging.dicom_syntaxes import DEFLATED_FRAMES, PLAIN, WRAPPED, check_syntax
from viewer.imaging.dicom_values import whole
from viewer.imaging.encapsulation import Fragment, frames_of_fragments, read_frame

_KEYWORDS = {8: "FloatPixelData", 9: "DoubleFloatPixelData", 16: "PixelData"}
_BITS = (1, 8, 16, 32, 64)
_MAGNIFIED = 4
"""How many times more pixels than announced a compressed picture may hold before it is refused."""
_PARTIAL = ("YBR_PARTIAL_422", "YBR_PARTIAL_420")
_PADDING = 64


def decode(path: Path, indices: list[int], *, palette: bool) -> list[NDArray[Any]]:
    """`pictures` as a list."""
    return list(pictures(path, indices, palette=palette))


def pictures(path: Path, indices: list[int], *, palette: bool) -> Iterator[NDArray[Any]]:
    """Decode frames of a file one after the other; the file is opened and its header read once.

    Parameters
    ----------
    indices : places in the file's pixel data, in any order.
    palette : whether the values are entries of the file's colour table.

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
        file = PixelFile(path, palette=palette)
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


class PixelFile:
    """An open DICOM file whose frames can be decoded one by one.

    Parameters
    ----------
    palette : whether the values are entries of the file's colour table.
    """

    def __init__(self, path: Path, *, palette: bool) -> None:
        self._path = path
        self._stream = open_dicom(path)
        try:
            self._read_header()
            self._tables = StoredTables(self._dataset, palette)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._stream.close()

    def _read_header(self) -> None:
        dataset = pydicom.dcmread(self._stream, stop_before_pixels=True, force=True)
        self._dataset = dataset
        implicit, little = dataset.original_encoding
        plain = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        stated = str(getattr(dataset, "file_meta", {}).get("TransferSyntaxUID") or "")
        self.syntax = stated or str(ImplicitVRLittleEndian if implicit else plain)
        check_syntax(self.syntax, self._path.name)
        head = self._stream.read(12)
        order = "little" if little else "big"
        element = int.from_bytes(head[2:4], order)  # type: ignore[arg-type]
        if len(head) < 8 or int.from_bytes(head[:2], order) != 0x7FE0 or element not in _KEYWORDS:  # type: ignore[arg-type]
            raise ReadError(
                f"'{self._path.name}' is an incomplete DICOM file without pixel data.", code="incomplete"
            )
        explicit = head[4:6].isalpha()
        if not explicit:
            self._stream.seek(-4, 1)
        self._start = self._stream.tell()
        vr = head[4:6].decode("ascii", "replace") if explicit else "OW"
        self._form = self._described(_KEYWORDS[element], vr)
        self._frame_bytes = math.ceil(
            math.prod(self._form[key] for key in ("rows", "columns", "samples_per_pixel", "bits_allocated"))
            / 8
        )
        if isinstance(self._stream, InflatingStream):
            self._stream.limit = self._start + self._frame_bytes * self._count + _PADDING

    def _described(self, keyword: str, vr: str) -> dict[str, Any]:
        """The pixel module in pydicom's names of decoding options."""
        dataset = self._dataset
        count = whole(dataset, "NumberOfFrames") or 1
        self._count = max(count, 1)
        bits = {"FloatPixelData": 32, "DoubleFloatPixelData": 64}.get(keyword) or whole(
            dataset, "BitsAllocated"
        )
        if bits not in _BITS:
            raise ReadError(
                f"'{self._path.name}' has voxels of {bits} bits, which are not supported.",
                code="bits-allocated",
            )
        samples = whole(dataset, "SamplesPerPixel") or 1
        photometric = str(dataset.get("PhotometricInterpretation") or "MONOCHROME2").strip().upper()
        form: dict[str, Any] = {
            "rows": int(dataset.Rows),
            "columns": int(dataset.Columns),
            "samples_per_pixel": samples,
            "number_of_frames": 1,
            "bits_allocated": bits,
            "bits_stored": min(whole(dataset, "BitsStored") or bits, bits),
            "photometric_interpretation": photometric,
            "pixel_representation": int(bool(whole(dataset, "PixelRepresentation"))),
            "pixel_keyword": keyword,
        }
        if samples > 1:
            form["planar_configuration"] = int(bool(whole(dataset, "PlanarConfiguration")))
        if self.syntax == ExplicitVRBigEndian:
            form["pixel_vr"] = vr
        return form

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
        if self._form["photometric_interpretation"] in _PARTIAL and array.ndim == 3:
            array = from_partial_range(array)
        array = self._tables.apply(array)
        if array.ndim == 3:
            array = array[..., :3]
        array = np.asarray(array, dtype=array.dtype.newbyteorder("="))
        return array if array.flags.owndata and array.flags.writeable else array.copy()

    def _plain(self, index: int) -> NDArray[Any]:
        self._stream.seek(self._start)
        # A stream has no length to be checked against; too little of it is an error all the same.
        form = {**self._form, "number_of_frames": max(self._count, index + 1)}
        return self._native(self.syntax, self._stream, index, form)

    @staticmethod
    def _native(syntax: str, source: Any, index: int, form: dict[str, Any]) -> NDArray[Any]:
        if form["photometric_interpretation"] in _PARTIAL:
            form = {**form, "photometric_interpretation": "YBR_FULL_422"}
            return get_decoder(UID(syntax)).as_array(source, index=index, raw=True, **form)[0]
        return get_decoder(UID(syntax)).as_array(source, index=index, **form)[0]

    @cached_property
    def _frames(self) -> list[list[Fragment]]:
        offsets = self._dataset.get("ExtendedOffsetTable"), self._dataset.get("ExtendedOffsetTableLengths")
        extended = (bytes(offsets[0]), bytes(offsets[1])) if all(offsets) else None
        return frames_of_fragments(self._stream, self._start, self._count, extended)

    def _wrapped(self, index: int) -> bytes:
        if index >= len(self._frames):
            raise ReadError(
                f"'{self._path.name}' is cut short: it announces {self._count} frames and holds "
                f"{len(self._frames)}.",
                code="truncated",
            )
        return read_frame(self._stream, self._frames[index])

    def _unwrapped(self, data: bytes) -> NDArray[Any]:
        """A frame that is plain inside its wrapping."""
        if self.syntax == DEFLATED_FRAMES:
            inflater = zlib.decompressobj(-zlib.MAX_WBITS)
            data = inflater.decompress(data, self._frame_bytes + 1)
        if len(data) < self._frame_bytes:
            raise ReadError(
                f"'{self._path.name}' is cut short: a frame needs {self._frame_bytes:,} bytes and has {len(data):,}.",
                code="truncated",
            )
        return self._native(str(ExplicitVRLittleEndian), data[: self._frame_bytes], 0, self._form)

    def _decoded(self, data: bytes) -> NDArray[Any]:
        """A compressed frame, refused when it is far larger inside than its header says: decoders allocate that."""
        form = self._form
        size = codestream_size(data)
        if size is not None and size[0] * size[1] > _MAGNIFIED * form["rows"] * form["columns"]:
            raise ReadError(
                f"'{self._path.name}' announces {form['rows']} x {form['columns']} pixels and its compressed picture "
                f"holds {size[0]} x {size[1]}.",
                code="size-mismatch",
            )
        answer = decoding.run(
            "viewer.imaging.dicom_codecs:decode_frame",
            {"frame": data, "syntax": self.syntax, "form": form},
            name=self._path.name,
            size=self._frame_bytes,
        )
        return answer.arrays[0]

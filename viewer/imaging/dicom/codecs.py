"""Decoders of compressed DICOM frames. Runs in the decoding worker: nothing here is imported by the program itself.

pydicom's decoders come first, as they keep to what the header says of signs and colours; GDCM inside SimpleITK reads
what they have no codec for: JPEG with 12 bits and lossless JPEG.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import Decoder, get_decoder
from pydicom.pixels.processing import convert_color_space
from pydicom.uid import (
    UID,
    JPEG2000TransferSyntaxes,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    RLELossless,
    SecondaryCaptureImageStorage,
    generate_uid,
)

from viewer.imaging.dicom.codestream import codestream_size

_KEYWORDS = {
    "rows": "Rows",
    "columns": "Columns",
    "samples_per_pixel": "SamplesPerPixel",
    "photometric_interpretation": "PhotometricInterpretation",
    "planar_configuration": "PlanarConfiguration",
    "bits_allocated": "BitsAllocated",
    "bits_stored": "BitsStored",
    "pixel_representation": "PixelRepresentation",
}
_OPENJPEG = "whyslice-openjpeg"
_FOR_GDCM = (JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLossless, JPEGLosslessSV1)


def decode_frame(
    frame: bytes, syntax: str, form: dict[str, Any]
) -> tuple[dict[str, Any], list[NDArray[Any]]]:
    """Decode one frame.

    Parameters
    ----------
    frame : its compressed bytes.
    syntax : UID of the transfer syntax.
    form : the pixel module in pydicom's names of decoding options.

    Returns
    -------
    facts, arrays
        No facts; one array (row, column[, channel]) of stored values, colour as RGB.
    """
    if form["bits_allocated"] == 1 and syntax == RLELossless:
        return {}, [_packed_bits(frame, form)]
    source = encapsulate([frame])
    decoder = get_decoder(UID(syntax))
    failure: Exception = NotImplementedError()
    for plugin in _plugins(decoder):
        try:
            array, _ = decoder.as_array(source, index=0, decoding_plugin=plugin, **form)
        except Exception as error:  # noqa: BLE001 the next one may know better; the last failure is told
            failure = error
        else:
            return {}, [array]
    # On a damaged stream GDCM searches for seconds: it is asked where it may know more than the others, about pictures
    # that at least begin well.
    fits = codestream_size(frame) == (form["rows"], form["columns"])
    if not fits or (syntax not in _FOR_GDCM and decoder.is_available):
        raise failure
    return {}, [with_gdcm(frame, syntax, form)]


def _packed_bits(frame: bytes, form: dict[str, Any]) -> NDArray[Any]:
    """Run lengths of bytes that hold eight pixels each."""
    rows, columns = form["rows"], form["columns"]
    packed = {
        **form,
        "rows": 1,
        "columns": -(-rows * columns // 8),
        "bits_allocated": 8,
        "bits_stored": 8,
        "pixel_representation": 0,
    }
    array, _ = get_decoder(RLELossless).as_array(encapsulate([frame]), index=0, **packed)
    bits = np.unpackbits(array.reshape(-1), count=rows * columns, bitorder="little")
    return bits.reshape(rows, columns)


def _plugins(decoder: Decoder) -> tuple[str, ...]:
    if UID(decoder.UID) in JPEG2000TransferSyntaxes and _OPENJPEG not in decoder.available_plugins:
        decoder.add_plugin(_OPENJPEG, ("viewer.imaging.dicom.openjpeg_plugin", "decode_frame"))
    available = tuple(decoder.available_plugins)
    return tuple(sorted(available, key=lambda name: name != _OPENJPEG))


def with_gdcm(frame: bytes, syntax: str, form: dict[str, Any]) -> NDArray[Any]:
    """One frame, decoded by GDCM from a file that holds nothing else.

    Left alone with the whole object GDCM would apply the first frame's rescale to all, invert MONOCHROME1 and convert
    colours by rules of its own.
    """
    from viewer.imaging.decoding.itk import sitk

    bare = Dataset()
    bare.file_meta = FileMetaDataset()
    bare.file_meta.TransferSyntaxUID = UID(syntax)
    bare.SOPClassUID = bare.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    bare.SOPInstanceUID = bare.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    for option, keyword in _KEYWORDS.items():
        if option in form:
            setattr(bare, keyword, form[option])
    bare.HighBit = form["bits_stored"] - 1
    stated = form["photometric_interpretation"]
    lossless = syntax in (JPEGLossless, JPEGLosslessSV1)
    if form["samples_per_pixel"] == 1:
        bare.PhotometricInterpretation = "MONOCHROME2"
    elif lossless:
        bare.PhotometricInterpretation = "RGB"
    bare.PixelData = encapsulate([frame])
    bare["PixelData"].VR = "OB"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "frame.dcm"
        bare.save_as(file, enforce_file_format=True)
        reader = sitk.ImageFileReader()
        reader.SetImageIO("GDCMImageIO")
        reader.SetFileName(str(file))
        array: NDArray[Any] = sitk.GetArrayFromImage(reader.Execute())
    shape = (form["rows"], form["columns"])
    array = array.reshape(shape if array.size == shape[0] * shape[1] else (*shape, -1))
    if lossless and array.ndim == 3 and stated in ("YBR_FULL", "YBR_FULL_422"):
        array = convert_color_space(np.ascontiguousarray(array), "YBR_FULL", "RGB")
    return array

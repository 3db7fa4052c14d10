"""Good small files for every reader: made here, and the public scans where they are on this machine."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pydicom
from numpy.typing import NDArray
from openjpeg import utils as openjpeg
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    EnhancedMRImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
)

nib: Any = nibabel  # it ships no types

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
_LARGEST = {"dicom-htj2k": 600_000}
_USUAL = 120_000
_MOST = 40
# The last UIDs of the families of syntaxes; a target is a family.
FAMILIES = {
    "dicom-raw": ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"),
    "dicom-deflated": ("1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.8.1"),
    "dicom-rle": ("1.2.840.10008.1.2.5",),
    "dicom-jpeg": ("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"),
    "dicom-jpeg-lossless": ("1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"),
    "dicom-jpeg-ls": ("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81"),
    "dicom-jpeg-2000": ("1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"),
    "dicom-htj2k": ("1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.202", "1.2.840.10008.1.2.4.203"),
}


def picture(*shape: int, kind: type = np.uint8) -> NDArray[Any]:
    """Smooth enough to be compressed, different everywhere."""
    return (np.add.accumulate(np.ones(int(np.prod(shape)))) * 7 % 251).reshape(shape).astype(kind)


def dicom(
    syntax: UID = ExplicitVRLittleEndian, *, frames: int = 1, deep: bool = False, **facts: Any
) -> bytes:
    """A small DICOM picture; `deep` gives it the nested functional groups of an enhanced object."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    kind = EnhancedMRImageStorage if deep else CTImageStorage
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = kind
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3.4"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.3", "1.2.3.1"
    dataset.PatientName, dataset.PatientID, dataset.Modality = "Nobody^Nemo", "P1", "MR"
    dataset.SpecificCharacterSet = "ISO_IR 192"
    pixels = picture(frames, 40, 36, kind=np.uint16)
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = 40, 36, 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.WindowCenter, dataset.WindowWidth = ["40", "80"], ["80", "400"]
    dataset.RescaleSlope, dataset.RescaleIntercept = "2", "-1024"
    if frames > 1:
        dataset.NumberOfFrames = frames
    if deep:
        dataset.SharedFunctionalGroupsSequence, dataset.PerFrameFunctionalGroupsSequence = [Dataset()], []
        measures, orientation = Dataset(), Dataset()
        measures.PixelSpacing, measures.SliceThickness = ["1.5", "1.5"], "4"
        orientation.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
        dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence = [measures]
        dataset.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence = [orientation]
        for number in range(frames):
            place, each, diffusion = Dataset(), Dataset(), Dataset()
            place.ImagePositionPatient = ["0", "0", str(4 * number)]
            diffusion.DiffusionBValue = 1000.0
            each.PlanePositionSequence, each.MRDiffusionSequence = [place], [diffusion]
            dataset.PerFrameFunctionalGroupsSequence.append(each)
    else:
        dataset.PixelSpacing, dataset.ImageOrientationPatient = ["1.5", "1.5"], ["1", "0", "0", "0", "1", "0"]
        dataset.ImagePositionPatient = ["0", "0", "7"]
    for keyword, value in facts.items():
        setattr(dataset, keyword, value)
    if syntax == JPEGBaseline8Bit:
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
        stream = io.BytesIO()
        Image.fromarray(picture(40, 36)).save(stream, "JPEG")
        dataset.PixelData = encapsulate([stream.getvalue()])
    elif syntax == JPEG2000Lossless:
        dataset.PixelData = encapsulate([openjpeg.encode_array(frame, bits_stored=12) for frame in pixels])
    elif syntax.is_compressed and syntax != DeflatedExplicitVRLittleEndian:
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.PixelData = pixels.tobytes()
        dataset.compress(syntax, pixels if frames > 1 else pixels[0], generate_instance_uid=False)
    else:
        dataset.PixelData = (pixels.byteswap() if syntax == ExplicitVRBigEndian else pixels).tobytes()
    if "PixelData" in dataset:
        dataset["PixelData"].VR = "OB" if syntax.is_encapsulated else "OW"
    stream = io.BytesIO()
    pydicom.dcmwrite(stream, dataset, enforce_file_format=True)
    return stream.getvalue()


def palette() -> bytes:
    """A picture of table entries."""
    table = np.arange(256, dtype=np.uint16).tobytes()
    facts = {
        f"{colour}PaletteColorLookupTable{part}": [256, 0, 16] if part == "Descriptor" else table
        for colour in ("Red", "Green", "Blue")
        for part in ("Descriptor", "Data")
    }
    return dicom(PhotometricInterpretation="PALETTE COLOR", **facts)


def directory() -> bytes:
    """A DICOMDIR that lists one file beside it."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.1.3.10"
    dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3.9"
    dataset.FileSetID = "SCANS"
    dataset.OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity = 0
    dataset.OffsetOfTheLastDirectoryRecordOfTheRootDirectoryEntity = 0
    records = []
    for kind, file in (("PATIENT", None), ("STUDY", None), ("SERIES", None), ("IMAGE", ["A", "B"])):
        record = Dataset()
        record.OffsetOfTheNextDirectoryRecord = record.OffsetOfReferencedLowerLevelDirectoryEntity = 0
        record.RecordInUseFlag, record.DirectoryRecordType = 0xFFFF, kind
        if file:
            record.ReferencedFileID = file
        records.append(record)
    dataset.DirectoryRecordSequence = records
    stream = io.BytesIO()
    pydicom.dcmwrite(stream, dataset, enforce_file_format=True)
    return stream.getvalue()


def archive(names: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as packed:
        for name, data in names.items():
            packed.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), data, method)
    return stream.getvalue()


def nifti(*shape: int, kind: Any = np.int16, second: bool = False) -> bytes:
    voxels = picture(*shape, kind=np.uint8).view() if kind is None else picture(*shape, kind=kind)
    image = (nib.Nifti2Image if second else nib.Nifti1Image)(voxels, np.diag([1.0, 1.0, 4.0, 1.0]))
    image.header.set_slope_inter(2.0, -5.0)
    return bytes(image.to_bytes())


def mgh(*shape: int) -> bytes:
    return bytes(nib.MGHImage(picture(*shape, kind=np.int16), np.diag([1.0, 1.0, 4.0, 1.0])).to_bytes())


def nrrd(*, packed: bool = False) -> bytes:
    head = (
        "NRRD0005\n# a comment\ntype: short\ndimension: 3\nspace: left-posterior-superior\nsizes: 10 12 3\n"
        "space directions: (1,0,0) (0,1,0) (0,0,4)\nkinds: domain domain domain\nendian: little\n"
        f"encoding: {'gzip' if packed else 'raw'}\nspace origin: (0,0,0)\nkey:=value\n\n"
    )
    data = picture(3, 12, 10, kind=np.int16).tobytes()
    return head.encode() + (gzip.compress(data, mtime=0) if packed else data)


def metaimage(*, packed: bool = False) -> bytes:
    import zlib

    data = picture(3, 12, 10, kind=np.int16).tobytes()
    body = zlib.compress(data) if packed else data
    head = (
        "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\n"
        f"CompressedData = {packed}\n"
        + (f"CompressedDataSize = {len(body)}\n" if packed else "")
        + "TransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = 0 0 0\nAnatomicalOrientation = RAI\n"
        "ElementSpacing = 1 1 4\nDimSize = 10 12 3\nElementType = MET_SHORT\nElementDataFile = LOCAL\n"
    )
    return head.encode() + body


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def _pictures(kind: str) -> list[bytes]:
    grey, colour = Image.fromarray(picture(20, 24)), Image.fromarray(picture(20, 24, 3))
    sixteen = Image.fromarray(picture(20, 24, kind=np.uint16))
    if kind == "PNG":
        more = [
            saved(sixteen, "PNG"),
            saved(colour.convert("RGBA"), "PNG"),
            saved(colour.convert("P"), "PNG"),
        ]
    elif kind == "TIFF":
        more = [
            saved(sixteen, "TIFF"),
            saved(grey, "TIFF", compression="tiff_lzw"),
            saved(grey, "TIFF", compression="tiff_adobe_deflate"),
            saved(grey, "TIFF", compression="packbits"),
            saved(grey, "TIFF", save_all=True, append_images=[grey, grey]),
        ]
    elif kind == "GIF":
        more = [saved(colour, "GIF", save_all=True, append_images=[grey.convert("RGB"), colour])]
    elif kind == "WEBP":
        more = [
            saved(colour, "WEBP", lossless=True),
            saved(colour.convert("RGBA"), "WEBP"),
            saved(colour, "WEBP", save_all=True, append_images=[colour.rotate(90)]),
        ]
    elif kind == "BMP":
        more = [saved(colour.convert("P"), "BMP"), saved(grey.convert("1"), "BMP")]
    else:
        more = [saved(colour, "JPEG", progressive=True), saved(colour.convert("CMYK"), "JPEG")]
    return [saved(grey, kind), saved(colour, kind), *more]


def _made() -> dict[str, list[bytes]]:
    raw = [
        dicom(),
        dicom(ImplicitVRLittleEndian),
        dicom(ExplicitVRBigEndian),
        dicom(frames=3, deep=True),
        palette(),
    ]
    plain, volume = nifti(10, 12, 3), nifti(10, 12, 3, 2)
    return {
        "dicom-header": raw,
        "dicom-raw": raw,
        "dicom-deflated": [
            dicom(DeflatedExplicitVRLittleEndian),
            dicom(DeflatedExplicitVRLittleEndian, frames=2),
        ],
        "dicom-rle": [dicom(RLELossless), dicom(RLELossless, frames=2)],
        "dicom-jpeg": [dicom(JPEGBaseline8Bit)],
        "dicom-jpeg-lossless": [],
        "dicom-jpeg-ls": [dicom(JPEGLSLossless)],
        "dicom-jpeg-2000": [dicom(JPEG2000Lossless), dicom(JPEG2000Lossless, frames=2)],
        "dicom-htj2k": [],
        "nifti": [plain, volume, nifti(10, 12, 3, kind=np.float32), nifti(10, 12, 3, second=True)],
        "nifti-gzip": [gzip.compress(plain, mtime=0), gzip.compress(volume, mtime=0)],
        "nrrd": [nrrd(), nrrd(packed=True)],
        "metaimage": [metaimage(), metaimage(packed=True)],
        "mgh": [mgh(10, 12, 3), gzip.compress(mgh(10, 12, 3), mtime=0)],
        "png": _pictures("PNG"),
        "jpeg": _pictures("JPEG"),
        "tiff": _pictures("TIFF"),
        "bmp": _pictures("BMP"),
        "gif": _pictures("GIF"),
        "webp": _pictures("WEBP"),
        "zip": [
            archive({"a/1.dcm": dicom(), "a/2.dcm": dicom(frames=2, deep=True), "note.txt": b"hello"}),
            archive({"head.nii.gz": gzip.compress(plain, mtime=0), "film.png": _pictures("PNG")[0]}),
            archive({"head.nii": plain}, zipfile.ZIP_STORED),
        ],
        "dicomdir": [directory()],
    }


SUFFIXES = {
    "nifti": ".nii",
    "nifti-gzip": ".nii.gz",
    "nrrd": ".nrrd",
    "metaimage": ".mha",
    "mgh": ".mgh",
    "png": ".png",
    "jpeg": ".jpg",
    "tiff": ".tif",
    "bmp": ".bmp",
    "gif": ".gif",
    "webp": ".webp",
    "zip": ".zip",
}
TARGETS = (
    *("dicom-header", *FAMILIES),
    *("nifti", "nifti-gzip", "nrrd", "metaimage", "mgh"),
    *("png", "jpeg", "tiff", "bmp", "gif", "webp", "zip", "dicomdir"),
)


@lru_cache(maxsize=1)
def made() -> dict[str, list[bytes]]:
    """Target -> small files written here."""
    return _made()


def found(target: str) -> list[bytes]:
    """The public scans for a target, none where they are not on this machine."""
    if not SHARED.is_dir():
        return []
    return [path.read_bytes() for path in _of(target)][:_MOST]


def _of(target: str) -> Iterator[Path]:
    for path in sorted(SHARED.rglob("*")):
        if not path.is_file() or not 0 < path.stat().st_size <= _LARGEST.get(target, _USUAL):
            continue
        if target.startswith("dicom"):
            if _belongs(path, target):
                yield path
        elif path.name.lower().endswith(SUFFIXES[target]):
            yield path


def _belongs(path: Path, target: str) -> bool:
    with path.open("rb") as stream:
        marked = stream.read(132)[128:] == b"DICM"
    if target == "dicomdir":
        return marked and path.name.upper().startswith(("DICOMDIR", "DIRFILE"))
    if target == "dicom-header":
        return marked or path.suffix == ".dcm"
    try:
        syntax = str(pydicom.filereader.read_file_meta_info(path).TransferSyntaxUID) if marked else ""
    except Exception:
        return False
    return syntax in FAMILIES[target]


def seeds(target: str, *, public: bool = True) -> list[bytes]:
    """All good files for a target; only those made here unless `public`."""
    return made()[target] + (found(target) if public else [])

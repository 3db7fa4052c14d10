"""NRRD and MetaImage: the header is checked here, the voxels are read by SimpleITK.

The check comes first because SimpleITK follows a data path wherever it points and allocates whatever size is announced.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.foundation.errors import ReadError
from viewer.foundation.provenance import sha256_of
from viewer.imaging.budget import BUDGET
from viewer.imaging.diagnoses import Diagnosis, no_orientation, no_spacing
from viewer.imaging.geometry import Geometry
from viewer.imaging.image import Intensity, MedicalImage, Source
from viewer.imaging.itk import silenced, sitk
from viewer.imaging.series import Candidate, SeriesInfo, Wish
from viewer.imaging.voxel_types import value_findings

_HEADER_LIMIT = 1 << 20
_COMPRESSED = ("gzip", "gz", "bzip2", "bz2")


@dataclass(frozen=True)
class _Header:
    """What a header says in the words of its format, lower-case keys.

    Attributes
    ----------
    io : SimpleITK's name of the reader.
    sizes : as in the file, channels included.
    oriented : whether the file says how the patient lies.
    inline : bytes of the header when the voxels follow it, else None.
    data : the voxel file of a detached header.
    """

    path: Path
    io: str
    sizes: tuple[int, ...]
    voxel_bytes: int
    oriented: bool
    spaced: bool
    compressed: bool
    inline: int | None
    data: Path | None

    @property
    def expected(self) -> int:
        return int(np.prod(self.sizes, dtype=np.int64)) * self.voxel_bytes


_NRRD_BYTES = {
    **dict.fromkeys(("signed char", "int8", "int8_t", "uchar", "unsigned char", "uint8", "uint8_t"), 1),
    **dict.fromkeys(
        (
            "short",
            "short int",
            "signed short",
            "signed short int",
            "int16",
            "int16_t",
            "ushort",
            "unsigned short",
        ),
        2,
    ),
    **dict.fromkeys(("unsigned short int", "uint16", "uint16_t"), 2),
    **dict.fromkeys(
        ("int", "signed int", "int32", "int32_t", "uint", "unsigned int", "uint32", "uint32_t", "float"), 4
    ),
    **dict.fromkeys(("longlong", "long long", "int64", "int64_t", "ulonglong", "unsigned long long"), 8),
    **dict.fromkeys(("signed long long", "uint64", "uint64_t", "double"), 8),
}
_META_BYTES = {
    **dict.fromkeys(("MET_CHAR", "MET_UCHAR"), 1),
    **dict.fromkeys(("MET_SHORT", "MET_USHORT"), 2),
    **dict.fromkeys(("MET_INT", "MET_UINT", "MET_FLOAT"), 4),
    **dict.fromkeys(("MET_LONG", "MET_ULONG", "MET_LONG_LONG", "MET_ULONG_LONG", "MET_DOUBLE"), 8),
}


def nrrd_candidates(path: Path) -> list[Candidate]:
    """The one image in a NRRD file."""
    return _candidates(_nrrd_header(path))


def metaimage_candidates(path: Path) -> list[Candidate]:
    """The one image in an MHA or MHD file."""
    return _candidates(_metaimage_header(path))


def data_files(path: Path) -> set[Path]:
    """Voxel files that a detached header names; empty when it has none or is broken."""
    with path.open("rb") as stream:
        start = stream.read(4)
    try:
        header = _nrrd_header(path) if start == b"NRRD" else _metaimage_header(path)
    except ReadError:
        return set()
    return set() if header.data is None else {header.data.resolve()}


def _fields(path: Path, end: bytes | None, divider: str) -> tuple[dict[str, str], int]:
    """Header lines as a mapping, and the length of the header in bytes."""
    with path.open("rb") as stream:
        raw = stream.read(_HEADER_LIMIT)
    stop = len(raw) if end is None else re.search(end, raw)
    if stop is None:
        stop = len(raw)
    length = stop if isinstance(stop, int) else stop.end()
    found: dict[str, str] = {}
    for line in raw[:length].decode("utf-8", "replace").splitlines():
        key, mark, value = line.partition(divider)
        if mark and not line.startswith("#"):
            found[key.strip().lower()] = value.lstrip("=").strip()
    return found, length


def _wholes(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(word) for word in text.split())
    except ValueError:
        return ()


def _bad(path: Path, words: str) -> ReadError:
    return ReadError(f"The header of '{path.name}' makes no sense: {words}.", code="bad-header")


def _checked(path: Path, dimension: tuple[int, ...], sizes: tuple[int, ...]) -> tuple[int, ...]:
    if len(dimension) != 1 or not 2 <= dimension[0] <= 5:
        raise _bad(path, "its number of dimensions is missing or not supported")
    if len(sizes) != dimension[0] or min(sizes, default=0) < 1:
        raise _bad(path, "its sizes do not fit its number of dimensions")
    return sizes


def _beside(path: Path, name: str) -> Path:
    """The voxel file of a detached header: a plain name in the same real folder, nothing else."""
    partner = path.parent / name
    plain = name == Path(name).name and "\\" not in name and name not in ("", ".", "..") and "%" not in name
    if not plain or partner.resolve().parent != path.parent.resolve():
        raise ReadError(
            f"'{path.name}' points to voxels outside its own folder, which is refused.",
            code="outside-path",
            action="Put both files into one folder and name the voxel file without a path.",
        )
    if not partner.is_file():
        raise ReadError(f"'{path.name}' is a header without its voxel file '{name}'.", code="no-voxels")
    return partner


def _nrrd_header(path: Path) -> _Header:
    fields, length = _fields(path, rb"\r?\n\r?\n", ":")
    sizes = _checked(path, _wholes(fields.get("dimension", "")), _wholes(fields.get("sizes", "")))
    kind = fields.get("type", "").lower()
    if kind not in _NRRD_BYTES:
        raise _bad(path, f"its voxel type '{kind[:24]}' is not supported")
    name = fields.get("data file", fields.get("datafile"))
    if name is not None and (name.upper().startswith("LIST") or len(name.split()) > 3):
        raise ReadError(
            f"'{path.name}' spreads its voxels over several files, which is not read.", code="data-list"
        )
    directions = fields.get("space directions", "")
    return _Header(
        path=path,
        io="NrrdImageIO",
        sizes=sizes,
        voxel_bytes=_NRRD_BYTES[kind],
        oriented=_anatomical(fields.get("space", "")) and bool(directions),
        spaced=bool(directions) or "spacings" in fields,
        compressed=fields.get("encoding", "").lower() not in ("raw", "ascii", "txt", "text", "hex"),
        inline=length if name is None else None,
        data=None if name is None else _beside(path, name),
    )


def _anatomical(space: str) -> bool:
    """Whether a NRRD space names anatomical directions; 'scanner-xyz' and '3D-right-handed' do not."""
    words = space.strip().lower()
    return bool(
        re.fullmatch(r"(right|left)-(anterior|posterior)-(superior|inferior)(-time)?|(ras|las|lps)t?", words)
    )


def _metaimage_header(path: Path) -> _Header:
    fields, length = _fields(path, rb"ElementDataFile\s*=[^\n]*\n", "=")
    sizes = _checked(path, _wholes(fields.get("ndims", "")), _wholes(fields.get("dimsize", "")))
    kind = fields.get("elementtype", "").upper().replace("_ARRAY", "")
    if kind not in _META_BYTES:
        raise _bad(path, f"its voxel type '{kind[:24]}' is not supported")
    channels = _wholes(fields.get("elementnumberofchannels", "1")) or (1,)
    name = fields.get("elementdatafile", "")
    if not name:
        raise _bad(path, "it does not say where its voxels are")
    inline = name.upper() == "LOCAL"
    if name.upper().startswith("LIST"):
        raise ReadError(
            f"'{path.name}' spreads its voxels over several files, which is not read.", code="data-list"
        )
    return _Header(
        path=path,
        io="MetaImageIO",
        sizes=(channels[0], *sizes) if channels[0] > 1 else sizes,
        voxel_bytes=_META_BYTES[kind],
        oriented=any(key in fields for key in ("transformmatrix", "orientation", "rotation")),
        spaced="elementspacing" in fields or "elementsize" in fields,
        compressed=fields.get("compresseddata", "false").lower() == "true",
        inline=length if inline else None,
        data=None if inline else _beside(path, name),
    )


def _candidates(header: _Header) -> list[Candidate]:
    BUDGET.check(header.path.name, header.expected)
    if not header.compressed:
        data = header.path if header.data is None else header.data
        available = data.stat().st_size - (header.inline or 0)
        if available < header.expected and not _text_encoded(header):
            raise ReadError(
                f"'{data.name}' is cut short: its header announces {header.expected:,} bytes of voxels and there are "
                f"{max(available, 0):,}.",
                code="truncated",
            )
    reader = _reader(header)
    try:
        with silenced():
            reader.ReadImageInformation()
    except RuntimeError:
        raise _bad(header.path, "its fields contradict each other") from None
    diagnoses: list[Diagnosis] = []
    geometry, volumes = _geometry(reader, header, diagnoses)
    channels = reader.GetNumberOfComponents()
    colour = channels in (3, 4) and reader.GetPixelID() == sitk.sitkVectorUInt8
    if channels > 1 and not colour:
        diagnoses.append(
            Diagnosis("several-channels", "note", f"Each voxel holds {channels} values; the first is shown.")
        )
    info = SeriesInfo.of(
        geometry,
        header.path,
        frames=geometry.shape[0] * volumes,
        photometric="RGB" if colour else "MONOCHROME2",
        diagnoses=tuple(diagnoses),
    )
    return [Candidate(info, partial(_load, header, geometry, colour, tuple(diagnoses)))]


def _text_encoded(header: _Header) -> bool:
    fields, _ = _fields(header.path, rb"\r?\n\r?\n", ":") if header.io == "NrrdImageIO" else ({}, 0)
    return fields.get("encoding", "").lower() in ("ascii", "txt", "text", "hex")


def _reader(header: _Header) -> Any:
    reader = sitk.ImageFileReader()
    reader.SetImageIO(header.io)
    reader.SetFileName(str(header.path))
    return reader


def _geometry(reader: Any, header: _Header, diagnoses: list[Diagnosis]) -> tuple[Geometry, int]:
    size = reader.GetSize()
    dimensions = len(size)
    spatial = min(dimensions, 3)
    shape = (size[2] if dimensions > 2 else 1, size[1], size[0])
    volumes = int(np.prod(size[3:], dtype=np.int64))
    if volumes > 1:
        diagnoses.append(
            Diagnosis(
                "several-volumes",
                "note",
                f"The file holds {volumes} volumes; the first is shown ({shape[0]} of {shape[0] * volumes} slices).",
            )
        )
    direction = np.asarray(reader.GetDirection(), dtype=np.float64).reshape(dimensions, dimensions)
    spacing = np.ones(3)
    spacing[:spatial] = np.asarray(reader.GetSpacing(), dtype=np.float64)[:spatial]
    affine = np.eye(4)
    affine[:spatial, :spatial] = direction[:spatial, :spatial]
    affine[:3, :3] *= spacing
    affine[:spatial, 3] = np.asarray(reader.GetOrigin(), dtype=np.float64)[:spatial]
    sound = bool(np.isfinite(affine).all() and (np.linalg.norm(affine[:3, :3], axis=0) > 1e-9).all())
    sound = (
        sound and abs(float(np.linalg.det(affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)))) > 1e-3
    )
    if not header.spaced or not sound:
        diagnoses.append(no_spacing())
    if header.oriented and sound and dimensions > 2:
        return Geometry(affine, shape), volumes
    diagnoses.append(no_orientation())
    usable = spacing if sound else np.ones(3)
    return Geometry.unoriented(shape, (float(usable[2]), float(usable[1]), float(usable[0]))), volumes


def _load(
    header: _Header, geometry: Geometry, colour: bool, diagnoses: tuple[Diagnosis, ...], wish: Wish
) -> MedicalImage:
    wish.progress.report(0, 2, "reading")
    reader = _reader(header)
    try:
        with silenced():
            size = reader_size(reader)
            if len(size) > 3:
                reader.SetExtractSize([*size[:3], *([0] * (len(size) - 3))])
            image = reader.Execute()
    except RuntimeError:
        raise ReadError(
            f"'{header.path.name}' is damaged: its voxels end too soon or do not decompress.",
            code="truncated",
        ) from None
    wish.progress.report(1, 2, "converting")
    voxels: NDArray[Any] = sitk.GetArrayFromImage(image)
    if image.GetNumberOfComponentsPerPixel() > 1:
        voxels = voxels[..., :3] if colour else voxels[..., 0]
    voxels = np.ascontiguousarray(voxels.reshape(geometry.shape + voxels.shape[image.GetDimension() :]))
    source = (header.path,) if header.data is None else (header.path, header.data)
    wish.progress.report(2, 2)
    return MedicalImage(
        voxels=voxels,
        geometry=geometry,
        intensity=Intensity(photometric="RGB" if colour else "MONOCHROME2"),
        source=Source(header.path, source, sha256=sha256_of(source[-1])),
        diagnoses=diagnoses + value_findings(voxels),
    )


def reader_size(reader: Any) -> tuple[int, ...]:
    """The size on disk, spatial axes in the order (column, row, slice, volume)."""
    reader.ReadImageInformation()
    return tuple(int(extent) for extent in reader.GetSize())

"""MetaImage (MHA, and MHD with its voxel file): header to `GridFile`.

The place in the patient is what ITK makes of the same header: `Offset` is the centre of the first voxel, the rows of
`TransformMatrix` are the directions of the axes in LPS.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.foundation.errors import ReadError
from viewer.imaging.diagnoses import Diagnosis, no_orientation, no_spacing
from viewer.imaging.file_stamp import stamp_of
from viewer.imaging.formats.grid_file import GridFile, sheared, sheared_warning, usable
from viewer.imaging.formats.text_header import (
    bad_header,
    beginning,
    checked_sizes,
    numbers,
    voxel_file,
    wholes,
)
from viewer.imaging.formats.voxel_block import Packing, VoxelBlock
from viewer.imaging.geometry import Geometry, letter
from viewer.imaging.volumes import numbered

_TYPES = {
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_LONG": "i4",
    "MET_ULONG": "u4",
    "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}
_END = re.compile(rb"^[ \t]*ElementDataFile[ \t]*=[^\n]*(\n|$)", re.MULTILINE)
_OPPOSITE = str.maketrans("LRPASI", "RLAPIS")


def read_grid(path: Path) -> GridFile:
    """Everything that the header says.

    Raises
    ------
    ReadError
        When the header is cut short or makes no sense.
    """
    fields, length = _fields(path)
    sizes = checked_sizes(path, wholes(fields.get("ndims", "")), wholes(fields.get("dimsize", "")))
    kind = fields.get("elementtype", "").upper().replace("_ARRAY", "")
    if kind not in _TYPES:
        raise bad_header(path, f"its voxel type '{kind[:24]}' is not supported")
    big = _first(fields, "elementbyteordermsb", "binarydatabyteordermsb").lower() == "true"
    dtype = np.dtype(_TYPES[kind]).newbyteorder(">" if big else "<")
    channels = (wholes(fields.get("elementnumberofchannels", "1")) or (0,))[0]
    if not 1 <= channels <= 1024:
        raise bad_header(path, "its number of channels is not supported")
    shape = (sizes[2] if len(sizes) > 2 else 1, sizes[1], sizes[0])
    volumes = int(np.prod(sizes[3:], dtype=object)) if len(sizes) > 3 else 1
    findings: list[Diagnosis] = []
    return GridFile(
        path,
        _geometry(fields, len(sizes), shape, findings),
        _block(path, fields, length, dtype, channels * shape[0] * shape[1] * shape[2], volumes),
        channels,
        numbered("time", volumes, shape[0]),
        modality=_modality(fields),
        diagnoses=tuple(findings),
    )


def _fields(path: Path) -> tuple[dict[str, str], int]:
    """Header lines, lower-case keys, and the length of the header in bytes."""
    raw = beginning(path)
    end = _END.search(raw)
    if end is None:
        raise bad_header(path, "it does not say where its voxels are")
    found: dict[str, str] = {}
    for line in raw[: end.end()].decode("utf-8", "replace").splitlines():
        key, mark, value = line.partition("=")
        if mark:
            found[key.strip().lower()] = value.strip()
    return found, end.end()


def _first(fields: dict[str, str], *keys: str) -> str:
    return next((fields[key] for key in keys if key in fields), "")


def _modality(fields: dict[str, str]) -> str:
    """The modality, where the header names one that DICOM knows."""
    named = fields.get("modality", "").upper().removeprefix("MET_MOD_")
    return named if named in ("CT", "MR", "NM", "US") else ""


def _block(
    path: Path, fields: dict[str, str], length: int, dtype: np.dtype[Any], run: int, volumes: int
) -> VoxelBlock:
    name = fields["elementdatafile"]
    local = name.upper() == "LOCAL"
    data = path if local else voxel_file(path, name)
    stamp = stamp_of(data)
    packing: Packing = "none"
    if fields.get("compresseddata", "false").lower() == "true":
        packing = "zlib"
    elif _first(fields, "binarydata").lower() == "false":
        packing = "text"
    start = length if local else 0
    header_size = (wholes(fields.get("headersize", "0")) or (0,))[0]
    if header_size > 0 and not local:
        start = header_size
    elif header_size == -1 and packing == "none":
        start = max(stamp[0] - run * volumes * dtype.itemsize, start)
    if start > stamp[0]:
        raise ReadError(f"'{data.name}' is cut short: it ends before its voxels begin.", code="truncated")
    return VoxelBlock(data, dtype, run, volumes, start=start, packing=packing, stamp=stamp)


@np.errstate(all="ignore")  # a header may hold any number
def _geometry(
    fields: dict[str, str], dimensions: int, shape: tuple[int, int, int], findings: list[Diagnosis]
) -> Geometry:
    spatial = min(dimensions, 3)
    spacing = np.ones(3)
    announced = numbers(_first(fields, "elementspacing", "elementsize"))
    if len(announced) >= spatial and min(announced[:spatial]) > 0:
        spacing[:spatial] = announced[:spatial]
    else:
        findings.append(no_spacing())
    matrix = numbers(_first(fields, "transformmatrix", "rotation", "orientation"))
    origin = numbers(_first(fields, "offset", "position", "origin")) or (0.0,) * dimensions
    if dimensions > 2 and len(matrix) == dimensions**2 and len(origin) == dimensions:
        affine = np.eye(4)
        directions = np.reshape(matrix, (dimensions, dimensions))[:3, :3].T
        affine[:3, :3] = directions * spacing
        affine[:3, 3] = origin[:3]
        if usable(affine):
            if sheared(affine):
                findings.append(sheared_warning())
            _look_at_words(fields, directions, findings)
            return Geometry(affine, shape)
        findings.append(
            Diagnosis("bad-transformation", "warning", "The file's transformation is not usable.")
        )
    findings.append(no_orientation())
    return Geometry.unoriented(shape, (float(spacing[2]), float(spacing[1]), float(spacing[0])))


def _look_at_words(
    fields: dict[str, str], directions: NDArray[np.float64], findings: list[Diagnosis]
) -> None:
    """Fields that other programs may read otherwise: said, not followed, as in ITK."""
    words = fields.get("anatomicalorientation", "").upper()
    # Writers disagree whether the letters say where an axis comes from or where it goes to.
    towards = "".join(letter(directions[:, axis]) for axis in range(3))
    if re.fullmatch("[LRAPSI]{3}", words) and words not in (towards, towards.translate(_OPPOSITE)):
        findings.append(
            Diagnosis(
                "orientation-conflict",
                "warning",
                f"The file contradicts itself: its matrix says {towards.translate(_OPPOSITE)}, its words say {words}.",
                "The matrix was followed, as ITK does; check the side against another source.",
            )
        )
    centre = numbers(fields.get("centerofrotation", ""))
    if any(centre) and not np.allclose(directions, np.eye(3)):
        findings.append(
            Diagnosis(
                "centre-of-rotation",
                "warning",
                "The file names a centre of rotation; it was left out, as ITK does.",
                "Check the position against another source.",
            )
        )

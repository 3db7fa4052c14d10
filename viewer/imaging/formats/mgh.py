"""MGH and MGZ, the volumes of FreeSurfer: header to `GridFile`."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import nibabel.freesurfer.mghformat
import numpy as np

from viewer.foundation.errors import ReadError
from viewer.imaging.diagnoses import Diagnosis, no_orientation
from viewer.imaging.file_stamp import stamp_of, unreachable
from viewer.imaging.formats.grid_file import GridFile, usable
from viewer.imaging.formats.unpacking import unpacked_start
from viewer.imaging.formats.voxel_block import VoxelBlock
from viewer.imaging.geometry import Geometry, lps_from_ras
from viewer.imaging.volumes import numbered

_Header: Any = nibabel.freesurfer.mghformat.MGHHeader  # it ships no types
_LENGTH = 284
_TYPES = {0: ">u1", 1: ">i4", 3: ">f4", 4: ">i2", 10: ">u2"}


def read_grid(path: Path) -> GridFile:
    """Everything that the header says.

    Raises
    ------
    ReadError
        When the header is cut short or makes no sense.
    """
    raw, packed = _beginning(path)
    sizes, kind = struct.unpack(">4i", raw[4:20]), struct.unpack(">i", raw[20:24])[0]
    if min(sizes) < 1 or kind not in _TYPES:
        raise ReadError(
            f"'{path.name}' is an MGH file whose header makes no sense: its size or its voxel type is unknown.",
            code="bad-header",
        )
    columns, rows, slices, count = sizes
    findings: list[Diagnosis] = []
    block = VoxelBlock(
        path,
        np.dtype(_TYPES[kind]),
        columns * rows * slices,
        count,
        start=0 if packed else _LENGTH,
        skip=_LENGTH if packed else 0,
        packing="gzip" if packed else "none",
        stamp=stamp_of(path),
    )
    return GridFile(
        path,
        _geometry(raw, (slices, rows, columns), findings),
        block,
        volumes=numbered("volume", count, slices),
        diagnoses=tuple(findings),
    )


@np.errstate(all="ignore")  # a header may hold any number
def _geometry(raw: bytes, shape: tuple[int, int, int], findings: list[Diagnosis]) -> Geometry:
    if struct.unpack(">h", raw[28:30])[0] > 0:
        affine = np.asarray(_Header(raw, check=False).get_affine(), dtype=np.float64)
        if usable(affine):
            return Geometry(lps_from_ras(affine), shape)
        findings.append(
            Diagnosis("bad-transformation", "warning", "The file's transformation is not usable.")
        )
    findings.append(no_orientation())
    return Geometry.unoriented(shape)


def _beginning(path: Path) -> tuple[bytes, bool]:
    """The header's bytes, and whether the file is packed."""
    try:
        raw, packed = unpacked_start(path, _LENGTH)
    except OSError as error:
        raise unreachable(path, error) from None
    if len(raw) < _LENGTH:
        raise ReadError(f"'{path.name}' is an MGH file whose header is cut short.", code="truncated")
    return raw, packed

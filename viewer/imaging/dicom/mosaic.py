"""Slices of a volume that were tiled into one picture: Siemens mosaics, and United Imaging's grids.

The picture's stated position is that of a plane as large as the whole mosaic, centred on the first slice. The first
voxel of the first slice therefore lies half a mosaic further in, less half a tile. Tiles go row by row; slice n lies n
spacings further along the slice normal.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from viewer.imaging.dicom.csa import csa_numbers
from viewer.imaging.dicom.values import number, number_of, numbers, private, several, value_of

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Tile:
    """The rectangle of a stored picture that one slice fills: its first row and column, and its size in pixels."""

    row: int
    column: int
    rows: int
    columns: int

    def of(self, picture: NDArray[Any]) -> NDArray[Any]:
        """The slice (row, column[, channel]) in the stored picture."""
        return picture[self.row : self.row + self.rows, self.column : self.column + self.columns]


@dataclass(frozen=True)
class Mosaic:
    """The tiles of one picture in slice order, and the positions of their first voxels (LPS mm; None when unknown)."""

    tiles: tuple[Tile, ...]
    positions: tuple[tuple[float, ...] | None, ...]


def is_mosaic(dataset: Dataset) -> bool:
    """Whether a picture says of itself that it holds tiles, and is not as small as the matrix that it was scanned with.

    Programs that take mosaics apart often leave the word in the slices.
    """
    kind = {str(value).upper() for value in several(value_of(dataset, "ImageType"))}
    scanned = [number(value) or 0.0 for value in several(value_of(dataset, "AcquisitionMatrix"))]
    size = max(number_of(dataset, "Rows") or 0.0, number_of(dataset, "Columns") or 0.0)
    return bool(kind & {"MOSAIC", "VFRAME"}) and not max(scanned, default=0.0) >= size


def mosaic_of(dataset: Dataset, rows: int, columns: int) -> Mosaic | None:
    """Where the slices are in a picture of `rows` x `columns`; None when the file does not say how many there are."""
    header = private(dataset, 0x0029, "SIEMENS CSA HEADER", 0x10)
    csa = header if isinstance(header, bytes) else b""
    count = _count(dataset, csa)
    if count is None or count < 1:
        return None
    across = math.ceil(math.sqrt(count))
    united = "VFRAME" in {str(value).upper() for value in several(value_of(dataset, "ImageType"))}
    # Siemens always tiles a square; United Imaging leaves out the rows of tiles that would be empty.
    down = math.ceil(count / across) if united and rows % across else across
    if rows % down or columns % across:
        return None
    high, wide = rows // down, columns // across
    tiles = tuple(Tile(n // across * high, n % across * wide, high, wide) for n in range(count))
    stated = _stated(private(dataset, 0x0065, "Image Private Header", 0x51))
    if len(stated) == count and None not in stated:
        return Mosaic(tiles, stated)
    return Mosaic(tiles, _positions(dataset, csa, tiles, (rows, columns)))


def _count(dataset: Dataset, csa: bytes) -> int | None:
    stated = number(private(dataset, 0x0019, "SIEMENS MR HEADER", 0x0A))
    if stated is None and csa:
        stated = next(iter(csa_numbers(csa, "NumberOfImagesInMosaic")), None)
    if stated is None:
        stated = number(private(dataset, 0x0065, "Image Private Header", 0x50))
    return None if stated is None else int(stated)


def _positions(
    dataset: Dataset, csa: bytes, tiles: tuple[Tile, ...], size: tuple[int, int]
) -> tuple[tuple[float, ...] | None, ...]:
    six = numbers(value_of(dataset, "ImageOrientationPatient"), 6)
    spacing = numbers(value_of(dataset, "PixelSpacing"), 2)
    stated = numbers(value_of(dataset, "ImagePositionPatient"), 3)
    step = number(value_of(dataset, "SpacingBetweenSlices")) or number(value_of(dataset, "SliceThickness"))
    if six is None or spacing is None or stated is None or step is None:
        return (None,) * len(tiles)
    along_columns, along_rows = np.array(six[:3]), np.array(six[3:])
    start = np.array(stated)
    start += along_columns * spacing[1] * (size[1] - tiles[0].columns) / 2
    start += along_rows * spacing[0] * (size[0] - tiles[0].rows) / 2
    across = _direction(dataset, csa, np.cross(along_columns, along_rows)) * abs(step)
    return tuple(tuple(float(part) for part in start + across * n) for n in range(len(tiles)))


def _direction(dataset: Dataset, csa: bytes, normal: Array) -> Array:
    """The unit normal, turned the way in which the slices follow each other."""
    stated: tuple[float, ...] | None = csa_numbers(csa, "SliceNormalVector") if csa else ()
    if not stated:
        stated = numbers(private(dataset, 0x0065, "Image Private Header", 0x14), 3)
    unit = normal / np.linalg.norm(normal)
    return -unit if stated is not None and len(stated) == 3 and float(np.dot(stated, unit)) < 0 else unit


def _stated(sequence: Any) -> tuple[tuple[float, ...] | None, ...]:
    """Positions that United Imaging lists for its tiles."""
    if not isinstance(sequence, Sequence):
        return ()
    return tuple(numbers(value_of(item, "ImagePositionPatient"), 3) for item in sequence)

"""How a volume is cut into pictures: which array axis is scrolled, and which way round a slice is shown.

The voxels of an image stay in the order of their file. A `ReadingPlane` says how to look at them so that the patient is
always shown the radiological way (patient's right at the left of an axial picture, anterior up), whatever the file's
axis order. Networks are fed from the same plane, so NIfTI, NRRD and DICOM of one head give one input.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viewer.imaging.geometry import Geometry, letters

# Wanted growth of (row, column) in LPS for each anatomical slice axis x, y, z: sagittal, coronal, axial.
_WANTED = {
    0: ("sagittal", (2, -1.0), (1, 1.0)),
    1: ("coronal", (2, -1.0), (0, 1.0)),
    2: ("axial", (1, 1.0), (0, 1.0)),
}
_THICK = 1.5
"""A grid whose coarsest axis is this much coarser than the next was acquired as a stack along that axis."""


@dataclass(frozen=True)
class ReadingPlane:
    """One way of cutting a grid into pictures.

    Attributes
    ----------
    name : ``axial``, ``coronal``, ``sagittal`` or, without orientation, ``image``.
    axes : array axes (0 slice, 1 row, 2 column of the file) that serve as (slice, row, column) of the picture.
    flip_rows, flip_columns : whether the picture's axis runs against the file's.
    as_stored : whether the picture hangs the way it was stored, whichever side of the patient that brings to the left.
    """

    name: str
    axes: tuple[int, int, int]
    flip_rows: bool = False
    flip_columns: bool = False
    as_stored: bool = False

    @classmethod
    def of(cls, geometry: Geometry) -> ReadingPlane:
        """The plane in which this grid is read: its thick axis is scrolled, else the axis nearest to head-foot."""
        spacing = np.asarray(geometry.spacing_mm)
        single = [axis for axis in range(3) if geometry.shape[axis] == 1]
        order = np.argsort(spacing)
        if len(single) == 1:
            axis = single[0]
        elif not geometry.placed:
            axis = 0
        elif spacing[order[2]] >= _THICK * spacing[order[1]]:
            axis = int(order[2])
        else:
            axis = _nearest_axis(geometry, 2)
        return cls.along(geometry, axis)

    @classmethod
    def named(cls, geometry: Geometry, name: str) -> ReadingPlane:
        """The plane of that anatomical name.

        Raises
        ------
        ValueError
            When the grid has no orientation or the name is not one of axial, coronal, sagittal.
        """
        wanted = {plane[0]: anatomical for anatomical, plane in _WANTED.items()}
        if not geometry.oriented or name not in wanted:
            raise ValueError(f"no {name} plane in this image")
        return cls.along(geometry, _nearest_axis(geometry, wanted[name]))

    @classmethod
    def along(cls, geometry: Geometry, axis: int) -> ReadingPlane:
        """The plane that scrolls along one array axis of the file."""
        if not geometry.oriented:
            rows, columns = (a for a in range(3) if a != axis)
            return cls("image", (axis, rows, columns))
        assigned = _anatomical_axes(geometry)
        name, (row_anatomy, row_sign), (column_anatomy, column_sign) = _WANTED[assigned[axis]]
        if not geometry.placed:
            # A film hangs the way it was stored: turned round, the words and markers on it could not be read.
            rows, columns = (a for a in range(3) if a != axis)
            return cls(name, (axis, rows, columns), as_stored=True)
        rows, columns = assigned.index(row_anatomy), assigned.index(column_anatomy)
        return cls(
            name,
            (axis, rows, columns),
            flip_rows=bool(geometry.direction(rows)[row_anatomy] * row_sign < 0),
            flip_columns=bool(geometry.direction(columns)[column_anatomy] * column_sign < 0),
        )

    def count(self, shape: tuple[int, ...]) -> int:
        """Number of slices."""
        return shape[self.axes[0]]

    def picture_shape(self, shape: tuple[int, ...]) -> tuple[int, int]:
        """(rows, columns) of a picture."""
        return shape[self.axes[1]], shape[self.axes[2]]

    def picture(self, voxels: NDArray, index: int) -> NDArray:
        """Slice `index` as shown: (row, column[, channel])."""
        where: list[int | slice] = [slice(None)] * voxels.ndim
        where[self.axes[0]] = index
        return self.turned(voxels[tuple(where)])

    def turned(self, plane: NDArray) -> NDArray:
        """A slice in file order (the two remaining axes, ascending) turned the way it is shown."""
        if self.axes[1] > self.axes[2]:
            plane = plane.swapaxes(0, 1)
        if self.flip_rows:
            plane = plane[::-1]
        return plane[:, ::-1] if self.flip_columns else plane

    def returned(self, picture: NDArray) -> NDArray:
        """A picture back in file order; exact inverse of `turned`."""
        if self.flip_columns:
            picture = picture[:, ::-1]
        if self.flip_rows:
            picture = picture[::-1]
        return picture.swapaxes(0, 1) if self.axes[1] > self.axes[2] else picture

    def put(self, volume: NDArray, index: int, picture: NDArray) -> None:
        """Write a picture into slice `index` of a volume in file order."""
        where: list[int | slice] = [slice(None)] * 3
        where[self.axes[0]] = index
        volume[tuple(where)] = self.returned(picture)

    def spacing(self, geometry: Geometry) -> tuple[float, float]:
        """(row, column) spacing of a picture, mm."""
        spacing = geometry.spacing_mm
        return spacing[self.axes[1]], spacing[self.axes[2]]

    def voxel(self, geometry: Geometry, index: int, row: float, column: float) -> NDArray[np.float64]:
        """File position (slice, row, column) of a picture position; pixel centres are whole numbers."""
        position = np.empty(3)
        position[self.axes[0]] = index
        rows, columns = self.picture_shape(geometry.shape)
        position[self.axes[1]] = rows - 1 - row if self.flip_rows else row
        position[self.axes[2]] = columns - 1 - column if self.flip_columns else column
        return position

    def place(self, geometry: Geometry, voxel: NDArray[np.float64]) -> tuple[float, float, float]:
        """Picture position (index, row, column) of a file position; inverse of `voxel`."""
        rows, columns = self.picture_shape(geometry.shape)
        row, column = float(voxel[self.axes[1]]), float(voxel[self.axes[2]])
        return (
            float(voxel[self.axes[0]]),
            rows - 1 - row if self.flip_rows else row,
            columns - 1 - column if self.flip_columns else column,
        )

    def edge_letters(self, geometry: Geometry) -> tuple[str, str, str, str] | None:
        """Letters at the (left, right, top, bottom) of the picture, from the affine; None without orientation."""
        if not geometry.oriented:
            return None
        down = geometry.direction(self.axes[1]) * (-1.0 if self.flip_rows else 1.0)
        right = geometry.direction(self.axes[2]) * (-1.0 if self.flip_columns else 1.0)
        return letters(-right), letters(right), letters(-down), letters(down)

    def position_mm(self, geometry: Geometry, index: int) -> float | None:
        """LPS coordinate along the anatomical slice axis of the picture's centre, mm; None where it is not known."""
        if not geometry.placed:
            return None
        rows, columns = self.picture_shape(geometry.shape)
        centre = geometry.to_patient(self.voxel(geometry, index, (rows - 1) / 2, (columns - 1) / 2))
        anatomical = {plane[0]: axis for axis, plane in _WANTED.items()}[self.name]
        return float(centre[anatomical])


def _anatomical_axes(geometry: Geometry) -> list[int]:
    """For each array axis the patient axis (0 x, 1 y, 2 z) it runs along: the best one-to-one match."""
    directions = np.abs([geometry.direction(axis) for axis in range(3)])
    assigned = [-1, -1, -1]
    for _ in range(3):
        axis, anatomical = np.unravel_index(int(np.argmax(directions)), directions.shape)
        assigned[int(axis)] = int(anatomical)
        directions[axis, :] = -1.0
        directions[:, anatomical] = -1.0
    return assigned


def _nearest_axis(geometry: Geometry, anatomical: int) -> int:
    return _anatomical_axes(geometry).index(anatomical)

"""The way from a volume of the patient to the input of a network of volumes, and back.

Every volume is taken in one order first, the *reading order*, whatever the order of its file: slices from the feet to
the head, rows from anterior to posterior, columns from the patient's right to the left. Each axis of the file serves
as the anatomical axis that it runs along most, so an oblique volume is turned by quarter turns and never resampled for
it. A volume without orientation keeps the order of its file.

Crop, mirror and resize are then one box and one flag, applied as three small matrices, as `InputView` does for
pictures. Slices are read one at a time: no copy of the volume is ever made, whatever type its voxels have.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viewer.foundation.errors import ModelError, UsageError
from viewer.foundation.registry import nearest
from viewer.imaging.body import brain_box
from viewer.imaging.geometry import Geometry
from viewer.imaging.image import MedicalImage
from viewer.imaging.plane import ReadingPlane
from viewer.models.card import Crop, InputRule
from viewer.models.input_view import plain_array
from viewer.models.line_sampling import cell_of, reduction, sampling
from viewer.models.normalise import in_channels, normalise

Volume = NDArray[np.float32]
Triple = tuple[float, float, float]


@dataclass(frozen=True)
class ReadingOrder:
    """How the axes of a file become those of the reading order.

    Attributes
    ----------
    axes : axes of the file (0 slice, 1 row, 2 column) that serve as (slice, row, column).
    flips : for each of these three whether it runs against the file's.
    """

    axes: tuple[int, int, int] = (0, 1, 2)
    flips: tuple[bool, bool, bool] = (False, False, False)

    @classmethod
    def of(cls, geometry: Geometry) -> ReadingOrder:
        """The order of a grid: slice 0 towards the feet, row 0 anterior, column 0 the patient's right.

        A grid whose positions are not known (a film, a sequence in time) stays as it is stored: it is no volume.
        """
        if not geometry.placed:
            return cls()
        plane = ReadingPlane.named(geometry, "axial")
        down = bool(geometry.direction(plane.axes[0])[2] < 0)
        return cls(plane.axes, (down, plane.flip_rows, plane.flip_columns))

    def turned(self, voxels: NDArray) -> NDArray:
        """Voxels (slice, row, column[, channel]) of a file in reading order; a view, nothing is copied."""
        rest = tuple(range(3, voxels.ndim))
        steps = tuple(slice(None, None, -1 if flip else 1) for flip in self.flips)
        return voxels.transpose(*self.axes, *rest)[steps]

    def returned(self, volume: NDArray) -> NDArray:
        """A volume in reading order (slice, row, column) in the order of the file; exact inverse of `turned`."""
        steps = tuple(slice(None, None, -1 if flip else 1) for flip in self.flips)
        back = np.argsort(self.axes)
        return volume[steps].transpose(int(back[0]), int(back[1]), int(back[2]))

    def spacing(self, geometry: Geometry) -> Triple:
        """(slice, row, column) spacing in reading order, mm."""
        spacing = geometry.spacing_mm
        return spacing[self.axes[0]], spacing[self.axes[1]], spacing[self.axes[2]]

    def voxel(self, shape: tuple[int, ...], position: Iterable[float]) -> NDArray[np.float64]:
        """File position of a position in reading order; voxel centres are whole numbers on both.

        Parameters
        ----------
        shape : of the volume in the file.
        """
        found = np.empty(3)
        for axis, flip, value in zip(self.axes, self.flips, position, strict=True):
            found[axis] = shape[axis] - 1 - value if flip else value
        return found

    def place(self, shape: tuple[int, ...], voxel: NDArray[np.float64]) -> Triple:
        """Position in reading order of a file position; inverse of `voxel`."""
        s, r, c = (
            float(shape[axis] - 1 - voxel[axis] if flip else voxel[axis])
            for axis, flip in zip(self.axes, self.flips, strict=True)
        )
        return s, r, c


@dataclass(frozen=True)
class VolumeBox:
    """Half-open box in voxel edges of the reading order; may reach beyond the volume, where there is background."""

    slice_min: float
    row_min: float
    column_min: float
    slice_max: float
    row_max: float
    column_max: float

    @property
    def low(self) -> Triple:
        return self.slice_min, self.row_min, self.column_min

    @property
    def high(self) -> Triple:
        return self.slice_max, self.row_max, self.column_max

    @property
    def extent(self) -> Triple:
        """Voxels along (slice, row, column)."""
        return (
            self.slice_max - self.slice_min,
            self.row_max - self.row_min,
            self.column_max - self.column_min,
        )


@dataclass(frozen=True)
class VolumeView:
    """An invertible view of one volume as a network input; the sibling of `InputView` in three dimensions.

    Attributes
    ----------
    volume_shape : (slices, rows, columns) of the volume in reading order.
    box : the part of the volume that fills the input.
    rule : size and normalisation of the network's input.
    mirror : whether columns run the other way (the patient's left and right swapped for the network).
    crop : name of the rule that made the box.
    order : how the file's axes became those of the reading order.
    """

    volume_shape: tuple[int, int, int]
    box: VolumeBox
    rule: InputRule
    mirror: bool = False
    crop: Crop = "none"
    order: ReadingOrder = ReadingOrder()

    @classmethod
    def of(
        cls, rule: InputRule, image: MedicalImage, *, mirror: bool = False, crop: Crop | None = None
    ) -> VolumeView:
        """The view of an image.

        Parameters
        ----------
        crop : ``none`` or ``body``; None follows the model card.

        Raises
        ------
        ModelError
            When the rule is that of a network of pictures, or the image has a single slice.
        UsageError
            When there is no such crop.
        """
        return _seen(rule, image, mirror, crop)[0]

    @classmethod
    def of_volume(
        cls,
        rule: InputRule,
        volume: NDArray,
        spacing: Triple = (1.0, 1.0, 1.0),
        *,
        mirror: bool = False,
        crop: Crop | None = None,
        order: ReadingOrder = ReadingOrder(),
    ) -> VolumeView:
        """The view of a grey volume (slice, row, column) in reading order, with the spacing of its axes in mm."""
        slices, rows, columns = volume.shape
        return cls._of_slices(rule, volume, (slices, rows, columns), spacing, mirror, crop, order)

    @classmethod
    def _of_slices(
        cls,
        rule: InputRule,
        pictures: Iterable[NDArray],
        shape: tuple[int, int, int],
        spacing: Triple,
        mirror: bool,
        crop: Crop | None,
        order: ReadingOrder,
    ) -> VolumeView:
        crop = rule.crop if crop is None else crop
        if crop not in ("none", "body"):
            raise UsageError(
                f"There is no crop rule '{crop}' for volumes{nearest(crop, ['none', 'body'])}.", code="crop"
            )
        box = VolumeBox(0, 0, 0, *shape) if crop == "none" else body_box(pictures)
        if rule.fit == "square":
            box = _fitted(box, spacing, rule.size)
        return cls(shape, box, rule, mirror, crop, order)

    @classmethod
    def of_array(
        cls, array: NDArray, *, mirror: bool = False, crop: Crop | None = None
    ) -> tuple[VolumeView, Volume]:
        """The view of an array (channel, slice, row, column) that already is what the network takes, and its input.

        Raises
        ------
        UsageError
            When it has other axes, or shall be cropped.
        """
        ready = plain_array(array)
        if ready.ndim != 4:
            raise UsageError(
                f"A volume given as an array has the axes (channel, slice, row, column); this one has {ready.ndim}.",
                code="array-axes",
            )
        if crop not in (None, "none"):
            raise UsageError(
                "An array already is what the network takes; it cannot be cropped.", code="array-crop"
            )
        slices, rows, columns = ready.shape[1:]
        rule = InputRule(size=(slices, rows, columns), channels=ready.shape[0], normalise="none")
        view = cls((slices, rows, columns), VolumeBox(0, 0, 0, slices, rows, columns), rule, mirror)
        return view, np.ascontiguousarray(ready[..., ::-1]) if mirror else ready

    def resized(self, volume: NDArray) -> Volume:
        """Crop, mirror and resize a grey volume (slice, row, column) in reading order, of any real type.

        Returns
        -------
        ndarray
            (slice, row, column) float32 on the network's grid; outside the volume its least value.
        """
        return self._gathered(volume, float(volume.min()))

    def network_input(self, volume: NDArray) -> Volume:
        """What the network gets of a grey volume in reading order: (channel, slice, row, column), normalised."""
        return self._normalised(self.resized(volume))

    def back(self, map_: NDArray) -> Volume:
        """A map on any grid over the network's input, drawn on the volume: (slice, row, column) in reading order.

        Linear between the centres of the map's cells (``align_corners=False``), zero outside the crop, the mirror
        undone. `returned` puts it into the order of the file.
        """
        slices, rows, columns = (
            sampling(length, low, high, size, reverse)
            for length, low, high, size, reverse in self._lines(map_.shape)
        )
        drawn = np.zeros(self.volume_shape, dtype=np.float32)
        cells = map_.astype(np.float32)
        for index, weights in enumerate(slices):
            if weights.any():
                drawn[index] = rows @ np.tensordot(weights, cells, 1) @ columns.T
        return drawn

    def cells(self, map_: NDArray) -> Volume:
        """Like `back` without smoothing: every voxel has the value of the cell that it lies in."""
        s, r, c = (
            cell_of(length, low, high, size, reverse)
            for length, low, high, size, reverse in self._lines(map_.shape)
        )
        drawn = map_.astype(np.float32)[np.ix_(*(np.clip(line, 0, None) for line in (s, r, c)))]
        drawn *= (s >= 0)[:, None, None] & (r >= 0)[None, :, None] & (c >= 0)[None, None, :]
        return drawn

    def returned(self, volume: NDArray) -> NDArray:
        """A volume in reading order in the order of the file."""
        return self.order.returned(volume)

    def to_input(self, slice_: float, row: float, column: float) -> Triple:
        """Network position of a position in reading order (voxel centres are whole numbers on both grids)."""
        shares = [
            (x + 0.5 - low) / extent
            for x, low, extent in zip((slice_, row, column), self.box.low, self.box.extent, strict=True)
        ]
        if self.mirror:
            shares[2] = 1 - shares[2]
        s, r, c = (share * size - 0.5 for share, size in zip(shares, self.rule.size, strict=True))
        return s, r, c

    def to_volume(self, slice_: float, row: float, column: float) -> Triple:
        """Position in reading order of a network position; inverse of `to_input`."""
        shares = [(x + 0.5) / size for x, size in zip((slice_, row, column), self.rule.size, strict=True)]
        if self.mirror:
            shares[2] = 1 - shares[2]
        s, r, c = (
            share * extent + low - 0.5
            for share, low, extent in zip(shares, self.box.low, self.box.extent, strict=True)
        )
        return s, r, c

    def grid_geometry(self, geometry: Geometry, grid: tuple[int, ...]) -> Geometry:
        """Where the cells of a map lie in the patient, the mirror undone: for a map at its true grid.

        Parameters
        ----------
        geometry : of the image.
        grid : (slices, rows, columns) of the map.
        """
        corners = []
        for cell in ((0, 0, 0), (0, 0, 1), (0, 1, 0), (1, 0, 0)):
            share = [(c + 0.5) / n for c, n in zip(cell, grid, strict=True)]
            if self.mirror:
                share[2] = 1 - share[2]
            at = [s * e + low - 0.5 for s, e, low in zip(share, self.box.extent, self.box.low, strict=True)]
            voxel = self.order.voxel(geometry.shape, at)
            corners.append(geometry.affine_lps @ np.array([*voxel[::-1], 1.0]))
        origin, column, row, slice_ = corners
        affine = np.column_stack([column - origin, row - origin, slice_ - origin, origin])
        slices, rows, columns = grid
        return Geometry(affine, (slices, rows, columns), geometry.oriented, placed=geometry.placed)

    def _lines(self, grid: tuple[int, ...]) -> list[tuple[int, float, float, int, bool]]:
        """For each axis: voxels of the volume, edges of the box, cells of a grid over it, whether it runs back."""
        mirrored = (False, False, self.mirror)
        return list(zip(self.volume_shape, self.box.low, self.box.high, grid, mirrored, strict=True))

    def _gathered(self, slices: Iterable[NDArray], background: float) -> Volume:
        """Resize a volume that comes slice by slice (row, column); memory for one slice and for the result."""
        along, rows, columns = (
            reduction(length, low, high, size, reverse)
            for length, low, high, size, reverse in self._lines(self.rule.size)
        )
        gathered = np.zeros(self.rule.size, dtype=np.float32)
        for weights, picture in zip(along.T, slices, strict=True):
            used = np.flatnonzero(weights)
            if used.size:
                small = rows @ (picture.astype(np.float32) - np.float32(background)) @ columns.T
                gathered[used] += weights[used, None, None] * small
        gathered += np.float32(background)
        return gathered

    def _normalised(self, resized: Volume) -> Volume:
        values = normalise(self.rule.normalise, resized, **self.rule.parameters)
        return in_channels(values, self.rule.channels, 3)


def volume_input(
    rule: InputRule, image: MedicalImage, *, mirror: bool = False, crop: Crop | None = None
) -> tuple[VolumeView, Volume]:
    """The view of an image and what a network of volumes gets of it, (channel, slice, row, column).

    Everything that feeds a network of volumes from an image goes through here.

    Raises
    ------
    ModelError
        When the rule is that of a network of pictures, or the image has a single slice.
    UsageError
        When there is no such crop.
    """
    view, grey = _seen(rule, image, mirror, crop)
    return view, view._normalised(view._gathered(grey, grey.low))


class _Grey:
    """The slices of an image in reading order as float32 grey values, the right way round for a network.

    As `MedicalImage.grey` does for a picture, with the extremes of the whole volume: colour becomes luminance,
    MONOCHROME1 is inverted, and values that are not finite become the darkest finite one.
    """

    def __init__(self, image: MedicalImage) -> None:
        self.order = ReadingOrder.of(image.geometry)
        self._voxels = self.order.turned(image.voxels)
        self._inverted = image.intensity.inverted
        lows, highs = [], []
        for plane in self._voxels:
            values = self._luminance(plane)
            finite = values if np.issubdtype(values.dtype, np.integer) else values[np.isfinite(values)]
            if finite.size:
                lows.append(float(finite.min()))
                highs.append(float(finite.max()))
        self.low, self._high = min(lows, default=0.0), max(highs, default=0.0)

    @property
    def shape(self) -> tuple[int, int, int]:
        slices, rows, columns = self._voxels.shape[:3]
        return slices, rows, columns

    def __iter__(self) -> Iterator[Volume]:
        for plane in self._voxels:
            values = self._luminance(plane).astype(np.float32)
            finite = np.isfinite(values)
            if not finite.all():
                values = np.where(finite, values, np.float32(self._high if self._inverted else self.low))
            yield np.float32(self._high + self.low) - values if self._inverted else values

    @staticmethod
    def _luminance(plane: NDArray) -> NDArray:
        if plane.ndim == 2:
            return plane
        weights = np.array([0.299, 0.587, 0.114], dtype=np.float32)
        return np.asarray(plane[..., :3].astype(np.float32) @ weights)


def _seen(rule: InputRule, image: MedicalImage, mirror: bool, crop: Crop | None) -> tuple[VolumeView, _Grey]:
    if len(rule.size) != 3:
        raise ModelError("The model reads single slices, not whole volumes.", code="dims")
    if min(image.geometry.shape) < 2:
        raise ModelError(
            "The model reads volumes, and this image is a single slice.",
            code="not-a-volume",
            action="Choose a series with several slices, or a model of slices.",
        )
    grey = _Grey(image)
    spacing = grey.order.spacing(image.geometry)
    view = VolumeView._of_slices(rule, grey, grey.shape, spacing, mirror, crop, grey.order)
    return view, grey


def body_box(pictures: Iterable[NDArray]) -> VolumeBox:
    """The body's bounding box with a margin of 2%, found on the mean along the slices and the mean along the rows.

    A mean over many voxels leaves tissue and takes the noise of the air away.

    Parameters
    ----------
    pictures : the slices (row, column) of a grey volume in reading order; read once.
    """
    fronts, total = [], np.zeros((1, 1), dtype=np.float32)
    for picture in pictures:
        total = total + picture
        fronts.append(picture.mean(axis=0, dtype=np.float32))
    row_min, left, row_max, right = brain_box(total / np.float32(len(fronts)))
    slice_min, column_min, slice_max, column_max = brain_box(np.stack(fronts))
    return VolumeBox(slice_min, row_min, min(column_min, left), slice_max, row_max, max(column_max, right))


def _fitted(box: VolumeBox, spacing: Triple, size: tuple[int, ...]) -> VolumeBox:
    """Grow the shorter sides about their middle until the cells of the input are cubes, measured in millimetres."""
    extent = [voxels * mm for voxels, mm in zip(box.extent, spacing, strict=True)]
    cell = max(length / count for length, count in zip(extent, size, strict=True))
    grow = [(cell * n / mm - v) / 2 for n, mm, v in zip(size, spacing, box.extent, strict=True)]
    low = [edge - g for edge, g in zip(box.low, grow, strict=True)]
    high = [edge + g for edge, g in zip(box.high, grow, strict=True)]
    return VolumeBox(low[0], low[1], low[2], high[0], high[1], high[2])

"""The way from a picture of the patient to the network's input, and back.

Crop, mirror and resize are one axis-aligned map between two grids, so they are held as one box and one flag and applied
as two small matrices (one for rows, one for columns). A map goes back through the same box: what the network looked at
is where it is drawn, to a fraction of a pixel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.foundation.errors import ModelError, UsageError
from viewer.foundation.registry import nearest
from viewer.imaging.body import brain_box, percentile_box
from viewer.imaging.image import MedicalImage
from viewer.imaging.pixel_box import PixelBox
from viewer.models.card import Crop, InputRule
from viewer.models.line_sampling import cell_of, reduction, sampling
from viewer.models.normalise import in_channels, normalise

Picture = NDArray[np.float32]

_CROPPED = {"percentile": percentile_box, "brain": brain_box}


def plain_array(given: Any) -> NDArray[np.float32]:
    """Numbers that somebody hands over as an array, as lists, or as a tensor that may be part of a graph.

    Raises
    ------
    UsageError
        When it holds anything else than real numbers.
    """
    detach = getattr(given, "detach", None)
    try:
        array = np.asarray(given if detach is None else detach().float().cpu().numpy())
    except (ValueError, TypeError):
        array = np.asarray(None)
    if array.dtype.kind not in "biuf":
        raise UsageError(
            f"The input is an image or an array of real numbers; this is {type(given).__name__}.",
            code="array-values",
        )
    return np.asarray(array, dtype=np.float32)


@dataclass(frozen=True)
class InputView:
    """An invertible view of one picture (row, column) as a network input.

    Attributes
    ----------
    picture_shape : (rows, columns) of the picture.
    box : the part of the picture that fills the input.
    rule : size and normalisation of the network's input.
    mirror : whether columns run the other way (the patient's left and right swapped for the network).
    crop : name of the rule that made the box.
    """

    picture_shape: tuple[int, int]
    box: PixelBox
    rule: InputRule
    mirror: bool = False
    crop: Crop = "none"

    @classmethod
    def of(
        cls,
        rule: InputRule,
        image: MedicalImage,
        index: int,
        *,
        mirror: bool = False,
        crop: Crop | None = None,
    ) -> InputView:
        """The view of slice `index` of an image in its reading plane.

        Parameters
        ----------
        crop : cropping rule; None follows the model card.
        """
        plane = image.plane
        return cls.of_picture(
            rule,
            image.grey(plane.picture(image.voxels, index)),
            plane.spacing(image.geometry),
            mirror=mirror,
            crop=crop,
        )

    @classmethod
    def of_picture(
        cls,
        rule: InputRule,
        picture: Picture,
        spacing: tuple[float, float] = (1.0, 1.0),
        *,
        mirror: bool = False,
        crop: Crop | None = None,
    ) -> InputView:
        """The view of one grey picture with (row, column) spacing in mm."""
        crop = rule.crop if crop is None else crop
        rows, columns = picture.shape
        if crop == "none":
            box = PixelBox(0, 0, rows, columns)
        else:
            if crop not in _CROPPED:
                raise UsageError(
                    f"There is no crop rule '{crop}'{nearest(crop, ['none', *_CROPPED])}.", code="crop"
                )
            box = PixelBox(*_CROPPED[crop](picture))
        if rule.fit == "square":
            box = _fitted(box, spacing, rule.size)
        return cls((rows, columns), box, rule, mirror, crop)

    @classmethod
    def of_array(
        cls, array: NDArray, *, mirror: bool = False, crop: Crop | None = None
    ) -> tuple[InputView, Picture]:
        """The view of an array (channel, row, column) that already is what the network takes, and its input.

        Raises
        ------
        UsageError
            When it has other axes, or shall be cropped.
        """
        ready = plain_array(array)
        if ready.ndim != 3:
            raise UsageError(
                f"An array input has the axes (channel, row, column); this one has {ready.ndim}.",
                code="array-axes",
            )
        if crop not in (None, "none"):
            raise UsageError(
                "An array already is what the network takes; it cannot be cropped.", code="array-crop"
            )
        rows, columns = ready.shape[1:]
        rule = InputRule(size=(rows, columns), channels=ready.shape[0], normalise="none")
        view = cls((rows, columns), PixelBox(0, 0, rows, columns), rule, mirror)
        return view, np.ascontiguousarray(ready[..., ::-1]) if mirror else ready

    def resized(self, picture: Picture) -> Picture:
        """Crop, mirror and resize: (row, column) grey values on the network's grid; outside the picture its least."""
        background = np.float32(picture.min())
        rows, columns = self._forward()
        return np.asarray(rows @ (picture - background) @ columns.T + background, dtype=np.float32)

    def network_input(self, picture: Picture) -> NDArray[np.float32]:
        """What the network gets: (channel, row, column), normalised."""
        values = normalise(self.rule.normalise, self.resized(picture), **self.rule.parameters)
        return in_channels(values, self.rule.channels, 2)

    def back(self, map_: NDArray) -> Picture:
        """A map on any grid over the network's input, drawn on the picture: (row, column), zero outside the crop.

        Linear between the centres of the map's cells (``align_corners=False``), the mirror undone.
        """
        rows = sampling(self.picture_shape[0], self.box.row_min, self.box.row_max, map_.shape[0], False)
        columns = sampling(
            self.picture_shape[1], self.box.column_min, self.box.column_max, map_.shape[1], self.mirror
        )
        return np.asarray(rows @ map_.astype(np.float32) @ columns.T, dtype=np.float32)

    def cells(self, map_: NDArray) -> Picture:
        """Like `back` without smoothing: every pixel has the value of the cell that it lies in."""
        r = cell_of(self.picture_shape[0], self.box.row_min, self.box.row_max, map_.shape[0], False)
        c = cell_of(
            self.picture_shape[1], self.box.column_min, self.box.column_max, map_.shape[1], self.mirror
        )
        drawn = map_[np.clip(r, 0, None)][:, np.clip(c, 0, None)].astype(np.float32)
        return np.where((r >= 0)[:, None] & (c >= 0)[None, :], drawn, np.float32(0))

    def to_input(self, row: float, column: float) -> tuple[float, float]:
        """Network position of a picture position (pixel centres are whole numbers on both grids)."""
        height, width = self.rule.size
        r = (row + 0.5 - self.box.row_min) / self.box.height
        c = (column + 0.5 - self.box.column_min) / self.box.width
        return r * height - 0.5, ((1 - c) if self.mirror else c) * width - 0.5

    def to_picture(self, row: float, column: float) -> tuple[float, float]:
        """Picture position of a network position; inverse of `to_input`."""
        height, width = self.rule.size
        r, c = (row + 0.5) / height, (column + 0.5) / width
        c = 1 - c if self.mirror else c
        return r * self.box.height + self.box.row_min - 0.5, c * self.box.width + self.box.column_min - 0.5

    def _forward(self) -> tuple[Picture, Picture]:
        rows = reduction(self.picture_shape[0], self.box.row_min, self.box.row_max, self.rule.size[0], False)
        columns = reduction(
            self.picture_shape[1], self.box.column_min, self.box.column_max, self.rule.size[1], self.mirror
        )
        return rows, columns


def slice_input(
    rule: InputRule, image: MedicalImage, index: int, *, mirror: bool = False, crop: Crop | None = None
) -> tuple[InputView, NDArray[np.float32]]:
    """The view of one slice and what the network gets of it, (channel, row, column).

    Everything that feeds a network from an image goes through here, so predictions and maps speak of one input. Where
    the rule wants neighbours, they go through the view of the slice in the middle and are normalised each by itself;
    beyond the ends of the stack its last slice stands in.

    Raises
    ------
    ModelError
        When the rule is that of a network of volumes.
    """
    if len(rule.size) != 2:
        raise ModelError("The model reads whole volumes; it says nothing about a single slice.", code="dims")

    def picture(number: int) -> Picture:
        return image.grey(image.plane.picture(image.voxels, number))

    middle, spacing = picture(index), image.plane.spacing(image.geometry)
    view = InputView.of_picture(rule, middle, spacing, mirror=mirror, crop=crop)
    if not rule.neighbours:
        return view, view.network_input(middle)
    last = image.plane.count(image.voxels.shape) - 1
    around = range(index - rule.neighbours, index + rule.neighbours + 1)
    return view, np.stack([view.network_input(picture(min(max(k, 0), last)))[0] for k in around])


def _fitted(box: PixelBox, spacing: tuple[float, float], size: tuple[int, ...]) -> PixelBox:
    """Grow the shorter side about its middle until the box has the shape of the input, measured in millimetres."""
    height, width = box.height * spacing[0], box.width * spacing[1]
    wanted = size[0] / size[1]
    if height < width * wanted:
        grow = (width * wanted / spacing[0] - box.height) / 2
        return PixelBox(box.row_min - grow, box.column_min, box.row_max + grow, box.column_max)
    grow = (height / wanted / spacing[1] - box.width) / 2
    return PixelBox(box.row_min, box.column_min - grow, box.row_max, box.column_max + grow)

"""Boxes of a slice that come from the map of a whole volume: the rule is applied in three dimensions, then cut."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viewer.evaluation.boxes import BoxRule, Rule, mask_from_map
from viewer.evaluation.map_boxes import MapBoxes
from viewer.models.volume_cut import VolumeCut, stacked
from viewer.state.case import Case
from viewer.state.map_view import MapView
from viewer.state.method import method_of
from viewer.state.rulers import picture_spacing
from viewer.state.session import Session
from viewer.state.volume_reading import VolumeReading

Picture = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class VolumeRule(BoxRule):
    """Which voxels of a volume count; a slice shows its part of them."""

    def __str__(self) -> str:
        return f"{super().__str__()}, in three dimensions"


def boxes_of_slice(
    session: Session, reading: VolumeReading, found: MapView, rule: Rule, value: float, marked: Mask | None
) -> MapBoxes:
    """The shown slice of the voxels that count: `top-percent` is a share of all voxels that the network saw.

    Of a fraction of the maximum, the maximum is that of the volume; of the area of the truth, the truth of the volume.

    Parameters
    ----------
    marked : (slice, row, column) what readers marked; None for rules that do not need it.
    """
    index, case, view = session.view.slice, session.case, reading.view
    assert case is not None
    assert view is not None
    method = method_of(session)
    key = (
        "map",
        session.choice.target,
        method.layer,
        method.shown_key,
        session.revision,
        rule,
        value,
        id(case),
    )

    def volume() -> Mask:
        return _mask(reading, stacked(view, case.plane, found.raw), rule, value, marked)

    mask, spacing = reading.remembered(key, volume)[index], picture_spacing(case.image, case.plane)
    return MapBoxes.from_mask(found.picture, mask, VolumeRule(rule, value), slice=index, spacing=spacing)


def brightness_of_slice(
    reading: VolumeReading, case: Case, index: int, rule: Rule, value: float, marked: Mask | None
) -> MapBoxes:
    """The same of the image's own brightness: the brightest voxels of the volume, where the network saw it."""

    def volume() -> Mask:
        grey = np.stack([case.image.grey(case.picture(number)) for number in range(case.slices)])
        return _mask(reading, grey - grey.min(), rule, value, marked)

    mask = reading.remembered(("grey", rule, value, _area(marked)), volume)[index]
    grey = case.image.grey(case.picture(index))
    within = np.zeros(grey.shape, dtype=bool)
    view = reading.views[index]
    assert isinstance(view, VolumeCut)
    row_min, column_min, row_max, column_max = view.inside
    within[row_min:row_max, column_min:column_max] = True
    above, spacing = np.where(within, grey - grey.min(), 0), picture_spacing(case.image, case.plane)
    return MapBoxes.from_mask(above, mask, VolumeRule(rule, value), slice=index, spacing=spacing)


def _area(marked: Mask | None) -> int:
    return 0 if marked is None else int(np.count_nonzero(marked))


def _mask(reading: VolumeReading, values: Picture, rule: Rule, value: float, marked: Mask | None) -> Mask:
    """The voxels (slice, row, column) that count, of those that the network saw."""
    mask = np.zeros(values.shape, dtype=bool)
    views = [view for view in reading.views.values() if isinstance(view, VolumeCut) and view.seen]
    if not views:
        return mask
    first, last = min(view.index for view in views), max(view.index for view in views) + 1
    row_min, column_min, row_max, column_max = views[0].inside
    box = (slice(first, last), slice(row_min, row_max), slice(column_min, column_max))
    mask[box] = mask_from_map(values[box], rule=rule, value=value, truth=marked)
    return mask

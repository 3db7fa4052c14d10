"""Where the map of a volume is largest."""

from __future__ import annotations

import numpy as np

from viewer.models.volume_cut import VolumeCut
from viewer.state.map_view import shown_map, signed_map
from viewer.state.session import Session
from viewer.state.volume_reading import VolumeReading


def peak_place(session: Session, reading: VolumeReading) -> tuple[int, float, float] | None:
    """(slice, row, column) of the pixel where the chosen map is largest, of a difference of largest magnitude.

    None where there is no map, or nothing in it. Equal values: the lowest index.
    """
    signed = signed_map(session, reading, session.view.slice, session.choice.layer)
    if signed is None:
        return None
    shown, best, place = np.abs(shown_map(session, signed)), 0.0, None
    for index, view in sorted(reading.views.items()):
        if not isinstance(view, VolumeCut) or not view.seen:
            continue
        picture = view.back(shown)
        if (highest := float(picture.max(initial=0.0))) > best:
            row, column = np.unravel_index(int(picture.argmax()), picture.shape)
            best, place = highest, (index, float(row), float(column))
    return place

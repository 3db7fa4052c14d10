"""What a network of volumes said of one image: one answer for all of its slices, and a map that they all cut."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from viewer.explainers.volume_atlas import VolumeAtlas
from viewer.imaging.plane import ReadingPlane
from viewer.models.volume_cut import VolumeCut, mass_of_slices
from viewer.models.volume_view import VolumeView
from viewer.state.series_reading import SeriesReading

_REMEMBERED = 4
"""Results about the whole volume that are kept: masks of the map and of the image's own brightness, overlaps."""

T = TypeVar("T")


@dataclass(eq=False)
class VolumeReading(SeriesReading):
    """A reading with one question, of the whole volume; every slice of the image has its view of the one map.

    Attributes
    ----------
    view : how the volume became the input; None until it has been traced.
    seen : (slice, row, column) float16, the first channel of what the network got; None until then.
    tracing : the layer that is being traced; empty for none.
    wanted : layers that are traced one after the other as soon as nothing else is, the next one first.
    """

    view: VolumeView | None = None
    seen: NDArray[np.float16] | None = None
    tracing: str = ""
    wanted: tuple[str, ...] = ()
    _known: OrderedDict[Hashable, Any] = field(default_factory=OrderedDict)

    @property
    def whole(self) -> bool:
        return True

    def question(self, index: int) -> int:
        return 0

    def place(self, view: VolumeView, plane: ReadingPlane, slices: int) -> None:
        """Say where the maps lie: from now on every slice has a view of them."""
        self.view = view
        assert isinstance(self.atlas, VolumeAtlas)
        self.atlas.spread = partial(mass_of_slices, view, plane)
        self.views.update({index: VolumeCut(view, plane, index) for index in range(slices)})

    def remembered(self, key: Hashable, make: Callable[[], T]) -> T:
        """Something about the whole volume, made once; every slice asks for it."""
        if key not in self._known:
            self._known[key] = make()
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        found: T = self._known[key]
        return found

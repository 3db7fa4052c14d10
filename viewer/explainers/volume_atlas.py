"""The maps of one volume: an atlas in which every slice of the image shares one map. No torch here."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from viewer.explainers.atlas import Atlas, Map, MapFacts
from viewer.explainers.map_store import MapStore

_UNPACKED = 4
"""Maps that are kept as they are read, because every slice asks for the same ones."""


class VolumeAtlas(Atlas):
    """What a network of volumes said of one image: one answer, whichever slice is asked about.

    Maps have the axes (slice, row, column) of the layer's grid. Only the layers that were asked for are there.

    Parameters
    ----------
    slices : number of slices of the image, which share the answer.

    Attributes
    ----------
    spread : how much of a positive map lies at the height of each slice of the image, (slice,); None until it is known
        where the maps lie.
    """

    def __init__(self, store: MapStore, variant: Hashable, classes: Sequence[str], slices: int) -> None:
        super().__init__(store, variant, classes, 1)
        self.spread: Callable[[Map], NDArray[np.float64]] | None = None
        self._count = slices
        self._unpacked: OrderedDict[tuple[int, str, str], Map] = OrderedDict()
        self._masses: dict[tuple[int, str, str], NDArray[np.float64]] = {}

    def put(self, slice: int, target: int, layer: str, method: str, signed_map: NDArray) -> None:
        """Keep a signed map (slice, row, column) of the layer's grid."""
        super().put(0, target, layer, method, signed_map)
        with self._lock:
            self._unpacked.pop((target, layer, method), None)
        if self.spread is not None:
            masses = self.spread(np.maximum(np.asarray(signed_map, dtype=np.float32), 0))
            with self._lock:
                self._masses[target, layer, method] = masses

    def put_probabilities(self, slice: int, probabilities: Sequence[float] | NDArray) -> None:
        super().put_probabilities(0, probabilities)

    def has(self, slice: int, *, layer: str | None = None, methods: Collection[str] | None = None) -> bool:
        return super().has(0, layer=layer, methods=methods)

    def signed(self, layer: str, target: int | str, method: str, slice: int) -> Map | None:
        """The signed map (slice, row, column) on the layer's grid; None when it is not there. Not to be written to."""
        key = (self.target_index(target), layer, method)
        if not self.store.touch(self._key(0, *key)):
            return None
        with self._lock:
            known = self._unpacked.get(key)
        if known is None:
            known = super().signed(layer, target, method, 0)
            if known is None:
                return None
            known.setflags(write=False)
            with self._lock:
                self._unpacked[key] = known
                while len(self._unpacked) > _UNPACKED:
                    self._unpacked.popitem(last=False)
        return known

    def probabilities(self, slice: int) -> NDArray[np.float32] | None:
        """(class,) probabilities of the volume; None when it was not traced."""
        return super().probabilities(0)

    def facts(self, layer: str, target: int | str, method: str, slice: int) -> MapFacts | None:
        return super().facts(layer, target, method, 0)

    def mass(self, layer: str, target: int | str, method: str) -> NDArray[np.float64]:
        """(slice,) how much of the map lies at the height of each slice of the image; nan where none was made."""
        with self._lock:
            known = self._masses.get((self.target_index(target), layer, method))
        return np.full(self._count, np.nan) if known is None else known.copy()

"""(class, layer, method) -> map, for every slice of a series; reading costs no pass of the network. No torch here."""

from __future__ import annotations

import threading
from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viewer.explainers.map_store import MapStore
from viewer.foundation.errors import ExplainError, UsageError
from viewer.foundation.registry import nearest
from viewer.models.card import class_index

Map = NDArray[np.float32]


@dataclass(frozen=True)
class MapFacts:
    """What is remembered of a map after the map itself has left the store; exact, from before any rounding.

    Attributes
    maximum, minimum : of the signed map.
    mass : sum of the positive values over the map's own grid.
    """

    maximum: float
    minimum: float
    mass: float


class Atlas:
    """The maps of one series under one view of the input (model, mirror, crop, score).

    Parameters
    store : memory shared by all atlases.
    variant : what tells this atlas from others in the store; hashable.
    classes : names in the order of the class indices.
    slices : number of slices.
    """

    def __init__(self, store: MapStore, variant: Hashable, classes: Sequence[str], slices: int) -> None:
        self.store = store
        self.variant = variant
        self.classes = tuple(classes)
        self.slices = slices
        self._facts: dict[tuple[int, str, str], dict[int, MapFacts]] = {}
        self._probabilities = np.full((slices, len(self.classes)), np.nan, dtype=np.float32)
        self._lock = threading.Lock()

    # --- writing, on the compute lane

    def put(self, slice: int, target: int, layer: str, method: str, signed_map: NDArray) -> None:
        """Keep a signed map (row, column) of the layer's grid."""
        self._check_slice(slice)
        values = np.asarray(signed_map, dtype=np.float32)
        facts = MapFacts(float(values.max()), float(values.min()), float(np.maximum(values, 0).sum()))
        self.store.put(self._key(slice, target, layer, method), values)
        with self._lock:
            self._facts.setdefault((target, layer, method), {})[slice] = facts

    def put_probabilities(self, slice: int, probabilities: Sequence[float] | NDArray) -> None:
        """Keep the probabilities of a slice, one per class."""
        self._check_slice(slice)
        self._probabilities[slice] = probabilities

    # --- what is there

    @property
    def filled(self) -> set[int]:
        """Slices of which at least one map has been made (it may have left the store since; see `has`)."""
        with self._lock:
            return set().union(*self._facts.values())

    @property
    def layers(self) -> list[str]:
        """Layers with at least one map, in the order in which they came."""
        with self._lock:
            return list(dict.fromkeys(layer for _, layer, _ in self._facts))

    @property
    def methods(self) -> list[str]:
        """Methods with at least one map, in the order in which they came."""
        with self._lock:
            return list(dict.fromkeys(method for _, _, method in self._facts))

    def has(self, slice: int, *, layer: str | None = None, methods: Collection[str] | None = None) -> bool:
        """Whether every map ever made of this slice (on that layer, by those methods) can be read now."""
        with self._lock:
            wanted = [
                (target, name, method)
                for (target, name, method), facts in self._facts.items()
                if slice in facts and layer in (None, name) and (methods is None or method in methods)
            ]
        return bool(wanted) and all(self._key(slice, *key) in self.store for key in wanted)

    # --- reading

    def signed(self, layer: str, target: int | str, method: str, slice: int) -> Map | None:
        """The signed map (row, column) on the layer's grid; None when it was not made or has left the store."""
        return self.store.get(self._key(slice, self.target_index(target), layer, method))

    def map(self, layer: str, target: int | str, method: str, slice: int | None = None) -> Map:
        """The map after ReLU on the layer's own grid, in units of the score, unnormalised.

        Parameters
        target : class index or name.
        slice : None for the only slice, (row, column), or for all of them, (slice, row, column).

        Raises
        ------
        UsageError
            Unknown layer, class, method or slice; nearest names are offered.
        ExplainError
            The map has not been made yet, or has left the memory budget.
        """
        index = self.target_index(target)
        self._check_names(layer, method)
        if slice is not None:
            self._check_slice(slice)
        wanted = range(self.slices) if slice is None else [slice]
        maps = []
        for number in wanted:
            signed = self.signed(layer, index, method, number)
            if signed is None:
                why = (
                    "has left the memory budget"
                    if self.facts(layer, index, method, number)
                    else "is not made yet"
                )
                raise ExplainError(
                    f"The map of slice {number} on the layer '{layer}' {why}.", code="not-in-atlas"
                )
            maps.append(np.maximum(signed, 0))
        return maps[0] if slice is not None or self.slices == 1 else np.stack(maps)

    def difference(
        self,
        layer: str,
        target_a: int | str,
        target_b: int | str,
        method: str,
        slice: int,
    ) -> Map | None:
        """Signed map of one class minus that of another; None when either is missing."""
        a, b = self.signed(layer, target_a, method, slice), self.signed(layer, target_b, method, slice)
        return None if a is None or b is None else a - b

    def probabilities(self, slice: int) -> NDArray[np.float32] | None:
        """(class,) probabilities of a slice; None when it was not traced."""
        self._check_slice(slice)
        row = self._probabilities[slice]
        return None if np.isnan(row).any() else row.copy()

    def facts(self, layer: str, target: int | str, method: str, slice: int) -> MapFacts | None:
        """Extremes and mass of a map, also after it has left the store."""
        return self._facts.get((self.target_index(target), layer, method), {}).get(slice)

    def mass(self, layer: str, target: int | str, method: str) -> NDArray[np.float64]:
        """(slice,) sum of the positive values of each slice's map, nan where none was made."""
        masses = np.full(self.slices, np.nan)
        with self._lock:
            for number, facts in self._facts.get((self.target_index(target), layer, method), {}).items():
                masses[number] = facts.mass
        return masses

    def series_maximum(self, layer: str, target: int | str, method: str) -> float | None:
        """Largest value of the maps made so far, at least 0; None without any map."""
        with self._lock:
            facts = self._facts.get((self.target_index(target), layer, method), {})
            return max(0.0, *(f.maximum for f in facts.values())) if facts else None

    def series_reach(self, layer: str, target: int | str, method: str) -> float | None:
        """Largest magnitude of the signed maps made so far; None without any map."""
        with self._lock:
            facts = self._facts.get((self.target_index(target), layer, method), {})
            return max(max(f.maximum, -f.minimum) for f in facts.values()) if facts else None

    def target_index(self, target: int | str) -> int:
        """Index of a class given by index or name; `UsageError` offers the nearest names."""
        if (index := class_index(target, self.classes)) is not None:
            return index
        raise UsageError(
            f"The atlas has no class '{target}'{nearest(str(target), list(self.classes))}.",
            code="no-such-class",
        )

    def _key(self, slice: int, target: int, layer: str, method: str) -> Hashable:
        return self.variant, slice, target, layer, method

    def _check_slice(self, slice: int) -> None:
        if not 0 <= slice < self.slices:
            raise UsageError(
                f"There is no slice {slice}: they run from 0 to {self.slices - 1}.", code="no-such-slice"
            )

    def _check_names(self, layer: str, method: str) -> None:
        if layer not in self.layers:
            raise UsageError(
                f"The atlas has no layer '{layer}'{nearest(layer, self.layers)}.", code="no-such-layer"
            )
        if method not in self.methods:
            raise UsageError(
                f"The atlas has no maps of '{method}'{nearest(method, self.methods)}.", code="no-such-method"
            )

"""Memory for reduced maps: a fixed budget, the least recently used map leaves first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable

import numpy as np
from numpy.typing import NDArray

_FULL = 32767
_SMALL = 1e-30
_OVERHEAD = 256
"""Bytes that an entry costs beside its values (array header, key, links)."""


class MapStore:
    """A least-recently-used store of signed maps in 16 bits; safe to use from several threads.

    A map is held as whole numbers of 16 bits times one float64, so that every value keeps an error below 1/65000 of
    the map's largest magnitude, at any magnitude: a map of 1e-9 survives. (Floating point of the same size would
    lose fifteen times as much near the maximum, which is where maps are read.)

    Parameters
    ----------
    budget_bytes : memory for values; one map larger than that is not kept.
    """

    def __init__(self, budget_bytes: int) -> None:
        self._budget = budget_bytes
        self._maps: OrderedDict[Hashable, tuple[NDArray[np.int16], float]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    @property
    def bytes_used(self) -> int:
        return self._bytes

    @property
    def budget_bytes(self) -> int:
        return self._budget

    def set_budget(self, budget_bytes: int) -> None:
        """Change the budget; maps leave at once when it shrinks."""
        with self._lock:
            self._budget = budget_bytes
            self._shrink()

    def put(self, key: Hashable, signed: NDArray) -> None:
        """Keep a map; values that are not finite count as 0."""
        packed, scale = _packed(np.asarray(signed, dtype=np.float32))
        with self._lock:
            self._drop(key)
            self._maps[key] = (packed, scale)
            self._bytes += packed.nbytes + _OVERHEAD
            self._shrink()

    def get(self, key: Hashable) -> NDArray[np.float32] | None:
        """The signed map as float32, or None when it was never put or has left."""
        with self._lock:
            entry = self._maps.get(key)
            if entry is None:
                return None
            self._maps.move_to_end(key)
        packed, scale = entry
        return packed * np.float32(scale) if scale > 1e-35 else (packed * scale).astype(np.float32)

    def touch(self, key: Hashable) -> bool:
        """Whether a map is there; it counts as used."""
        with self._lock:
            if key not in self._maps:
                return False
            self._maps.move_to_end(key)
            return True

    def __contains__(self, key: Hashable) -> bool:
        return key in self._maps

    def __len__(self) -> int:
        return len(self._maps)

    def discard(self, keys: list[Hashable]) -> None:
        """Let maps go."""
        with self._lock:
            for key in keys:
                self._drop(key)

    def _drop(self, key: Hashable) -> None:
        entry = self._maps.pop(key, None)
        if entry is not None:
            self._bytes -= entry[0].nbytes + _OVERHEAD

    def _shrink(self) -> None:
        while self._bytes > self._budget and self._maps:
            _, (packed, _) = self._maps.popitem(last=False)
            self._bytes -= packed.nbytes + _OVERHEAD


def _packed(values: NDArray[np.float32]) -> tuple[NDArray[np.int16], float]:
    """Whole numbers and what one of them is worth."""
    peak = float(max(values.max(initial=0.0), -values.min(initial=0.0)))
    if not np.isfinite(peak):
        return _packed(np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0))
    if peak < _SMALL:  # the quotient below would not fit a float32
        if peak == 0:
            return np.zeros(values.shape, dtype=np.int16), 1.0
        return np.rint(values.astype(np.float64) * (_FULL / peak)).astype(np.int16), peak / _FULL
    whole = values * np.float32(_FULL / peak)
    return np.rint(whole, out=whole).astype(np.int16), peak / _FULL

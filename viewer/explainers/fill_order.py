"""Which slice of a series is explained next. No torch here: the window plans with it."""

from __future__ import annotations


def fill_order(count: int, focus: int) -> list[int]:
    """All slices from 0 to ``count - 1``: the focused one, then outward, the next higher one before the next lower."""
    focus = min(max(focus, 0), count - 1)
    return sorted(range(count), key=lambda index: (abs(index - focus), index < focus))

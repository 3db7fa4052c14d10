"""A colour for every class: the same on every picture, and told apart by readers who are colour-blind.

Okabe and Ito's colours (2008) without black, the lighter ones first, because pictures are dark. There are only seven
that all readers tell apart, so a class has a number too, which stands wherever its colour does; from the eighth class
on colours come again.
"""

from __future__ import annotations

from collections.abc import Sequence

COLOURS = ("#e69f00", "#56b4e9", "#f0e442", "#cc79a7", "#009e73", "#d55e00", "#0072b2")


def class_colour(classes: Sequence[str], name: str) -> str:
    """``#rrggbb`` of a class, by its place among the classes of its model; empty for another word."""
    return COLOURS[list(classes).index(name) % len(COLOURS)] if name in classes else ""

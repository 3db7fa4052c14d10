"""Three simulated readers of a film, who disagree in size, place and presence as people do."""

from dataclasses import dataclass

import numpy as np

from viewer.api import PixelBox

from .film import Film
from .findings import AORTA, EFFUSION, FIBROSIS, HEART, OPACITY, THICKENING


@dataclass(frozen=True)
class Habit:
    """How one reader marks.

    Attributes
    ----------
    name
        In tables.
    sees
        Share of what is there that is marked.
    imagines
        Share of films on which something is marked that is not there.
    margin
        How much larger than the finding the boxes usually are, as a part of their sides.
    unsteady
        Deviation of an edge, as a part of the box's side.
    """

    name: str
    sees: float
    imagines: float
    margin: float
    unsteady: float


READERS = (
    Habit("reader 1", sees=0.95, imagines=0.03, margin=0.04, unsteady=0.05),
    Habit("reader 2", sees=0.86, imagines=0.02, margin=-0.06, unsteady=0.07),
    Habit("reader 3", sees=0.92, imagines=0.08, margin=0.16, unsteady=0.09),
)

_HARD = {AORTA: 1.0, HEART: 1.02, OPACITY: 0.94, EFFUSION: 0.98, THICKENING: 0.84, FIBROSIS: 0.9}
"""How much rarer or oftener than other findings each one is seen."""

_USUAL = {
    # Where a reader imagines a finding: (row, column, height, width) as parts of the film.
    AORTA: (0.34, 0.53, 0.12, 0.1),
    HEART: (0.56, 0.52, 0.3, 0.36),
    OPACITY: (0.5, 0.32, 0.16, 0.16),
    EFFUSION: (0.68, 0.24, 0.2, 0.2),
    THICKENING: (0.2, 0.36, 0.06, 0.14),
    FIBROSIS: (0.62, 0.68, 0.18, 0.18),
}


def read(rng: np.random.Generator, film: Film, habit: Habit) -> tuple[tuple[str, PixelBox], ...]:
    """Return what a reader marks on a film: (finding, box), edges rounded to whole pixels."""
    rows, columns = film.pixels.shape
    marked = [
        (name, _marked(rng, box, habit, (rows, columns)))
        for name, box in film.boxes
        if rng.random() < habit.sees * _HARD[name]
    ]
    if rng.random() < habit.imagines:
        absent = [name for name in _USUAL if name not in film.findings]
        if absent:
            name = str(rng.choice(absent))
            row, column, height, width = _USUAL[name]
            usual = PixelBox(
                (row - height / 2) * rows,
                (column - width / 2) * columns,
                (row + height / 2) * rows,
                (column + width / 2) * columns,
            )
            marked.append((name, _marked(rng, usual, habit, (rows, columns))))
    return tuple(marked)


def _marked(rng: np.random.Generator, box: PixelBox, habit: Habit, shape: tuple[int, int]) -> PixelBox:
    grown = 0.5 * habit.margin
    top, left, bottom, right = rng.normal(0.0, habit.unsteady, size=4)
    edges = (
        box.row_min - (grown + top) * box.height,
        box.column_min - (grown + left) * box.width,
        box.row_max + (grown + bottom) * box.height,
        box.column_max + (grown + right) * box.width,
    )
    row_min, column_min = (
        int(np.clip(round(edge), 0, side - 4)) for edge, side in zip(edges, shape, strict=False)
    )
    row_max, column_max = (
        int(np.clip(round(edge), least + 3, side))
        for edge, least, side in zip(edges[2:], (row_min, column_min), shape, strict=True)
    )
    return PixelBox(row_min, column_min, row_max, column_max)

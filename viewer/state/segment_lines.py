"""Where segments meet: lines along the edges of pixels. Pure functions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Lines = NDArray[np.float32]
"""(line, end, 2): both ends of straight lines, (row, column) in pixel edges."""


def boundary_lines(labels: NDArray) -> Lines:
    """The edges between pixels of different labels, as few straight lines as there are.

    Parameters
    ----------
    labels : (row, column); 0 where there is no segment.

    Returns
    -------
    ndarray
        (line, end, 2) float32.
    """
    across = _runs(labels[:-1] != labels[1:])  # edges that run along the columns, below row r
    down = _runs((labels[:, :-1] != labels[:, 1:]).T)
    horizontal = np.stack([across[:, [0, 1]], across[:, [0, 2]]], axis=1)
    vertical = np.stack([down[:, [1, 0]], down[:, [2, 0]]], axis=1)
    return np.concatenate([horizontal, vertical]).astype(np.float32)


def _runs(edges: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(run, 3): the line that a run of edges lies on (counted in pixel edges), where it begins, and where it ends."""
    padded = np.pad(edges, ((0, 0), (1, 1))).astype(np.int8)
    steps = np.diff(padded, axis=1)
    line, first = np.nonzero(steps == 1)
    _, last = np.nonzero(steps == -1)
    return np.stack([line + 1, first, last], axis=1)

"""The montage of examples: what is said below it can be read."""

from __future__ import annotations

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg

from viewer.reporting.example_figures import Panel, montage


def test_a_long_note_stays_within_the_figure() -> None:
    panel = Panel("case 1", np.random.default_rng(0).random((16, 16)).astype(np.float32))
    figure = montage([[panel]], "boxes of the map, most important 2%, known only afterwards; " * 6)
    assert figure is not None
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    note = figure._supxlabel.get_window_extent(canvas.get_renderer())
    assert note.x0 >= 0
    assert note.x1 <= figure.bbox.width

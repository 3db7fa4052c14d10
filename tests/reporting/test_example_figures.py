"""The montage of examples: what is said below it can be read."""

from __future__ import annotations

from itertools import pairwise

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


def test_titles_of_neighbours_do_not_touch() -> None:
    grey = np.random.default_rng(0).random((16, 16)).astype(np.float32)
    titles = (
        "Pleural effusion 0.99 TP IoU 0.34",
        "Pulmonary fibrosis 0.77 TP IoU 0.64",
        "Aortic enlargement 1.00 FP",
    )
    figure = montage([[Panel(title, grey) for title in (*titles, titles[1], titles[1])]], "boxes")
    assert figure is not None
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    places = [axes.title.get_window_extent(canvas.get_renderer()) for axes in figure.axes]
    assert len(places) == 5
    for left, right in pairwise(places):
        assert right.x0 - left.x1 > 3
    assert all(place.y1 <= figure.bbox.height for place in places)

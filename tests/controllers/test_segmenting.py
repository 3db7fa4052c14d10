"""A segmentation network in the window: asked everywhere, at the crosshair, in the selected box."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.tiny import bright_spot, write_tiny_segmentation
from viewer.controllers.workbench import Workbench
from viewer.foundation.errors import UsageError
from viewer.foundation.job_runner import InlineRunner
from viewer.state.map_view import map_view
from viewer.state.panel_views import prediction_view


@pytest.fixture
def bench(user_folder: Path) -> Workbench:
    write_tiny_segmentation(user_folder)
    bench = Workbench(InlineRunner())
    bench.explaining.select_model("tiny-seg")
    bench.opening.show(bright_spot(at=(2, 8, 20)))
    assert bench.session.notice is None
    return bench


def test_it_is_explained_everywhere_at_first(bench: Workbench) -> None:
    session = bench.session
    assert session.choice.layer
    found = map_view(session, session.reading, 2)
    assert found is not None
    assert "whole picture" in found.may_read.line
    prediction = prediction_view(session)
    assert prediction.subject == "slice 3 of 5"
    assert prediction.case_line.startswith("mean over the whole picture; case: lesion")
    assert 0 < prediction.bars[1].probability < 0.2


def test_seg_grad_cam_of_the_crosshair_and_of_a_box(bench: Workbench) -> None:
    session = bench.session
    bench.explaining.select_explainer("seg-grad-cam")
    assert session.asking is None
    with pytest.raises(UsageError, match="crosshair"):
        bench.explaining.ask_at_crosshair()
    bench.viewing.set_cursor(9, 21)
    bench.explaining.ask_at_crosshair()
    assert session.choice.region == "9,21"
    assert prediction_view(session).bars[1].probability > 0.9
    inside = map_view(session, session.reading, 2)
    assert "the pixel 9,21" in inside.may_read.line
    row, column = np.unravel_index(int(inside.picture.argmax()), inside.picture.shape)
    assert 6 <= row <= 13
    assert 18 <= column <= 25
    with pytest.raises(UsageError, match="box"):
        bench.explaining.ask_in_box()
    bench.boxing.add(row_min=20, column_min=2, row_max=28, column_max=10)
    bench.explaining.ask_in_box()
    assert session.choice.region == "20,2,28,10"
    assert prediction_view(session).bars[1].probability < 0.2
    bench.explaining.ask_everywhere()
    assert session.choice.region == "all"


def test_every_slice_has_its_probability_and_maps_are_made_when_looked_at(bench: Workbench) -> None:
    session = bench.session
    assert sorted(session.reading.filled) == list(range(5))
    assert len(session.reading.rounds) == 1
    bench.viewing.step(1)
    assert len(session.reading.rounds) == 2


def test_another_case_is_asked_everywhere_again(bench: Workbench) -> None:
    bench.viewing.set_cursor(9, 21)
    bench.explaining.ask_at_crosshair()
    bench.opening.show(bright_spot(3))
    assert bench.session.choice.region == "all"


def test_a_region_outside_the_picture_is_a_sentence(bench: Workbench) -> None:
    bench.explaining.set_region("200,200")
    assert "outside the picture" in bench.session.notice.sentence
    assert bench.session.work is None
    bench.explaining.ask_everywhere()
    assert map_view(bench.session, bench.session.reading, 2) is not None

"""An uneven series on an even grid: looked at first, then kept or given back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.tiny import bright_spot
from viewer.controllers.workbench import Workbench
from viewer.foundation.errors import UsageError
from viewer.imaging.diagnoses import Diagnosis
from viewer.models.card import AppliesTo
from viewer.state.case import judged
from viewer.state.grid_question import grid_question, model_question
from viewer.state.screen import Presenter

TILTED = np.array([[1, 0, 0, 0], [0, 1, 1.7, 0], [0, 0, 4.7, 0], [0, 0, 0, 1.0]])


@pytest.fixture
def tilted(bench: Workbench) -> Workbench:
    bench.opening.show(bright_spot(6, affine=TILTED))
    return bench


def test_nobody_is_asked_until_something_takes_it_for_a_volume(tilted: Workbench) -> None:
    assert grid_question(tilted.session) is None
    tilted.session.workspace = "volume"
    question = grid_question(tilted.session)
    assert question.state == "asked"
    assert "19.9 degrees" in question.sentence
    tilted.grid.use_as_it_is()
    assert grid_question(tilted.session) is None
    tilted.opening.show(bright_spot(6, affine=TILTED))
    assert grid_question(tilted.session) is not None


def test_an_even_series_is_never_asked_about(bench: Workbench) -> None:
    bench.opening.show(bright_spot())
    bench.session.workspace = "volume"
    assert grid_question(bench.session) is None
    bench.grid.resample()
    assert bench.session.resampled is None


def test_the_preview_is_kept_or_given_back_at_the_same_place(tilted: Workbench) -> None:
    session = tilted.session
    tilted.viewing.select_slice(4)
    tilted.viewing.set_cursor(10, 12)
    tilted.boxing.add(1, 1, 6, 6)
    original, boxes = session.case, session.boxes
    place = original.image.geometry.to_patient(np.array([4.0, 10, 12]))
    tilted.grid.resample()
    even = session.case
    assert even is not original
    assert grid_question(session).state == "preview"
    assert not session.boxes.drawn
    row, column = session.view.cursor
    there = even.image.geometry.to_patient(
        even.plane.voxel(even.image.geometry, session.view.slice, row, column)
    )
    np.testing.assert_allclose(there, place, atol=2.6)  # half a slice
    assert len(session.reading.filled) == even.slices
    tilted.grid.undo()
    assert session.case is original
    assert session.boxes is boxes
    assert session.view.slice == 4
    assert session.view.cursor == pytest.approx((10, 12), abs=1)
    assert session.resampled is None
    tilted.grid.resample()
    tilted.grid.keep()
    assert grid_question(session) is None
    tilted.grid.undo()
    assert session.case is original


def test_another_case_is_not_undone_into_this_one(tilted: Workbench) -> None:
    tilted.grid.resample()
    tilted.opening.show(bright_spot(3))
    assert tilted.session.resampled is None
    tilted.grid.undo()
    assert tilted.session.case.slices == 3


def test_a_stated_spacing_keeps_what_is_on_screen_and_asks_the_model_anew(bench: Workbench) -> None:
    bench.opening.show(bright_spot(6))
    session = bench.session
    bench.viewing.select_slice(4)
    bench.viewing.set_cursor(3, 5)
    reading = session.reading
    bench.grid.set_spacing((4, 0.5, 0.5))
    assert session.case.image.geometry.spacing_mm == pytest.approx((4, 0.5, 0.5))
    assert (session.view.slice, session.view.cursor) == (4, (3, 5))
    assert session.reading is not reading
    assert "spacing-by-hand" in {finding.code for finding in session.diagnoses}


def test_a_spacing_that_makes_another_stack_of_it_begins_anew(bench: Workbench) -> None:
    bench.opening.show(bright_spot(6))
    bench.viewing.set_cursor(3, 5)
    bench.grid.set_spacing((1, 1, 9))
    assert bench.session.case.plane.axes[0] == 2
    assert bench.session.view.cursor is None
    assert 0 <= bench.session.view.slice < bench.session.case.slices


def test_a_resampled_volume_keeps_the_spacing_it_was_made_with(tilted: Workbench) -> None:
    tilted.grid.resample()
    with pytest.raises(UsageError, match="spacing of its file"):
        tilted.grid.set_spacing((1, 1, 1))
    tilted.grid.undo()
    with pytest.raises(UsageError, match="three distances"):
        tilted.grid.set_spacing((0, 1, 1))


@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize("workspace", ["reading", "volume"])
def test_a_network_of_volumes_and_an_uneven_grid_are_one_question(
    tilted: Workbench, alone: bool, workspace: str
) -> None:
    """The strip asks where the grid is all that speaks against the model, else the panel does, and names both."""
    session = tilted.session
    session.workspace = workspace
    card = replace(session.model.card, dims=3, applies_to=AppliesTo(modality=() if alone else ("CT",)))
    image = replace(session.case.image, modality="MR")
    session.case = replace(session.case, image=image)
    session.model = replace(session.model, card=card)
    session.judgement = judged(card, image, as_it_is=False)
    assert not session.judgement.may_run
    assert (grid_question(session) is not None, model_question(session) is not None) == (alone, not alone)
    session.grid_as_it_is = True  # either answer says so
    session.judgement = judged(card, image, as_it_is=True)
    assert grid_question(session) is None
    assert session.judgement.may_run is alone
    assert (model_question(session) is not None and not model_question(session).may_run) is not alone


def test_three_planes_stay_where_they_are_when_the_case_is_resampled(tilted: Workbench) -> None:
    session = tilted.session
    session.workspace = "volume"
    assert session.view.cursor is None
    place = session.case.image.geometry.to_patient(np.array([session.view.slice, 15.5, 15.5]))
    tilted.grid.resample()
    even = session.case
    there = even.plane.voxel(even.image.geometry, session.view.slice, *session.view.cursor)
    np.testing.assert_allclose(even.image.geometry.to_patient(there), place, atol=2.6)  # half a slice
    tilted.grid.undo()
    assert session.view.cursor is None


def test_positions_on_the_even_grid_are_exact(bench: Workbench) -> None:
    finding = Diagnosis("uneven-spacing", "warning", "The distance between slices varies.")
    image = bright_spot(6, affine=TILTED)
    bench.opening.show(replace(image, diagnoses=(finding,)))
    bench.grid.resample()
    facts = Presenter(bench.session).screen().canvas.facts
    assert not any("\u2248" in fact for fact in facts)

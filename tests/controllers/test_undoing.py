"""Undo and redo: every step there and back, one drag one step, and never into another case."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tiny import bright_spot
from viewer.controllers.noting import Noting
from viewer.controllers.recording import Recording
from viewer.controllers.workbench import Workbench
from viewer.foundation.job_runner import InlineRunner
from viewer.state.case import Case
from viewer.state.history import LONGEST
from viewer.state.session import Session


@pytest.fixture
def shown(bench):
    bench.opening.show(bright_spot(6))
    bench.viewing.select_slice(2)
    return bench


def words(bench: Workbench) -> list[str]:
    return [step.words for step in bench.session.history.past]


def test_a_box_is_drawn_moved_renamed_deleted_and_all_of_it_undone_and_done_again(shown):
    boxing, session = shown.boxing, shown.session
    seen = [session.boxes.drawn]
    identity = boxing.add(2, 3, 10, 12)
    seen.append(session.boxes.drawn)
    boxing.move(identity, 4, 5, 12, 14)
    seen.append(session.boxes.drawn)
    boxing.rename(identity, "lesion")
    seen.append(session.boxes.drawn)
    boxing.delete(identity)
    seen.append(session.boxes.drawn)
    assert words(shown) == ["draw box", "move box", "rename box", "delete box"]
    for wanted in reversed(seen[:-1]):
        shown.undoing.undo()
        assert session.boxes.drawn == wanted
    shown.undoing.undo()
    assert session.boxes.drawn == {}
    for wanted in seen[1:]:
        shown.undoing.redo()
        assert session.boxes.drawn == wanted
    shown.undoing.redo()
    assert session.boxes.drawn == {}


def test_a_drag_is_one_step_and_one_that_ends_where_it_began_is_none(shown):
    identity = shown.boxing.add(2, 3, 10, 12)
    before = shown.session.boxes.drawn
    shown.recording.begin()
    for by in range(1, 6):
        shown.boxing.move(identity, 2 + by, 3, 10 + by, 12)
    shown.recording.end()
    assert words(shown) == ["draw box", "move box"]
    shown.undoing.undo()
    assert shown.session.boxes.drawn == before
    shown.recording.begin()
    shown.boxing.move(identity, 5, 3, 13, 12)
    shown.boxing.move(identity, 2, 3, 10, 12)
    shown.recording.end()
    assert words(shown) == ["draw box"]


def test_something_new_ends_what_could_be_done_again(shown):
    shown.boxing.add(2, 3, 10, 12)
    shown.undoing.undo()
    shown.measuring.add((2, 2), (9, 9))
    assert shown.session.history.future == ()
    assert words(shown) == ["measure a distance"]


def test_the_slice_of_what_is_undone_comes_on_screen(shown):
    shown.boxing.add(2, 3, 10, 12)
    shown.viewing.select_slice(5)
    shown.undoing.undo()
    assert shown.session.view.slice == 2


def test_mirror_and_crop_are_undone_with_the_maps_that_were_there(shown):
    session = shown.session
    plain = session.reading
    shown.explaining.toggle_mirror()
    shown.explaining.set_crop("brain")
    assert words(shown) == ["mirror the input", "crop the input"]
    shown.undoing.undo()
    assert (session.choice.mirror, session.choice.crop) == (True, "none")
    shown.undoing.undo()
    assert not session.choice.mirror
    assert session.reading is plain
    shown.undoing.redo()
    assert session.choice.mirror
    assert session.reading.variant.mirror


def test_a_box_is_undone_without_touching_the_input(shown):
    shown.boxing.add(2, 3, 10, 12)
    shown.session.choice.crop = "percentile"  # as a model that is loaded does
    shown.undoing.undo()
    assert shown.session.choice.crop == "percentile"


def test_lines_are_undone(shown):
    identity = shown.measuring.add((2, 2), (9, 9))
    shown.measuring.move(identity, (3, 3), (9, 9))
    shown.measuring.clear()
    assert words(shown) == ["measure a distance", "move line", "delete all lines"]
    shown.undoing.undo()
    assert list(shown.session.rulers.drawn) == [identity]
    shown.undoing.undo()
    shown.undoing.undo()
    assert shown.session.rulers.drawn == {}
    assert shown.session.rulers.selected is None


def test_resampling_is_undone_and_done_again_with_the_boxes_of_either_grid(shown):
    tilted = np.array([[1, 0, 0, 0], [0, 1, 1.7, 0], [0, 0, 4.7, 0], [0, 0, 0, 1.0]])
    shown.opening.show(bright_spot(6, affine=tilted))
    session, original = shown.session, shown.session.case
    shown.boxing.add(2, 3, 10, 12)
    first = session.boxes.drawn
    shown.grid.resample()
    shown.boxing.add(4, 4, 9, 9)
    second = session.boxes.drawn
    assert words(shown) == ["draw box", "resample", "draw box"]
    shown.undoing.undo()
    assert session.boxes.drawn == {}
    shown.undoing.undo()
    assert session.case is original
    assert session.boxes.drawn == first
    shown.undoing.redo()
    assert session.resampled is not None
    shown.undoing.redo()
    assert session.boxes.drawn == second
    shown.grid.undo()
    assert session.boxes.drawn == first
    shown.undoing.undo()
    assert session.resampled is not None
    assert session.boxes.drawn == second


def test_another_case_has_a_history_of_its_own(shown):
    shown.boxing.add(2, 3, 10, 12)
    shown.noting.write("seen")
    shown.opening.show(bright_spot(4))
    assert shown.session.history.past == ()
    assert shown.session.notes.text == ""
    shown.undoing.undo()
    shown.undoing.redo()
    assert shown.session.boxes.drawn == {}


def test_typing_is_one_step_until_there_is_a_pause():
    session, now = Session(), [0.0]
    recording = Recording(session)
    noting = Noting(session, recording, lambda: now[0])
    noting.write("without a case nothing is kept")
    assert session.notes.text == ""
    session.case = Case(bright_spot(3), "image")
    for n in range(1, 5):
        noting.write("abcd"[:n])
        now[0] += 0.2
    assert [step.words for step in session.history.past] == ["write notes"]
    now[0] += 2
    noting.write("abcd more")
    assert len(session.history.past) == 2
    assert session.history.past[0].before.notes == ""
    assert session.history.past[0].after.notes == "abcd"


def test_the_past_is_bounded(shown):
    identity = shown.boxing.add(0, 0, 8, 8)
    for n in range(LONGEST + 20):
        shown.boxing.move(identity, 0, 0, 8, 9 + n % 7)
    assert len(shown.session.history.past) == LONGEST


@given(st.lists(st.sampled_from(["add", "move", "delete", "note", "line", "undo", "redo"]), max_size=25))
def test_undoing_everything_leads_to_the_beginning_and_redoing_to_the_end(todo):
    bench = Workbench(InlineRunner())
    bench.opening.show(bright_spot(3))
    rng = np.random.default_rng(1)
    for n, name in enumerate(todo):
        drawn = list(bench.session.boxes.drawn)
        top, left = rng.integers(0, 20, 2)
        if name == "add":
            bench.boxing.add(top, left, top + 5, left + 5)
        elif name == "move" and drawn:
            bench.boxing.move(drawn[-1], top, left, top + 6, left + 6)
        elif name == "delete" and drawn:
            bench.boxing.delete(drawn[0])
        elif name == "note":
            bench.noting.write(f"note {n}")
        elif name == "line":
            bench.measuring.add((top, left), (top + 5, left))
        elif name == "undo":
            bench.undoing.undo()
        elif name == "redo":
            bench.undoing.redo()
    while bench.session.history.future:
        bench.undoing.redo()
    end = bench.recording.content()
    while bench.session.history.past:
        bench.undoing.undo()
    assert bench.recording.content().boxes == {}
    assert bench.recording.content().notes == ""
    assert bench.recording.content().lines == {}
    while bench.session.history.future:
        bench.undoing.redo()
    assert bench.recording.content() == end

"""Hands on the Compare workspace: explainers, models and inputs, one scale, one zoom, nothing that nobody asked for."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest

from tests.tiny import bright_spot, write_tiny_model
from viewer.actions.table import ACTIONS
from viewer.controllers import engine
from viewer.foundation.errors import UsageError
from viewer.models.shelf import model_cards

CTRL, NONE = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.NoModifier


@pytest.fixture
def asked(monkeypatch) -> list[tuple]:
    """(model, slice, mirror, crop) of every trace, and (explainer, target) of every explanation on demand."""
    seen: list[tuple] = []
    trace, steps = engine.trace_slice, engine.explain_steps

    def traced(request, *rest):
        seen.append((request.model_id, request.index, request.mirror, request.crop))
        return trace(request, *rest)

    def explained(request, *rest):
        seen.append((request.explainer, request.target))
        return steps(request, *rest)

    monkeypatch.setattr(engine, "trace_slice", traced)
    monkeypatch.setattr(engine, "explain_steps", explained)
    return seen


@pytest.fixture
def board(driver, asked):
    """The window in the Compare workspace."""
    QTest.keyClick(driver.window, Qt.Key.Key_F3)
    driver.settle()
    driver.board = driver.window.stage.compare
    return driver


def cell(driver, title):
    return next(c for row in driver.board.cells for c in row if c.tile.title == title)


def titles(driver):
    return [[c.tile.title for c in row] for row in driver.board.cells]


def press(driver, button):
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    driver.settle()


def test_explainers_stand_beside_each_other_without_a_pass(board, asked):
    assert board.board.isVisible()
    assert titles(board)[1] == [
        "stroke · Grad-CAM",
        "stroke · Grad-CAM++",
        "stroke · LayerCAM",
        "stroke · Occlusion",
    ]
    assert [row[0] for row in titles(board)] == ["no stroke · Grad-CAM", "stroke · Grad-CAM"]
    one = cell(board, "stroke · Grad-CAM")
    np.testing.assert_allclose(one.tile.values, board.window.screen_.map.picture)
    assert one.tile.words.startswith("p ")
    assert one.pane.overlay.visible
    assert asked == []


def test_occlusion_waits_until_it_is_pressed(board, asked):
    one = cell(board, "stroke · Occlusion")
    assert one.tile.missing == "not computed"
    assert one.tile.values is None
    assert not one.pane.overlay.visible
    assert one.button.isVisible()
    press(board, one.button)
    assert asked == [("occlusion", 1)]
    assert one.tile.values is not None
    assert not one.button.isVisible()
    assert cell(board, "no stroke · Occlusion").tile.missing == "not computed"
    board.bench.viewing.set_workspace("reading")
    board.bench.explaining.select_explainer("occlusion")
    board.settle()
    assert asked == [("occlusion", 1)], "what was computed here is there in Reading"
    np.testing.assert_allclose(one.tile.values, board.window.screen_.map.picture)


def test_a_ready_grid_is_computed_and_shows_its_segments(driver, asked):
    driver.bench.explaining.set_parameters("lime", {"segments": 9, "samples": 40})
    next(action for action in ACTIONS if action.id == "map.compare-with-covering").verb(driver.bench)
    driver.settle()
    driver.board = driver.window.stage.compare
    assert titles(driver)[1] == ["stroke · Grad-CAM", "stroke · LIME", "stroke · Occlusion"]
    assert asked == [("lime", 0), ("occlusion", 0), ("lime", 1), ("occlusion", 1)]
    shown = [c.tile for row in driver.board.cells for c in row]
    assert all(tile.values is not None for tile in shown)
    assert [tile.boundaries is not None for tile in shown] == [False, True, False] * 2
    plain = cell(driver, "stroke · LIME").pane.grab().toImage()
    driver.bench.viewing.toggle_boundaries()
    driver.settle()
    assert cell(driver, "stroke · LIME").tile.boundaries is None
    assert cell(driver, "stroke · LIME").pane.grab().toImage() != plain
    with pytest.raises(UsageError, match="limes"):
        driver.bench.explaining.comparing.side_by_side("limes")


def test_one_scale_is_the_same_in_every_tile_and_is_said(board):
    for on in (True, False):
        if board.board.one_scale.isChecked() != on:
            press(board, board.board.one_scale)
        columns = list(zip(*board.window.screen_.compare.rows, strict=True))
        scales = [{tile.map.scale for tile in column if tile.map} for column in columns]
        assert all(len(column) <= 1 for column in scales), "the classes of a column share one"
        everything = set().union(*scales)
        assert (len(everything) == 1) is on
        assert ("in all tiles" in board.board.title.full) is on
        assert board.board.bar.isVisible() is on
        if on:
            assert f"{everything.pop():.3g}" in board.board.title.full


def test_a_scale_of_the_grid_is_the_largest_reference_only_where_all_are_known(board):
    press(board, board.board.kinds["inputs"])
    label = board.board.title.full
    assert "largest value explained so far" in label, "no reference is known of 'no stroke'"
    found = [tile for row in board.window.screen_.compare.rows for tile in row]
    reach = max(
        reading.atlas.series_maximum("relu2", target, "grad-cam")
        for reading in (board.session.reading, *board.session.comparing.readings.values())
        for target in (0, 1)
    )
    [scale] = {tile.map.scale for tile in found}
    assert scale == pytest.approx(reach)


def test_inputs_are_asked_once_for_the_shown_slice_and_the_patient_is_not_mirrored(board, asked):
    press(board, board.board.kinds["inputs"])
    assert sorted(asked) == sorted(
        [("tiny", 4, True, "none"), ("tiny", 4, False, "percentile"), ("tiny", 4, False, "brain")]
    )
    plain, mirrored = (
        cell(board, "stroke · as it is"),
        cell(board, "stroke · mirrored input, map turned back"),
    )
    for one in (plain, mirrored):
        assert one.pane.letters.letters == ("R", "L", "A", "P")
        _, column = np.unravel_index(one.tile.values.argmax(), one.tile.values.shape)
        assert abs(column - 20) <= 3, "the spot of the patient, whichever way round the network got it"
    assert plain.pane.background.pixels == mirrored.pane.background.pixels
    count = len(asked)
    press(board, board.board.kinds["explainers"])
    press(board, board.board.kinds["inputs"])
    assert len(asked) == count, "what was asked is kept"
    board.bench.viewing.step(1)
    board.settle()
    assert len(asked) == 2 * count
    assert {each[1] for each in asked[count:]} == {5}
    board.bench.explaining.toggle_mirror()
    board.settle()
    assert ("tiny", 5, True, "none") not in asked[2 * count :], "the mirrored slice is there already"


def test_models_are_asked_one_by_one_and_one_that_fails_says_why(board, asked, user_folder):
    write_tiny_model(user_folder, "second")
    broken = write_tiny_model(user_folder, "third")
    (broken / "weights.safetensors").write_bytes(b"nonsense")
    board.session.models = tuple(c for c in model_cards()[0] if c.id in ("tiny", "second", "third"))
    press(board, board.board.kinds["models"])
    assert [t.split(" · ")[1] for t in titles(board)[1]] == ["tiny", "second", "third"]
    assert ("second", 4, False, "none") in asked
    first, second = cell(board, "stroke · tiny").tile, cell(board, "stroke · second").tile
    np.testing.assert_allclose(first.values, second.values, atol=1e-3)
    assert second.words.startswith("relu2 · p ")
    third = cell(board, "stroke · third")
    assert third.tile.values is None
    assert "third" in third.tile.missing or "weights" in third.tile.missing
    assert board.session.model_id == "tiny"
    count = len(asked)
    board.bench.explaining.select_model("second")
    board.bench.viewing.set_workspace("reading")
    board.settle()
    assert ("second", 4, False, "none") not in asked[count:]


def test_zoom_cursor_and_slice_are_linked(board):
    panes = [c.pane for row in board.board.cells for c in row]
    before = panes[3].picture_rect().width()
    board.wheel(2, CTRL, on=panes[0], at=QPointF(40, 40))
    board.settle()
    rects = [pane.seen for pane in panes]
    assert panes[3].picture_rect().width() > 1.2 * before
    for rect in rects[1:]:
        assert rect.x() == pytest.approx(rects[0].x(), abs=0.2)
        assert rect.width() == pytest.approx(rects[0].width(), rel=0.02)
    at = panes[1].to_screen(12.5, 10.5).toPoint()
    QTest.mouseClick(panes[1], Qt.MouseButton.LeftButton, NONE, at)
    board.settle()
    assert board.session.view.cursor == pytest.approx((10, 12), abs=0.5)
    assert {pane.crosshair.cursor for pane in panes} == {board.session.view.cursor}
    board.wheel(1, on=panes[2])
    board.settle()
    assert board.session.view.slice == 5
    assert "slice 6 / 9" in board.board.title.full
    QTest.mouseDClick(panes[0], Qt.MouseButton.LeftButton)
    board.settle()
    assert panes[3].picture_rect().width() == pytest.approx(before, abs=2)


def test_space_hides_all_maps(board):
    panes = [c.pane for row in board.board.cells for c in row if c.tile.values is not None]
    QTest.keyPress(panes[0], Qt.Key.Key_Space)
    board.settle()
    assert not any(pane.overlay.visible for pane in panes)
    QTest.keyRelease(panes[0], Qt.Key.Key_Space)
    board.settle()
    assert all(pane.overlay.visible for pane in panes)


def test_the_explainers_can_be_chosen(board, asked):
    board.board._fill_menu()
    entries = {a.text(): a for a in board.board.menu.actions()}
    assert entries["Occlusion"].isChecked()
    entries["Occlusion"].trigger()
    board.settle()
    board.board._fill_menu()
    {a.text(): a for a in board.board.menu.actions()}["HiResCAM"].trigger()
    board.settle()
    assert [t.split(" · ")[1] for t in titles(board)[0]] == ["Grad-CAM", "Grad-CAM++", "LayerCAM", "HiResCAM"]
    assert asked == []
    verbs = board.bench.explaining.comparing
    with pytest.raises(UsageError, match="has to stay"):
        verbs.toggle_explainer("grad-cam", ("grad-cam",))


def test_one_sentence_without_a_case_or_a_model(bare):
    bare.bench.viewing.set_workspace("compare")
    bare.settle()
    assert bare.window.screen_.compare.without.startswith("Open an image")
    assert not bare.window.stage.compare.area.isVisible()
    bare.bench.opening.show(bright_spot(9, at=(4, 8, 20)))
    bare.settle()
    assert "Choose a model" in bare.window.screen_.compare.without
    bare.bench.explaining.select_model("tiny")
    bare.settle()
    assert bare.window.stage.compare.area.isVisible()


def test_another_case_has_other_maps(board, asked):
    press(board, board.board.kinds["inputs"])
    count = len(asked)
    board.bench.opening.show(bright_spot(9, at=(4, 20, 8)))
    board.bench.viewing.select_slice(4)
    board.settle()
    again = [each for each in asked[count:] if each[2] or each[3] != "none"]
    assert ("tiny", 4, True, "none") in again
    one = cell(board, "stroke · mirrored input, map turned back").tile
    assert abs(np.unravel_index(one.values.argmax(), one.values.shape)[1] - 8) <= 3


def test_a_model_that_was_not_made_for_the_image_says_so_on_every_tile(board):
    from viewer.models.applicability import Applicability
    from viewer.state.case import Judgement

    board.session.judgement = Judgement(Applicability("does_not_apply", ("modality CT",)), confirmed=True)
    board.settle()
    assert cell(board, "stroke · Grad-CAM").pane.words.watermark == "MODEL NOT MADE FOR THIS IMAGE"
    assert board.board.title.full.startswith("MODEL NOT MADE FOR THIS IMAGE")


def test_what_was_pressed_goes_on_while_slices_are_scrolled_and_can_be_stopped(board, asked):
    """A job that is under way when the slice changes belongs to its own slice."""
    waiting: list = []
    runner = board.bench.explaining.comparing._runner
    real = runner.submit
    comparing = board.bench.explaining.comparing

    class Held:
        cancelled = False

        def submit(self, lane, work, **calls):
            waiting.append((lane, work, calls))
            return self

        def cancel(self):
            self.cancelled = True

    comparing._runner = held = Held()
    press(board, cell(board, "stroke · Occlusion").button)
    assert cell(board, "stroke · Occlusion").tile.missing == "computing …"
    board.bench.viewing.step(1)
    board.settle()
    assert cell(board, "stroke · Occlusion").tile.missing == "not computed"
    assert not held.cancelled
    lane, work, calls = waiting.pop()
    real(lane, work, **calls)
    board.bench.viewing.step(-1)
    board.settle()
    assert cell(board, "stroke · Occlusion").tile.values is not None
    press(board, cell(board, "no stroke · Occlusion").button)
    board.bench.cancel()
    board.settle()
    assert held.cancelled
    assert cell(board, "no stroke · Occlusion").tile.missing == "not computed"
    assert board.session.work is None

"""Hands on the Layers workspace: tiles, keys, the wheel, no pass of the network, and what says why there is nothing."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest

from tests.tiny import bright_spot
from tests.tiny_volume import write_tiny_volume_model
from viewer.controllers import engine
from viewer.state.layers_view import LayerMap

NONE, CTRL, SHIFT = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
)


@pytest.fixture
def board(driver):
    """The window in the Layers workspace."""
    QTest.keyClick(driver.window, Qt.Key.Key_F4)
    driver.settle()
    driver.layers = driver.window.stage.layers
    driver.tiles = driver.window.stage.layers.tiles
    return driver


def names(driver):
    return [entry.name for entry in driver.layers.model.view.entries]


def place(driver, name) -> QRect:
    return driver.tiles.visualRect(driver.layers.model.index(names(driver).index(name)))


def found(driver, name):
    return driver.layers.model.view.map(names(driver).index(name))


def click(driver, name):
    QTest.mouseClick(driver.tiles.viewport(), Qt.MouseButton.LeftButton, NONE, place(driver, name).center())
    driver.settle()


def pixels(driver, name) -> np.ndarray:
    """(row, column, 3) of a tile on screen."""
    image = (
        driver.tiles.viewport()
        .grab(place(driver, name))
        .toImage()
        .convertToFormat(QImage.Format.Format_RGB32)
    )
    raw = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine() // 4, 4)
    return raw[:, : image.width(), 2::-1].astype(int)


def test_there_is_a_tile_for_every_layer_with_what_is_known_of_it(board):
    assert board.layers.isVisible()
    assert not board.canvas.isVisible()
    assert names(board) == [layer.name for layer in board.session.model.layers]
    entry = board.layers.model.view.entries[names(board).index("conv2")]
    assert (entry.shape, entry.grid) == ("4×8×8", "8²")
    one = found(board, "relu2")
    signed = board.session.reading.atlas.signed("relu2", 1, "grad-cam", 4)
    assert one.maximum == pytest.approx(float(signed.max()))
    assert (one.scale, one.scale_label) == (2.0, "model reference")
    tip = board.layers.model.index(names(board).index("relu2")).data(Qt.ItemDataRole.ToolTipRole)
    assert "model reference" in tip
    assert "first choice" in tip
    assert "every layer on its own scale" in board.layers.title.full


def test_the_map_of_a_tile_is_the_map_of_reading(board):
    board.bench.explaining.select_layer("relu2")
    board.settle()
    np.testing.assert_allclose(found(board, "relu2").values, board.window.screen_.map.picture, atol=1e-6)
    drawn = pixels(board, "relu2")
    board.bench.viewing.show_overlay(False)
    board.settle()
    changed = np.abs(drawn - pixels(board, "relu2")).sum(axis=2)
    row, column = np.unravel_index(changed.argmax(), changed.shape)
    side = changed.shape[1]
    assert column / side == pytest.approx(20.5 / 32, abs=0.12), "the bright spot lies in column 20 of 32"
    assert row / side == pytest.approx(8.5 / 32, abs=0.12)


def test_a_click_takes_the_layer_and_a_double_click_reads_it_without_a_pass(board, passes):
    asked = len(passes)
    click(board, "conv1")
    assert board.session.choice.layer == "conv1"
    assert board.layers.isVisible()
    assert next(e for e in board.layers.model.view.entries if e.name == "conv1").chosen
    at = place(board, "pool1").center()
    QTest.mouseClick(board.tiles.viewport(), Qt.MouseButton.LeftButton, NONE, at)
    QTest.mouseDClick(board.tiles.viewport(), Qt.MouseButton.LeftButton, NONE, at)
    board.settle()
    assert board.session.choice.layer == "pool1"
    assert board.canvas.isVisible()
    assert len(passes) == asked


def test_arrows_go_from_tile_to_tile_and_return_takes_one(board, passes):
    asked = len(passes)
    click(board, "conv1")
    QTest.keyClick(board.tiles, Qt.Key.Key_Right)
    QTest.keyClick(board.tiles, Qt.Key.Key_Right)
    board.settle()
    assert board.session.choice.layer == "conv1", "the arrows only look"
    assert board.session.view.slice == 4
    QTest.keyClick(board.tiles, Qt.Key.Key_Return)
    board.settle()
    assert board.session.choice.layer == "pool1"
    QTest.keyClick(board.tiles, Qt.Key.Key_Up, CTRL)
    board.settle()
    assert board.session.view.slice == 5
    assert len(passes) == asked


def test_wheel_space_class_and_explainer_change_the_tiles_without_a_pass(board, passes):
    asked, before = len(passes), board.layers.model.view
    board.wheel(1, on=board.tiles.viewport())
    board.settle()
    assert board.session.view.slice == 5
    assert "slice 6 / 9" in board.layers.title.full
    assert board.layers.model.view is not before
    board.wheel(-1, on=board.tiles.viewport())
    board.settle()
    board.bench.explaining.step_target()
    board.bench.explaining.step_explainer(1)
    board.settle()
    assert isinstance(found(board, "conv1"), LayerMap)
    with_map = pixels(board, "relu2")
    QTest.keyPress(board.tiles, Qt.Key.Key_Space)
    board.settle()
    assert not board.session.overlay.visible
    QTest.keyRelease(board.tiles, Qt.Key.Key_Space)
    board.settle()
    assert board.session.overlay.visible
    np.testing.assert_array_equal(pixels(board, "relu2"), with_map)
    board.wheel(1, SHIFT, on=board.tiles.viewport())
    board.settle()
    assert board.session.overlay.opacity == pytest.approx(0.75)
    wide = place(board, "conv1").width()
    board.wheel(4, CTRL, on=board.tiles.viewport())
    board.settle()
    assert place(board, "conv1").width() > wide
    assert len(passes) == asked


def test_only_tiles_that_are_seen_are_made(board):
    board.bench.viewing.zoom_tiles(4)
    board.settle()
    board.tiles.verticalScrollBar().setValue(0)
    board.bench.viewing.step(1)
    board.settle()
    board.tiles.viewport().repaint()
    made = set(board.layers.model.view._made)
    assert "conv1" in made
    assert "relu2" not in made, "it lies below the window"
    board.tiles.scrollTo(board.layers.model.index(len(names(board)) - 1))
    board.tiles.viewport().repaint()
    assert "relu2" in board.layers.model.view._made


def test_maps_alone_have_no_picture_under_them(board):
    over = pixels(board, "relu2")
    QTest.mouseClick(
        board.layers.bare, Qt.MouseButton.LeftButton, NONE, QPoint(6, board.layers.bare.height() // 2)
    )
    board.settle()
    assert board.session.overlay.bare
    assert board.layers.bare.isChecked()
    assert (pixels(board, "relu2") != over).any()
    board.bench.viewing.toggle_bare()
    board.settle()
    np.testing.assert_array_equal(pixels(board, "relu2"), over)


def test_tiles_turn_round_with_the_display_and_have_its_letters(board):
    before = board.layers.model.view.background.letters
    straight = pixels(board, "relu2")
    board.bench.viewing.toggle_convention()
    board.settle()
    assert board.layers.model.view.background.letters == (before[1], before[0], *before[2:])
    middle = straight.shape[1]
    left, right = pixels(board, "relu2")[10:100, : middle // 2], straight[10:100, middle // 2 :]
    assert left.sum() == pytest.approx(right.sum(), rel=0.05)


def test_states_stand_on_the_tiles(board):
    atlas = board.session.reading.atlas
    for name, value, words in (("conv1", 0, "empty"), ("relu1", -1, "only against")):
        atlas.put(4, 1, name, "grad-cam", np.full((32, 32), value, np.float32))
        board.bench.viewing.step(1)
        board.settle()
        board.bench.viewing.step(-1)
        board.settle()
        tip = board.layers.model.index(names(board).index(name)).data(Qt.ItemDataRole.ToolTipRole)
        assert words in tip
        assert "max 0" not in tip  # it follows, and there is no room for it on a tile


def test_one_sentence_without_a_case_a_model_or_layers(bare):
    bare.bench.viewing.set_workspace("layers")
    bare.settle()
    view = bare.window.screen_.layers
    assert view.without.startswith("Open an image")
    assert not bare.window.stage.layers.tiles.isVisible()
    bare.bench.opening.show(bright_spot(9, at=(4, 8, 20)))
    bare.settle()
    assert "model" in bare.window.screen_.layers.without
    bare.bench.explaining.select_model("tiny")
    bare.bench.explaining.select_explainer("occlusion")
    bare.settle()
    assert "no layers" in bare.window.screen_.layers.without
    bare.bench.explaining.select_explainer("grad-cam")
    bare.settle()
    assert bare.window.stage.layers.tiles.isVisible()


def test_explainers_on_demand_say_that_a_tile_is_not_computed(board):
    board.bench.explaining.select_explainer("eigen-cam")
    board.settle()
    assert found(board, "conv1") == "not computed: press to compute"
    click(board, "conv1")
    assert isinstance(found(board, "conv1"), LayerMap)


def test_a_network_of_volumes_shows_what_is_traced_and_traces_the_rest_when_asked(
    bare, user_folder, monkeypatch
):
    traced, real = [], engine.trace_volume
    monkeypatch.setattr(
        engine,
        "trace_volume",
        lambda request, *rest: (traced.append(request.layers), real(request, *rest))[1],
    )
    write_tiny_volume_model(user_folder)
    bare.bench.opening.show(bright_spot(9, at=(4, 8, 20)))
    bare.bench.explaining.select_model("tiny3d")
    bare.bench.viewing.set_workspace("layers")
    bare.bench.viewing.select_slice(4)
    bare.settle()
    bare.layers, bare.tiles = bare.window.stage.layers, bare.window.stage.layers.tiles
    assert len(traced) == 1
    chosen = bare.session.choice.layer
    assert isinstance(found(bare, chosen), LayerMap)
    assert "click to compute" in found(bare, "conv1")
    assert "not traced" in bare.layers.offer.full
    assert bare.layers.trace.isVisible()
    QTest.mouseClick(bare.layers.trace, Qt.MouseButton.LeftButton)
    bare.settle()
    assert all(isinstance(found(bare, name), LayerMap) for name in names(bare))
    assert len(traced) == len(set(traced)), "no layer twice"
    assert bare.session.choice.layer == chosen
    assert not bare.layers.trace.isVisible()
    assert not bare.window.menus.actions["map.trace-layers"].isEnabled()


def test_what_must_not_be_missed_stands_over_the_tiles(board):
    from viewer.models.applicability import Applicability
    from viewer.state.case import Judgement

    board.bench.explaining.toggle_mirror()
    board.bench.viewing.toggle_seen()
    board.settle()
    assert "WHAT THE NETWORK SAW" in board.layers.title.full
    assert "MIRRORED" in board.layers.title.full
    assert board.layers.model.view.background.letters == ("L", "R", "A", "P")
    board.session.judgement = Judgement(Applicability("does_not_apply", ("modality CT",)), confirmed=True)
    board.settle()
    assert board.layers.title.full.startswith("MODEL NOT MADE FOR THIS IMAGE")


def test_a_view_whose_model_is_gone_shows_nothing_of_another_one(board):
    view = board.layers.model.view
    view._made.clear()
    board.session.model = None
    assert {view.map(number) for number in range(len(view.entries))} == {""}

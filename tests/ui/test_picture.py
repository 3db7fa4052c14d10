"""The canvas pixel by pixel: where the map lies, what its colours mean, where the letters stand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QImage

from viewer.state.canvas_view import Background, OverlayStyle
from viewer.state.map_view import MapView
from viewer.state.may_read import MayRead
from viewer.ui.canvas.colours import STEPS, coloured, colours, grey, overlay_table
from viewer.ui.canvas.marks import EdgeLetters
from viewer.ui.canvas.picture_view import PictureView

STYLE = OverlayStyle(True, 1.0, 0.2, "inferno")


def background(rows=20, columns=30, spacing=(1.0, 1.0), **changes) -> Background:
    made = Background(
        np.zeros((rows, columns), np.float32), 0.0, 1.0, False, spacing, ("R", "L", "A", "P"), ""
    )
    return replace(made, **changes)


def map_of(values: np.ndarray, scale=1.0, diverging=False) -> MapView:
    rows, columns = values.shape
    return MapView(
        raw=values,
        picture=values,
        inside=(0, 0, rows, columns),
        scale=scale,
        scale_label="model reference",
        diverging=diverging,
        state="ok",
        may_read=MayRead("yes", ("because",)),
        probability=0.9,
    )


@pytest.fixture
def view(qtbot) -> PictureView:
    made = PictureView()
    qtbot.addWidget(made)
    made.resize(640, 480)
    made.show()
    qtbot.waitExposed(made)
    return made


def pixels(view: PictureView) -> np.ndarray:
    image = view.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    raw = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return raw[:, : image.width() * 3].reshape(image.height(), image.width(), 3).astype(int)


@pytest.mark.parametrize(("row", "column"), [(0, 0), (19, 29), (7, 11), (0, 29)])
@pytest.mark.parametrize("spacing", [(1.0, 1.0), (2.0, 1.0), (0.8, 1.3)])
def test_a_map_of_one_pixel_lands_on_its_pixel(view, row, column, spacing):
    values = np.zeros((20, 30), np.float32)
    values[row, column] = 1.0
    view.show_background(background(spacing=spacing))
    view.show_map(map_of(values), values, STYLE, hard=True)
    lit = np.argwhere(pixels(view).max(axis=2) > 120)
    wanted = QRectF(view.to_screen(column, row), view.to_screen(column + 1, row + 1))
    assert len(lit), "the pixel must be seen"
    (top, left), (bottom, right) = lit.min(axis=0), lit.max(axis=0) + 1
    assert (top, left) == pytest.approx((wanted.top(), wanted.left()), abs=1.01)
    assert (bottom, right) == pytest.approx((wanted.bottom(), wanted.right()), abs=1.01)


@pytest.mark.parametrize("spacing", [(1.0, 1.0), (3.0, 1.0), (0.7, 1.4)])
def test_the_picture_has_its_true_proportions_and_is_wholly_seen(view, spacing):
    view.show_background(background(spacing=spacing))
    rect = view.picture_rect()
    assert rect.width() / rect.height() == pytest.approx(30 * spacing[1] / (20 * spacing[0]), rel=0.01)
    assert QRectF(view.rect()).contains(rect)


def test_proportions_survive_a_resize_and_a_zoom(view, qtbot):
    view.show_background(background(spacing=(2.0, 1.0)))
    view.zoom(3.0, QPointF(200, 200))
    view.resize(500, 700)
    qtbot.wait(10)
    rect = view.picture_rect()
    assert rect.width() / rect.height() == pytest.approx(30 / 40, rel=0.01)


def test_the_point_under_the_mouse_stays_when_zooming(view):
    view.show_background(background())
    at = QPointF(260, 190)
    before = view.to_picture(at)
    view.zoom(2.0, at)
    after = view.to_picture(at)
    assert (after.x(), after.y()) == pytest.approx((before.x(), before.y()), abs=0.05)


def test_panning_moves_with_the_mouse(view):
    view.show_background(background())
    before = view.to_screen(10, 10)
    view.pan(QPointF(37, -21))
    after = view.to_screen(10, 10)
    assert (after.x() - before.x(), after.y() - before.y()) == pytest.approx((37, -21), abs=0.2)


def test_colours_are_shares_of_the_scale_and_never_of_the_slice(view):
    """Half of the scale has the same colour whatever else is on the slice."""
    faint, strong = np.full((20, 30), 0.5, np.float32), np.full((20, 30), 0.5, np.float32)
    strong[0, 0] = 1.0
    seen = []
    for values in (faint, strong):
        view.show_background(background())
        view.show_map(map_of(values), values, STYLE, hard=True)
        at = view.to_screen(15.5, 10.5).toPoint()
        seen.append(tuple(pixels(view)[at.y(), at.x()]))
    assert seen[0] == seen[1]
    assert seen[0] == pytest.approx(tuple(colours("inferno", False)[STEPS // 2]), abs=3)


def test_below_the_threshold_the_map_is_transparent(view):
    values = np.full((20, 30), 0.19, np.float32)
    view.show_background(background())
    view.show_map(map_of(values), values, STYLE, hard=True)
    at = view.to_screen(15.5, 10.5).toPoint()
    assert tuple(pixels(view)[at.y(), at.x()]) == (0, 0, 0)


def test_a_map_of_zeros_changes_no_pixel(view):
    picture = np.random.default_rng(0).uniform(0, 1, (20, 30)).astype(np.float32)
    values = np.zeros((20, 30), np.float32)
    view.show_background(background(pixels=picture))
    before = pixels(view)
    view.show_map(map_of(values), values, replace(STYLE, threshold=0.0), hard=False)
    assert np.array_equal(pixels(view), before)


@pytest.mark.parametrize("name", ["inferno", "magma", "viridis", "cividis", "jet"])
def test_tables_have_no_alpha_below_the_threshold_and_full_alpha_at_the_top(name):
    table = overlay_table(name, 0.4, False)
    below = np.linspace(0, 1, STEPS) < 0.4
    assert (table[below, 3] == 0).all()
    assert table[-1, 3] == 255
    assert (table[~below, 3] > 0).all()


def test_a_difference_is_centred_on_zero_and_symmetric_in_alpha():
    table = overlay_table("inferno", 0.1, True)
    assert np.array_equal(table[:, 3], table[::-1, 3])
    assert table[STEPS // 2, 3] == 0
    assert table[0, 2] > table[0, 0], "against: blue"
    assert table[-1, 0] > table[-1, 2], "for: red to yellow"


def test_an_inverted_picture_shows_low_values_white(view):
    values = np.zeros((20, 30), np.float32)
    values[:, 15:] = 1.0
    view.show_background(background(pixels=values, inverted=True))
    left, right = view.to_screen(5, 10).toPoint(), view.to_screen(25, 10).toPoint()
    shown = pixels(view)
    assert shown[left.y(), left.x()].min() > 250
    assert shown[right.y(), right.x()].max() < 5
    image = grey(background(pixels=values, inverted=True))
    assert image.pixelColor(2, 2).red() == 255
    assert image.pixelColor(20, 2).red() == 0


def test_colour_pictures_and_values_that_are_not_finite_are_shown(view):
    rgb = np.zeros((20, 30, 3), np.uint8)
    rgb[..., 1] = 200
    view.show_background(background(pixels=rgb))
    at = view.to_screen(15.5, 10.5).toPoint()
    assert tuple(pixels(view)[at.y(), at.x()]) == (0, 200, 0)
    broken = np.full((20, 30), np.nan, np.float32)
    broken[5] = 1.0
    view.show_background(background(pixels=broken))
    assert pixels(view).max() > 200
    assert grey(background(pixels=broken)).pixelColor(3, 3).red() == 0


def test_an_image_of_a_map_agrees_with_the_table():
    values = np.array([[-1.0, 0.0, 0.5, 1.0, 7.0, np.nan]], np.float32)
    table = overlay_table("viridis", 0.2, False)
    image = coloured(values, 1.0, False, table)
    assert image.pixelColor(3, 0).getRgb() == tuple(table[-1]) == image.pixelColor(4, 0).getRgb()
    assert [image.pixelColor(x, 0).alpha() for x in (0, 1, 5)] == [0, 0, 0]


def test_letters_stand_beside_the_picture_and_stay_in_view_when_zoomed(view):
    view.show_background(background())
    marks = EdgeLetters()
    marks.letters = ("R", "L", "A", "P")
    screen = QRectF(view.rect())
    for factor in (1.0, 6.0):
        view.zoom(factor, QPointF(300, 200))
        left, right, top, bottom = marks.places(view, (12.0, 14.0))
        assert all(screen.contains(place) for place in (left, right, top, bottom))
        assert left.right() < screen.center().x() < right.left()
        assert top.bottom() < screen.center().y() < bottom.top()
    view.fit()
    picture = view.picture_rect()
    left, right, top, bottom = marks.places(view, (12.0, 14.0))
    assert left.right() <= picture.left()
    assert right.left() >= picture.right()
    assert top.bottom() <= picture.top()
    assert bottom.top() >= picture.bottom()

"""Colours are checked pixel by pixel, before anything is drawn on top."""

from __future__ import annotations

import numpy as np
import pytest

from viewer.foundation.errors import ExportError
from viewer.reporting.blend import Overlay, Tint, blended, grey_levels


def test_the_window_maps_its_ends_to_black_and_white() -> None:
    picture = np.array([[-5, 0, 50, 100, 400, np.nan, np.inf]])
    np.testing.assert_allclose(grey_levels(picture, (0, 100))[0, :, 0], [0, 0, 0.5, 1, 1, 0, 0])
    np.testing.assert_allclose(
        grey_levels(picture, (0, 100), inverted=True)[0, :, 0], [1, 1, 0.5, 0, 0, 0, 0]
    )


def test_a_window_without_width_is_a_step_and_colour_is_left_alone() -> None:
    np.testing.assert_allclose(grey_levels(np.array([[2.0, 3.0, 4.0]]), (3, 3))[0, :, 0], [0, 0, 1])
    colour = np.array([[[0, 51, 255]]], dtype=np.uint8)
    np.testing.assert_allclose(grey_levels(colour, (0, 1)), [[[0, 0.2, 1]]])


def test_what_is_below_the_threshold_empty_or_not_finite_is_not_shown() -> None:
    overlay = Overlay(np.array([[0, 0.9, 1.1, 10, np.nan, -5]]), (0, 10), threshold=0.1, opacity=0.6)
    alpha = overlay.rgba()[0, :, 3]
    assert alpha[[0, 1, 4]].tolist() == [0, 0, 0]
    assert 0 < alpha[2] < 0.6
    assert alpha[3] == pytest.approx(0.6)


def test_a_weak_map_stays_dark_on_the_scale_of_the_model() -> None:
    base = np.full((1, 1, 3), 0.5)
    weak = blended(base, Overlay(np.array([[0.01]]), (0, 10)))
    strong = blended(base, Overlay(np.array([[10.0]]), (0, 10)))
    assert np.abs(weak - base).max() < 0.01
    assert np.abs(strong - base).max() > 0.2
    assert blended(base, None) is base


def test_a_difference_is_centred_on_zero() -> None:
    overlay = Overlay(np.array([[-2.0, 2.0]]), (-2, 2), colour_map="RdBu_r")
    blue, red = overlay.rgba()[0]
    assert blue[2] > blue[0]
    assert red[0] > red[2]
    assert blue[3] == red[3] > 0


def test_an_empty_map_has_a_bar_and_paints_nothing() -> None:
    overlay = Overlay(np.zeros((2, 2)), (0.0, 0.0))
    assert overlay.scale == (0, 1)
    assert overlay.rgba()[..., 3].max() == 0


def test_impossible_overlays() -> None:
    with pytest.raises(ExportError, match="nearest: viridis"):
        Overlay(np.zeros((1, 1)), (0, 1), colour_map="viridiss").rgba()
    with pytest.raises(ValueError, match="scale"):
        Overlay(np.zeros((1, 1)), (1, 1))
    with pytest.raises(ValueError, match="grid"):
        blended(np.zeros((2, 2, 3)), Overlay(np.zeros((3, 3)), (0, 1)))


def test_a_tint_is_one_colour_that_grows_with_the_map() -> None:
    tint = Tint(
        "1 heart", 1, "#ff8000", np.array([[-1, 0, 0.05, 0.5, 1, 7, np.nan]]), 1.0, opacity=0.5, threshold=0.1
    )
    rgba = tint.rgba()[0]
    np.testing.assert_allclose(rgba[:, :3], [[1, 128 / 255, 0]] * 7)
    np.testing.assert_allclose(rgba[:, 3], [0, 0, 0, 0.25, 0.5, 0.5, 0])


def test_tints_lie_over_each_other_and_hidden_ones_are_left_out() -> None:
    base = np.zeros((1, 1, 3))
    red, hidden, blue = (
        Tint("", number, colour, values, 1.0, opacity=1.0)
        for number, (colour, values) in enumerate(
            (("#ff0000", np.array([[0.5]])), ("#00ff00", None), ("#0000ff", np.array([[0.5]]))), start=1
        )
    )
    np.testing.assert_allclose(blended(base, red, hidden, blue)[0, 0], [0.25, 0, 0.5])
    with pytest.raises(ValueError, match="grid of its picture"):
        blended(np.zeros((2, 2, 3)), red)

"""What is drawn lies where the network looked, and every fact about a map reaches its verdict."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tiny import bright_spot
from viewer.controllers.workbench import Workbench
from viewer.evaluation.boxes import boxes_from_mask, mask_from_map
from viewer.imaging.pixel_box import PixelBox
from viewer.models.card import SQUASHED, InputRule
from viewer.models.input_view import InputView
from viewer.state.boxes_view import map_boxes
from viewer.state.canvas_view import canvas_view
from viewer.state.map_view import MapView, map_view, pixels_inside, places_shown
from viewer.state.method import segments_key
from viewer.state.panel_views import prediction_view, rail_view
from viewer.state.screen import Presenter
from viewer.state.series_reading import Rounds
from viewer.state.session import DIFFERENCE

halves = st.integers(-8, 8).map(lambda n: n / 2)


@given(halves, halves, st.integers(6, 50).map(lambda n: n / 2), st.integers(6, 50).map(lambda n: n / 2))
def test_the_pixels_that_count_are_those_on_which_a_map_is_drawn(
    top: float, left: float, height: float, width: float
) -> None:
    box = PixelBox(top, left, top + max(height, 6), left + max(width, 6))
    view = InputView((20, 24), box, InputRule((16, 16)))
    row_min, column_min, row_max, column_max = pixels_inside(view)
    counted = np.zeros((20, 24), dtype=bool)
    counted[row_min:row_max, column_min:column_max] = True
    np.testing.assert_array_equal(counted, view.back(np.ones((4, 4), np.float32)) > 0)


def found(bench: Workbench) -> MapView:
    view = map_view(bench.session, bench.session.reading, bench.session.view.slice)
    assert view is not None
    return view


def put(bench: Workbench, target: int, signed: np.ndarray) -> None:
    bench.session.reading.atlas.put(bench.session.view.slice, target, "relu2", "grad-cam", signed)


def test_maps_of_opposing_classes_in_one_place_ask_for_care(bench: Workbench) -> None:
    here, there = np.zeros((8, 8)), np.zeros((8, 8))
    here[2, 2] = there[5, 5] = 1.0
    put(bench, 1, here)
    put(bench, 0, here)
    assert "overlap (1.00)" in found(bench).may_read.line
    put(bench, 0, there)
    assert "overlap" not in found(bench).may_read.line


def test_findings_that_can_be_there_together_do_not_oppose(bench: Workbench) -> None:
    same = np.zeros((8, 8))
    same[2, 2] = 1.0
    put(bench, 1, same)
    put(bench, 0, same)
    model = bench.session.model
    bench.session.model = replace(model, card=replace(model.card, task="multilabel"))
    assert "overlap" not in found(bench).may_read.line


@pytest.mark.parametrize(
    ("size", "state"), [(1.0, "ok"), (-1.0, "ok"), (1e-3, "near_zero"), (-1e-3, "near_zero"), (0, "empty")]
)
def test_a_difference_that_is_next_to_nothing_is_not_read(bench: Workbench, size: float, state: str) -> None:
    bench.explaining.select_target(DIFFERENCE)
    put(bench, 1, np.full((8, 8), size))
    put(bench, 0, np.zeros((8, 8)))
    assert found(bench).state == state
    assert (found(bench).may_read.answer == "no") == (state != "ok")
    assert next(tile.state for tile in rail_view(bench.session) if tile.chosen) == state


def test_the_reference_of_logits_does_not_measure_probabilities(bench: Workbench) -> None:
    put(bench, 1, np.full((8, 8), 1e-3))
    assert found(bench).state == "near_zero"
    assert found(bench).scale_label == "model reference"
    bench.session.choice.score = "probability"
    assert found(bench).state == "ok"
    assert found(bench).scale_label == "series maximum"


def test_outputs_that_look_like_probabilities_are_told(bench: Workbench) -> None:
    assert "probabilities already" not in found(bench).may_read.line
    bench.session.reading.flags.add(SQUASHED)
    assert "probabilities already" in found(bench).may_read.line


def test_no_boxes_from_a_map_that_should_not_be_read(bench: Workbench) -> None:
    bench.opening.show(bright_spot(modality="CT"))
    bench.explaining.confirm_applicability()
    bench.viewing.select_slice(2)
    assert found(bench).probability > 0.5
    screen = Presenter(bench.session).screen()
    assert not any(row.mark.kind == "map" for row in screen.boxes.rows)
    assert "should not be read" in screen.boxes.rule


def lopsided(bench: Workbench) -> None:
    """A map of the mirrored input: to the network the patient's focus in columns 4 to 7 lies in 24 to 27."""
    bench.explaining.toggle_mirror()
    signed = np.zeros((8, 8))
    signed[2, 6] = 2.0
    put(bench, 1, signed)


def test_a_mirrored_map_lies_in_the_patient_everywhere_but_in_what_the_network_saw(bench: Workbench) -> None:
    lopsided(bench)

    def column(values: np.ndarray) -> int:
        return int(np.unravel_index(int(values.argmax()), values.shape)[1])

    for cells in (False, True):
        if cells:
            bench.viewing.toggle_true_grid()
        patient = canvas_view(bench.session, found(bench))
        assert 4 <= column(patient.values) <= 7
        assert 24 <= column(patient.inset.values) <= 27
        bench.viewing.toggle_seen()
        seen = canvas_view(bench.session, found(bench))
        bench.viewing.toggle_seen()
        assert 24 <= column(seen.values) <= 27
        assert seen.background.letters == ("L", "R", "A", "P")
        assert "MIRRORED" in seen.background.mark
    tile = next(tile for tile in rail_view(bench.session) if tile.chosen)
    assert column(tile.thumbnail) == 1


def test_a_box_of_pixels_that_are_not_square_has_its_size_in_millimetres(bench: Workbench) -> None:
    bench.opening.show(bright_spot(affine=np.diag([1.0, 2.0, 5.0, 1.0])))
    bench.boxing.add(4, 6, 10, 26)
    row = next(row for row in Presenter(bench.session).screen().boxes.rows if row.mark.kind == "drawn")
    assert row.size_mm == (12, 20)
    assert row.area_cm2 == pytest.approx(2.4)


def test_the_rule_counts_the_pixels_that_the_network_saw(bench: Workbench) -> None:
    """Five percent of a quarter of the picture are not five percent of the picture."""
    bench.viewing.select_slice(2)
    view = bench.session.reading.views[2]
    bench.session.reading.views[2] = replace(view, box=PixelBox(4, 12, 20, 28))
    made = map_boxes(bench.session, found(bench))
    assert made.within.sum() == 16 * 16
    covered = sum(box.area for box in made.map.boxes)
    assert covered >= round(0.05 * 256)
    assert covered < round(0.05 * 1024)
    top = mask_from_map(found(bench).picture, rule="top-percent", value=5, within=made.within)
    assert top.sum() == round(0.05 * 256)
    assert [box.edges for box in made.map.boxes] == [box.edges for box in boxes_from_mask(top)]


def test_the_case_is_the_peak_slice_wherever_one_stands(bench: Workbench) -> None:
    bench.viewing.select_slice(0)
    line = prediction_view(bench.session).case_line
    highest = bench.session.reading.probability(2, 1)
    assert line == f"case: stroke {highest:.2f}, the highest, on slice 3"
    assert highest > bench.session.reading.probability(0, 1) + 0.1


def test_shares_of_a_score_show_evidence_against_the_class_too(bench: Workbench) -> None:
    bench.explaining.select_explainer("input-x-gradient")
    session = bench.session
    signed = np.full((16, 16), -2.0, np.float32)
    signed[3, 4] = 1.0
    place = places_shown(session, session.reading, session.view.slice)[0]
    session.reading.atlas.put(place.slice, place.target, place.layer, place.key, signed)
    view = found(bench)
    assert view.diverging
    assert view.raw.min() == pytest.approx(-2.0, rel=1e-4)
    assert view.scale >= 2.0  # the larger of the two signs
    bench.explaining.select_explainer("gradient")
    assert not found(bench).diverging
    assert found(bench).raw.min() >= 0


def test_segments_reach_the_canvas_and_can_be_switched_off(bench: Workbench) -> None:
    bench.explaining.select_explainer("input-x-gradient")
    session = bench.session
    place = places_shown(session, session.reading, session.view.slice)[0]
    rows, columns = session.reading.views[session.view.slice].rule.size
    labels = np.ones((rows, columns), np.int32)
    labels[:, columns // 2 :] = 2
    assert found(bench).segments is None
    session.reading.atlas.put(place.slice, place.target, place.layer, segments_key(place.key), labels)
    view = found(bench)
    np.testing.assert_array_equal(view.segments, labels)
    canvas = canvas_view(session, view)
    [[(top, left), (bottom, right)]] = [line for line in canvas.boundaries if line[0, 1] == line[1, 1]][:1]
    assert left == right
    assert bottom > top
    bench.viewing.toggle_boundaries()
    assert canvas_view(session, view).boundaries is None


def test_numbers_about_a_map_reach_its_verdict(bench: Workbench) -> None:
    bench.explaining.select_explainer("input-x-gradient")
    session = bench.session
    place = places_shown(session, session.reading, session.view.slice)[0]
    facts = {"segments": 40.0, "fit": 0.31, "asked": 100.0, "left_out": 3.0}
    session.reading.rounds[place] = Rounds(1, 1, ("poor-fit",), facts)
    line = found(bench).may_read.line
    assert "follows the network badly (R2 0.31)" in line
    assert "40 segments" in line
    assert "3 of 100 changed inputs gave no number" in line

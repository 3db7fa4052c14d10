"""The screen is a function of the state, and makes anew only what changed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.tiny import bright_spot
from viewer.controllers.workbench import Workbench
from viewer.imaging.geometry import Geometry
from viewer.imaging.image import MedicalImage
from viewer.state.case import Truth
from viewer.state.screen import Presenter
from viewer.state.session import DIFFERENCE, Session


def test_an_empty_session_has_an_empty_screen() -> None:
    screen = Presenter(Session()).screen()
    assert screen.canvas is None
    assert screen.rail == ()
    assert screen.strip is None


def test_a_display_change_makes_only_the_canvas_anew(bench: Workbench) -> None:
    presenter = Presenter(bench.session)
    before = presenter.screen()
    bench.viewing.set_opacity(0.31)
    after = presenter.screen()
    assert after.canvas is not before.canvas
    assert after.canvas.style.opacity == 0.31
    assert after.canvas.map is before.canvas.map
    for part in ("map", "prediction", "rail", "strip", "boxes"):
        assert getattr(after, part) is getattr(before, part)


def test_nothing_changed_nothing_made(bench: Workbench) -> None:
    presenter = Presenter(bench.session)
    first, second = presenter.screen(), presenter.screen()
    assert all(getattr(first, p) is getattr(second, p) for p in ("canvas", "map", "rail", "strip", "boxes"))


def test_scale_never_follows_the_slice(bench: Workbench) -> None:
    """The bright slice and the dark one are drawn on the same scale, unless the user asks for the slice's own."""
    presenter = Presenter(bench.session)
    bench.viewing.select_slice(2)
    bright = presenter.screen().map
    bench.viewing.select_slice(0)
    dark = presenter.screen().map
    assert bright.scale == dark.scale == 2.0
    assert bright.scale_label == "model reference"
    assert dark.picture.max() < 0.1 * bright.picture.max()
    bench.viewing.set_scale("slice")
    own = presenter.screen().map
    assert own.scale == pytest.approx(float(own.raw.max()))
    assert own.scale_label == "this slice only"


def test_without_a_reference_the_scale_says_how_much_of_the_series_it_knows(bench: Workbench) -> None:
    bench.explaining.select_layer("conv1")
    found = Presenter(bench.session).screen().map
    assert found.scale_label == "series maximum"
    highest = max(float(bench.session.reading.atlas.map("conv1", 1, "grad-cam", k).max()) for k in range(5))
    assert found.scale == pytest.approx(highest, rel=1e-3)


def test_the_difference_is_signed_and_gives_no_boxes(bench: Workbench) -> None:
    bench.explaining.select_target(DIFFERENCE)
    screen = Presenter(bench.session).screen()
    atlas, index = bench.session.reading.atlas, bench.session.view.slice
    wanted = atlas.signed("relu2", 1, "grad-cam", index) - atlas.signed("relu2", 0, "grad-cam", index)
    np.testing.assert_allclose(screen.map.raw, wanted, rtol=1e-3, atol=1e-4)
    assert screen.map.diverging
    assert "difference" in screen.boxes.rule


def test_boxes_of_the_map_only_where_the_class_is_present(bench: Workbench) -> None:
    presenter = Presenter(bench.session)
    bench.viewing.select_slice(2)
    assert any(row.mark.kind == "map" for row in presenter.screen().boxes.rows)
    bench.viewing.select_slice(0)
    screen = presenter.screen()
    assert bench.session.reading.probability(0, 1) < 0.5
    assert not any(row.mark.kind == "map" for row in screen.boxes.rows)
    assert "below its threshold" in screen.boxes.rule


def test_a_box_on_the_peak_scores_and_follows(bench: Workbench) -> None:
    presenter = Presenter(bench.session)
    bench.viewing.select_slice(2)
    identity = bench.boxing.add(6, 18, 14, 26)

    def scores() -> dict[str, float]:
        row = next(r for r in presenter.screen().boxes.rows if r.mark.identity == identity)
        return {score.name: score.value for score in row.scores}

    on = scores()
    assert on["pointing"] == 1
    row = next(r for r in presenter.screen().boxes.rows if r.mark.identity == identity)
    bright = {score.name: score.value for score in row.baseline}
    assert bright["pointing"] == 1, "the spot is the brightest place of the picture"
    assert bright["energy-inside"] != on["energy-inside"]
    assert on["iou-best"] > 0.3
    bench.boxing.move(identity, 24, 0, 31, 7)
    off = scores()
    assert off["pointing"] == 0
    assert off["iou-best"] == 0
    row = next(r for r in presenter.screen().boxes.rows if r.mark.identity == identity)
    assert row.area_cm2 == pytest.approx(0.49)
    assert row.size_mm == (7, 7)


def test_mirror_shows_an_inset_with_swapped_letters_and_the_patient_as_he_is(bench: Workbench) -> None:
    presenter = Presenter(bench.session)
    plain = presenter.screen().canvas
    bench.explaining.toggle_mirror()
    mirrored = presenter.screen().canvas
    assert plain.inset is None
    np.testing.assert_array_equal(mirrored.background.pixels, plain.background.pixels)
    assert plain.background.letters == mirrored.background.letters == ("R", "L", "A", "P")
    assert mirrored.inset.background.letters == ("L", "R", "A", "P")
    assert mirrored.inset.background.mark == "MIRRORED INPUT"
    np.testing.assert_array_equal(mirrored.inset.background.pixels, plain.background.pixels[:, ::-1])
    np.testing.assert_array_equal(mirrored.inset.values, mirrored.values[:, ::-1])


def test_what_the_network_saw_is_what_it_was_given(bench: Workbench) -> None:
    from viewer.models.input_view import InputView

    presenter = Presenter(bench.session)
    bench.viewing.toggle_seen()
    seen = presenter.screen().canvas
    case, card = bench.session.case, bench.session.model.card
    wanted = InputView.of(card.input, case.image, bench.session.view.slice).network_input(
        case.image.grey(case.picture(bench.session.view.slice))
    )[0]
    np.testing.assert_array_equal(seen.background.pixels, wanted)
    assert seen.values.shape == wanted.shape
    assert "WHAT THE NETWORK SAW" in seen.background.mark


def test_strip_has_outcomes_where_truth_is_known(bench: Workbench) -> None:
    positive = np.array([True, False, True, False, False])
    bench.opening.show(bright_spot(), Truth(positive))
    strip = Presenter(bench.session).screen().strip
    assert strip.outcomes == ("FN", "TN", "TP", "TN", "TN")
    assert strip.peak == 2
    assert np.isfinite(strip.mass).all()
    assert int(np.argmax(strip.mass)) == 2
    bench.explaining.select_target("no stroke")
    assert Presenter(bench.session).screen().strip.outcomes == ("FN", "TN", "TP", "TN", "TN")


def test_rail_has_a_tile_for_every_layer(bench: Workbench) -> None:
    rail = Presenter(bench.session).screen().rail
    assert [tile.layer.name for tile in rail] == [layer.name for layer in bench.session.model.layers]
    assert [tile.layer.name for tile in rail if tile.chosen] == ["relu2"]
    assert [tile.layer.name for tile in rail if tile.default] == ["relu2"]
    for tile in rail:
        assert tile.thumbnail is not None
        assert np.abs(tile.thumbnail).max() <= 1


def test_side_unknown_has_no_letters(bench: Workbench) -> None:
    voxels = bright_spot().voxels.copy()
    bench.opening.show(MedicalImage(voxels, Geometry.unoriented(voxels.shape)))
    canvas = Presenter(bench.session).screen().canvas
    assert canvas.background.letters is None
    assert "side unknown" in canvas.facts
    assert bench.session.judgement.applicability.verdict == "unproven"


def test_a_scale_that_stands_in_for_the_reference_grows_with_the_series(bench: Workbench) -> None:
    """Without a reference the label says of how many slices the maximum is, and keeps saying the truth."""
    from tests.controllers.conftest import StepRunner

    steps = StepRunner()
    slow = Workbench(steps)
    slow.explaining.select_model("tiny")
    steps.drain()
    slow.explaining.select_layer("conv1")
    slow.opening.show(bright_spot())
    presenter = Presenter(slow.session)
    assert steps.step()
    assert presenter.screen().map.scale_label == "maximum of 1 of 5 slices"
    steps.drain()
    assert presenter.screen().map.scale_label == "series maximum"


def test_the_maps_own_cells_are_a_way_of_drawing_and_change_no_score(bench: Workbench) -> None:
    presenter = Presenter(bench.session)
    bench.viewing.select_slice(2)
    bench.boxing.add(6, 18, 14, 26)
    smooth = presenter.screen()
    bench.viewing.toggle_true_grid()
    cells = presenter.screen()
    assert cells.boxes is smooth.boxes
    assert len(np.unique(cells.canvas.values)) <= smooth.map.raw.size
    assert len(np.unique(smooth.canvas.values)) > smooth.map.raw.size


def test_positions_among_uneven_slices_are_marked_as_approximate(bench: Workbench) -> None:
    from viewer.imaging.diagnoses import Diagnosis

    image = bright_spot()
    assert Presenter(bench.session).screen().canvas.facts[2].startswith("z ")
    bench.opening.show(replace(image, diagnoses=(Diagnosis("uneven-spacing", "warning", "Uneven."),)))
    bench.viewing.set_cursor(3, 3)
    facts = Presenter(bench.session).screen().canvas.facts
    assert sum(fact.startswith("\u2248 ") for fact in facts) == 2

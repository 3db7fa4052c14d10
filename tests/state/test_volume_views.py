"""What the panels say and show of a network of volumes: one answer, and slices that cut one map."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.tiny import bright_spot
from tests.tiny_volume import write_tiny_volume_model
from viewer.controllers.workbench import Workbench
from viewer.evaluation.boxes import boxes_from_mask, mask_from_map
from viewer.evaluation.regions import Region
from viewer.foundation.job_runner import InlineRunner
from viewer.imaging.geometry import Geometry
from viewer.imaging.image import MedicalImage
from viewer.models.volume_cut import stacked
from viewer.state.case import Case, Truth
from viewer.state.map_view import map_view
from viewer.state.screen import Presenter, Screen
from viewer.state.volume_peak import peak_place
from viewer.state.volume_words import memory_words


@pytest.fixture
def volumes(user_folder: Path) -> Workbench:
    write_tiny_volume_model(user_folder)
    bench = Workbench(InlineRunner())
    bench.explaining.select_model("tiny3d")
    bench.opening.show(bright_spot(9, at=(4, 8, 20)))
    return bench


def screen(bench: Workbench) -> Screen:
    return Presenter(bench.session).screen()


def sagittal() -> MedicalImage:
    """Stored and read in sagittal slices: slice to the left, row downwards, column backwards; bright on the left."""
    voxels = np.random.default_rng(0).uniform(0, 0.05, (6, 24, 24)).astype(np.float32)
    voxels[4:6, 6:12, 4:10] = 5
    affine = np.zeros((4, 4))
    affine[0, 2], affine[2, 1], affine[1, 0], affine[3, 3] = 5, -1, 1, 1
    return MedicalImage(voxels, Geometry(affine, voxels.shape), modality="MR")


def test_the_probability_is_that_of_the_volume(volumes: Workbench) -> None:
    shown = screen(volumes)
    assert shown.prediction.subject == "the whole volume"
    assert "nothing about single slices" in shown.prediction.case_line
    p = [bar.probability for bar in shown.prediction.bars]
    assert sum(p) == pytest.approx(1)
    volumes.viewing.step(2)
    assert [bar.probability for bar in screen(volumes).prediction.bars] == p
    assert "in this volume" in " ".join(shown.map.may_read.reasons) or p[1] >= 0.05


def test_an_improbable_class_is_improbable_in_the_volume(volumes: Workbench) -> None:
    faint = bright_spot(9, at=(4, 8, 20))
    volumes.opening.show(MedicalImage(faint.voxels * 0, faint.geometry, modality="MR"))
    volumes.explaining.select_target("stroke")
    found = screen(volumes).map
    assert found.probability > 0.05 or "in this volume" in found.may_read.line


def test_slices_have_mass_and_no_probability(volumes: Workbench) -> None:
    strip = screen(volumes).strip
    assert strip.whole
    assert np.isnan(strip.probability).all()
    assert strip.peak is None
    assert set(strip.outcomes) == {""}
    assert strip.mass.argmax() == 4
    assert np.isfinite(strip.mass).all()


def test_truth_of_slices_is_no_outcome_of_a_volume(volumes: Workbench) -> None:
    case = volumes.session.case
    truth = Truth(np.arange(9) == 4, positive_class="stroke")
    volumes.session.case = Case(case.image, case.title, truth)
    assert set(screen(volumes).strip.outcomes) == {""}


def test_the_rail_shows_what_is_there_and_what_a_click_costs(volumes: Workbench) -> None:
    rail = {tile.layer.name: tile for tile in screen(volumes).rail}
    assert rail["relu2"].chosen
    assert rail["relu2"].layer.grid == (8, 8, 8)
    assert rail["relu2"].thumbnail.shape == (8, 8)
    assert rail["relu2"].offer == ""
    assert rail["conv1"].thumbnail is None
    assert rail["conv1"].offer.startswith("click to compute\n")
    assert rail["conv1"].offer.endswith("MB")
    row, column = np.unravel_index(rail["relu2"].thumbnail.argmax(), (8, 8))
    assert row < 4 <= column, "anterior, on the patient's left"
    volumes.explaining.toggle_mirror()
    row, column = np.unravel_index(screen(volumes).rail[-1].thumbnail.argmax(), (8, 8))
    assert row < 4 <= column, "the patient is shown, not the mirrored input"
    volumes.viewing.set_convention("neurological")
    row, column = np.unravel_index(screen(volumes).rail[-1].thumbnail.argmax(), (8, 8))
    assert row < 4
    assert column < 4


@pytest.mark.parametrize(("size", "words"), [(3 << 20, "3 MB"), (1 << 30, "1.0 GB"), (1, "1 MB")])
def test_memory_in_words(size: int, words: str) -> None:
    assert memory_words(size) == words


def test_one_scale_for_all_slices(volumes: Workbench) -> None:
    for scale in ("reference", "series", "slice"):
        volumes.viewing.set_scale(scale)
        found = [map_view(volumes.session, volumes.session.reading, i) for i in range(9)]
        assert {each.scale for each in found} == {float(found[0].raw.max())}
        assert {each.scale_label for each in found} == {"maximum of this volume"}


@pytest.mark.parametrize(("rule", "value"), [("top-percent", 2.0), ("fraction-of-max", 0.5)])
def test_boxes_are_those_of_the_volume_cut_by_the_slice(volumes: Workbench, rule: str, value: float) -> None:
    session = volumes.session
    session.boxes.rule, session.boxes.value = rule, value
    # The class is present, so boxes may be made.
    object.__setattr__(session.model.card, "thresholds", {"stroke": 0.0})
    reading = session.reading
    raw = np.maximum(reading.atlas.signed("relu2", 1, "grad-cam", 0), 0)
    mask = mask_from_map(stacked(reading.view, session.case.plane, raw), rule=rule, value=value)
    assert 0 < mask.any(axis=(1, 2)).sum() < 9
    for index in range(9):
        volumes.viewing.select_slice(index)
        boxes = screen(volumes).boxes
        wanted = boxes_from_mask(mask[index], slice=index)
        found = [mark.region for mark in boxes.marks if mark.kind == "map"]
        assert [region.edges for region in found] == [region.edges for region in wanted]
        assert "three dimensions" in boxes.rule
        assert "whole volume" in boxes.rule


def test_boxes_of_readers_are_compared_on_their_slice(volumes: Workbench) -> None:
    session = volumes.session
    object.__setattr__(session.model.card, "thresholds", {"stroke": 0.0})
    truth = Truth(np.arange(9) == 4, (Region(8, 20, 12, 24, slice=4, label="spot", reader="A"),))
    session.case = Case(session.case.image, session.case.title, truth)
    volumes.explaining.voxels_changed()
    session.boxes.value = 1.0
    (row,) = [row for row in screen(volumes).boxes.rows if row.mark.kind == "reader"]
    scores = {score.name: score for score in row.scores}
    assert scores["iou-best"].value > 0.2
    assert scores["pointing"].value == 1
    assert "three dimensions" in scores["iou-best"].rule
    brightness = {score.name: score for score in row.baseline}
    volumes.boxing.set_rule("fraction-of-max", 0.5)
    (row,) = [row for row in screen(volumes).boxes.rows if row.mark.kind == "reader"]
    assert {s.name: s for s in row.baseline}["iou-best"].value == 1, "the brightest voxels are the spot"
    assert brightness["pointing"].value == 1
    volumes.viewing.select_slice(0)
    assert not [row for row in screen(volumes).boxes.rows if row.mark.kind == "reader"]


def test_what_the_network_saw_is_its_volume_slice_by_slice(volumes: Workbench) -> None:
    volumes.viewing.toggle_seen()
    shown = screen(volumes).canvas
    assert shown.background.pixels.shape == (16, 16)
    assert shown.values.shape == (16, 16)
    assert "16 x 16 x 8" in shown.background.mark
    row, column = np.unravel_index(shown.background.pixels.argmax(), (16, 16))
    assert row < 8 <= column
    assert shown.background.letters[:2] == ("R", "L")
    volumes.explaining.toggle_mirror()
    shown = screen(volumes).canvas
    row, column = np.unravel_index(shown.background.pixels.argmax(), (16, 16))
    assert row < 8
    assert column < 8
    assert shown.background.letters[:2] == ("L", "R")
    assert "MIRRORED" in shown.background.mark
    row, column = np.unravel_index(shown.values.argmax(), (16, 16))
    assert column < 8, "the map stands where the network looked"
    pictures = set()
    for index in range(9):
        volumes.viewing.select_slice(index)
        pictures.add(screen(volumes).canvas.background.pixels.tobytes())
    assert len(pictures) == 8, "every slice of the input is shown by some slice of the image"


def test_a_mirrored_volume_has_an_inset_with_its_own_letters(volumes: Workbench) -> None:
    volumes.explaining.toggle_mirror()
    inset = screen(volumes).canvas.inset
    assert inset.background.mark == "MIRRORED INPUT"
    assert inset.background.letters[:2] == ("L", "R")
    _, column = np.unravel_index(inset.background.pixels.argmax(), inset.background.pixels.shape)
    assert column < 16
    _, column = np.unravel_index(inset.values.argmax(), inset.values.shape)
    assert column < 16


def test_across_sagittal_slices_the_mirror_shows_the_other_side(volumes: Workbench) -> None:
    volumes.opening.show(sagittal())
    session = volumes.session
    assert session.case.plane.name == "sagittal"
    assert peak_place(session, session.reading)[0] in (4, 5)
    volumes.explaining.toggle_mirror()
    assert peak_place(session, session.reading)[0] in (4, 5), "the patient's map stays on his left"
    volumes.viewing.select_slice(0)
    shown = screen(volumes).canvas
    inset = shown.inset
    np.testing.assert_array_equal(inset.background.pixels, session.case.picture(5))
    assert inset.background.letters == shown.background.letters
    assert inset.values.max() > shown.values.max()
    volumes.viewing.toggle_seen()
    assert screen(volumes).canvas.background.pixels.max() < 1, "what it saw of this slice, wherever that went"
    volumes.viewing.select_slice(5)
    seen = screen(volumes).canvas
    assert seen.background.pixels.max() > 1
    assert seen.values.max() > shown.values.max()
    assert "picture 2 of 16" in seen.background.mark


def test_before_the_first_trace_nothing_is_pretended(volumes: Workbench) -> None:
    session = volumes.session
    volumes.explaining.pause()
    volumes.viewing.toggle_seen()
    shown = screen(volumes)
    assert "NOT SEEN" in shown.canvas.background.mark
    assert shown.map is None
    assert np.isnan(shown.strip.mass).all()
    assert session.reading is None


def test_the_planes_follow_the_crosshair_and_keep_what_did_not_move(volumes: Workbench) -> None:
    volumes.viewing.set_workspace("volume")
    presenter = Presenter(volumes.session)
    before = presenter.screen().planes
    assert "one map of the whole volume" in before.facts
    axial = before.planes[0]
    volumes.planes.point(axial.plane, axial.index, 9, 21)
    after = presenter.screen().planes.planes
    assert after[0].values is before.planes[0].values
    for old, new in zip(before.planes[1:], after[1:], strict=True):
        assert new.values is not old.values
        assert new.values.max() > 2 * old.values.max(), "these planes go through the spot now"


def test_a_map_on_an_even_grid_lies_where_it_lies_in_the_patient(volumes: Workbench) -> None:
    """Uneven slices, used as they are: the planes are resampled for display, and the map with them."""
    image = bright_spot(5, at=(3, 8, 20))
    origins = np.array([[0, 0, z] for z in (0.0, 5, 10, 19, 24)])
    uneven = MedicalImage(
        image.voxels,
        Geometry(image.geometry.affine_lps, image.geometry.shape, origins=origins),
        modality="MR",
    )
    volumes.opening.show(uneven)
    volumes.grid.use_as_it_is()
    volumes.viewing.set_workspace("volume")
    volumes.viewing.peak()
    session = volumes.session
    assert session.view.slice == 3
    assert session.even is not None
    for view in screen(volumes).planes.planes:
        row, column = np.unravel_index(view.values.argmax(), view.values.shape)
        place = session.even.geometry.to_patient(
            view.plane.voxel(session.even.geometry, view.index, row, column)
        )
        np.testing.assert_allclose(place, [21.5, 9.5, 19], atol=4)


def test_supervoxels_are_drawn_in_every_plane(volumes: Workbench) -> None:
    volumes.explaining.set_parameters("lime", {"segments": 8, "samples": 30})
    volumes.explaining.select_explainer("lime")
    volumes.explaining.asking.compute()
    volumes.viewing.set_workspace("volume")
    shown = screen(volumes)
    assert shown.map.segments.ndim == 3
    for plane in shown.planes.planes:
        rows, columns = plane.background.pixels.shape[:2]
        assert len(plane.boundaries)
        assert plane.boundaries.min() >= 0
        assert plane.boundaries[..., 0].max() <= rows
        assert plane.boundaries[..., 1].max() <= columns
    volumes.viewing.toggle_boundaries()
    assert all(plane.boundaries is None for plane in screen(volumes).planes.planes)

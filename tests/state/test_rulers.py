"""Distances and sizes say what they are worth, and belong to their picture and case."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from tests.tiny import bright_spot
from viewer.controllers.workbench import Workbench
from viewer.imaging.diagnoses import Diagnosis, no_spacing
from viewer.imaging.geometry import Geometry
from viewer.imaging.image import MedicalImage
from viewer.imaging.plane import ReadingPlane
from viewer.state.rulers import length_words, ruler_marks
from viewer.state.screen import Presenter


def test_a_line_has_its_length_in_the_patient_however_oblique_and_stretched() -> None:
    turn = np.deg2rad(30)
    affine = np.eye(4)
    affine[:3, 0] = np.array([np.cos(turn), np.sin(turn), 0]) * 0.5
    affine[:3, 1] = np.array([-np.sin(turn), np.cos(turn), 0]) * 2.0
    affine[:3, 2] = (0, 0, 4)
    image = MedicalImage(np.zeros((3, 20, 20), np.int16), Geometry(affine, (3, 20, 20)), modality="MR")
    assert length_words(image, (1, 0, 0), (1, 3, 16)) == "10.0 mm"
    assert length_words(image, (0, 5, 5), (2, 5, 5)) == "8.0 mm"


def test_a_length_that_is_not_known_is_not_made_up() -> None:
    geometry = Geometry.unoriented((1, 20, 20))
    photo = MedicalImage(np.zeros((1, 20, 20), np.uint8), geometry, diagnoses=(no_spacing(),))
    assert length_words(photo, (0, 0, 0), (0, 3, 4)) == "5.0 px, size unknown"
    film = MedicalImage(
        np.zeros((1, 20, 20), np.int16),
        Geometry.unoriented((1, 20, 20), (1.0, 0.2, 0.2)),
        modality="CR",
        diagnoses=(Diagnosis("size-at-detector", "note", "Sizes are those at the detector."),),
    )
    assert length_words(film, (0, 0, 0), (0, 3, 4)) == "1.0 mm at the detector"


def test_lines_stay_on_their_slice_and_go_with_the_case(bench: Workbench) -> None:
    bench.viewing.select_slice(2)
    bench.measuring.draw_mode(True)
    identity = bench.measuring.add((3, 4), (6, 8))
    session, presenter = bench.session, Presenter(bench.session)
    assert not session.rulers.drawing
    [mark] = presenter.screen().rulers
    assert (mark.identity, mark.text, mark.start, mark.end) == (identity, "5.0 mm", (3, 4), (6, 8))
    assert mark.selected
    bench.viewing.select_slice(3)
    assert presenter.screen().rulers == ()
    assert bench.measuring.add((3, 3), (3.2, 3.4)) is None
    assert bench.measuring.add((-90, 3), (90, 3)) is not None
    assert [m.text for m in presenter.screen().rulers] == ["32.0 mm"], "cut to the picture"
    session.case = replace(session.case, title="with truth")
    assert len(session.rulers.drawn) == 2
    bench.opening.show(bright_spot())
    assert session.rulers.drawn == {}


def test_a_line_across_the_slices_is_found_by_the_plane_that_holds_it(bench: Workbench) -> None:
    image = bench.session.case.image
    coronal = ReadingPlane.named(image.geometry, "coronal")
    bench.measuring.add((0, 5), (4, 5), plane=coronal, index=9)
    assert [m.text for m in ruler_marks(bench.session.rulers, image, coronal, 9)] == ["20.0 mm"]
    assert ruler_marks(bench.session.rulers, image, coronal, 8) == ()
    assert ruler_marks(bench.session.rulers, image, bench.session.case.plane, 2) == ()


def test_delete_means_the_one_thing_that_is_selected(bench: Workbench) -> None:
    line = bench.measuring.add((3, 4), (6, 8))
    box = bench.boxing.add(1, 1, 9, 9)
    session = bench.session
    assert (session.rulers.selected, session.boxes.selected) == (None, box)
    bench.delete_selected()
    assert list(session.rulers.drawn) == [line]
    assert session.boxes.drawn == {}
    bench.measuring.select(line)
    bench.measuring.move(line, (3, 4), (3, 14))
    assert math.dist(*(getattr(session.rulers.drawn[line], end) for end in ("start", "end"))) == 10
    bench.delete_selected()
    assert session.rulers.drawn == {}
    bench.measuring.draw_mode(True)
    bench.boxing.draw_mode(True)
    assert (session.rulers.drawing, session.view.drawing) == (False, True)
    bench.leave_drawing()
    assert not session.view.drawing


def test_drawn_boxes_say_their_size(bench: Workbench) -> None:
    bench.boxing.add(4, 6, 24, 16)
    row = Presenter(bench.session).screen().boxes.rows[0]
    assert row.mark.size == "10 \u00d7 20 mm \u00b7 2.0 cm\u00b2"
    voxels = bright_spot().voxels
    bench.opening.show(MedicalImage(voxels.copy(), Geometry.unoriented(voxels.shape, (5.0, 0.5, 0.5))))
    bench.boxing.add(4, 6, 24, 16)
    screen = Presenter(bench.session).screen()
    assert screen.boxes.rows[0].mark.size == "5 \u00d7 10 mm \u00b7 50 mm\u00b2", "sizes need no orientation"
    assert "0.5 mm pixels" in screen.canvas.facts
    unknown = MedicalImage(voxels.copy(), Geometry.unoriented(voxels.shape), diagnoses=(no_spacing(),))
    bench.opening.show(unknown)
    bench.boxing.add(4, 6, 24, 16)
    screen = Presenter(bench.session).screen()
    assert screen.boxes.rows[0].mark.size == "10 \u00d7 20 px"
    assert screen.boxes.rows[0].size_mm is None
    assert "pixel size unknown" in screen.canvas.facts


def test_exact_places_of_uneven_slices_are_not_called_approximate(bench: Workbench) -> None:
    voxels = bright_spot().voxels.copy()
    origins = np.array([[0, 0, z] for z in (0.0, 5.0, 11.0, 15.0, 20.0)])
    uneven = (Diagnosis("uneven-spacing", "warning", "Uneven."),)
    geometry = Geometry(np.diag([1.0, 1.0, 5.0, 1.0]), voxels.shape, origins=origins)
    bench.opening.show(MedicalImage(voxels, geometry, modality="MR", diagnoses=uneven))
    bench.viewing.select_slice(2)
    facts = Presenter(bench.session).screen().canvas.facts
    assert "z +11.0 mm" in facts
    assert not any("\u2248" in fact for fact in facts)


@pytest.mark.parametrize("convention", ["radiological", "neurological"])
def test_the_display_changes_neither_the_networks_input_nor_what_is_saved_of_it(
    bench: Workbench, convention: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from viewer.controllers import engine
    from viewer.controllers.shown import shown_slice
    from viewer.controllers.slice_figures import figure_content

    asked: list[object] = []
    real = engine.trace_slice
    monkeypatch.setattr(
        engine, "trace_slice", lambda request, *rest: (asked.append(request), real(request, *rest))[1]
    )
    bench.viewing.select_slice(2)
    presenter = Presenter(bench.session)
    before = presenter.screen()
    bench.viewing.set_convention(convention)
    bench.viewing.toggle_inverted()
    after = presenter.screen()
    assert after.map is before.map
    np.testing.assert_array_equal(after.canvas.background.pixels, before.canvas.background.pixels)
    assert not asked, "turning the display asks the network nothing"
    maps = {k: bench.session.reading.atlas.signed("relu2", 1, "grad-cam", k) for k in range(5)}
    bench.opening.show(bench.session.case.image)  # explained anew under this display
    bench.viewing.select_slice(2)
    assert all(not request.mirror for request in asked)
    for k, values in maps.items():
        np.testing.assert_array_equal(bench.session.reading.atlas.signed("relu2", 1, "grad-cam", k), values)
    after = presenter.screen()
    neurological = convention == "neurological"
    assert after.canvas.background.letters == (("L", "R") if neurological else ("R", "L")) + ("A", "P")
    assert "GREY INVERTED" in after.canvas.background.notes
    bench.boxing.add(8, 20, 12, 24)
    shown = shown_slice(bench.session)
    content = figure_content(
        shown.canvas.background,
        shown.found,
        shown.canvas.values,
        shown.canvas.style,
        title="",
        unit="",
        facts=(),
        regions=shown.regions,
    )
    pixels, letters = content.picture, content.letters
    drawn = next(region for region in content.regions if region.reader == "you")
    bright = np.argwhere(pixels == pixels.max())
    assert bright[:, 1].min() == drawn.column_min == (32 - 24 if neurological else 20)
    assert letters[:2] == (("L", "R") if neurological else ("R", "L"))
    peak = np.unravel_index(int(content.overlay.values.argmax()), pixels.shape)
    assert drawn.column_min - 4 <= peak[1] <= drawn.column_max + 4
    assert shown.record["display"]["convention"] == convention

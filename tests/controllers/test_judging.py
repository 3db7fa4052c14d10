"""What the window says of a map beside its boxes: every threshold, focus, readers and maps that know nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.controllers.conftest import StepRunner
from tests.tiny import SIZE, bright_spot
from viewer.controllers.truth import read_truth
from viewer.controllers.workbench import Workbench
from viewer.evaluation.focus import focus_scores
from viewer.evaluation.iou_curve import IouCurve
from viewer.evaluation.readers import agreement_between_readers
from viewer.imaging.reading import read_image
from viewer.imaging.writing import write_nifti
from viewer.state.boxes_view import BoxesView
from viewer.state.reader_lines import AGREEMENT
from viewer.state.screen import Presenter, Screen


def looked(bench: Workbench, presenter: Presenter) -> tuple[Screen, BoxesView]:
    """The screen once its map has been judged, as the window does it."""
    bench.judging.look_at(presenter.screen().map)
    screen = presenter.screen()
    assert screen.boxes is not None
    return screen, screen.boxes


def film(bench: Workbench, folder: Path, table: str) -> Presenter:
    """A grey picture with a bright spot and a VinDr table of it."""
    grey = (np.random.default_rng(0).uniform(0, 0.05, (SIZE, SIZE)) * 40).astype(np.uint8)
    grey[8:12, 20:24] = 200
    Image.fromarray(grey).save(folder / "one.png")
    head = "image_id,class_name,class_id,rad_id,x_min,y_min,x_max,y_max\n"
    (folder / "truth.csv").write_text(head + table)
    image = read_image(folder / "one.png")
    bench.opening.show(image, read_truth(folder / "truth.csv", image))
    bench.explaining.select_target("stroke")
    return Presenter(bench.session)


TWO = "one,Stroke,1,R1,20,8,24,12\none,lesion,1,R2,20,8,24,10\none,Nodule,9,R2,0,0,5,5\none,No finding,,R3,,,,\n"


def test_several_readers_are_averaged_and_compared(bench: Workbench, tmp_path: Path) -> None:
    presenter = film(bench, tmp_path, TWO)
    screen, view = looked(bench, presenter)
    assert view.rule.endswith("1 of the readers' regions here is of a class that the model does not have")
    mean, agreed = view.summary
    assert (mean.name, mean.reader) == ("mean over readers", "2 readers")
    each = [
        row.scores for row in view.rows if row.mark.kind == "reader" and row.mark.region.label != "Nodule"
    ]
    for which, score in enumerate(mean.scores):
        assert score is not None
        assert score.value == pytest.approx(np.mean([scores[which].value for scores in each]))
    assert agreed.name == AGREEMENT
    assert agreed.reader == "3 readers"
    own = [row.mark.region for row in view.rows if row.mark.region.label in ("Stroke", "lesion")]
    best, overlap = agreement_between_readers(own, (SIZE, SIZE), ("R1", "R2", "R3"))
    assert view.yardstick == best.value == pytest.approx(0.5 / 3)
    assert agreed.scores[0] == best
    assert agreed.scores[4] == overlap
    assert agreed.scores[1] is None
    assert screen.map is not None


def test_the_curve_and_the_focus_are_of_the_shown_map(bench: Workbench, tmp_path: Path) -> None:
    presenter = film(bench, tmp_path, TWO)
    screen, view = looked(bench, presenter)
    assert screen.map is not None
    region = next(row.mark.region for row in view.rows if row.mark.region.label == "Stroke")
    assert view.curve == IouCurve.of(screen.map.picture).points(region)
    assert view.curve_of == "Stroke"
    foci = next(score for score in focus_scores(screen.map.picture) if score.name == "foci")
    assert f"in {foci.value:.0f} place" in view.focus
    assert "mm²" not in view.focus, "a picture does not know its size"
    assert [name for name, _ in view.rows[0].others] == ["random map", "centred blob"]
    bench.boxing.add(0, 0, 6, 6)
    _, drawn = looked(bench, presenter)
    assert drawn.curve_of == "box 1"
    assert drawn.curve != view.curve
    assert drawn.summary is view.summary, "a drawn box does not change what readers say"
    bench.explaining.select_target("no stroke")
    _, other = looked(bench, presenter)
    assert other.curve == ()
    assert other.summary == ()


def test_the_rule_of_the_truth_needs_a_truth(bench: Workbench, tmp_path: Path) -> None:
    presenter = film(bench, tmp_path, TWO)
    bench.boxing.set_rule("top-area-of-truth", 1)
    _, view = looked(bench, presenter)
    made = [row.mark.region for row in view.rows if row.mark.kind == "map"]
    assert made
    assert sum(box.area for box in made) >= 16
    assert view.rows[0].others == ()
    bench.opening.show(bright_spot())
    bench.explaining.select_target("stroke")
    bench.boxing.set_rule("top-area-of-truth", 1)
    _, without = looked(bench, Presenter(bench.session))
    assert "nobody marked any on this slice" in without.rule
    assert all(row.mark.kind != "map" for row in without.rows)


def test_a_mask_as_truth_is_scored_as_a_mask(bench: Workbench, tmp_path: Path) -> None:
    image = bright_spot()
    mask = np.zeros(image.geometry.shape, dtype=np.uint8)
    mask[2, 8:12, 20] = mask[2, 11, 20:24] = 1
    write_nifti(tmp_path / "mask.nii", mask, image.geometry)
    bench.opening.show(image, read_truth(tmp_path / "mask.nii", image))
    bench.viewing.select_slice(2)
    _, view = looked(bench, Presenter(bench.session))
    [row] = [row for row in view.rows if row.mark.kind == "reader"]
    assert row.mark.region.area == 7
    box = replace(row.mark.region, mask=None)
    assert view.curve != ()
    assert row.scores[0].value < 16 / 7 * 0.5
    assert box.area == 16


def test_only_the_newest_map_is_judged_while_one_is_under_way(
    slow_bench: Workbench, steps: StepRunner
) -> None:
    bench = slow_bench
    bench.opening.show(bright_spot())
    steps.drain()
    presenter = Presenter(bench.session)
    pictures = []
    for index in (0, 1, 2):
        bench.viewing.select_slice(index)
        found = presenter.screen().map
        assert found is not None
        pictures.append(found.picture)
        bench.judging.look_at(found)
        bench.judging.look_at(found)
    assert len(steps.waiting) == 1
    steps.step()
    assert bench.session.judged is None, "the map is no longer on screen"
    steps.drain()
    assert bench.session.judged is not None
    assert bench.session.judged.picture is pictures[2]
    bench.judging.look_at(None)
    assert bench.session.judged is None

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.controllers.conftest import StepRunner
from tests.tiny import bright_spot
from viewer.controllers.looking import title_of
from viewer.controllers.truth import read_truth
from viewer.controllers.workbench import Workbench
from viewer.foundation.errors import ReadError
from viewer.imaging.geometry import Geometry
from viewer.imaging.image import MedicalImage
from viewer.imaging.writing import write_nifti


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    image = bright_spot()
    write_nifti(tmp_path / "scan.nii.gz", image.voxels, image.geometry)
    return tmp_path / "scan.nii.gz"


@pytest.mark.parametrize(
    ("facts", "title"),
    [
        ({"sequence": "DWI", "b_value": 1000.0, "trace": True}, "DWI b 1000 trace"),
        ({"sequence": "DWI", "b_value": 1000.0}, "DWI b 1000"),
        ({"sequence": "DWI", "b_value": 0.0}, "DWI b 0"),
        ({"sequence": "ADC", "modality": "MR"}, "ADC"),
        ({"modality": "CT"}, "CT"),
        ({}, "image"),
    ],
)
def test_a_case_is_called_what_it_is(facts: dict[str, Any], title: str) -> None:
    image = MedicalImage(np.zeros((1, 8, 8), np.uint8), Geometry.unoriented((1, 8, 8)), **facts)
    assert title_of(image) == title


def test_open_shows_the_case_and_explains_it(bench: Workbench, scan: Path) -> None:
    bench.opening.open(scan)
    assert bench.session.notice is None
    assert bench.session.case.slices == 5
    assert len(bench.session.reading.filled) == 5


@pytest.mark.parametrize("content", [None, b"", b"hello, this is text", b"\x1f\x8b garbage"])
def test_a_bad_file_leaves_the_open_case(
    bench: Workbench, scan: Path, tmp_path: Path, content: bytes | None
) -> None:
    bench.opening.open(scan)
    case, reading = bench.session.case, bench.session.reading
    if content is not None:
        (tmp_path / "bad.nii.gz").write_bytes(content)
    bench.opening.open(tmp_path / "bad.nii.gz")
    assert bench.session.case is case
    assert bench.session.reading is reading
    assert "bad.nii.gz" in bench.session.notice.sentence
    assert bench.session.work is None


def test_a_mask_says_which_slices_are_positive(bench: Workbench, scan: Path, tmp_path: Path) -> None:
    image = bright_spot()
    mask = np.asarray(image.voxels > 1, dtype=np.uint8)
    write_nifti(tmp_path / "mask.nii.gz", mask, image.geometry)
    bench.opening.open(scan, truth=tmp_path / "mask.nii.gz")
    truth = bench.session.case.truth
    assert list(np.flatnonzero(truth.positive_slices)) == [2]
    (region,) = truth.regions
    assert (region.row_min, region.column_min, region.row_max, region.column_max) == (8, 20, 12, 24)
    assert bench.session.view.slice == 2


def flipped() -> tuple[Geometry, dict[str, int]]:
    """A grid whose rows run to anterior and columns to the right, and a box on it."""
    geometry = Geometry(np.array([[-1, 0, 0, 31], [0, -1, 0, 31], [0, 0, 5, 0], [0, 0, 0, 1.0]]), (5, 32, 32))
    return geometry, {"slice": 2, "row_min": 8, "column_min": 20, "row_max": 12, "column_max": 24}


def test_boxes_of_a_turned_file_land_where_the_picture_shows_them(tmp_path: Path) -> None:
    geometry, box = flipped()
    image = bright_spot(affine=geometry.affine_lps)
    (tmp_path / "truth.json").write_text(json.dumps({"reader": "r", "boxes": [box]}))
    (region,) = read_truth(tmp_path / "truth.json", image).regions
    picture = image.plane.picture(image.voxels, 2)
    inside = picture[
        int(region.row_min) : int(region.row_max), int(region.column_min) : int(region.column_max)
    ]
    assert inside.shape == (4, 4)
    assert (inside == 5).all()


def test_a_box_of_a_volume_read_across_its_slices_is_on_every_picture(tmp_path: Path) -> None:
    """Stored sagittally, read axially: the file's rows are the pictures that are scrolled."""
    stored = np.zeros((20, 24, 28), dtype=np.float32)
    stored[6, 10:13, 4:9] = 1
    affine = np.array([[0, 0, 1.0, 0], [1.0, 0, 0, 0], [0, -1.0, 0, 0], [0, 0, 0, 1]])
    image = MedicalImage(stored, Geometry(affine, stored.shape))
    assert image.plane.name == "axial"
    box = {"slice": 6, "row_min": 10, "column_min": 4, "row_max": 13, "column_max": 9}
    (tmp_path / "truth.json").write_text(json.dumps({"boxes": [box]}))
    truth = read_truth(tmp_path / "truth.json", image)
    assert np.flatnonzero(truth.positive_slices).tolist() == [10, 11, 12]
    drawn = np.zeros_like(stored)
    for region in truth.regions:
        picture = region.rasterised(image.plane.picture_shape(stored.shape)).astype(np.float32)
        image.plane.put(drawn, region.slice, picture)
    np.testing.assert_array_equal(drawn, stored)


def test_a_mask_in_colour_is_a_mask(tmp_path: Path) -> None:
    from PIL import Image

    picture = np.zeros((32, 32, 3), dtype=np.uint8)
    picture[8:12, 20:24, 0] = 255
    Image.fromarray(picture).save(tmp_path / "mask.png")
    image = MedicalImage(np.zeros((1, 32, 32), np.float32), Geometry.unoriented((1, 32, 32)))
    (region,) = read_truth(tmp_path / "mask.png", image).regions
    assert (region.row_min, region.column_min, region.row_max, region.column_max) == (8, 20, 12, 24)


@pytest.mark.parametrize(
    "document",
    [
        "not json",
        "{}",
        '{"boxes": [{"slice": 99}]}',
        '{"boxes": [{"slice": 0, "row_min": 5, "column_min": 5, "row_max": 5, "column_max": 9}]}',
    ],
)
def test_truth_that_is_none(tmp_path: Path, document: str) -> None:
    (tmp_path / "truth.json").write_text(document)
    with pytest.raises(ReadError, match=r"truth\.json"):
        read_truth(tmp_path / "truth.json", bright_spot())


def test_truth_of_another_grid_is_refused(tmp_path: Path) -> None:
    other = bright_spot(4, at=(1, 2, 2))
    write_nifti(tmp_path / "mask.nii.gz", np.asarray(other.voxels > 1, np.uint8), other.geometry)
    with pytest.raises(ReadError, match="shape"):
        read_truth(tmp_path / "mask.nii.gz", bright_spot())
    shifted = Geometry(np.array([[1, 0, 0, 9], [0, 1, 0, 0], [0, 0, 5, 0], [0, 0, 0, 1.0]]), (5, 32, 32))
    write_nifti(tmp_path / "moved.nii.gz", np.ones((5, 32, 32), np.uint8), shifted)
    with pytest.raises(ReadError, match="elsewhere"):
        read_truth(tmp_path / "moved.nii.gz", bright_spot())


def test_the_title_holds_nothing_about_the_patient(bench: Workbench, tmp_path: Path) -> None:
    image = bright_spot()
    write_nifti(tmp_path / "Doe_John_1950.nii.gz", image.voxels, image.geometry)
    bench.opening.open(tmp_path / "Doe_John_1950.nii.gz")
    assert "Doe" not in bench.session.case.title


def test_truth_is_added_to_the_open_case_and_costs_no_map(
    bench: Workbench, scan: Path, tmp_path: Path
) -> None:
    bench.opening.open(scan)
    reading = bench.session.reading
    box = {"slice": 2, "row_min": 8, "column_min": 20, "row_max": 12, "column_max": 24}
    (tmp_path / "truth.json").write_text(json.dumps({"boxes": [box]}))
    bench.opening.load_truth(tmp_path / "truth.json")
    assert bench.session.case.truth.positive_slices.tolist() == [False, False, True, False, False]
    assert bench.session.reading is reading
    bench.opening.load_truth(tmp_path / "nothing.json")
    assert "nothing.json" in bench.session.notice.sentence
    assert bench.session.case.truth is not None


def test_truth_that_arrives_for_a_case_no_longer_open_is_dropped(
    slow_bench: Workbench, steps: StepRunner, scan: Path, tmp_path: Path
) -> None:
    slow_bench.opening.show(bright_spot())
    steps.drain()
    (tmp_path / "truth.json").write_text('{"boxes": []}')
    slow_bench.opening.load_truth(tmp_path / "truth.json")
    slow_bench.opening.show(bright_spot(3))
    steps.drain()
    assert slow_bench.session.case.truth is None


def test_what_was_done_to_the_input_ends_with_the_case(bench: Workbench) -> None:
    bench.opening.show(bright_spot())
    bench.explaining.toggle_mirror()
    bench.explaining.set_crop("brain")
    bench.opening.show(bright_spot(4))
    assert (bench.session.choice.mirror, bench.session.choice.crop) == (False, "none")


def test_reading_can_be_cancelled_and_the_open_case_stays(
    slow_bench: Workbench, steps: StepRunner, scan: Path
) -> None:
    slow_bench.opening.show(bright_spot(3))
    steps.drain()
    case = slow_bench.session.case
    slow_bench.opening.open(scan)
    assert slow_bench.session.work is not None
    slow_bench.cancel()
    assert slow_bench.session.work is None
    steps.drain()
    assert slow_bench.session.case is case
    assert slow_bench.session.notice is None
    slow_bench.opening.open(scan)
    steps.drain()
    assert slow_bench.session.case is not case

"""What a drop means."""

from __future__ import annotations

import json

import pytest

from tests.tiny import bright_spot, write_tiny_model
from viewer.foundation.errors import UsageError
from viewer.imaging.writing import write_nifti


@pytest.fixture
def scan(tmp_path):
    image = bright_spot(5)
    write_nifti(tmp_path / "head.nii.gz", image.voxels, image.geometry)
    return tmp_path / "head.nii.gz"


def test_an_image_is_opened_and_another_one_beside_it_where_that_is_wanted(bench, scan):
    bench.dropping.take([scan], beside=True)
    assert bench.session.case.slices == 5
    case = bench.session.case
    bench.dropping.take([scan], beside=True)
    assert bench.session.case is case
    assert bench.session.beside is not None


def test_boxes_are_the_truth_of_the_open_case(bench, scan, tmp_path):
    boxes = tmp_path / "boxes.json"
    box = {"slice": 2, "row_min": 1, "column_min": 2, "row_max": 9, "column_max": 8}
    boxes.write_text(json.dumps({"positive_class": "stroke", "boxes": [box]}))
    with pytest.raises(UsageError, match="open it first"):
        bench.dropping.take([boxes])
    bench.dropping.take([scan])
    bench.dropping.take([boxes])
    assert len(bench.session.case.truth.regions) == 1


@pytest.mark.parametrize("name", [".", "model.toml", "weights.safetensors"])
def test_a_model_folder_its_card_or_its_weights_are_that_model(bench, tmp_path, name):
    folder = write_tiny_model(tmp_path, "mine")
    bench.dropping.take([folder / name])
    assert bench.session.model is not None
    assert bench.session.model.card.id == "mine"


def test_weights_alone_say_what_to_do(bench, tmp_path):
    (tmp_path / "weights.pt").write_bytes(b"x")
    with pytest.raises(UsageError) as raised:
        bench.dropping.take([tmp_path / "weights.pt"])
    assert "add-model" in raised.value.action

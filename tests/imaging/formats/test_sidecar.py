"""NIfTI cannot say what it is a picture of; the files beside it can, and a damaged one costs only its facts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from viewer.imaging.formats.sidecar import read_sidecar
from viewer.imaging.geometry import Geometry
from viewer.imaging.reading import inspect_path, read_image
from viewer.imaging.writing import write_nifti

FACTS = {
    "Modality": "MR",
    "SeriesDescription": "DWI_b1000",
    "ProtocolName": "stroke",
    "BodyPartExamined": "BRAIN",
}


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    path = tmp_path / "scan.nii.gz"
    write_nifti(path, np.zeros((3, 4, 5), np.int16), Geometry(np.diag([1.0, 1.0, 5.0, 1.0]), (3, 4, 5)))
    return path


def test_facts_beside_the_image_become_the_images(scan: Path) -> None:
    scan.with_name("scan.json").write_text(json.dumps(FACTS))
    scan.with_name("scan.bval").write_text("1000\n")
    image = read_image(scan)
    assert (image.modality, image.sequence, image.b_value, image.body_part) == ("MR", "DWI", 1000, "brain")
    inspection = inspect_path(scan.parent)
    assert inspection.series[0].b_values == (1000,)
    assert inspection.unreadable == ()


def test_without_a_sidecar_nothing_is_claimed(scan: Path) -> None:
    image = read_image(scan)
    assert (image.modality, image.sequence, image.b_value) == ("", "", None)


def test_another_images_sidecar_is_not_ours(scan: Path) -> None:
    scan.with_name("other.json").write_text(json.dumps(FACTS))
    assert read_image(scan).modality == ""
    assert [entry.path.name for entry in inspect_path(scan.parent).unreadable] == ["other.json"]


@pytest.mark.parametrize(
    "content", ["not json", "[1, 2]", "[" * 5000, '{"Modality": 7, "BodyPart": null}', "\x00"]
)
def test_a_damaged_sidecar_costs_its_facts_only(scan: Path, content: str) -> None:
    scan.with_name("scan.json").write_text(content)
    image = read_image(scan)
    assert image.modality == ""
    assert image.voxels.shape == (3, 4, 5)


@pytest.mark.parametrize("content", ["0 1000 1000", "many", "nan", "-3", ""])
def test_weightings_of_several_volumes_say_nothing_of_one(scan: Path, content: str) -> None:
    scan.with_name("scan.bval").write_text(content)
    assert read_sidecar(scan).b_value is None


def test_the_study_of_a_real_head_says_what_it_is(shared_data: Path) -> None:
    image = read_image(shared_data / "dcm_qa_xa30" / "Ref" / "20_DWI_dir80_AP.nii")
    assert (image.modality, image.sequence, image.body_part) == ("MR", "DWI", "brain")
    assert image.trace
    assert not read_image(shared_data / "dcm_qa_xa30" / "Ref" / "19_DWI_dir80_AP.nii").trace

"""NIfTI cannot say what it is a picture of; the files beside it can, and a damaged one costs only its facts."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from viewer.foundation.errors import ExportError
from viewer.imaging.formats.sidecar import read_sidecar, sidecars_for, write_sidecars
from viewer.imaging.geometry import Geometry
from viewer.imaging.image import MedicalImage
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


KINDS = [
    ("MR", sequence, b_value, trace)
    for sequence, b_value, trace in [
        ("DWI", 1000.0, True),
        ("DWI", 1000.0, False),
        ("DWI", 0.0, False),
        ("DWI", None, False),
        ("ADC", None, False),
        ("ADC", 1000.0, False),
        ("FA", None, False),
        ("COLFA", 700.5, False),
        ("EXP", None, False),
        ("EADC", 1000.0, False),
        ("FLAIR", None, False),
        ("SWI", None, False),
        ("T1", None, False),
        ("T2", 0.0, False),
        ("", None, False),
    ]
] + [("CT", "", None, False), ("", "", None, False)]


def _kind(image: MedicalImage) -> tuple[object, ...]:
    return image.modality, image.sequence, image.b_value, image.trace, image.body_part


@pytest.mark.parametrize(("modality", "sequence", "b_value", "trace"), KINDS)
@pytest.mark.parametrize("part", ["head", ""])
def test_what_is_written_beside_an_image_is_read_again(
    scan: Path, modality: str, sequence: str, b_value: float | None, trace: bool, part: str
) -> None:
    plain = read_image(scan)
    image = replace(plain, modality=modality, sequence=sequence, b_value=b_value, trace=trace, body_part=part)
    write_sidecars(sidecars_for(scan, image, 0.0))
    assert _kind(read_image(scan)) == _kind(image)
    # An image of which nothing is known leaves nothing of the one before.
    write_sidecars(sidecars_for(scan, plain, 0.0))
    assert _kind(read_image(scan)) == _kind(plain)
    assert [file.name for file in scan.parent.iterdir()] == [scan.name]


def test_words_that_may_speak_of_a_patient_are_not_handed_on(scan: Path) -> None:
    image = replace(
        read_image(scan), modality="MR", description="Doe^Jane 1970", body_part="head of 4711", sequence="T1"
    )
    (text,) = sidecars_for(scan, image, 0.0).values()
    assert json.loads(text) == {"Modality": "MR", "ImageType": ["T1"]}


def test_what_a_sidecar_says_beyond_its_image_stays_and_the_facts_of_an_earlier_one_go(scan: Path) -> None:
    scan.with_name("scan.json").write_text(json.dumps({**FACTS, "Remark": "kept"}))
    scan.with_name("scan.bval").write_text("1000\n")
    scan.with_name("scan.bvec").write_text("0\n0\n1\n")
    image = replace(read_image(scan), modality="CT", body_part="", sequence="", b_value=None)
    write_sidecars(sidecars_for(scan, image, 0.0))
    assert json.loads(scan.with_name("scan.json").read_text()) == {"Remark": "kept", "Modality": "CT"}
    assert not scan.with_name("scan.bval").exists()
    assert not scan.with_name("scan.bvec").exists()


@pytest.mark.parametrize("other", ["scan.nii", "scan.hdr"])
def test_files_that_another_image_shares_are_left_alone(scan: Path, other: str) -> None:
    image = replace(read_image(scan), modality="MR")
    scan.with_name(other).touch()
    with pytest.raises(ExportError, match=f"share its sidecar files with '{other}'"):
        sidecars_for(scan, image, 0.0)
    assert sidecars_for(scan, replace(image, modality=""), 0.0) == {}


@pytest.mark.parametrize("content", ["not json", "[1, 2]"])
def test_what_is_no_sidecar_is_not_written_over(scan: Path, content: str) -> None:
    image = replace(read_image(scan), modality="MR")
    scan.with_name("scan.json").write_text(content)
    with pytest.raises(ExportError, match="is not a sidecar"):
        sidecars_for(scan, image, 0.0)


def test_the_image_type_names_a_map_before_any_words_do(scan: Path) -> None:
    facts = {"Modality": "MR", "SeriesDescription": "ep2d_diff", "ImageType": ["DERIVED", "PRIMARY", "FA"]}
    scan.with_name("scan.json").write_text(json.dumps(facts))
    assert read_image(scan).sequence == "FA"
    scan.with_name("scan.json").write_text(json.dumps({**facts, "ImageType": "DERIVED\\PRIMARY\\ADC"}))
    assert read_image(scan).sequence == "ADC"

"""Synthetic patients: the same for the same seed, true to their own truth, oriented as they say."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from plugins.stroke_dwi.cohort import ARTEFACTS, make_patient
from plugins.stroke_dwi.generator import generate, lesion_boxes, patient_geometry, write_case
from plugins.stroke_dwi.lesions import SITES, LesionPlan
from viewer.foundation.errors import Cancelled
from viewer.foundation.progress import SILENT, ProgressToken
from viewer.imaging.reading import read_image
from viewer.models.card import InputRule
from viewer.models.input_view import InputView
from viewer.models.normalise import normalise

MCA = next(site for site in SITES if site.name == "MCA inferior")


def test_a_patient_follows_from_the_seed() -> None:
    first, again, other = make_patient(5), make_patient(5), make_patient(6)
    assert np.array_equal(first.image, again.image)
    assert np.array_equal(first.mask, again.mask)
    assert first.image.shape != other.image.shape or not np.array_equal(first.image, other.image)


@pytest.mark.parametrize("seed", range(4))
def test_a_whole_head_of_plausible_size(seed: int) -> None:
    patient = make_patient((11, seed))
    slices, rows, columns = patient.image.shape
    assert 24 <= slices <= 36
    assert (rows, columns) == (192, 192)
    assert 3.0 < patient.spacing_mm[0] < 7.0
    assert all(0.9 < mm < 1.5 for mm in patient.spacing_mm[1:])
    assert patient.image.dtype == np.float32
    assert np.isfinite(patient.image).all()
    assert patient.image.min() >= 0


def test_the_lesion_is_brighter_than_the_same_patient_without_it() -> None:
    plan = LesionPlan("territory", MCA, 1.0, 1.0, 0.0)
    patient = make_patient(21, stroke=True, plan=plan, quiet=True)
    assert patient.mask.sum() > 300
    best = int(patient.mask.sum(axis=(1, 2)).argmax())
    picture, mask = patient.image[best], patient.mask[best]
    tissue = picture[(picture > 0.5 * np.median(picture[mask])) & ~mask]
    assert np.median(picture[mask]) > 1.15 * np.median(tissue)


@pytest.mark.parametrize("family", ARTEFACTS)
def test_a_family_of_artefacts_can_be_left_out_of_the_same_patient(family: str) -> None:
    """Everything else stays: the lesion too, but for its distortion, so that what the family does can be seen."""
    seed = 3
    whole = make_patient(seed, artefacts={"old infarct": True, "shine-through": True, "extraction": True})
    given = {"old infarct": True, "shine-through": True, "extraction": True, family: False}
    without = make_patient(seed, artefacts=given)
    assert whole.image.shape == without.image.shape
    assert not np.array_equal(whole.image, without.image)
    if family not in ("susceptibility", "extraction", "old infarct"):
        assert np.array_equal(whole.mask, without.mask)


def test_a_brain_without_skull_lies_in_blackness() -> None:
    patient = make_patient(9, artefacts={"extraction": True})
    edge = patient.image[:, :4]
    assert not edge.any()
    assert not patient.image[~(patient.image > 0)].any()
    assert patient.mask[patient.image == 0].sum() == 0
    kept = make_patient(9, artefacts={"extraction": False})
    assert (patient.image > 0).sum() < (kept.image > 0).sum()


def test_a_transient_attack_has_no_lesion() -> None:
    patient = make_patient(31, stroke=False)
    assert not patient.mask.any()
    assert lesion_boxes(patient.mask) == []


@pytest.mark.parametrize(("side", "sign"), [(1.0, 1), (-1.0, -1)])
def test_a_lesion_on_the_left_lies_at_positive_x(side: float, sign: int, tmp_path: Path) -> None:
    plan = LesionPlan("territory", MCA, side, 1.2, 0.0)
    patient = make_patient(41, stroke=True, plan=plan, quiet=True)
    write_case(tmp_path, patient, np.random.default_rng(0))
    mask = read_image(tmp_path / "mask.nii.gz")
    centre = np.argwhere(mask.voxels > 0).mean(axis=0)
    assert sign * mask.geometry.to_patient(centre)[0] > 15


def test_read_back_the_network_sees_what_training_saw(tmp_path: Path) -> None:
    patient = make_patient(51)
    write_case(tmp_path, patient, np.random.default_rng(3))
    image = read_image(tmp_path / "image.nii.gz")
    rule = InputRule((192, 192), normalise="tissue-median", parameters={"clip": 5.0}, fit="stretch")
    index = len(patient.image) // 2
    seen = InputView.of(rule, image, index).network_input(image.plane.picture(image.voxels, index))
    taught = normalise("tissue-median", patient.image[index], clip=5.0)
    # Whole numbers of the file and the median's own step.
    assert np.abs(seen[0] - taught).max() < 0.05


def test_the_grid_is_centred_and_runs_left_back_up() -> None:
    patient = make_patient(61)
    for tilt in (0.0, 15.0):
        geometry = patient_geometry(patient, tilt)
        middle = (np.array(patient.image.shape) - 1) / 2
        assert np.allclose(geometry.to_patient(middle), 0, atol=1e-6)
        assert geometry.direction(2)[0] > 0.9
        assert geometry.direction(1)[1] > 0.9
        assert geometry.direction(0)[2] > 0.9
        assert np.allclose(geometry.spacing_mm, patient.spacing_mm)


def test_boxes_hold_the_lesion_and_nothing_outside_the_image() -> None:
    mask = np.zeros((3, 20, 20), dtype=bool)
    mask[1, 4:7, 0:5] = True
    mask[1, 18:20, 18:20] = True
    mask[2, 9, 9] = True
    assert lesion_boxes(mask) == [
        {"slice": 1, "row_min": 4, "column_min": 0, "row_max": 7, "column_max": 5, "label": "stroke"},
        {"slice": 1, "row_min": 18, "column_min": 18, "row_max": 20, "column_max": 20, "label": "stroke"},
    ]


def test_a_cohort_of_files(tmp_path: Path) -> None:
    generate(tmp_path / "a", 2, 7, SILENT)
    generate(tmp_path / "b", 2, 7, SILENT)
    with (tmp_path / "a" / "cohort.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["case"] for row in rows] == ["case-0001", "case-0002"]
    for row in rows:
        image, mask = read_image(tmp_path / "a" / row["path"]), read_image(tmp_path / "a" / row["mask"])
        assert image.voxels.shape == mask.voxels.shape
        assert np.allclose(image.geometry.affine_lps, mask.geometry.affine_lps)
        assert set(np.unique(mask.voxels)) <= {0, 1}
        assert (row["label"] == "stroke") == bool(mask.voxels.any())
        for box in json.loads(row["boxes"]):
            inside = mask.voxels[
                box["slice"], box["row_min"] : box["row_max"], box["column_min"] : box["column_max"]
            ]
            assert inside.any()
    for file in sorted((tmp_path / "a").rglob("*.*")):
        assert file.read_bytes() == (tmp_path / "b" / file.relative_to(tmp_path / "a")).read_bytes()


def test_generating_can_be_stopped(tmp_path: Path) -> None:
    token = ProgressToken(lambda done, total, text: token.cancel())
    with pytest.raises(Cancelled):
        generate(tmp_path, 3, 1, token)
    assert not (tmp_path / "cohort.csv").exists()

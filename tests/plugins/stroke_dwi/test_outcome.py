"""The rule from lesion to outcome, and the scans that go with the trace image."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from plugins.stroke_dwi.cohort import make_patient
from plugins.stroke_dwi.generator import generate
from plugins.stroke_dwi.lesions import SITES, LesionPlan
from plugins.stroke_dwi.outcome import CLASSES, outcome_class, rankin_score
from viewer.foundation.progress import SILENT
from viewer.imaging.reading import inspect_path, read_image


def mean_score(ml: float, site: str = "", side: float = -1.0) -> float:
    rng = np.random.default_rng(0)
    return float(np.mean([rankin_score(ml, site, side, rng) for _ in range(400)]))


def test_larger_costlier_and_left_sided_lesions_end_worse() -> None:
    means = [mean_score(ml) for ml in (0.0, 1.0, 10.0, 40.0, 120.0)]
    assert means == sorted(means)
    assert means[0] < 0.5
    assert means[-1] > 4
    assert mean_score(2.0, "pons") > mean_score(2.0) + 1
    assert mean_score(10.0, side=1.0) > mean_score(10.0)


def test_the_classes_of_the_study() -> None:
    assert [CLASSES[outcome_class(score)] for score in (None, 0, 2, 3, 6)] == [
        "no stroke", "mRS 0-2", "mRS 0-2", "mRS 3-6", "mRS 3-6",
    ]  # fmt: skip


def test_the_image_at_b_0_leaves_the_other_one_as_it_is() -> None:
    site = next(site for site in SITES if site.name == "MCA inferior")
    plan = LesionPlan("territory", site, 1.0, 1.0, 0.0)
    alone = make_patient(7, stroke=True, plan=plan, quiet=True)
    both = make_patient(7, stroke=True, plan=plan, quiet=True, unweighted=True)
    assert np.array_equal(alone.image, both.image)
    with pytest.raises(ValueError, match="no image at b = 0"):
        _ = alone.adc
    slice_ = int(both.mask.sum(axis=(1, 2)).argmax())
    adc, mask = both.adc[slice_], both.mask[slice_]
    tissue = (adc > 600) & (adc < 1100) & ~mask
    assert 300 < np.median(adc[mask]) < 0.75 * np.median(adc[tissue])
    # Fluid diffuses freely: there is a ventricle on this slice or above it.
    assert (both.adc > 2200).sum() > 300
    assert both.lesion_ml == pytest.approx(both.mask.sum() * np.prod(both.spacing_mm) / 1000)


def test_a_dicom_cohort_holds_three_series_of_one_patient_on_one_grid(tmp_path: Path) -> None:
    generate(tmp_path, 1, 4, SILENT, "dicom")
    (row,) = csv.DictReader((tmp_path / "cohort.csv").read_text(encoding="utf-8").splitlines())
    assert row["side"] in ("left", "right")
    assert 0 <= int(row["mrs"]) <= 6
    trace, adc = read_image(tmp_path / row["path"]), read_image(tmp_path / "case-0001" / "adc")
    assert (trace.sequence, trace.b_value, adc.sequence) == ("DWI", 1000.0, "ADC")
    assert np.allclose(trace.geometry.affine_lps, adc.geometry.affine_lps)
    mask = read_image(tmp_path / row["mask"])
    corner = np.zeros(3)
    assert np.allclose(mask.geometry.to_patient(corner), trace.geometry.to_patient(corner), atol=1e-3)
    dicom = [entry for entry in inspect_path(tmp_path / "case-0001").series if entry.modality == "MR"]
    assert len({entry.patient_key for entry in dicom}) == 1


def test_a_nifti_cohort_says_what_its_images_are(tmp_path: Path) -> None:
    generate(tmp_path, 1, 4, SILENT)
    case = tmp_path / "case-0001"
    assert read_image(case / "image.nii.gz").b_value == 1000
    assert read_image(case / "b0.nii.gz").b_value == 0
    assert read_image(case / "adc.nii.gz").sequence == "ADC"

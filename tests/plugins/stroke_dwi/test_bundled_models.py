"""The bundled networks on patients that no training has seen: right answers, and maps that peak at the lesion."""

from __future__ import annotations

import json

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage
from scipy.special import logsumexp

from plugins.stroke_dwi.cohort import make_patient
from plugins.stroke_dwi.volumes import network_volume
from viewer import api
from viewer.foundation import paths
from viewer.imaging.reading import read_image

NEAR, LEAST = 6.0, 60
UNSEEN = 9
"""Training, validation and test use the parts 1 to 3 of a seed, generated files part 4, the demonstration part 5."""


def network_input(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    return api.normalise("tissue-median", picture, clip=5.0)[None]


def peak_distance(map_: NDArray, mask: NDArray[np.bool_]) -> float:
    if not map_.max() > 0:
        return np.inf
    return float(ndimage.distance_transform_edt(~mask).flat[int(map_.argmax())])


@pytest.fixture(scope="module")
def unseen_slices() -> list[tuple[NDArray[np.float32], NDArray[np.bool_]]]:
    """Up to eight slices with a lesion of at least 60 pixels from each of six patients, spread over the lesion."""
    slices = []
    for index in range(6):
        patient = make_patient((77, UNSEEN, index), stroke=True)
        shown = np.flatnonzero(patient.mask.sum(axis=(1, 2)) >= LEAST)
        for k in (
            shown[np.unique(np.linspace(0, len(shown) - 1, 8).round().astype(int))] if len(shown) else []
        ):
            slices.append((patient.image[k], patient.mask[k]))
    assert len(slices) > 15
    return slices


@pytest.mark.slow
def test_grad_cam_of_stroke_gap_peaks_at_the_lesion(
    unseen_slices: list[tuple[NDArray[np.float32], NDArray[np.bool_]]],
) -> None:
    classifier = api.load_model("stroke-gap")
    near = []
    for picture, mask in unseen_slices:
        explanation = api.explain(classifier, network_input(picture), explainer="grad-cam", target="stroke")
        assert explanation.layer == classifier.card.default_layer
        near.append(peak_distance(explanation.map, mask) <= NEAR)
    assert np.mean(near) >= 0.8, f"{np.sum(near)} of {len(near)}"


@pytest.mark.parametrize(
    ("name", "count", "least"),
    [
        ("stroke-gap", 1_572_034, 0.85),
        ("stroke-flat", 1_643_714, 0.8),
        ("stroke-mrs", 1_572_547, 0.85),
        ("stroke-shallow", 93_634, 0.7),
        ("stroke-shallow-2", 93_634, 0.55),
        ("stroke-gap-short", 1_572_034, 0.8),
        ("stroke-gap-plain", 1_572_034, 0.55),
        ("stroke-gap-unmirrored", 1_572_034, 0.8),
    ],
)
def test_a_bundled_model_tells_stroke_from_none(
    name: str, count: int, least: float, unseen_slices: list[tuple[NDArray[np.float32], NDArray[np.bool_]]]
) -> None:
    classifier = api.load_model(name)
    assert classifier.parameters == classifier.card.parameters == count
    healthy = make_patient((77, UNSEEN, 100), stroke=False)
    stroke = classifier.logits(np.stack([network_input(picture) for picture, _ in unseen_slices]))
    none = classifier.logits(np.stack([network_input(picture) for picture in healthy.image]))
    # Every class but the first is a degree of the finding.
    margin_stroke, margin_none = (
        logsumexp(values[:, 1:], axis=1) - values[:, 0] for values in (stroke, none)
    )
    above = (margin_stroke[:, None] > margin_none[None]).mean()
    assert above > least


def test_the_network_of_volumes_finds_the_patient_and_the_lesion() -> None:
    """One patient with a lesion and one without: each is a whole volume, and a test must not take a minute."""
    classifier = api.load_model("stroke-3d")
    assert classifier.parameters == classifier.card.parameters == 2_455_170
    stroke = make_patient((77, UNSEEN, 0), stroke=True)
    voxels, mask = network_volume(stroke)
    healthy, _ = network_volume(make_patient((77, UNSEEN, 100), stroke=False))
    margin_stroke, margin_none = (
        float(np.diff(classifier.logits(each[None, None]))[0, 0]) for each in (voxels, healthy)
    )
    assert margin_stroke > margin_none
    explanation = api.explain(classifier, voxels[None], explainer="grad-cam", target="stroke")
    assert explanation.layer == "relu5"
    assert peak_distance(explanation.map, mask) <= NEAR


@pytest.mark.parametrize(
    "name",
    [
        "stroke-gap",
        "stroke-flat",
        "stroke-mrs",
        "stroke-shallow",
        "stroke-shallow-2",
        "stroke-3d",
        "stroke-gap-short",
        "stroke-gap-plain",
        "stroke-gap-unmirrored",
    ],
)
def test_the_card_of_a_bundled_model_says_what_matters(name: str) -> None:
    card = api.load_model(name).card
    assert "Synthetic" in card.training["data"]
    assert "never for a clinical decision" in card.training["use"]
    assert any(words in card.training["supervision"] for words in ("lesion masks", "those of stroke-gap"))
    assert {"accuracy", "sensitivity", "specificity", "auc", "nll", "peak_within_6px", "exact_hit"} <= set(
        card.metrics
    )
    for layer in ("relu1", card.default_layer):
        for class_name in card.classes:
            for method in ("grad-cam", "grad-cam++", "layer-cam"):
                value = card.reference(layer, class_name, method)
                assert value is None or value > 0
    assert card.reference(card.default_layer, card.positive_class, "grad-cam") is not None


def test_stroke_gap_at_its_default_layer_is_as_good_as_its_card_promises() -> None:
    metrics = api.load_model("stroke-gap").card.metrics
    assert metrics["peak_within_6px"] >= 0.8
    assert metrics["peak_within_6px"] > metrics["brightness_within_6px"]


def test_the_demonstration_patient_is_true_to_its_truth() -> None:
    folder = paths.resources() / "demo" / "stroke-demo"
    image, mask = read_image(folder / "image.nii.gz"), read_image(folder / "mask.nii.gz")
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    assert sum(file.stat().st_size for file in folder.iterdir()) < 600_000
    assert image.voxels.shape == mask.voxels.shape
    centre = np.argwhere(mask.voxels > 0).mean(axis=0)
    assert mask.geometry.to_patient(centre)[0] > 20, "the infarct is on the left"
    covered = np.zeros(mask.voxels.shape, dtype=bool)
    for box in truth["boxes"]:
        rows, columns = slice(box["row_min"], box["row_max"]), slice(box["column_min"], box["column_max"])
        covered[box["slice"], rows, columns] = True
    assert covered[mask.voxels > 0].mean() > 0.99
    assert len({box["slice"] for box in truth["boxes"]}) > 5

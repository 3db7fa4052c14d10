"""Evaluating with networks of volumes, and with networks of findings that do not exclude each other."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from tests.tiny import write_tiny_model
from tests.tiny_cohort import write_tiny_cohort
from tests.tiny_multilabel import write_tiny_labels_cohort, write_tiny_labels_model
from tests.tiny_volume import write_tiny_volume_model
from viewer import api
from viewer.controllers.cohort.files import write_evaluation
from viewer.controllers.cohort.look import RANDOM
from viewer.controllers.cohort.order import EvaluateOrder
from viewer.controllers.cohort.running import evaluate
from viewer.evaluation.agreement import class_overlap
from viewer.evaluation.boxes import boxes_from_map
from viewer.imaging.reading import read_image
from viewer.imaging.writing import write_nifti


def rows_of(rows, **facts):
    return [row for row in rows if all(row[name] == value for name, value in facts.items())]


def row_of(rows, **facts):
    (found,) = rows_of(rows, **facts)
    return found


@pytest.fixture
def volumes(tmp_path, user_folder):
    write_tiny_volume_model(user_folder)
    return EvaluateOrder(
        write_tiny_cohort(tmp_path / "cohort"),
        "tiny3d",
        tmp_path / "out",
        explainers=("grad-cam", "gradient"),
        layers=("relu1", "relu2"),
        include="all",
        values=(1.0,),
        transforms=("mean", "blur-11"),
        fractions=(5.0,),
        jobs=0,
        draws=20,
    )


def box_of(name):
    """Half-open (slice, row, column) edges of the square of a patient."""
    number = int(name[1:])
    return np.array([[2, 3], [8 + number, 12 + number], [20 - 4 * number, 24 - 4 * number]])


def by_hand(found, truth):
    """IoU with the best box, pointing and energy of a map on all pictures."""
    drawn = found.picture_map
    inside = np.zeros(drawn.shape, dtype=bool)
    inside[tuple(slice(low, high) for low, high in truth)] = True
    ious = []
    for box in boxes_from_map(drawn, rule="top-percent", value=1.0):
        edges = np.array(box.edges)
        shared = np.clip(
            np.minimum(edges[:, 1], truth[:, 1]) - np.maximum(edges[:, 0], truth[:, 0]), 0, None
        ).prod()
        ious.append(shared / (np.diff(edges).prod() + np.diff(truth).prod() - shared))
    peak = np.unravel_index(int(drawn.argmax()), drawn.shape)
    return max(ious), float(inside[peak]), float(drawn[inside].sum() / drawn.sum())


def test_a_network_of_volumes_is_compared_in_three_dimensions(volumes):
    document = evaluate(volumes).summary().document
    assert not document["skipped"]
    assert document["predictions"]["per_slice"] is None
    assert document["predictions"]["per_patient"]["n"] == 5
    assert document["predictions"]["per_patient"]["scores"]["auc"]["value"] == 1
    assert all(case["slice"] is None for case in document["cases"])
    model = api.load_model("tiny3d")
    for layer in ("relu1", "relu2"):
        expected, overlaps = [], []
        for name in (f"p{number}" for number in range(5)):
            image = read_image(volumes.cohort / f"{name}.nii.gz")
            maps = [
                api.explain(model, image, explainer="grad-cam", layer=layer, target=target)
                for target in ("stroke", "no stroke")
            ]
            overlaps.append(class_overlap(maps[0].signed, maps[1].signed).value)
            if name in ("p0", "p1", "p2"):
                expected.append(by_hand(maps[0], box_of(name)))
        row = row_of(document["localisation"], explainer="grad-cam", layer=layer, reader="mask")
        assert row["n"] == 3
        assert [row["iou"], row["pointing"], row["energy"]] == pytest.approx(
            np.mean(expected, axis=0), rel=1e-5
        )
        # A box on one slice and the mask of it are the same voxels.
        same = row_of(document["localisation"], explainer="grad-cam", layer=layer, reader="A")
        assert same["iou"] == pytest.approx(row["iou"])
        overlap = row_of(document["class_overlap"], explainer="grad-cam", layer=layer)
        assert overlap["overlap"] == pytest.approx(np.mean(overlaps), rel=1e-4)
    assert row_of(document["readers"], **{"class": "stroke"})["iou"] == pytest.approx(16 / 25)
    explainers = {row["explainer"] for row in document["localisation"]}
    assert {"gradient", "baseline:random", "baseline:centre", "baseline:brightness"} <= explainers
    bright = row_of(document["localisation"], explainer="baseline:brightness", reader="mask")
    assert bright["pointing"] == 1
    assert {row["transform"] for row in document["pixel_importance"]} == {"mean", "blur-11"}
    of_map, at_random = (
        row_of(
            document["pixel_importance"], explainer=name, layer=layer, transform="mean", **{"class": "stroke"}
        )
        for name, layer in (("grad-cam", "relu2"), (RANDOM, "input"))
    )
    assert of_map["n"] == at_random["n"] == 5
    assert of_map["delta"] > at_random["delta"]
    assert "volume" in document["rules"]["focus"]


def test_lesions_apart_are_regions_apart_in_a_volume(volumes):
    image = read_image(volumes.cohort / "p0.nii.gz")
    mask = np.zeros(image.voxels.shape, np.uint8)
    mask[2:4, 8:12, 20:24] = 1
    mask[0, 25:27, 2:4] = 1
    write_nifti(volumes.cohort / "p0-mask.nii.gz", mask, image.geometry)
    two = evaluate(volumes).records[0]
    mask[0] = 0
    write_nifti(volumes.cohort / "p0-mask.nii.gz", mask, image.geometry)
    one = evaluate(volumes).records[0]

    def iou(record):
        (row,) = [
            each
            for each in record["localisation"]
            if each[:4] == ["stroke", "baseline:brightness", "input", "mask"]
        ]
        return row[-2][2]

    # The second lesion is found by no box of the brightness: the mean of the two is half of the first's.
    assert 0 < iou(two) == pytest.approx(iou(one) / 2, rel=0.05)


def test_the_report_of_volumes_is_whole(volumes):
    document = write_evaluation(evaluate(volumes))
    page = (volumes.out / "report.html").read_text(encoding="utf-8")
    assert "Per slice" not in page
    assert {"iou.png", "layers.png", "localisation.csv"} <= set(document["files"]["written"])
    json.dumps(document, allow_nan=False)


@pytest.fixture
def labels(tmp_path, user_folder):
    write_tiny_labels_model(user_folder)
    return EvaluateOrder(
        write_tiny_labels_cohort(tmp_path / "cohort"),
        "tiny-labels",
        tmp_path / "out",
        layers=("relu1", "relu2"),
        explainers=("grad-cam", "gradient"),
        values=(1.0,),
        transforms=("mean",),
        fractions=(5.0,),
        jobs=0,
        draws=20,
    )


def test_findings_are_counted_each_by_itself(labels):
    document = evaluate(labels).summary().document
    assert not document["skipped"]
    assert [case["classes"] for case in document["cases"]] == [["bright", "dark"], ["bright"], ["dark"], []]
    patients, slices = (document["predictions"][unit] for unit in ("per_patient", "per_slice"))
    counted = {each["class"]: each["confusion"] for each in patients["classes"]}
    assert counted["bright"] == counted["dark"] == {"tn": 2, "fn": 0, "tp": 2, "fp": 0}
    assert counted["grey"] == {"tn": 4, "fn": 0, "tp": 0, "fp": 0}
    assert slices["n"] == 20
    assert {each["class"]: each["confusion"]["tp"] for each in slices["classes"]} == {
        "bright": 2,
        "dark": 2,
        "grey": 0,
    }
    aucs = {each["class"]: each["scores"]["auc"]["value"] for each in patients["classes"]}
    assert aucs == {"bright": 1, "dark": 1, "grey": None}


def test_every_finding_is_compared_with_every_reader(labels):
    document = evaluate(labels).summary().document
    assert not [each for each in document["not_counted"] if "orders no pixels" not in each["what"]]
    found = {(row["class"], row["reader"]) for row in document["localisation"]}
    assert found == {(name, who) for name in ("bright", "dark") for who in ("A", "B", "all readers")}
    for name in ("bright", "dark"):
        row = row_of(
            document["localisation"], explainer="grad-cam", layer="relu1", reader="B", **{"class": name}
        )
        assert row["n"] == 2
        assert row["pointing"] == 1
        assert row["iou"] > 0.5
        assert row_of(document["readers"], **{"class": name})["iou"] == pytest.approx(16 / 20)
        falls = {
            row["class"]: row["delta"]
            for row in document["pixel_importance"]
            if (row["map_class"], row["explainer"], row["layer"]) == (name, "grad-cam", "relu1")
        }
        assert max(falls, key=lambda each: falls[each]) == name
    assert document["readers_without_regions"] == []
    assert document["class_overlap"] == []


def test_the_report_of_findings_is_whole(labels):
    document = write_evaluation(evaluate(labels))
    page = (labels.out / "report.html").read_text(encoding="utf-8")
    for name in document["predictions"]["classes"]:
        assert f"<td>{name}</td>" in page
    assert {"roc.png", "confusion.png", "iou.png"} <= set(document["files"]["written"])


def test_a_mask_of_several_findings_names_none(labels):
    table = labels.cohort / "cohort.csv"
    rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
    rows[0]["label"] = "bright;dark"
    with table.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    document = evaluate(labels).summary().document
    (said,) = [each for each in document["not_counted"] if "names no class" in each["what"]]
    assert said["times"] == 1
    assert row_of(document["localisation"], explainer="gradient", reader="B", **{"class": "bright"})["n"] == 1


def test_a_mask_alone_is_its_readers(tmp_path, user_folder):
    write_tiny_model(user_folder)
    cohort = write_tiny_cohort(tmp_path / "c", strokes=1, others=1)
    table = cohort / "cohort.csv"
    table.write_text(
        "path,case,label,mask,reader\np0.nii.gz,p0,stroke,p0-mask.nii.gz,C\np1.nii.gz,p1,no stroke,,C\n",
        encoding="utf-8",
    )
    order = EvaluateOrder(cohort, "tiny", tmp_path / "o", jobs=0, draws=5, transforms=())
    assert {row["reader"] for row in evaluate(order).summary().document["localisation"]} == {"C"}

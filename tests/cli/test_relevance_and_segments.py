"""`explain` by LRP, LIME and Kernel SHAP: both signs, the balance, the fit and the segments in every file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.conftest import Say
from tests.tiny import bright_spot
from tests.tiny_volume import write_tiny_volume_model
from viewer.controllers import engine
from viewer.imaging.writing import write_nifti


def explained(say: Say, path: Path, out: Path, model: str, explainer: str, *words: object) -> dict:
    told = say(
        "explain", path, "--model", model, "--explainer", explainer, "--class", "stroke", "--out", out, "--json", *words
    )  # fmt: skip
    assert told.code == 0, told.err
    (entry,) = told.document["maps"]
    return entry


def coloured(entry: dict) -> int:
    """Pixels of the picture that are not grey."""
    pixels = np.asarray(Image.open(entry["picture"]).convert("RGB")).astype(int)
    return int((np.ptp(pixels, axis=2) > 20).sum())


def test_lime_says_its_segments_and_its_fit(say: Say, tiny: str, nifti: Path, tmp_path: Path) -> None:
    words = ("--set", "segments=12", "--set", "samples=80", "--set", "seed=5")
    entry = explained(say, nifti, tmp_path / "maps", tiny, "lime", *words)
    assert entry["parameters"] == {"segments": 12, "samples": 80, "baseline": "minimum", "seed": 5}
    assert 8 <= entry["facts"]["segments"] <= 16
    assert entry["facts"]["asked"] == 80
    assert f"{entry['facts']['segments']:.0f} segments" in entry["may_read"]["line"]
    assert f"{entry['facts']['fit']:.2f}" in entry["may_read"]["line"]
    signed = np.load(entry["signed"])
    np.testing.assert_array_equal(np.load(entry["raw"]), np.maximum(signed, 0))
    assert len(np.unique(signed)) <= entry["facts"]["segments"]
    record = json.loads((tmp_path / "maps" / "provenance.json").read_text())
    assert record["maps"][0]["facts"] == entry["facts"]
    assert record["maps"][0]["parameters"]["seed"] == 5
    assert record["maps"][0]["signed"] == Path(entry["signed"]).name
    again = explained(say, nifti, tmp_path / "again", tiny, "lime", *words)
    np.testing.assert_array_equal(np.load(again["signed"]), signed)
    assert coloured(entry) > 200  # the boundaries


def test_lrp_says_what_biases_keep(say: Say, tiny: str, nifti: Path, tmp_path: Path) -> None:
    for rule in ("composite", "epsilon", "gamma", "z+", "w2"):
        entry = explained(say, nifti, tmp_path / rule, tiny, "lrp", "--set", f"rule={rule}")
        facts = entry["facts"]
        assert facts["input"] + facts["biases"] == pytest.approx(facts["score"], rel=0.01)
        assert float(np.load(entry["signed"]).astype(float).sum()) == pytest.approx(facts["input"], rel=1e-4)
        assert "= score" in entry["may_read"]["line"]
        assert ("weights alone" in entry["warning"]) == (rule == "w2")


def test_what_cannot_be_asked_is_one_sentence(say: Say, tiny: str, nifti: Path, tmp_path: Path) -> None:
    for words, why in (
        (("lime", "--set", "segments=1"), "'segments' of 'lime' cannot be '1'"),
        (("lime", "--set", "segments=1500"), "fewer than the 1500 segments"),
        (("kernel-shap", "--set", "segments=100", "--set", "samples=50"), "50 samples cannot tell"),
        (("lrp", "--set", "rule=zeta"), "composite, epsilon, gamma, z+, w2"),
        (("lrp", "--score", "probability"), "ask for the logit or the margin"),
    ):
        told = say("explain", nifti, "--model", tiny, "--out", tmp_path / "no", "--explainer", *words)
        assert told.code in (1, 2)
        assert why in told.sentence


def test_volumes(say: Say, user_folder: Path, tmp_path: Path) -> None:
    write_tiny_volume_model(user_folder)
    engine.classifier.cache_clear()
    image, path = bright_spot(), tmp_path / "volume.nii.gz"
    write_nifti(path, image.voxels, image.geometry)
    entry = explained(say, path, tmp_path / "lrp", "tiny3d", "lrp")
    assert entry["facts"]["input"] + entry["facts"]["biases"] == pytest.approx(
        entry["facts"]["score"], rel=0.01
    )
    entry = explained(
        say, path, tmp_path / "lime", "tiny3d", "lime", "--set", "segments=8", "--set", "samples=40"
    )
    assert np.load(entry["raw"]).ndim == 3
    assert entry["facts"]["segments"] >= 4
    assert coloured(entry) > 100

"""The trained model forgets its maps as it forgets its weights; guided backpropagation does not."""

from __future__ import annotations

import pytest

from viewer import api
from viewer.evaluation.checks import weights
from viewer.explainers.declaration import EXPLAINERS
from viewer.foundation import paths


@pytest.fixture(scope="module")
def model():
    return api.load_model("stroke-gap", "cpu")


@pytest.fixture(scope="module")
def patient():
    return api.read_image(paths.resources() / "demo" / "stroke-demo" / "image.nii.gz")


@pytest.mark.parametrize(
    "explainer", ["grad-cam", "grad-cam++", "layer-cam", "gradient", "deconvnet", "guided-backprop"]
)
def test_random_weights_change_every_map_but_that_of_guided_backpropagation(
    model, patient, explainer, monkeypatch
):
    monkeypatch.setattr(weights, "_DRAWS", 1)
    monkeypatch.setattr(weights, "_STAGES", 6)
    [found] = api.check(
        model, patient, explainer=explainer, target="stroke", slice=16, checks=["weight-randomisation"]
    )
    assert (found.verdict == "fails") == (explainer == "guided-backprop"), found.sentence
    assert (found.value > 0.6) == (explainer == "guided-backprop")


def test_deconvnet_of_a_network_that_pools_by_means_does_not_look_at_the_image(model, patient):
    [found] = api.check(
        model, patient, explainer="deconvnet", target="stroke", slice=16, checks=["stability"]
    )
    assert found.verdict == "doubtful"
    assert found.value == pytest.approx(0, abs=1e-6)
    assert EXPLAINERS["deconvnet"].warning

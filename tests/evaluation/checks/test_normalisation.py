"""The check of the input's scale passes a network that gets what it was trained on, and names what it should get."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from viewer.evaluation.checks.normalisation import others, source_scale
from viewer.evaluation.checks.running import check
from viewer.imaging.geometry import Geometry
from viewer.imaging.image import MedicalImage
from viewer.models.card import InputRule
from viewer.models.classifier import Classifier
from viewer.models.loading import wrap_module
from viewer.models.normalise import in_channels, normalise


def films(count: int) -> np.ndarray:
    """Soft shapes of 0 to 1 with black and white in each."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[0:48, 0:48] / 48
    made = []
    for _ in range(count):
        a, b, c = rng.uniform(2, 7, 3)
        film = np.sin(a * rows + c) * np.cos(b * columns) + 0.15 * rng.normal(size=rows.shape)
        made.append((film - film.min()) / np.ptp(film))
    return np.stack(made).astype(np.float32)


class Trained(nn.Module):
    """A network of three channels whose batch norm has seen films on a scale of its own."""

    def __init__(self, norm: bool = True) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.conv = nn.Conv2d(3, 12, 5, bias=False)
        self.norm = nn.BatchNorm2d(12) if norm else nn.Identity()
        self.relu = nn.ReLU()
        self.answer = nn.Linear(12, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.answer(self.relu(self.norm(self.conv(x))).mean((2, 3)))


def classifier(scale, norm: bool = True, **rule) -> Classifier:
    network = Trained(norm)
    with torch.no_grad():
        network.train()
        for film in films(40):
            values = torch.from_numpy(scale(film))
            network(values.expand(1, 3, *film.shape) if values.ndim == 2 else values[None])
    made = wrap_module(network.eval(), classes=["no", "yes"], dims=2, input_size=(48, 48), channels=3)
    return Classifier(replace(made.card, input=replace(made.card.input, **rule)), network)


def image(film: np.ndarray) -> MedicalImage:
    return MedicalImage((film[None] * 255).astype(np.uint8), Geometry(np.eye(4), (1, *film.shape)))


def found(model: Classifier):
    (finding,) = check(
        model, image(films(41)[-1]), checks=["normalisation"], explainer="gradient", target="yes"
    )
    return finding


def imagenet(film: np.ndarray) -> np.ndarray:
    mean, std = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    return np.stack([(film - m) / s for m, s in zip(mean, std, strict=True)]).astype(np.float32)


SCALES = {
    "unit": (lambda film: film, "[0, 1]"),
    "range": (lambda film: film * 2 - 1, "[-1, 1]"),
    "imagenet": (imagenet, "ImageNet's channels"),
}


@pytest.mark.parametrize("name", SCALES)
def test_the_right_scale_is_left_in_peace(name: str) -> None:
    finding = found(classifier(SCALES[name][0], normalise=name))
    assert finding.verdict == "no objection", finding.sentence
    assert finding.value < 0.2


@pytest.mark.parametrize(("given", "trained"), [(a, b) for a in SCALES for b in SCALES if a != b])
def test_another_scale_warns_and_names_the_one_that_fits(given: str, trained: str) -> None:
    finding = found(classifier(SCALES[trained][0], normalise=given))
    assert finding.verdict in ("doubtful", "fails"), finding.sentence
    assert SCALES[trained][1] in finding.sentence
    others = finding.details["others"]
    assert min(others, key=lambda each: others[each]["divergence"]) == SCALES[trained][1]
    assert finding.to_json()["details"]["divergence"] == finding.value


def test_an_image_of_bytes_that_nobody_divided() -> None:
    finding = found(classifier(SCALES["unit"][0], normalise="none"))
    assert finding.verdict == "fails"
    assert "[0, 1]" in finding.sentence


def test_without_a_batch_norm_it_is_only_said_whether_the_answer_hangs_on_it() -> None:
    finding = found(classifier(SCALES["range"][0], norm=False, normalise="range"))
    assert "no batch norm" in finding.sentence
    assert finding.value is None or finding.verdict == "doubtful"
    far = classifier(SCALES["range"][0], norm=False, normalise="range")
    with torch.no_grad():  # "yes" for inputs that are far brighter than these
        far.module.answer.weight[:] = torch.tensor([[0.0], [1.0]])
        far.module.answer.bias[:] = torch.tensor([0.0, -100.0])
    finding = found(far)
    assert finding.verdict == "doubtful"
    assert "training code" in finding.sentence


def test_the_network_is_left_as_it_was() -> None:
    model = classifier(SCALES["range"][0], normalise="unit")
    before = {name: value.clone() for name, value in model.module.state_dict().items()}
    found(model)
    assert all(torch.equal(value, before[name]) for name, value in model.module.state_dict().items())
    assert not any(module._forward_pre_hooks for module in model.module.modules())


def test_a_network_whose_map_is_empty_is_asked_all_the_same() -> None:
    model = classifier(SCALES["range"][0], normalise="unit")
    with torch.no_grad():
        model.module.answer.weight.zero_()
    assert found(model).verdict in ("doubtful", "fails")


def asked_about(model: Classifier, film: np.ndarray):
    (finding,) = check(model, image(film), checks=["normalisation"], explainer="gradient", target="yes")
    return finding


@pytest.mark.parametrize("name", ["unit", "imagenet"])
def test_a_pale_film_on_the_right_scale_is_no_other_scale(name: str) -> None:
    by_value = {"black": 0.0, "white": 255.0}
    model = classifier(SCALES[name][0], normalise=name, parameters=by_value)
    pale = 0.3 + 0.35 * films(41)[-1]
    finding = asked_about(model, pale)
    assert finding.value > 0.3, "further than films of the training usually are"
    assert finding.verdict == "no objection", finding.sentence
    assert "not to blame" in finding.sentence


def test_far_away_from_everything_is_doubted_though_no_scale_fits() -> None:
    model = classifier(SCALES["unit"][0], normalise="unit", parameters={"black": 0.0, "white": 255.0})
    flat = np.full((48, 48), 0.5, np.float32)
    flat[0, 0], flat[-1, -1] = 0.0, 1.0
    finding = asked_about(model, flat)
    assert finding.value > 1.5
    assert finding.verdict == "doubtful"
    assert "unfamiliar" in finding.sentence


def ready_of(rule: InputRule, film: np.ndarray) -> np.ndarray:
    return in_channels(normalise(rule.normalise, film * 255, **rule.parameters), 3, 2)


@pytest.mark.parametrize("name", ["unit", "range", "imagenet", "channels"])
def test_the_greys_come_back_from_the_cards_own_rule(name: str) -> None:
    parameters = {"black": 0.0, "white": 255.0} | (
        {"mean": (0.5,), "std": (0.25,)} if name == "channels" else {}
    )
    rule = InputRule((48, 48), channels=3, normalise=name, parameters=parameters)
    pale = 0.3 + 0.35 * films(1)[0]
    unit, centred = source_scale(ready_of(rule, pale), rule)
    np.testing.assert_allclose(unit, np.stack([pale] * 3), atol=1e-5)
    assert centred is (name in ("imagenet", "channels"))
    names = set(others(ready_of(rule, pale), unit, centred))
    assert ("mean 0, deviation 1" in names) is not centred
    assert {"unit": "[0, 1]", "range": "[-1, 1]"}.get(name) not in names


def test_values_that_nobody_normalised_are_on_the_smallest_scale_that_holds_them() -> None:
    film = films(1)[0][None]
    for low, high in ((0, 1), (-1, 1), (0, 255)):
        unit, centred = source_scale(low + film * (high - low) * 0.9, None)
        np.testing.assert_allclose(unit, film * 0.9, atol=1e-5)
        assert not centred
    unit, centred = source_scale((film - film.mean()) / film.std(), None)
    assert centred
    assert (unit.min(), unit.max()) == (0.0, 1.0)

"""Every check passes a network that deserves it, fails one that does not, and says where it has no meaning."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from torch import nn

from tests.evaluation.checks.networks import Bright, Edges, Head, Restless, Sides, Window, convolutional
from tests.tiny import bright_spot
from viewer.evaluation.checks.declaration import CHECKS
from viewer.evaluation.checks.running import check, findings
from viewer.evaluation.checks.subject import subject_of
from viewer.foundation.errors import Cancelled, UsageError
from viewer.models.loading import wrap_module
from viewer.plugin_host import host

SPOT = [[0.0, 0.0], [1.0, 0.0]]


# --- weights --------------------------------------------------------------------------------------------------------


def test_random_weights_change_the_map_of_a_network_and_not_the_brightness(head, checked):
    host.activate()
    learned = checked(convolutional(), head, "weight-randomisation", explainer="gradient")
    assert learned.verdict == "no objection"
    assert abs(learned.value) < 0.35
    assert [stage["layer"] for stage in learned.details["stages"]] == ["6", "2", "0"]
    blind = checked(convolutional(), head, "weight-randomisation", explainer="brightness")
    assert blind.verdict == "fails"
    assert blind.value == pytest.approx(1)
    assert all(stage["ssim"] == pytest.approx(1) for stage in blind.details["stages"])
    assert blind.panels[0].title == "trained"
    assert len(blind.panels) == 4


def test_a_network_without_weights_has_nothing_to_randomise(head, checked):
    class Mean(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = Bright()

        def forward(self, x):
            return self.body(x).flatten(2).mean(2)

    found = checked(Mean(), head, "weight-randomisation", target=0, layer="body")
    assert (found.value, found.verdict) == (None, "not defined")
    assert "no weights" in found.sentence


# --- classes --------------------------------------------------------------------------------------------------------


def test_classes_that_look_at_one_place_overlap(head, checked):
    same = checked(Head(Bright(), [[1.0, 0.0], [1.0, 0.0]]), head, "class-overlap", layer="body")
    assert (same.value, same.verdict) == (pytest.approx(1), "fails")
    apart = checked(Head(Sides(), [[1.0, 0.0], [0.0, 1.0]]), head, "class-overlap", layer="body")
    assert (apart.value, apart.verdict) == (0, "no objection")


def test_findings_that_can_be_there_together_never_fail_for_sharing_a_place(head, checked):
    network = Head(Bright(), [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    found = checked(
        network, head, "class-overlap", layer="body", task="multilabel", classes=["a", "b", "c"], target=0
    )
    assert found.value == pytest.approx(1)
    assert found.verdict == "doubtful"
    assert "together" in found.sentence
    assert found.details["other_class"] == "b", "the strongest other class"


def test_one_class_has_no_opponent(head, checked):
    network = Head(Bright(), [[1.0, 0.0]])
    found = checked(network, head, "class-overlap", layer="body", task="multilabel", classes=["a"], target=0)
    assert (found.value, found.verdict) == (None, "not defined")


def test_one_output_for_two_classes_cannot_overlap_and_that_says_nothing(head, checked):
    network = Head(Bright(), [[1.0, -1.0]])
    found = checked(network, head, "class-overlap", layer="body", task="binary")
    assert (found.value, found.verdict) == (None, "not defined")
    assert "reversed" in found.sentence
    of_probability = checked(Head(Bright(), SPOT), head, "class-overlap", layer="body", score="probability")
    assert of_probability.verdict == "not defined"


# --- the input ------------------------------------------------------------------------------------------------------


def test_a_network_that_looks_at_one_side_whatever_lies_there_fails_the_mirror(head, checked):
    everywhere = checked(Head(Bright(), SPOT), head, "mirror", layer="body")
    assert (everywhere.value, everywhere.verdict) == (pytest.approx(1), "no objection")
    assert "does not say whether training mirrored" in everywhere.sentence
    left = nn.Sequential(Window(slice(8, 24), slice(0, 16), head.shape[1:]), Bright())
    one_side = checked(Head(left, SPOT), head, "mirror", layer="body")
    assert one_side.value < 0.3
    assert one_side.verdict == "fails"


def test_a_map_that_is_gone_when_mirrored_fails_without_a_number(head, checked):
    dark = head.copy()
    dark[..., :16] = 0
    right = nn.Sequential(Window(slice(0, 32), slice(20, 32), head.shape[1:]), Bright())
    found = checked(Head(right, SPOT), dark, "mirror", layer="body")
    assert (found.value, found.verdict) == (None, "fails")
    assert "empty" in found.sentence


@pytest.mark.parametrize(
    ("training", "said"),
    [
        ({"augmentation": "mirrored, moved"}, True),
        ({"horizontal_flip": 0.5}, True),
        ({"flips": False}, False),
        ({"horizontal_flip": 0.0}, False),
        ({"augmentation": "rotation up to 45 degrees"}, False),
        ({"augmentation": "rotation; no flips"}, False),
        ({"epochs": 3}, None),
    ],
)
def test_what_the_card_says_of_flips(training, said):
    from dataclasses import replace

    from viewer.evaluation.checks.input_changes import flips_in_training

    card = wrap_module(convolutional(), classes=["a", "b"], dims=2, input_size=(8, 8)).card
    assert flips_in_training(replace(card, training=training)) is said


def cropped(network: nn.Module, **options):
    image = bright_spot(3, at=(1, 8, 20))
    classifier = wrap_module(network.eval(), classes=["no", "yes"], dims=2, input_size=(32, 32))
    return check(classifier, image, layer="body", target=1, slice=1, checks=["crop"], **options)[0]


def test_a_network_that_looks_at_one_place_of_its_input_fails_the_crop():
    follows = cropped(Head(Bright(), SPOT))
    assert follows.verdict == "no objection"
    assert follows.value > 0.9
    assert follows.details["other_crop"] == "brain"
    fixed = nn.Sequential(Window(slice(0, 14), slice(0, 32), (32, 32)), Bright())
    stays = cropped(Head(fixed, SPOT))
    assert stays.value < follows.value
    assert cropped(Head(Bright(), SPOT), crop="brain").details["other_crop"] == "none"


def test_an_array_cannot_be_cropped(head, checked):
    found = checked(Head(Bright(), SPOT), head, "crop", layer="body")
    assert (found.value, found.verdict) == (None, "not defined")


def test_a_constant_shift_moves_what_multiplies_with_the_input_and_nothing_else(head, checked):
    gradient = checked(convolutional(), head, "input-invariance", explainer="gradient")
    assert gradient.value < 1e-4
    assert gradient.verdict == "no objection"
    times_input = checked(convolutional(), head, "input-invariance", explainer="input-x-gradient")
    assert times_input.value > 0.1
    assert times_input.verdict == "fails"
    assert "the network computes the same" in times_input.sentence


def test_a_shift_that_the_first_layer_cannot_take_away_is_said(head, checked):
    bent_before = nn.Sequential(Restless(), *convolutional())
    found = checked(bent_before, head, "input-invariance", explainer="gradient")
    assert (found.value, found.verdict) == (None, "not defined")
    assert "cannot be undone in the first layer" in found.sentence
    embedding = nn.Sequential(nn.PReLU(), *convolutional())
    found = checked(embedding, head, "input-invariance", explainer="gradient")
    assert "PReLU" in found.sentence


def test_batch_norm_and_linear_layers_take_a_shift_away_too(head, checked):
    normed = nn.Sequential(nn.BatchNorm2d(1), *convolutional())
    assert checked(normed, head, "input-invariance", explainer="gradient").value < 1e-3
    dense = nn.Sequential(nn.Flatten(), nn.Linear(head.size, 5), nn.Tanh(), nn.Linear(5, 2))
    assert checked(dense, head, "input-invariance", explainer="gradient").value < 1e-3


def test_noise_turns_the_map_of_a_restless_network(head, checked):
    calm = checked(convolutional(), head, "stability")
    assert calm.verdict == "no objection"
    restless = nn.Sequential(Restless(), Bright())
    wild = checked(Head(restless, SPOT), head, "stability", explainer="gradient")
    assert wild.value > 1
    assert wild.verdict == "fails"


def test_a_map_that_does_not_look_at_the_image_is_too_stable(head, checked):
    linear = nn.Sequential(nn.Flatten(), nn.Linear(head.size, 2))
    found = checked(linear, head, "stability", explainer="gradient")
    assert found.value < 1e-6
    assert found.verdict == "doubtful"
    assert "does it look at the image" in found.sentence


# --- other maps and the image ---------------------------------------------------------------------------------------


def test_methods_that_are_equal_by_construction_are_left_out(head, checked):
    found = checked(convolutional(), head, "method-agreement", layer="3")
    assert set(found.details["equal_by_construction"]) == {"hires-cam", "xgrad-cam", "cam"}
    assert not set(found.details["rank_correlation"]) & {
        "grad-cam",
        "hires-cam",
        "xgrad-cam",
        "cam",
        "eigen-cam",
    }
    assert "equal here by construction" in found.sentence


def test_methods_agree_on_one_spot_and_not_on_random_weights(head, checked):
    agreed = checked(Head(Bright(), SPOT), head, "method-agreement", layer="body")
    assert agreed.verdict == "no objection"
    assert agreed.value > 0.9
    noise = np.random.default_rng(0).standard_normal(head.shape).astype(np.float32)
    torn = checked(convolutional(), noise, "method-agreement", explainer="input-x-gradient")
    assert torn.verdict == "doubtful"
    assert abs(torn.value) < 0.2


def test_two_methods_that_are_one_count_once(head, checked):
    found = checked(convolutional(), head, "method-agreement", layer="1", explainer="grad-cam++")
    assert "layer-cam" in found.details["rank_correlation"]
    assert "element-cam" not in found.details["rank_correlation"]


def test_a_map_in_the_air_lies_outside_the_body(head, checked):
    inside = checked(Head(Bright(), SPOT), head, "outside-body", layer="body")
    assert inside.verdict == "no objection"
    assert inside.value < 0.1
    corner = nn.Sequential(Window(slice(0, 5), slice(0, 5), head.shape[1:]), Bright())
    marked = head.copy()
    marked[:, :4, :4] = 0.3
    air = checked(Head(corner, SPOT), marked, "outside-body", layer="body")
    assert air.verdict == "fails"
    assert air.value > 0.9


def test_an_image_without_a_body_is_said():
    flat = torch.ones(1, 16, 16).numpy()
    classifier = wrap_module(convolutional(), classes=["a", "b"], dims=2, input_size=(16, 16))
    for target in (0, 1):
        [found] = check(classifier, flat, checks=["outside-body"], target=target, explainer="grad-cam++")
        assert (found.value, found.verdict) == (None, "not defined")


def test_a_body_that_fills_the_image_has_no_outside(checked):
    film = np.full((1, 160, 160), 5, dtype=np.float32)
    film[:, :9, :9] = 0  # one dark corner: everything else stands out
    found = checked(Head(Bright(), SPOT), film, "outside-body", layer="body")
    assert found.verdict == "not defined"


def test_a_bright_spot_is_no_body(checked):
    picture = np.full((1, 160, 160), 0.1, dtype=np.float32)
    picture[:, 70:90, 70:90] = 5
    found = checked(Head(Bright(), SPOT), picture, "outside-body", layer="body")
    assert found.verdict == "not defined"
    assert "too little for a body" in found.sentence


def test_an_edge_filter_and_brightness_are_recognised(head, checked):
    edges = checked(Head(Edges(), [[0.0], [1.0]]), head, "edge-likeness", layer="body")
    assert edges.verdict == "fails"
    assert edges.value > 0.7
    bright = checked(Head(Bright(), SPOT), head, "brightness-likeness", layer="body")
    assert bright.value == pytest.approx(1, abs=1e-6)
    assert bright.verdict == "doubtful", "what is looked for may be bright"
    assert checked(convolutional(), head, "edge-likeness", explainer="gradient").verdict == "no objection"


# --- all of them ----------------------------------------------------------------------------------------------------


def test_every_check_says_something_in_words_and_json(head):
    classifier = wrap_module(convolutional(), classes=["a", "b"], dims=2, input_size=(32, 32))
    found = check(classifier, head, explainer="layer-cam", layer="1", target="b")
    assert [each.name for each in found] == list(CHECKS)
    for each in found:
        document = json.loads(json.dumps(each.to_json(), allow_nan=False))
        assert {"name", "value", "verdict", "sentence"} <= set(document)
        assert each.sentence.endswith((".", "?"))
        assert (each.value is None) == (each.verdict == "not defined") or each.verdict == "fails"
        assert all(panel.values.ndim == 2 for panel in each.panels)


@pytest.mark.parametrize("explainer", ["grad-cam", "gradient", "integrated-gradients"])
def test_volumes_are_checked_too(explainer):
    zyx = np.mgrid[:12, :16, :16].astype(np.float32)
    ball = (((zyx - np.array([6, 8, 8])[:, None, None, None]) ** 2).sum(0) < 30).astype(np.float32)
    ball[6, 8, 9] = 4
    classifier = wrap_module(
        convolutional(dims=3), classes=["a", "b"], dims=3, input_size=(12, 16, 16), task="multiclass"
    )
    parameters = {"steps": 4} if explainer == "integrated-gradients" else {}
    found = {
        each.name: each for each in check(classifier, ball[None], explainer=explainer, target=1, **parameters)
    }
    assert found["crop"].verdict == "not defined"
    for name in set(CHECKS) - {"crop", "method-agreement"}:
        assert found[name].value is not None, found[name].sentence
        assert all(panel.values.shape == (16, 16) for panel in found[name].panels)


def test_a_segmentation_is_checked_where_it_is_asked(head):
    network = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 2, 1))
    classifier = wrap_module(
        network.eval(), classes=["rest", "organ"], dims=2, input_size=(32, 32), task="segmentation"
    )
    names = ["class-overlap", "mirror", "stability", "input-invariance", "weight-randomisation"]
    options = {"layer": "1", "target": 1, "checks": names, "region": "8,8,20,24"}
    found = {each.name: each for each in check(classifier, head, explainer="layer-cam", **options)}
    assert all(each.value is not None for each in found.values()), found
    assert found["input-invariance"].value < 1e-4
    assert found["mirror"].value < 1, "the region stays where it is, and the network has no symmetry"


def test_an_empty_map_has_nothing_to_check(head, checked):
    found = checked(Head(Bright(), [[0.0, 0.0], [0.0, 0.0]]), head, "mirror", layer="body")
    assert (found.value, found.verdict) == (None, "not defined")
    assert "nothing to check" in found.sentence


def test_a_check_that_does_not_exist_is_refused_with_the_nearest(head):
    classifier = wrap_module(convolutional(), classes=["a", "b"], dims=2, input_size=(32, 32))
    with pytest.raises(UsageError, match="mirror"):
        check(classifier, head, checks=["miror"])


class StopsAfter:
    """Progress that is cancelled at some report."""

    def __init__(self, reports: int) -> None:
        self.left = reports

    def report(self, done: int, total: int, text: str = "") -> None:
        self.left -= 1
        if self.left < 0:
            raise Cancelled


@pytest.mark.parametrize("reports", [1, 3, 8])
@pytest.mark.parametrize("name", ["weight-randomisation", "input-invariance", "stability", "mirror"])
def test_the_network_is_as_it_was_after_a_check_and_after_a_stop(head, name, reports):
    network = convolutional().train()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    classifier = wrap_module(network, classes=["a", "b"], dims=2, input_size=(32, 32))
    subject = subject_of(classifier, head, explainer="gradient", target=1)
    modes = [module.training for module in network.modules()]
    try:
        list(findings(subject, [name], StopsAfter(reports)))
    except Cancelled:
        pass
    list(findings(subject, [name]))
    after = network.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[key], after[key]) for key in before)
    assert [module.training for module in network.modules()] == modes
    assert not any(m._forward_hooks or m._forward_pre_hooks or m._backward_hooks for m in network.modules())


def test_a_network_that_cannot_be_copied_is_left_alone(head):
    class Stubborn(nn.Sequential):
        def __deepcopy__(self, memo):
            raise RuntimeError("only leaves")

    classifier = wrap_module(
        Stubborn(*convolutional()).eval(), classes=["a", "b"], dims=2, input_size=(32, 32)
    )
    found = check(
        classifier, head, target=1, checks=["weight-randomisation", "input-invariance"], explainer="gradient"
    )
    assert [each.verdict for each in found] == ["not defined", "not defined"]
    assert all("copied" in each.sentence for each in found)


def test_the_pictures_of_a_large_image_are_small(checked):
    film = np.random.default_rng(0).random((1, 300, 520), dtype=np.float32)
    found = checked(Head(Bright(), SPOT), film, "mirror", layer="body")
    assert {panel.values.shape for panel in found.panels} == {(148, 256)}


@pytest.mark.parametrize(
    "name", ["weight-randomisation", "method-agreement", "edge-likeness", "brightness-likeness"]
)
def test_a_map_of_nine_cells_is_not_ranked(head, checked, name):
    coarse = nn.Sequential(
        *convolutional()[:4], nn.AdaptiveAvgPool2d(3), nn.Conv2d(8, 8, 1), *convolutional()[4:]
    )
    found = checked(coarse, head, name, explainer="layer-cam", layer="4")
    assert (found.value, found.verdict) == (None, "not defined")
    assert "too few" in found.sentence

"""LRP: every rule by hand, the balance of relevance, agreement with captum, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from captum import attr
from captum.attr._utils.lrp_rules import Alpha1_Beta0_Rule, EpsilonRule, GammaRule
from torch import Tensor, nn

from tests.explainers.conftest import ARCHITECTURES, SIZE, Pooled, classified, lively
from tests.explainers.networks import VOLUME, Pooled3d
from viewer.explainers.asking import last_answer
from viewer.explainers.explaining import explain
from viewer.explainers.explanation import Explanation
from viewer.explainers.support import support
from viewer.foundation.errors import ExplainError
from viewer.models.classifier import Classifier
from viewer.models.loading import wrap_module

RULES = ("composite", "epsilon", "gamma", "z+", "w2")


def made(module: nn.Module, x: Tensor, **wishes: object) -> Explanation:
    """LRP of class 0 of a bare module on an input (channel, *space)."""
    with torch.no_grad():
        outputs = module(x[None]).shape[1]
    classifier = wrap_module(
        module.eval(), classes=[str(n) for n in range(outputs)], dims=x.ndim - 1, input_size=x.shape[1:],
        channels=x.shape[0],
    )  # fmt: skip
    return explain(classifier, x.numpy(), explainer="lrp", **{"target": 0, "epsilon": 0.0, **wishes})


def balance(found: Explanation) -> float:
    """What is missing of the score, as a share of it."""
    facts = found.facts
    assert facts["input"] == pytest.approx(float(found.signed.astype(np.float64).sum()), rel=1e-4, abs=1e-5)
    return abs(facts["input"] + facts["biases"] - facts["score"]) / abs(facts["score"])


# --- by hand ---------------------------------------------------------------------------------------------------------

X = torch.tensor([[[1.0, 2.0, -1.0]]])
"""(channel, row, column)"""
FIRST = torch.tensor([[1.0, 1.0, 1.0], [2.0, -1.0, 1.0]])
FIRST_BIAS = torch.tensor([1.0, 3.0])
LAST = torch.tensor([[2.0, 1.0], [0.0, 1.0]])
LAST_BIAS = torch.tensor([-1.0, 0.0])
"""Hidden (3, 2), score 2 * 3 + 1 * 2 - 1 = 7 for class 0; relevance of the hidden units by hand in each test."""


class TwoLayers(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(nn.Flatten(), nn.Linear(3, 2), nn.ReLU(), nn.Linear(2, 2))
        with torch.no_grad():
            self[1].weight.copy_(FIRST)
            self[1].bias.copy_(FIRST_BIAS)
            self[3].weight.copy_(LAST)
            self[3].bias.copy_(LAST_BIAS)


def test_epsilon_by_hand() -> None:
    # R hidden = (6, 2), biases keep -1; each unit shares by its own w x: (1, 2, -1) of 3 and (2, -2, -1) of 2.
    found = made(TwoLayers(), X, rule="epsilon")
    np.testing.assert_allclose(found.signed[0], [2 * 1 + 2.0, 2 * 2 - 2.0, -2 - 1.0], rtol=1e-5)
    assert found.facts["biases"] == pytest.approx(-1 + 2 * 1 + 1 * 3)
    assert found.facts["score"] == pytest.approx(7)


def test_a_large_epsilon_absorbs_what_is_small_and_says_how_much() -> None:
    size = float(np.sqrt((7**2 + 2**2) / 2))
    found = made(
        nn.Sequential(nn.Flatten(), TwoLayers()[3]), torch.tensor([[[3.0, 2.0]]]), rule="epsilon", epsilon=0.5
    )
    np.testing.assert_allclose(found.signed[0], np.array([6.0, 2.0]) * 7 / (7 + 0.5 * size), rtol=1e-5)
    assert found.facts["epsilon"] == pytest.approx(7 * 0.5 * size / (7 + 0.5 * size), rel=1e-5)
    assert "incomplete" not in found.flags


def test_gamma_by_hand() -> None:
    g = 0.25
    # Last layer: (6, 2) grow by g, so does no bias (it is negative): R = 7 (1+g) (6, 2) / (8 (1+g) - 1).
    hidden = 7 * (1 + g) * np.array([6.0, 2.0]) / (8 * (1 + g) - 1)
    # First layer: positive contributions grow by g, biases too.
    one = np.array([1 + g, 2 * (1 + g), -1.0]) / (4 * (1 + g) - 1)  # 1 + 2 + bias 1
    two = np.array([2 * (1 + g), -2.0, -1.0]) / (5 * (1 + g) - 3)  # 2 + bias 3
    found = made(TwoLayers(), X, rule="gamma")
    np.testing.assert_allclose(found.signed[0], hidden[0] * one + hidden[1] * two, rtol=1e-5)
    assert balance(found) < 1e-5


def test_gamma_of_a_unit_below_zero_strengthens_what_made_it_so() -> None:
    module = nn.Sequential(nn.Flatten(), nn.Linear(2, 1, bias=False))
    with torch.no_grad():
        module[1].weight.copy_(torch.tensor([[1.0, -3.0]]))
    classifier = wrap_module(module, classes=["a", "b"], dims=2, input_size=(1, 2), task="binary")
    found = explain(classifier, np.ones((1, 1, 2), np.float32), explainer="lrp", target=1, rule="gamma")
    # y = 1 - 3 = -2; contributions 1 and -3 (1 + g): shares of -2.75, of a relevance of -2.
    np.testing.assert_allclose(found.signed[0], -2 * np.array([1, -3.75]) / -2.75, rtol=1e-5)


def test_z_plus_by_hand_is_deep_taylor() -> None:
    # All 7 to the hidden units by (6, 2); unit one by (1, 2, 0) of 3, unit two by (2, 0, 0) of 2. Nothing is kept.
    hidden = 7 * np.array([6.0, 2.0]) / 8
    found = made(TwoLayers(), X, rule="z+")
    expected = hidden[0] * np.array([1, 2, 0]) / 3 + hidden[1] * np.array([1, 0, 0])
    np.testing.assert_allclose(found.signed[0], expected, rtol=1e-5)
    assert found.facts["biases"] == pytest.approx(0, abs=1e-6)


def test_z_plus_counts_negative_inputs_through_negative_weights() -> None:
    module = nn.Sequential(nn.Flatten(), nn.Linear(3, 1, bias=False))
    with torch.no_grad():
        module[1].weight.copy_(torch.tensor([[1.0, 1.0, -2.0]]))
    classifier = wrap_module(module, classes=["a", "b"], dims=2, input_size=(1, 3), task="binary")
    found = explain(classifier, X.numpy(), explainer="lrp", target=1, rule="z+")
    np.testing.assert_allclose(found.signed[0], 5 * np.array([1, 2, 2]) / 5, rtol=1e-5)


def test_w2_by_hand_follows_the_weights_alone() -> None:
    hidden = 7 * np.array([4.0, 1.0]) / 5
    found = made(TwoLayers(), X, rule="w2")
    expected = hidden[0] * np.array([1, 1, 1]) / 3 + hidden[1] * np.array([4, 1, 1]) / 6
    np.testing.assert_allclose(found.signed[0], expected, rtol=1e-5)


def test_the_composite_by_hand() -> None:
    # Dense layers by epsilon; the layer that reads the input by w2.
    found = made(TwoLayers(), X, rule="composite")
    expected = 6 * np.array([1, 1, 1]) / 3 + 2 * np.array([4, 1, 1]) / 6
    np.testing.assert_allclose(found.signed[0], expected, rtol=1e-5)
    assert found.facts["biases"] == pytest.approx(-1)


class Joined(nn.Module):
    """A sum, a factor, a shift, a concatenation and a pool, all known by hand."""

    def forward(self, x: Tensor) -> Tensor:
        left, right = x[..., :1], x[..., 1:]
        both = torch.cat([left + right, 3 * right + 1], dim=3)  # (a + b, 3 b + 1)
        return both.mean((2, 3))


def test_sums_factors_shifts_and_pools_by_hand() -> None:
    x = torch.tensor([[[2.0, 1.0]]])
    # mean of (3, 4): relevance (1.5, 2); a + b shares (2, 1) of 3; 3 b + 1: 3 of 4 to b.
    classifier = wrap_module(Joined(), classes=["a", "b"], dims=2, input_size=(1, 2), task="binary")
    found = explain(classifier, x.numpy(), explainer="lrp", target=1, rule="epsilon", epsilon=0.0)
    np.testing.assert_allclose(found.signed[0], [1.0, 0.5 + 1.5], rtol=1e-5)
    assert found.facts["biases"] == pytest.approx(0.5)
    found = explain(classifier, x.numpy(), explainer="lrp", target=1, rule="w2")
    np.testing.assert_allclose(found.signed[0], [3.5 / 2 / 2, 3.5 / 4 + 3.5 / 2], rtol=1e-5)


def test_the_winner_of_a_max_pool_takes_all() -> None:
    module = nn.Sequential(nn.MaxPool2d(2), nn.Flatten(), nn.Linear(1, 1, bias=False))
    nn.init.constant_(module[2].weight, 2.0)
    classifier = wrap_module(module, classes=["a", "b"], dims=2, input_size=(2, 2), task="binary")
    x = np.array([[[1, 3], [2, 0]]], np.float32)
    for rule in RULES:
        found = explain(classifier, x, explainer="lrp", target=1, rule=rule)
        np.testing.assert_allclose(found.signed, [[0, 6], [0, 0]], rtol=1e-5)


def test_a_batch_norm_is_folded_into_what_comes_right_before_it() -> None:
    torch.manual_seed(0)
    apart = lively(
        nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(64, 2))
    )
    with torch.no_grad():
        apart[1].weight[1] *= -1  # a factor below zero turns a channel's weights round
        factor = apart[1].weight / torch.sqrt(apart[1].running_var + apart[1].eps)
        folded = nn.Conv2d(1, 4, 3)
        folded.weight.copy_(apart[0].weight * factor[:, None, None, None])
        folded.bias.copy_((apart[0].bias - apart[1].running_mean) * factor + apart[1].bias)
    x = torch.randn((1, 6, 6))
    for rule in RULES:
        one = made(apart, x, rule=rule)
        other = made(nn.Sequential(folded, *apart[2:]), x, rule=rule)
        np.testing.assert_allclose(one.signed, other.signed, atol=1e-5 * np.abs(other.signed).max())


def test_a_batch_norm_that_is_not_alone_behind_a_convolution_stands_for_itself() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.bn, self.fc = nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Linear(3, 2)

        def forward(self, x: Tensor) -> Tensor:
            x = self.conv(x)
            return self.fc(F.relu(self.bn(x) + x).mean((2, 3)))

    for rule in RULES:
        assert balance(made(lively(Twice()), torch.randn((1, 8, 8)), rule=rule)) < 1e-3


# --- on networks -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", ["pooled", "flat", "residual", "functional-in-place"])
def test_small_networks_add_up(build, batch: Tensor, name: str, rule: str) -> None:
    found = explain(build(name), batch[0].numpy(), explainer="lrp", target=1, rule=rule)
    assert balance(found) < 0.01
    assert "incomplete" not in found.flags
    assert found.provenance["facts"]["biases"] == found.facts["biases"]


@pytest.mark.parametrize("rule", RULES)
def test_networks_of_volumes_add_up(volumes: Classifier, rule: str) -> None:
    x = np.random.default_rng(0).normal(size=(1, *VOLUME)).astype(np.float32)
    found = explain(volumes, x, explainer="lrp", rule=rule)
    assert found.signed.shape == VOLUME
    assert balance(found) < 0.01


def test_segmentation_networks_are_asked_about_a_region(segmenting: Classifier) -> None:
    rule = segmenting.card.input
    x = np.random.default_rng(0).normal(size=(1, *rule.size)).astype(np.float32)
    region = np.zeros(rule.size, bool)
    region[..., :4, :4] = True
    for name in RULES:
        found = explain(segmenting, x, explainer="lrp", rule=name, target=1, region=region)
        assert balance(found) < 0.01


@pytest.mark.parametrize("score", ["logit", "margin"])
@pytest.mark.parametrize("target", [0, 1])
def test_one_sigmoid_output_and_margins_add_up(build, batch: Tensor, score: str, target: int) -> None:
    single = build("pooled", task="binary", outputs=1)
    found = explain(single, batch[0].numpy(), explainer="lrp", target=target, score=score)
    with torch.no_grad():
        s = float(single.module(batch[:1])[0, 0]) * (1 if target else -1) * (2 if score == "margin" else 1)
    assert found.facts["score"] == pytest.approx(s, rel=1e-4)
    assert balance(found) < 0.01
    many = explain(build("residual"), batch[0].numpy(), explainer="lrp", target=target, score="margin")
    assert balance(many) < 0.01


def test_the_score_before_a_last_softmax_is_shared(build, batch: Tensor) -> None:
    bare = build("pooled")
    ending = classified(nn.Sequential(bare.module, nn.Softmax(1)))
    one, other = (explain(c, batch[0].numpy(), explainer="lrp", target=1) for c in (bare, ending))
    np.testing.assert_allclose(other.signed, one.signed, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", ["pooled", "residual", "functional-in-place"])
def test_epsilon_towards_zero_is_input_x_gradient_without_biases(batch: Tensor, name: str) -> None:
    module = lively(ARCHITECTURES[name]())
    with torch.no_grad():
        for m in module.modules():
            if getattr(m, "bias", None) is not None:
                m.bias.zero_()
            if getattr(m, "running_mean", None) is not None:
                m.running_mean.zero_()
    classifier = classified(module)
    plain = explain(classifier, batch[0].numpy(), explainer="input-x-gradient", target=2)
    for epsilon, share in ((1e-6, 5e-3), (0.0, 1e-5)):
        found = explain(
            classifier, batch[0].numpy(), explainer="lrp", rule="epsilon", epsilon=epsilon, target=2
        )
        np.testing.assert_allclose(found.signed, plain.signed, atol=share * np.abs(plain.signed).max())
        assert found.facts["biases"] == pytest.approx(0, abs=1e-4 * abs(found.facts["score"]))


class SmallVgg(nn.Module):
    """What captum's LRP is right on: modules, each used once, no batch norm; it has no rule for a flattening module."""

    def __init__(self, outputs: int = 3) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(6, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        )  # fmt: skip
        self.head = nn.Sequential(
            nn.Linear(8 * SIZE[0] // 4 * SIZE[1] // 4, 20), nn.ReLU(), nn.Linear(20, outputs)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x).flatten(1))


@pytest.mark.parametrize(
    ("rule", "theirs", "biases"),
    [
        ("epsilon", EpsilonRule, True),
        ("gamma", GammaRule, False),  # captum's leaves biases as they are
        ("z+", partial(Alpha1_Beta0_Rule, set_bias_to_zero=True), True),
    ],
)
@pytest.mark.filterwarnings("ignore:.*(hook|required_grads)")
def test_captum_agrees_where_it_is_right(
    batch: Tensor, rule: str, theirs: Callable[[], object], biases: bool
) -> None:
    mine, copy = (lively(SmallVgg()) for _ in range(2))
    for m in [*mine.modules(), *copy.modules()]:
        if isinstance(m, (nn.Conv2d, nn.Linear)) and not biases:
            nn.init.zeros_(m.bias)
    classifier, x = classified(mine), batch[:1].abs()  # captum's gamma and z+ know no negative inputs
    with torch.no_grad():
        target = int(mine(x)[0].argmax())
    found = explain(classifier, x[0].numpy(), explainer="lrp", rule=rule, epsilon=0.0, target=target)
    for m in copy.modules():
        if isinstance(m, (nn.Conv2d, nn.Linear)):
            m.rule = theirs()
    expected = attr.LRP(copy).attribute(x.clone(), target=target)[0].sum(0).detach().numpy()
    np.testing.assert_allclose(found.signed, expected, atol=1e-4 * np.abs(expected).max())


# --- what is refused, and what is left behind ------------------------------------------------------------------------


class Normalising(nn.Module):
    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.conv, self.layer, self.fc = nn.Conv2d(1, 4, 3), layer, nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(F.relu(self.layer(self.conv(x))).mean((2, 3)))


class Gated(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.fc = nn.Conv2d(1, 4, 3), nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        return self.fc((x * torch.sigmoid(x.mean((2, 3), keepdim=True))).mean((2, 3)))


class Squashed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.fc = nn.Conv2d(1, 4, 3), nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(torch.sigmoid(self.conv(x)).mean((2, 3)))


class Overwriting(nn.Module):
    """Works in place and looks at what it has overwritten under another name."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.fc = nn.Conv2d(1, 4, 3), nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        torch.relu_(x)
        return self.fc(x.mean((2, 3)))


class Writing(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.fc = nn.Conv2d(1, 4, 3), nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        x[:, 0] = 0
        return self.fc(x.mean((2, 3)))


@pytest.mark.parametrize(
    ("module", "why"),
    [
        (Writing(), "'setitem' writes into a tensor"),
        (Normalising(nn.GroupNorm(2, 4)), "'group_norm' normalises its input"),
        (Normalising(nn.GELU()), "'gelu' is not covered"),
        (Gated(), "multiplies two things"),
        (Squashed(), "softmax or sigmoid that is not its last step"),
        (Overwriting(), "puts out something else"),
    ],
)  # fmt: skip
def test_what_no_rule_covers_is_refused_with_its_reason(module: nn.Module, why: str) -> None:
    classifier = classified(lively(module))
    assert why in support(classifier, "lrp")
    assert not support(classifier, "gradient")
    with pytest.raises(ExplainError, match=why):
        explain(classifier, np.zeros((1, *SIZE), np.float32), explainer="lrp")


def test_batch_norm_by_the_batch_is_refused() -> None:
    classifier = classified(Normalising(nn.BatchNorm2d(4, track_running_stats=False)).eval())
    assert "'batch_norm' normalises its input" in support(classifier, "lrp")


def test_a_probability_is_no_sum(build, batch: Tensor) -> None:
    with pytest.raises(ExplainError, match="ask for the logit or the margin"):
        explain(build("pooled"), batch[0].numpy(), explainer="lrp", score="probability")


def state(module: nn.Module) -> list[object]:
    return [
        (module.training, *(len(m._forward_hooks) + len(m._backward_hooks) for m in module.modules())),
        *((p.requires_grad, p.grad, p._version) for p in module.parameters()),
        *(b.clone() for b in module.buffers()),
    ]


def test_the_network_is_left_as_it_was_found_also_after_a_failure(batch: Tensor) -> None:
    for module, fails in ((Pooled(), False), (Normalising(nn.InstanceNorm2d(4)), True)):
        classifier = classified(lively(module).train())
        before = state(classifier.module)
        if fails:
            with pytest.raises(ExplainError):
                explain(classifier, batch[0].numpy(), explainer="lrp")
        else:
            explain(classifier, batch[0].numpy(), explainer="lrp")
        after = state(classifier.module)
        assert str(before) == str(after)


def test_smoothgrad_averages_it_and_callers_may_switch_gradients_off(build, batch: Tensor) -> None:
    classifier = build("pooled")
    with torch.inference_mode():
        found = explain(classifier, batch[0].numpy(), explainer="smoothgrad", of="lrp", samples=3)
    assert found.deviation is not None
    assert found.deviation.any()


def test_it_answers_once(asked_of, build, batch: Tensor) -> None:
    asked = asked_of(build("residual"), batch[0], "lrp", rule="gamma")
    answer = last_answer(asked)
    assert (answer.done, answer.total) == (1, 1)
    assert asked.info.diverging
    assert asked_of(build("residual"), batch[0], "lrp", rule="w2").info.warning


class Mean(nn.Module):
    """Its last step has no channels any more."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 3, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x).mean((1, 2, 3))


def test_an_output_without_channels(batch: Tensor) -> None:
    classifier = classified(lively(Mean()), outputs=1, task="binary")
    for rule in RULES:
        assert balance(explain(classifier, batch[0].numpy(), explainer="lrp", target=1, rule=rule)) < 0.01


def test_bias_alone_carries_the_score_of_an_empty_picture() -> None:
    found = made(lively(Pooled3d()), torch.zeros((1, *VOLUME)), rule="epsilon")
    assert found.state == "empty"
    assert found.facts["biases"] == pytest.approx(found.facts["score"], rel=1e-4)

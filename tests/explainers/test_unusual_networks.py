"""What people hand over: other precisions, outputs of another kind, steps in place wherever there is room for one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.explainers.conftest import ARCHITECTURES, SIZE, classified, lively
from viewer.explainers.explaining import explain
from viewer.explainers.layers import find_layers
from viewer.explainers.trace import trace
from viewer.foundation.errors import WhySliceError
from viewer.plugin_host.host import activate

NAMES = ("grad-cam", "gradient", "smoothgrad", "integrated-gradients", "eigen-cam")
SHORT = {"smoothgrad": {"samples": 2}, "integrated-gradients": {"steps": 2}}


class Overwriting(nn.Module):
    """What a leaky ReLU saves for the way back is overwritten: torch itself refuses to go back."""

    def __init__(self, outputs: int = 3, *, in_place: bool = True) -> None:
        super().__init__()
        self.in_place = in_place
        self.conv = nn.Conv2d(1, 4, 3, padding=1)
        self.leaky = nn.LeakyReLU(0.1, inplace=in_place)
        self.fc = nn.Linear(4, outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = self.leaky(self.conv(x))
        if self.in_place:
            x *= 2
        else:
            x = x * 2
        return self.fc(x.mean((2, 3)))


class Hopeless(nn.Module):
    """No module stands between the step whose result is needed and the one that overwrites it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 3, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.exp(self.conv(x))
        x += 1
        return x.mean((2, 3))


@pytest.mark.parametrize("explainer", [*NAMES, "layer-cam", "guided-grad-cam"])
def test_a_network_that_overwrites_what_its_gradient_needs(explainer: str, batch: Tensor) -> None:
    with pytest.raises(RuntimeError, match="inplace operation"):
        Overwriting().eval()(batch.clone().requires_grad_()).sum().backward()
    here, there = (classified(lively(Overwriting(in_place=way))) for way in (True, False))
    wishes = {"explainer": explainer, "target": 1, **SHORT.get(explainer, {})}
    if explainer == "guided-grad-cam":  # it has no ReLU
        with pytest.raises(WhySliceError, match="has no ReLU"):
            explain(here, batch[0].numpy(), **wishes)
        return
    made, expected = (explain(each, batch[0].numpy(), **wishes).signed for each in (here, there))
    np.testing.assert_allclose(made, expected, rtol=0, atol=1e-5 * np.abs(expected).max())
    assert not any(m._forward_hooks for m in here.module.modules())


def test_a_trace_goes_back_through_overwritten_layers_that_nobody_asked_for(batch: Tensor) -> None:
    here, there = (classified(lively(Overwriting(in_place=way))) for way in (True, False))
    made, expected = (trace(each, batch, layers=["conv"]).maps for each in (here, there))
    for key, maps in expected.items():
        np.testing.assert_allclose(made[key], maps, rtol=0, atol=1e-5 * np.abs(maps).max())


def test_where_copies_do_not_help_it_is_a_sentence(batch: Tensor) -> None:
    classifier = classified(lively(Hopeless()))
    for explainer in ("gradient", "grad-cam", "integrated-gradients"):
        with pytest.raises(WhySliceError, match="overwrites values that its gradient needs"):
            explain(classifier, batch[0].numpy(), explainer=explainer)
    assert not any(m._forward_hooks for m in classifier.module.modules())


@pytest.mark.parametrize("precision", [torch.float64, torch.bfloat16])
@pytest.mark.parametrize("explainer", NAMES)
def test_a_network_in_another_precision_is_asked_in_its_own(
    explainer: str, precision: torch.dtype, batch: Tensor
) -> None:
    wishes = {"explainer": explainer, "target": 1, **SHORT.get(explainer, {})}
    module = lively(ARCHITECTURES["pooled"]())
    single = explain(classified(module), batch[0].numpy(), **wishes).signed
    other = lively(ARCHITECTURES["pooled"]()).to(precision)
    made = explain(classified(other), batch[0].numpy(), **wishes)
    assert made.signed.dtype == np.float32
    if precision == torch.float64:
        assert np.abs(made.signed - single).max() <= 1e-4 * np.abs(single).max()
    else:
        assert np.corrcoef(made.signed.ravel(), single.ravel())[0, 1] > 0.9
    assert next(other.parameters()).dtype == precision


class Answering(nn.Module):
    """Outputs as a tuple, a dictionary, or nothing that a gradient leads from; or a demand on the input."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 3, 3)
        self.kind = kind

    def forward(self, x: Tensor, *age: Tensor) -> object:
        y = torch.relu(self.conv(x)).mean((2, 3))
        if self.kind == "assertion":
            assert x.shape[-1] == 7, "the width must be 7"
        if self.kind == "two inputs":
            return y + age[0]
        return {"tuple": (y, x), "dict": {"logits": y}, "cut off": y.detach()}[self.kind]


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("tuple", "does not put out one row of class scores"),
        ("dict", "does not put out one row of class scores"),
        ("cut off", "No gradient leads from the output"),
        ("assertion", r"cannot take an input of shape \(1, 32, 40\): the width must be 7\.$"),
        ("two inputs", r"cannot take an input of shape \(1, 32, 40\): tuple index out of range\.$"),
    ],
)
def test_the_sentence_names_the_cause(kind: str, sentence: str, batch: Tensor) -> None:
    classifier = classified(Answering(kind).eval())
    for explainer in ("grad-cam", "cam", "gradient", "smoothgrad", "mc-dropout", "guided-grad-cam"):
        with pytest.raises(WhySliceError, match=sentence) as caught:
            explain(classifier, batch[0].numpy(), explainer=explainer)
        assert "\n" not in str(caught.value)


def test_a_long_complaint_of_a_network_is_cut(batch: Tensor) -> None:
    class Talkative(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            raise RuntimeError("a word " * 100 + "\nand another line")

    with pytest.raises(WhySliceError) as caught:
        explain(classified(Talkative()), batch[0].numpy(), explainer="gradient")
    assert len(str(caught.value)) < 300
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "explainer", ["grad-cam", "grad-cam++", "layer-cam", "cam", "gradient", "guided-backprop"]
)
@pytest.mark.parametrize("wide", [1.0, 1e-9])
def test_logits_scaled_down_are_near_zero_for_every_family(explainer: str, wide: float) -> None:
    torch.manual_seed(1)
    module = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 3)
    ).eval()
    with torch.no_grad():
        module[4].weight.abs_().mul_(wide)
        module[4].bias.zero_()
    x = np.random.default_rng(0).normal(size=(1, *SIZE)).astype(np.float32) * 100
    made = explain(classified(module), x, explainer=explainer, target=1)
    assert made.state == ("ok" if wide == 1 else "near_zero")
    assert find_layers(classified(module))


class OneAtATime(nn.Module):
    """Refuses several images."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = lively(ARCHITECTURES["flat"]())

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x.reshape(1, 1, *SIZE))


@pytest.mark.parametrize(
    ("explainer", "parameters"),
    [
        ("integrated-gradients", {"steps": 4}),
        ("smoothgrad", {"samples": 3}),
        ("gradient-shap", {"samples": 3}),
        ("lime", {"segments": 9, "samples": 20}),
        ("rise", {"samples": 16}),
    ],
)
def test_a_network_that_takes_one_image_at_a_time(
    explainer: str, parameters: dict[str, int], batch: Tensor
) -> None:
    activate()  # RISE is a plugin
    wish = {"explainer": explainer, "target": 1, **parameters}
    made = explain(classified(OneAtATime()), batch[0].numpy(), **wish)
    plain = explain(classified(lively(ARCHITECTURES["flat"]())), batch[0].numpy(), **wish)
    assert "one-by-one" in made.flags
    np.testing.assert_allclose(made.signed, plain.signed, atol=1e-4 * np.abs(plain.signed).max())

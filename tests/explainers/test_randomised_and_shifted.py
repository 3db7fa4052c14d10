"""Networks that have forgotten, and networks that do not notice a shift."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from viewer.explainers.question import Question
from viewer.explainers.randomised import cascade, weighted_modules
from viewer.explainers.shifted import compensated
from viewer.foundation.errors import ExplainError
from viewer.models.classifier import Classifier
from viewer.models.loading import wrap_module


class Backwards(nn.Module):
    """Declares its layers in another order than it runs them in; has weights of its own, and a layer it never uses."""

    def __init__(self) -> None:
        super().__init__()
        self.out = nn.Linear(5, 2)
        self.norm = nn.BatchNorm2d(5)
        self.unused = nn.Conv2d(1, 1, 1)
        self.first = nn.Conv2d(1, 5, 3, padding=2, stride=2, bias=False)
        self.gain = nn.Parameter(torch.linspace(0.5, 1.5, 5).reshape(5, 1, 1))

    def forward(self, x):
        return self.out((self.norm(self.first(x)).relu() * self.gain).mean((2, 3)))


def wrapped(module: nn.Module, channels: int = 1) -> Classifier:
    return wrap_module(module, classes=["a", "b"], dims=2, input_size=(12, 12), channels=channels)


@pytest.fixture
def network() -> Classifier:
    torch.manual_seed(0)
    module = Backwards()
    module.norm.running_mean.normal_()
    return wrapped(module.eval())


def test_layers_come_in_the_order_of_the_pass(network):
    assert weighted_modules(network, torch.zeros(1, 1, 12, 12)) == ("first", "norm", "out", "")


def test_the_cascade_goes_down_and_touches_the_copy_alone(network):
    before = {name: value.clone() for name, value in network.module.state_dict().items()}
    stages = list(cascade(network, torch.zeros(1, 1, 12, 12), seed=3))
    assert [(stage.layer, stage.done, stage.total) for stage in stages] == [
        ("", 1, 4),
        ("out", 2, 4),
        ("norm", 3, 4),
        ("first", 4, 4),
    ]
    changed = [
        {
            name
            for name, value in stage.classifier.module.state_dict().items()
            if not torch.equal(value, before[name])
        }
        for stage in stages
    ]
    assert changed[0] == {"gain"}
    assert changed[1] == {"gain", "out.weight", "out.bias"}
    assert "norm.running_mean" in changed[2]
    assert "first.weight" not in changed[2]
    assert "first.weight" in changed[3]
    assert not any("unused" in name for names in changed for name in names)
    assert all(torch.equal(value, before[name]) for name, value in network.module.state_dict().items())


def test_the_weights_follow_from_the_seed_and_stay_from_stage_to_stage(network):
    def last(seed: int) -> list[dict]:
        return [s.classifier.module.state_dict() for s in cascade(network, torch.zeros(1, 1, 12, 12), seed)]

    one, again, other = last(0), last(0), last(1)
    for first, second in zip(one, again, strict=True):
        assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(one[-1]["first.weight"], other[-1]["first.weight"])
    assert torch.equal(one[1]["out.weight"], one[-1]["out.weight"])


def test_many_layers_become_random_together_the_output_layer_alone_first():
    deep = nn.Sequential(
        *(nn.Sequential(nn.Conv2d(1, 1, 1), nn.ReLU()) for _ in range(30)), nn.Flatten(), nn.Linear(144, 2)
    )
    stages = list(cascade(wrapped(deep.eval()), torch.zeros(1, 1, 12, 12), most=5))
    assert stages[0].done == 1
    assert stages[-1].done == stages[-1].total == 31
    assert len(stages) == 5


@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
def test_a_shift_is_taken_away_exactly_also_at_the_border(mode):
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1, padding_mode=mode), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 144, 2)
    ).eval()
    classifier = wrapped(module, channels=2)
    x = torch.randn(1, 2, 12, 12)
    made = compensated(Question(classifier, x, 1), 5.0)
    with torch.no_grad():
        assert torch.allclose(made.module(x + 5), module(x), atol=1e-4)
    assert not module[0]._forward_pre_hooks
    assert made.module[0] is not module[0]


def test_same_padding_and_a_convolution_without_bias():
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(1, 4, 5, padding="same", bias=False), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 144, 2)
    ).eval()
    classifier = wrapped(module)
    x = torch.randn(1, 1, 12, 12)
    made = compensated(Question(classifier, x, 0), -3.0)
    with torch.no_grad():
        assert torch.allclose(made.module(x - 3), module(x), atol=1e-4)


def test_a_first_step_that_bends_the_input_is_refused():
    module = nn.Sequential(nn.Tanh(), nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(200, 2)).eval()
    with pytest.raises(ExplainError, match="first layer"):
        compensated(Question(wrapped(module), torch.randn(1, 1, 12, 12), 1), 2.0)

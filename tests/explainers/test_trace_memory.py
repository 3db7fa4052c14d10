"""What a trace holds at once, what it says when that is too much, and what it does when a device has too little."""

from __future__ import annotations

import gc
import math
import subprocess
import sys
import weakref

import numpy as np
import pytest
import torch
from torch import nn

from tests.explainers.test_trace import assert_same_state, state_of
from viewer.explainers import precision, trace_memory
from viewer.explainers.layers import find_layers
from viewer.explainers.trace import TraceResult, trace
from viewer.explainers.trace_memory import trace_bytes
from viewer.explainers.watching import watch
from viewer.foundation.errors import ExplainError, ModelError, UsageError
from viewer.models.classifier import Classifier
from viewer.models.loading import wrap_module
from viewer.models.memory import FELL_BACK, in_fitting_parts
from viewer.models.prediction import predict


class Greedy(nn.Module):
    """Runs out of memory on more than `most` images, unless it has been moved to the processor."""

    def __init__(self, most: int) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.most, self.on_device, self.sizes = most, True, []
        self.body = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1))
        self.head = nn.Linear(4, 3)

    def forward(self, x):
        self.sizes.append(len(x))
        if self.on_device and len(x) > self.most:
            held = torch.zeros(1000)
            self.held = weakref.ref(held)
            raise torch.OutOfMemoryError("CUDA out of memory (simulated)")
        return self.head(self.body(x).flatten(1))

    def to(self, device):
        self.on_device = torch.device(device).index is not None
        return super().to(device)


def greedy(most: int) -> Classifier:
    """On a device that is not quite the processor: `cpu:0` stands for one with memory of its own."""
    made = wrap_module(Greedy(most), classes=["a", "b", "c"], dims=2, input_size=(9, 9))
    find_layers(made, torch.zeros(1, 1, 9, 9)) if most else None
    return Classifier(made.card, made.module, torch.device("cpu", 0))


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(5, 1, 9, 9)).astype(np.float32)


def reference(images: np.ndarray) -> object:
    plain = wrap_module(Greedy(99), classes=["a", "b", "c"], dims=2, input_size=(9, 9))
    return trace(plain, images, methods=["grad-cam"])


def test_out_of_memory_halves_the_batch(images) -> None:
    small = greedy(2)
    find_layers(small)
    small.module.sizes.clear()
    found = trace(small, images, methods=["grad-cam"])
    assert small.module.sizes == [5, 2, 2, 1]
    assert FELL_BACK not in found.flags
    wanted = reference(images)
    for key, maps in wanted.maps.items():
        np.testing.assert_allclose(found.maps[key], maps, atol=1e-6)
    np.testing.assert_allclose(found.probabilities, wanted.probabilities, atol=1e-6)
    assert small.module.held() is None  # what was being computed when memory ran out is gone


def test_then_the_processor_takes_over_and_the_result_says_so(images) -> None:
    none = greedy(1)
    find_layers(none)
    none.module.most = 0
    before = state_of(none.module)
    found = trace(none, images, methods=["grad-cam"])
    assert found.flags == (FELL_BACK,)
    assert none.device == torch.device("cpu", 0)
    assert none.module.on_device
    assert_same_state(none.module, before)
    wanted = reference(images)
    for key, maps in wanted.maps.items():
        np.testing.assert_allclose(found.maps[key], maps, atol=1e-6)


def test_the_processor_has_nowhere_to_go(images) -> None:
    tight = wrap_module(Greedy(1), classes=["a", "b", "c"], dims=2, input_size=(9, 9))
    tight.module.on_device = True
    find_layers(tight)
    tight.module.most = 0
    with pytest.raises(ModelError, match="not enough memory to run the model 'Greedy'"):
        trace(tight, images)
    with pytest.raises(ModelError, match="not enough memory"):
        predict(tight, images[0])


def test_other_errors_are_not_taken_for_a_lack_of_memory(images) -> None:
    def run(_: object) -> None:
        raise RuntimeError("something else")

    with pytest.raises(RuntimeError, match="something else"):
        in_fitting_parts(greedy(9), images, run)


def test_a_prediction_halves_too(images) -> None:
    small = greedy(1)
    assert predict(small, images[0]).flags == ()
    small.module.most = 0
    assert predict(small, images[0]).flags == (FELL_BACK,)


# --- said before it begins ---


def test_a_trace_that_cannot_fit_says_what_it_needs(monkeypatch, images) -> None:
    roomy = wrap_module(Greedy(99), classes=["a", "b", "c"], dims=2, input_size=(9, 9))
    one, all_ = trace_bytes(roomy, ["body.2"]), trace_bytes(roomy, images=5)
    assert one < all_ / 5
    monkeypatch.setattr(trace_memory, "free_bytes", lambda _: one)
    trace(roomy, images, layers=["body.2"])  # one at a time
    assert roomy.module.sizes[-5:] == [1] * 5
    monkeypatch.setattr(trace_memory, "free_bytes", lambda _: one - 1)
    with pytest.raises(
        ExplainError, match=r"The layer 'body.2' and everything behind it take about .* are free: ask"
    ):
        trace(roomy, images, layers=["body.2"])
    with pytest.raises(ExplainError, match="All layers together take about"):
        trace(roomy, images)
    with pytest.raises(UsageError, match="no layer 'body.9'"):
        trace_bytes(roomy, ["body.9"])


def test_activations_are_let_go_as_the_last_gradient_arrives() -> None:
    """When the lowest layer is reduced, those above it are gone."""
    torch.manual_seed(0)
    deep = nn.Sequential(
        *[nn.Sequential(nn.Conv2d(2, 2, 3, padding=1), nn.Sigmoid()) for _ in range(6)],
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )
    model = wrap_module(deep, classes=["a", "b"], dims=2, input_size=(8, 8), channels=2)
    find_layers(model)
    seen: list[weakref.ref] = []
    handles = [
        block.register_forward_hook(lambda *_, **__: seen.append(weakref.ref(_[2]))) for block in deep[:6]
    ]
    alive: list[int] = []
    from viewer.explainers import trace as module

    original = module.reduce_together

    def counted(*args):
        gc.collect()
        alive.append(sum(one() is not None for one in seen))
        return original(*args)

    module.reduce_together = counted
    try:
        trace(model, torch.randn(1, 2, 8, 8), layers=[f"{n}" for n in range(6)], targets=[1])
    finally:
        module.reduce_together = original
        for handle in handles:
            handle.remove()
    assert alive[-1] < alive[0]


_CHILD = """
import sys, torch
from pathlib import Path
from monai.networks.nets import resnet18
from viewer.explainers.layers import find_layers
from viewer.explainers.trace import trace
from viewer.explainers.trace_memory import trace_bytes
from viewer.models.loading import wrap_module
torch.set_num_threads(1)
size = tuple(map(int, sys.argv[1:4]))


def rss():  # of this process alone: getrusage also counts what its parent had
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))



net = resnet18(spatial_dims=3, n_input_channels=1, num_classes=2, conv1_t_stride=2).eval()
model = wrap_module(net, classes=["a", "b"], dims=3, input_size=size)
before = rss()
layers = find_layers(model)
found = rss()
result = trace(model, torch.randn(1, 1, *size), layers=["layer4", "layer2"])
outputs = sum(4 * torch.Size(la.shape).numel() for la in layers if la.same_as is None)
print(len(layers), found - before, rss() - before, trace_bytes(model, ["layer4", "layer2"]), outputs)
print(*result.maps[0, "layer2", "grad-cam"].shape)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is asked of Linux")
def test_a_resnet_of_volumes_stays_small() -> None:
    """The peak of a fresh process, at 64x64x64; what grows with the size is what is measured at full size."""
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, "64", "64", "64"], capture_output=True, text=True, check=True
    )
    numbers, shape = done.stdout.splitlines()
    count, watched, traced, estimate, outputs = map(int, numbers.split())
    assert count == 73
    assert shape == "1 8 8 8"
    assert watched < 2 * outputs + (200 << 20)
    assert traced < estimate + watched + (100 << 20)


def test_what_is_not_remembered_changes_no_flag_near_the_output() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(
        *[
            nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU(inplace=True))
            for _ in range(5)
        ],
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    ).eval()
    for parameter in net.parameters():
        parameter.requires_grad_(False)
    batch = torch.randn(1, 3, 16, 16)
    everything = watch(net, batch, 2)
    last = watch(net, batch, 2, remembered=4 * math.prod((3, 16, 16)) * 2)
    assert last == everything
    assert [la.name for la in everything if "before-global-pool" in la.flags] == ["4.2", "4"]


# --- half precision ---


def test_half_precision_is_used_where_maps_agree(images) -> None:
    model = wrap_module(Greedy(99), classes=["a", "b", "c"], dims=2, input_size=(9, 9))
    plain = trace(model, images, methods=["grad-cam"])
    model.half = torch.bfloat16
    first, second = (trace(model, images, methods=["grad-cam"]) for _ in range(2))
    assert precision.HALF not in first.flags  # the check itself hands out full precision
    assert second.flags == (precision.HALF,)
    for key, maps in plain.maps.items():
        np.testing.assert_array_equal(first.maps[key], maps)
        assert second.maps[key].dtype == np.float32
        assert np.corrcoef(second.maps[key].ravel(), maps.ravel())[0, 1] > 0.99


def test_half_precision_is_refused_where_it_changes_the_map() -> None:
    """A small difference of large numbers: bf16 has no digits left for it."""

    class Cancelling(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(1, 2, 1, bias=False)
            self.conv.weight.data = torch.tensor([1000.0, 1000.5]).reshape(2, 1, 1, 1)

        def forward(self, x):
            y = self.conv(x)
            return torch.stack([(y[:, 1] - y[:, 0]).mean((1, 2)), (y[:, 0] * 0).mean((1, 2))], 1)

    model = wrap_module(Cancelling(), classes=["a", "b"], dims=2, input_size=(8, 8))
    model.half = torch.bfloat16
    batch = np.random.default_rng(0).random((1, 1, 8, 8)).astype(np.float32)
    for _ in range(2):
        found = trace(model, batch)
        assert precision.HALF not in found.flags
        assert found.probabilities[0, 0] == pytest.approx(1 / (1 + math.exp(-0.5 * batch.mean())), abs=1e-4)


def test_half_precision_is_judged_for_every_kind_of_map(build, batch, monkeypatch) -> None:
    """What one method and class have shown says nothing about another."""
    monkeypatch.setattr("viewer.explainers.trace.agreement", lambda full, _: dict.fromkeys(full.maps, True))
    classifier = build("flat")
    classifier.half = torch.bfloat16
    first = trace(classifier, batch, methods=["grad-cam"], targets=[0])
    again = trace(classifier, batch, methods=["grad-cam"], targets=[0])
    other = trace(classifier, batch, methods=["xgrad-cam"], targets=[0])
    score = trace(classifier, batch, methods=["grad-cam"], targets=[0], score="probability")
    assert "half-precision" not in (*first.flags, *other.flags, *score.flags)
    assert "half-precision" in again.flags


def test_no_map_is_made_in_half_precision_where_a_probability_moves(build, batch) -> None:
    from dataclasses import replace

    full = trace(build("flat"), batch, methods=["grad-cam"])
    assert all(precision.agreement(full, full).values())
    moved = replace(full, probabilities=full.probabilities + np.float32(0.01))
    assert not any(precision.agreement(full, moved).values())


@pytest.mark.parametrize(("share", "alike"), [(0.05, True), (0.2, False)])
def test_a_map_is_alike_in_half_precision_from_a_correlation_of_99_percent(share: float, alike: bool) -> None:
    maps = np.random.default_rng(0).normal(size=(2, 40, 40)).astype(np.float32)
    other = maps.copy()
    other[1] += share * np.random.default_rng(1).normal(size=(40, 40)).astype(np.float32)
    p = np.full((2, 2), 0.5, np.float32)
    full, half = (TraceResult(p, p, {(0, "conv", "grad-cam"): each}) for each in (maps, other))
    assert precision.agreement(full, half) == {(0, "conv", "grad-cam"): alike}

"""What a window touches, computed alone, is what a full pass computes: on every step, size and place."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from tests.explainers.conftest import ARCHITECTURES, lively
from tests.explainers.networks import Pooled3d, Segmenting
from viewer.explainers.incremental.kept_pass import KeptPass, TooLarge, graph_of
from viewer.explainers.incremental.patches import Patch, occluded, whole

ROOM = 1 << 30


def compare(module: nn.Module, x: Tensor, low: np.ndarray, high: np.ndarray) -> float:
    """The largest difference between the two ways, as a share of the outputs."""
    baseline = torch.full_like(x, 0.7)
    with torch.no_grad():
        graph = graph_of(module)
        assert graph is not None
        kept = KeptPass(graph, x, ROOM)
        changed = occluded(x, baseline, low, high)
        made = kept.outputs(changed)
        full = x.repeat(len(low), *(1,) * (x.ndim - 1))
        for image, (a, b) in enumerate(zip(low, high, strict=True)):
            there = (slice(None), *(slice(i, j) for i, j in zip(a, b, strict=True)))
            full[image][there] = 0.7
        torch.testing.assert_close(whole(changed, x), full)
        expected = module(full)
        again = kept.outputs(changed)
    torch.testing.assert_close(made, again, rtol=0, atol=0)
    return float((made - expected).abs().max() / expected.abs().max())


def windows_of(space: tuple[int, ...], seed: int, count: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Windows of one size, cut at the edges."""
    rng = np.random.default_rng(seed)
    size = np.array([rng.integers(1, max(2, n // 2)) for n in space])
    low = np.stack([rng.integers(0, n, count) for n in space], axis=1)
    low[0] = 0
    low[-1] = np.array(space) - 1
    return low, np.minimum(low + size, np.array(space))


@st.composite
def chains(draw: st.DrawFn) -> tuple[nn.Module, tuple[int, ...]]:
    """Chains of local steps with any strides, margins, dilations and groups, and a head."""
    dims = draw(st.sampled_from([2, 2, 2, 3]))
    space = tuple(draw(st.integers(13, 30 if dims == 2 else 17)) for _ in range(dims))
    conv, norm = (nn.Conv2d, nn.BatchNorm2d) if dims == 2 else (nn.Conv3d, nn.BatchNorm3d)
    maximum, mean = (nn.MaxPool2d, nn.AvgPool2d) if dims == 2 else (nn.MaxPool3d, nn.AvgPool3d)
    steps: list[nn.Module] = []
    channels, smallest = 2, min(space)
    for _ in range(draw(st.integers(1, 4))):
        what = draw(st.sampled_from(["conv", "max", "mean", "norm", "same"]))
        kernel, stride = draw(st.integers(1, 3)), draw(st.integers(1, 3))
        dilation = draw(st.integers(1, 2)) if what in ("conv", "max") else 1
        padding = draw(st.integers(0, kernel // 2))
        left = (smallest + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
        if what in ("conv", "max", "mean") and left < 3:
            continue
        if what == "conv":
            groups = draw(st.sampled_from([1, 2]))
            steps.append(conv(channels, 4, kernel, stride, padding, dilation, groups))
            channels = 4
        elif what == "same":
            steps.append(conv(channels, 4, 2, padding="same", bias=False))
            channels, left = 4, smallest
        elif what == "max":
            steps.append(maximum(kernel, stride, padding, dilation))
        elif what == "mean":
            steps.append(mean(kernel, stride, padding))
        else:
            steps += [
                norm(channels),
                draw(st.sampled_from([nn.ReLU(inplace=True), nn.Tanh(), nn.GELU()])),
                nn.Dropout(),
            ]
            left = smallest
        smallest = left
    if draw(st.booleans()):
        steps += [(nn.AdaptiveAvgPool2d if dims == 2 else nn.AdaptiveAvgPool3d)(1)]
    steps += [nn.Flatten()]
    module = nn.Sequential(*steps)
    with torch.no_grad():
        width = module.eval()(torch.zeros((1, 2, *space))).shape[1]
    return nn.Sequential(*steps, nn.Linear(width, 3)), space


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@given(chain=chains(), seed=st.integers(0, 1000))
@settings(deadline=None, max_examples=40)
def test_any_chain_of_local_steps(chain: tuple[nn.Module, tuple[int, ...]], seed: int) -> None:
    module, space = chain
    module = lively(module, seed).double()
    x = torch.randn((1, 2, *space), generator=torch.Generator().manual_seed(seed)).double()
    assert compare(module, x, *windows_of(space, seed)) < 1e-10


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
@pytest.mark.parametrize("seed", range(3))
def test_branches_sums_and_steps_in_place(name: str, seed: int) -> None:
    module = lively(ARCHITECTURES[name](), seed).double()
    x = torch.randn((1, 1, 32, 40), generator=torch.Generator().manual_seed(seed)).double()
    assert compare(module, x, *windows_of((32, 40), seed)) < 1e-10


@pytest.mark.parametrize("factory", ["resnet18", "squeezenet1_1", "mobilenet_v3_small"])
def test_well_known_networks(factory: str) -> None:
    torch.manual_seed(1)
    module = getattr(torchvision.models, factory)(weights=None, num_classes=4).eval().double()
    x = torch.randn((1, 3, 49, 45), generator=torch.Generator().manual_seed(2)).double()
    low = np.array([[0, 0], [31, 17], [45, 42]])
    assert compare(module, x, low, np.minimum(low + 9, [49, 45])) < 1e-10


def test_volumes_and_segmentations() -> None:
    x = torch.randn((1, 1, 6, 10, 12), generator=torch.Generator().manual_seed(2)).double()
    assert compare(lively(Pooled3d()).double(), x, *windows_of((6, 10, 12), 3)) < 1e-10
    flat = torch.randn((1, 1, 32, 40), generator=torch.Generator().manual_seed(2)).double()
    assert compare(lively(Segmenting()).double(), flat, *windows_of((32, 40), 3)) < 1e-10


def test_less_is_computed_than_in_a_full_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, ...]] = []
    real = F.conv2d

    def counted(block: Tensor, *rest: object) -> Tensor:
        seen.append(tuple(block.shape[2:]))
        return real(block, *rest)

    monkeypatch.setattr("viewer.explainers.incremental.local_steps.F.conv2d", counted)
    graph = graph_of(
        lively(nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1)))
    )
    assert graph is not None
    x, low = torch.randn(1, 1, 40, 40), np.array([[10, 12], [0, 30]])
    with torch.no_grad():
        kept = KeptPass(graph, x, ROOM)
        seen.clear()
        kept.outputs(occluded(x, torch.zeros_like(x), low, low + 4))
    assert seen == [(8, 8), (10, 10)]  # a window of 4, seen by 6, then by 8, each with a margin of 1


def test_what_depends_on_the_values_has_no_graph() -> None:
    class Choosing(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.mean((2, 3)) if x.sum() > 0 else x.amax((2, 3))

    assert graph_of(Choosing()) is None


def test_no_more_is_kept_than_allowed() -> None:
    module = lively(ARCHITECTURES["pooled"]())
    graph = graph_of(module)
    assert graph is not None
    x = torch.randn(1, 1, 32, 40)
    with torch.no_grad():
        needed = KeptPass(graph, x, ROOM).bytes
        assert needed > x.nbytes
        with pytest.raises(TooLarge):
            KeptPass(graph, x, needed - 1)


def test_a_patch_outside_a_block_leaves_it() -> None:
    from viewer.explainers.incremental.patches import put

    patch = Patch(np.array([[5, 5]]), torch.ones((1, 1, 2, 2)))
    block = torch.zeros((1, 1, 3, 3))
    assert put(patch, block, np.array([[0, 0]])).sum() == 0
    assert put(patch, block, np.array([[4, 3]])).sum() == 2

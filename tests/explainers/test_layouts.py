"""Networks whose layers put the channels somewhere else, or hold pieces of images in place of images."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor, nn

from tests.explainers.conftest import SIZE, classified, lively
from viewer.explainers.explaining import explain
from viewer.explainers.layer_info import CHANNELS_LAST, LayerInfo
from viewer.explainers.layers import default_layer, find_layers
from viewer.explainers.trace import trace
from viewer.foundation.errors import ExplainError
from viewer.models.loading import wrap_module


class ChannelsLast(nn.Module):
    """ConvNeXt in small: a linear layer over the channels between two turns of the axes."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 6, 4, stride=4)
        self.norm = nn.LayerNorm(6)
        self.wide = nn.Linear(6, 9)
        self.act = nn.GELU()
        self.narrow = nn.Linear(9, 6)
        self.last = nn.Conv2d(6, 5, 3, padding=1)
        self.fc = nn.Linear(5, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        turned = self.narrow(self.act(self.wide(self.norm(x.permute(0, 2, 3, 1)))))
        x = x + turned.permute(0, 3, 1, 2)
        return self.fc(F.relu(self.last(x)).mean((2, 3)))


class Attention(nn.Module):
    """Tokens of a row of places, and a table of places by places with as many axes as a picture."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(1, 8, 8, stride=8)
        self.qkv = nn.Linear(8, 24)
        self.table = nn.Dropout(0.1)
        self.merge = nn.Linear(8, 8)
        self.back = nn.Identity()
        self.grid = nn.Identity()
        self.fc = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x)
        rows, columns = x.shape[2:]
        tokens = x.flatten(2).transpose(1, 2)
        q, k, v = self.qkv(tokens).reshape(len(x), -1, 3, 2, 4).permute(2, 0, 3, 1, 4)
        weights = self.table((q @ k.transpose(-2, -1)).softmax(-1))
        tokens = tokens + self.merge((weights @ v).transpose(1, 2).reshape(tokens.shape))
        grid = self.grid(tokens.view(len(x), rows, columns, 8))
        picture = self.back(tokens.transpose(1, 2).reshape(x.shape))
        return self.fc(picture.mean((2, 3)) + grid.mean((1, 2)))


class Shuffled(nn.Module):
    """Channels that are exchanged between groups, as ShuffleNet does."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 6, 3, padding=1)
        self.shuffle = nn.Identity()
        self.fc = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.conv(x))
        images, _, rows, columns = x.shape
        x = x.view(images, 2, 3, rows, columns).transpose(1, 2).reshape(images, 6, rows, columns)
        return self.fc(self.shuffle(x).mean((2, 3)))


class Pieces(nn.Module):
    """Four pieces of every image go through the network side by side, as if they were images."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding=1)
        self.fc = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        rows, columns = x.shape[2] // 2, x.shape[3] // 2
        pieces = x.unfold(2, rows, rows).unfold(3, columns, columns).flatten(1, 3).flatten(0, 1)[:, None]
        return self.fc(F.relu(self.conv(pieces)).mean((2, 3)).view(len(x), 4, -1).mean(1))


def layers_of(module: nn.Module) -> dict[str, LayerInfo]:
    return {layer.name: layer for layer in find_layers(classified(lively(module)))}


def test_turned_layers_are_listed_with_their_channels_first() -> None:
    layers = layers_of(ChannelsLast())
    assert layers["stem"].shape == (6, 8, 10)
    assert layers["stem"].flags == ()
    for name, channels in (("norm", 6), ("wide", 9), ("act", 9), ("narrow", 6)):
        assert layers[name].shape == (channels, 8, 10)
        assert CHANNELS_LAST in layers[name].flags
    assert CHANNELS_LAST not in layers["last"].flags


@pytest.mark.parametrize("layer", ["wide", "act", "narrow"])
def test_maps_of_turned_layers_follow_their_formulas(layer: str, batch: Tensor) -> None:
    module = lively(ChannelsLast())
    classifier = classified(module)
    kept: list[Tensor] = []
    handle = module.get_submodule(layer).register_forward_hook(lambda m, i, out: kept.append(out))
    (gradient,) = torch.autograd.grad(module(batch[:1])[0, 2], kept)
    handle.remove()
    activation, gradient = kept[0][0].detach().numpy(), gradient[0].numpy()
    expected = {
        "grad-cam": activation @ gradient.mean((0, 1)),
        "hires-cam": (activation * gradient).sum(-1),
        "layer-cam": (activation * np.maximum(gradient, 0)).sum(-1),
    }
    made = trace(classifier, batch[:1], layers=[layer], targets=[2]).maps
    for method, map_ in expected.items():
        np.testing.assert_allclose(made[2, layer, method][0], map_, rtol=0, atol=1e-5 * np.abs(map_).max())
    component = explain(classifier, batch[0].numpy(), explainer="eigen-cam", layer=layer).signed
    assert component.shape == (8, 10)
    places = activation.reshape(80, -1) - activation.reshape(80, -1).mean(0)
    largest = np.linalg.svd(places, compute_uv=False)[0]
    assert np.linalg.norm(component) == pytest.approx(largest, rel=1e-4)


def test_tables_of_attention_are_no_pictures() -> None:
    layers = layers_of(Attention())
    assert "patches" in layers
    assert "table" not in layers
    assert CHANNELS_LAST in layers["grid"].flags
    assert (layers["grid"].shape, layers["back"].shape) == ((8, 4, 5), (8, 4, 5))
    assert layers["back"].flags == ("before-global-pool",)
    with pytest.raises(ExplainError, match="nothing with an extent in space"):
        explain(
            classified(Attention().eval()),
            np.ones((1, *SIZE), np.float32),
            explainer="grad-cam",
            layer="table",
        )


class NonLocal(nn.Module):
    """A table of places by places straight from a convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 8, stride=8)
        self.table = nn.Identity()
        self.out = nn.Identity()
        self.fc = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        row = x.flatten(2)
        table = self.table((row.transpose(1, 2) @ row).softmax(-1).unsqueeze(1))
        return self.fc(self.out(x + (row @ table[:, 0]).reshape(x.shape)).mean((2, 3)))


def test_tables_of_non_local_blocks_are_no_pictures() -> None:
    layers = layers_of(NonLocal())
    assert list(layers) == ["conv", "out"]
    assert layers["out"].shape == (4, 4, 5)


def test_exchanged_channels_stay_channels() -> None:
    assert layers_of(Shuffled())["shuffle"].shape == (6, *SIZE)


def test_pieces_of_images_have_no_map_of_the_image() -> None:
    assert layers_of(Pieces()) == {}


@pytest.mark.parametrize(
    ("build", "layer", "grid"),
    [
        (torchvision.models.swin_t, "features.1.0.mlp.0", (16, 16)),
        (torchvision.models.convnext_tiny, "features.1.0.block.3", (16, 16)),
    ],
)
def test_transformers_of_pictures(build: Callable[..., nn.Module], layer: str, grid: tuple[int, int]) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = build(weights=None, num_classes=3).eval()
    classifier = wrap_module(module, classes=list("abc"), dims=2, input_size=(64, 64), channels=3)
    layers = {each.name: each for each in find_layers(classifier)}
    assert layers[layer].grid == grid
    assert CHANNELS_LAST in layers[layer].flags
    assert all(len(set(each.grid)) == 1 for each in layers.values()), "a square picture has square grids"
    assert CHANNELS_LAST not in layers[default_layer(classifier)].flags


def test_layers_of_a_vision_transformer_are_refused_in_a_sentence() -> None:
    module = torchvision.models.VisionTransformer(32, 8, 1, 2, 16, 32, num_classes=3).eval()
    classifier = wrap_module(module, classes=list("abc"), dims=2, input_size=(32, 32), channels=3)
    assert [each.name for each in find_layers(classifier)] == ["conv_proj"]
    x = np.zeros((3, 32, 32), np.float32)
    for layer in ("encoder", "encoder.layers.encoder_layer_0.mlp", "heads"):
        with pytest.raises(ExplainError, match="nothing with an extent in space") as caught:
            explain(classifier, x, explainer="grad-cam", layer=layer)
        assert "\n" not in str(caught.value)

"""The study's networks: bodies of convolution blocks under heads that flatten the last grid or average over it."""

from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import nn

GAP_WIDTHS = (32, 64, 128, 256, 512)
SHALLOW_WIDTHS = (32, 64, 128)
BASELINE_WIDTHS = ((32, 32), (64, 64), (128,) * 3, (256,) * 3, (512,) * 3, (512,) * 3)
ACROSS_SLICES = 64
"""Channels of the block of `stroke-3d` that looks across slices."""
EPS = 1e-3
"""Of every batch norm: Keras' default, with which the study was made."""

Layers = OrderedDict[str, nn.Module]


class StrokeNet(nn.Sequential):
    """A body of convolution blocks and a head, as a chain of named layers.

    The layers are named after their block: `conv1`, `bn1`, `relu1`, `pool1`, `drop1`, and so on (`conv1_2` where a
    block has several convolutions). No ReLU works in place, so every one of them can be explained.

    Parameters
    ----------
    body, head
        Named layers, in the order of the forward pass.
    """

    def __init__(self, body: Layers, head: Layers) -> None:
        super().__init__(OrderedDict([*body.items(), *head.items()]))

    def width(self, layer: str) -> int:
        """Return the number of channels that the block of a ReLU puts out."""
        convolution = getattr(self, layer.replace("relu", "conv"))
        return int(convolution.out_channels)

    def body(self) -> list[str]:
        """Return the names of the layers before the head."""
        names = [name for name, _ in self.named_children()]
        return names[: min(names.index(name) for name in ("gap", "flatten") if name in names)]

    def activations(self, pictures: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Return the logits and the output of every block's ReLU by name."""
        kept: dict[str, torch.Tensor] = {}
        values = pictures
        for name, layer in self.named_children():
            values = layer(values)
            if name.startswith("relu") and values.dim() >= 4:
                kept[name] = values
        return values, kept


def blocks(widths: Sequence[int], channels: int, dropout: float) -> Layers:
    """Convolution, batch norm, ReLU, average pool, dropout for each width."""
    layers: Layers = OrderedDict()
    for number, width in enumerate(widths, start=1):
        layers[f"conv{number}"] = nn.Conv2d(channels, width, 3, padding=1)
        layers[f"bn{number}"] = nn.BatchNorm2d(width, eps=EPS)
        layers[f"relu{number}"] = nn.ReLU()
        layers[f"pool{number}"] = nn.AvgPool2d(2)
        layers[f"drop{number}"] = nn.Dropout(dropout)
        channels = width
    return layers


def averaged(width: int, classes: int, dropout: float, pool: nn.Module) -> Layers:
    """Global average pool, batch norm, ReLU, dropout, and the classes."""
    return OrderedDict(gap=pool, flatten=nn.Flatten(), **_classified(width, classes, dropout))


def _classified(width: int, classes: int, dropout: float) -> Layers:
    return OrderedDict(
        bn_head=nn.BatchNorm1d(width, eps=EPS),
        relu_head=nn.ReLU(),
        drop_head=nn.Dropout(dropout),
        linear=nn.Linear(width, classes),
    )


def _dense(width: int, hidden: Sequence[int], classes: int, dropout: float) -> Layers:
    """Flatten, dense layers with batch norm, ReLU and dropout, and the classes."""
    layers: Layers = OrderedDict(flatten=nn.Flatten())
    for number, size in enumerate(hidden, start=1):
        layers[f"dense{number}"] = nn.Linear(width, size)
        layers[f"bn_dense{number}"] = nn.BatchNorm1d(size, eps=EPS)
        layers[f"relu_dense{number}"] = nn.ReLU()
        layers[f"drop_dense{number}"] = nn.Dropout(dropout)
        width = size
    layers["linear"] = nn.Linear(width, classes)
    return layers


def _cells(side: int, blocks: int) -> int:
    """Cells of the last grid of a square picture that every block halves."""
    return (side >> blocks) ** 2


def stroke_gap(classes: int = 2, channels: int = 1, dropout: float = 0.3) -> StrokeNet:
    """Return `stroke-gap`, five blocks: 1,572,034 trainable parameters with one channel and two classes."""
    head = averaged(GAP_WIDTHS[-1], classes, dropout, nn.AdaptiveAvgPool2d(1))
    return StrokeNet(blocks(GAP_WIDTHS, channels, dropout), head)


def stroke_mrs(classes: int = 3, channels: int = 1, dropout: float = 0.3) -> StrokeNet:
    """Return `stroke-mrs`, which is `stroke-gap` with three classes: 1,572,547 trainable parameters."""
    return stroke_gap(classes, channels, dropout)


def stroke_shallow(classes: int = 2, channels: int = 1, dropout: float = 0.3) -> StrokeNet:
    """Return `stroke-shallow`, three blocks: 93,634 trainable parameters with one channel and two classes."""
    head = averaged(SHALLOW_WIDTHS[-1], classes, dropout, nn.AdaptiveAvgPool2d(1))
    return StrokeNet(blocks(SHALLOW_WIDTHS, channels, dropout), head)


def stroke_flat(classes: int = 2, channels: int = 1, dropout: float = 0.3, side: int = 192) -> StrokeNet:
    """Return `stroke-flat`, whose last grid is flattened: 1,643,714 trainable parameters at 192 x 192."""
    width = GAP_WIDTHS[-1] * _cells(side, len(GAP_WIDTHS))
    head: Layers = OrderedDict(flatten=nn.Flatten(), **_classified(width, classes, dropout))
    return StrokeNet(blocks(GAP_WIDTHS, channels, dropout), head)


def stroke_dense(classes: int = 2, channels: int = 1, dropout: float = 0.3, side: int = 192) -> StrokeNet:
    """Return `stroke-dense`, with dense layers of 256 and 128: 6,322,754 trainable parameters at 192 x 192."""
    width = GAP_WIDTHS[-1] * _cells(side, len(GAP_WIDTHS))
    return StrokeNet(blocks(GAP_WIDTHS, channels, dropout), _dense(width, (256, 128), classes, dropout))


def stroke_baseline(classes: int = 2, channels: int = 1, dropout: float = 0.3, side: int = 192) -> StrokeNet:
    """Return `stroke-baseline`: 16 convolutions in six groups, dense layers of 400 and 100.

    16,782,278 trainable parameters at 192 x 192, 16,792,110 with the moving statistics; 70 layers with an extent in
    space (four for each convolution, and a max-pool for each group).
    """
    body: Layers = OrderedDict()
    for group, widths in enumerate(BASELINE_WIDTHS, start=1):
        for number, width in enumerate(widths, start=1):
            name = f"{group}_{number}"
            body[f"conv{name}"] = nn.Conv2d(channels, width, 3, padding=1)
            body[f"bn{name}"] = nn.BatchNorm2d(width, eps=EPS)
            body[f"relu{name}"] = nn.ReLU()
            body[f"drop{name}"] = nn.Dropout(dropout)
            channels = width
        body[f"pool{group}"] = nn.MaxPool2d(2)
    cells = _cells(side, len(BASELINE_WIDTHS))
    return StrokeNet(body, _dense(channels * cells, (400, 100), classes, dropout))


def stroke_3d(classes: int = 2, channels: int = 1, dropout: float = 0.3) -> StrokeNet:
    """Return `stroke-3d`, a network of the whole volume (slice, row, column); the study gives no size.

    The five blocks of `stroke-gap`, slice by slice, so that training can begin with its weights, and a sixth that
    looks across slices. Each slice is averaged over, and of the slices the largest average counts: of an average
    over the whole volume, a lesion of a few cells is next to nothing. The slices of a scan are few and thick: no
    block pools them. 2,455,170 trainable parameters with one channel and two classes.
    """
    body: Layers = OrderedDict()
    for number, width in enumerate(GAP_WIDTHS, start=1):
        body[f"conv{number}"] = nn.Conv3d(channels, width, (1, 3, 3), padding=(0, 1, 1))
        body[f"bn{number}"] = nn.BatchNorm3d(width, eps=EPS)
        body[f"relu{number}"] = nn.ReLU()
        # The last grid in the plane is coarse enough; the sixth block keeps it.
        if number < len(GAP_WIDTHS):
            body[f"pool{number}"] = nn.AvgPool3d((1, 2, 2))
        body[f"drop{number}"] = nn.Dropout(dropout)
        channels = width
    body["conv6"] = nn.Conv3d(channels, ACROSS_SLICES, 3, padding=1)
    body["bn6"] = nn.BatchNorm3d(ACROSS_SLICES, eps=EPS)
    body["relu6"] = nn.ReLU()
    body["drop6"] = nn.Dropout(dropout)
    head: Layers = OrderedDict(
        gap=nn.AdaptiveAvgPool3d((None, 1, 1)),
        most=nn.AdaptiveMaxPool3d(1),
        flatten=nn.Flatten(),
        **_classified(ACROSS_SLICES, classes, dropout),
    )
    return StrokeNet(body, head)

"""The study's networks: blocks of convolution, batch norm, ReLU, average pool and dropout under a pooled head."""

from collections import OrderedDict

import torch
from torch import nn

GAP_WIDTHS = (32, 64, 128, 256, 512)
SHALLOW_WIDTHS = (32, 64, 128)


class PooledNet(nn.Sequential):
    """Blocks under a head of global average pool, batch norm, ReLU, dropout and one linear layer.

    The layers are named after their block: `conv1`, `bn1`, `relu1`, `pool1`, `drop1`, and so on. No ReLU works in
    place, so every one of them can be explained.

    Parameters
    ----------
    widths
        Channels of each block; every block halves rows and columns.
    classes, channels
        Outputs of the linear layer; channels of the input.
    dropout
        Probability in every block and in the head.
    """

    def __init__(self, widths: tuple[int, ...], classes: int, channels: int, dropout: float) -> None:
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        width_in = channels
        for number, width in enumerate(widths, start=1):
            layers[f"conv{number}"] = nn.Conv2d(width_in, width, 3, padding=1)
            layers[f"bn{number}"] = nn.BatchNorm2d(width, eps=1e-3)
            layers[f"relu{number}"] = nn.ReLU()
            layers[f"pool{number}"] = nn.AvgPool2d(2)
            layers[f"drop{number}"] = nn.Dropout(dropout)
            width_in = width
        layers["gap"] = nn.AdaptiveAvgPool2d(1)
        layers["flatten"] = nn.Flatten()
        layers["bn_head"] = nn.BatchNorm1d(width_in, eps=1e-3)
        layers["relu_head"] = nn.ReLU()
        layers["drop_head"] = nn.Dropout(dropout)
        layers["linear"] = nn.Linear(width_in, classes)
        super().__init__(layers)
        self.widths = widths

    def activations(self, pictures: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Return the logits and the output of every block's ReLU by name."""
        kept: dict[str, torch.Tensor] = {}
        values = pictures
        for name, layer in self.named_children():
            values = layer(values)
            if name.startswith("relu") and values.dim() == 4:
                kept[name] = values
        return values, kept


def stroke_gap(classes: int = 2, channels: int = 1, dropout: float = 0.3) -> PooledNet:
    """Return `stroke-gap`, five blocks: 1,572,034 trainable parameters with one channel and two classes."""
    return PooledNet(GAP_WIDTHS, classes, channels, dropout)


def stroke_shallow(classes: int = 2, channels: int = 1, dropout: float = 0.3) -> PooledNet:
    """Return `stroke-shallow`, three blocks: 93,634 trainable parameters with one channel and two classes."""
    return PooledNet(SHALLOW_WIDTHS, classes, channels, dropout)

"""The study's networks: residual networks as ImageNet shaped them, with a last layer for several findings at once.

Modules are named as torchvision names them, so its state dicts fit; every ReLU is a module of its own, because a module
that is used twice has two outputs and no explainer can say which one it means.
"""

from collections import OrderedDict

import torch
from torch import nn


def _shortcut(before: int, after: int, stride: int) -> nn.Module | None:
    if stride == 1 and before == after:
        return None
    return nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut.

    Parameters
    ----------
    before
        Channels that come in.
    width
        Channels that go out.
    stride
        Of the first convolution.
    """

    growth = 1

    def __init__(self, before: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = _shortcut(before, width, stride)
        self.relu2 = nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (image, channel, row, column)."""
        out = self.relu1(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        kept: torch.Tensor = self.relu2(out + (x if self.downsample is None else self.downsample(x)))
        return kept


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions and a shortcut; the stride is that of the 3x3 (as torchvision has it).

    Parameters
    ----------
    before
        Channels that come in.
    width
        Channels in between; four times as many go out.
    stride
        Of the 3x3 convolution.
    """

    growth = 4

    def __init__(self, before: int, width: int, stride: int) -> None:
        super().__init__()
        after = width * self.growth
        self.conv1 = nn.Conv2d(before, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.relu2 = nn.ReLU()
        self.conv3 = nn.Conv2d(width, after, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(after)
        self.downsample = _shortcut(before, after, stride)
        self.relu3 = nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (image, channel, row, column)."""
        out = self.relu1(self.bn1(self.conv1(x)))
        out = self.relu2(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        kept: torch.Tensor = self.relu3(out + (x if self.downsample is None else self.downsample(x)))
        return kept


class ChestNet(nn.Module):
    """A residual network whose outputs are one logit for each class.

    Parameters
    ----------
    block
        Kind of its blocks.
    counts
        Blocks of each of the four layers.
    classes, channels
        Outputs and channels of the input.
    width
        Channels of the first layer; each later one has twice as many as the one before. ImageNet's have 64.
    """

    def __init__(
        self,
        block: type[BasicBlock] | type[Bottleneck],
        counts: tuple[int, int, int, int],
        classes: int,
        channels: int,
        width: int,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        before = width
        self.widths: dict[str, int] = {}
        for number, count in enumerate(counts):
            inner = width << number
            blocks: OrderedDict[str, nn.Module] = OrderedDict()
            for place in range(count):
                blocks[str(place)] = block(before, inner, 2 if number and not place else 1)
                before = inner * block.growth
            self.add_module(f"layer{number + 1}", nn.Sequential(blocks))
            self.widths[f"layer{number + 1}"] = before
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(before, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def activations(self, x: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Return the logits and the output of each of the four layers."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        found = {}
        for name in self.widths:
            x = self.get_submodule(name)(x)
            found[name] = x
        return self.fc(torch.flatten(self.avgpool(x), 1)), found

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits (image, class)."""
        return self.activations(x)[0]


def chest_resnet50(classes: int = 7, channels: int = 3, width: int = 64) -> ChestNet:
    """Return `chest-resnet50`: 23,522,375 trainable parameters with seven classes."""
    return ChestNet(Bottleneck, (3, 4, 6, 3), classes, channels, width)


def chest_resnet18(classes: int = 7, channels: int = 3, width: int = 64) -> ChestNet:
    """Return `chest-resnet18`: 11,180,103 trainable parameters with seven classes, about a quarter at half width."""
    return ChestNet(BasicBlock, (2, 2, 2, 2), classes, channels, width)

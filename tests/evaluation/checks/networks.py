"""Networks made by hand, each with one habit that a check must find, or must not object to."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Head(nn.Module):
    """Something that makes (image, channel, *space); mean over space; linear with given weights."""

    def __init__(self, body: nn.Module, weights: list[list[float]], bias: list[float] | None = None) -> None:
        super().__init__()
        self.body = body
        self.linear = nn.Linear(len(weights[0]), len(weights))
        with torch.no_grad():
            self.linear.weight.copy_(torch.tensor(weights))
            self.linear.bias.copy_(torch.tensor(bias or [0.0] * len(weights)))

    def forward(self, x: Tensor) -> Tensor:
        seen = self.body(x)
        return self.linear(seen.flatten(2).mean(2))


class Bright(nn.Module):
    """The input above zero and the input below zero, as two channels."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x.clamp_min(0), (-x).clamp_min(0)], dim=1)


class Edges(nn.Module):
    """Magnitude of the differences to the neighbours; convolves with weights that nobody learned."""

    def forward(self, x: Tensor) -> Tensor:
        padded = nn.functional.pad(x, (1, 1, 1, 1), mode="replicate")
        across = padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]
        down = padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]
        return (across**2 + down**2 + 1e-12).sqrt()


class Window(nn.Module):
    """The input inside a fixed box of the input, zero elsewhere: it looks at one place whatever lies there."""

    def __init__(self, rows: slice, columns: slice, size: tuple[int, int]) -> None:
        super().__init__()
        mask = torch.zeros(size)
        mask[rows, columns] = 1
        self.register_buffer("mask", mask)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.mask


class Restless(nn.Module):
    """A fast wave of the input: a little noise turns its slope round."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.sin(400 * x)


class Sides(nn.Module):
    """The left half in one channel, the right half in the other."""

    def forward(self, x: Tensor) -> Tensor:
        half = torch.zeros_like(x)
        half[..., : x.shape[-1] // 2] = 1
        return torch.cat([x * half, x * (1 - half)], dim=1)


def convolutional(dims: int = 2, outputs: int = 2, seed: int = 0) -> nn.Sequential:
    """Two random convolutions, the first one padded with zeros; global average pool; linear."""
    conv, pool = (nn.Conv3d, nn.AdaptiveAvgPool3d) if dims == 3 else (nn.Conv2d, nn.AdaptiveAvgPool2d)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(
            conv(1, 6, 3, padding=1),
            nn.ReLU(),
            conv(6, 8, 3, padding=1, stride=2),
            nn.ReLU(),
            pool(1),
            nn.Flatten(),
            nn.Linear(8, outputs),
        ).eval()

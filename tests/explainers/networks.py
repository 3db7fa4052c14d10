"""Small volume and segmentation networks with the habits that matter."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

VOLUME = (6, 10, 12)


class Pooled3d(nn.Sequential):
    """Volumes: convolution, batch norm, ReLU in place, max-pool; global average pool, linear."""

    def __init__(self, outputs: int = 3) -> None:
        super().__init__(
            nn.Conv3d(1, 5, 3, padding=1),
            nn.BatchNorm3d(5),
            nn.ReLU(inplace=True),
            nn.MaxPool3d(2),
            nn.Conv3d(5, 7, 3, padding=1),
            nn.ReLU(),
            nn.AdaptiveAvgPool3d(1),
            nn.Flatten(),
            nn.Linear(7, outputs),
        )


class Segmenting(nn.Module):
    """Two levels with a skip; the output is half as fine as the input."""

    def __init__(self, dims: int = 2, outputs: int = 3) -> None:
        super().__init__()
        conv = nn.Conv3d if dims == 3 else nn.Conv2d
        self.down = conv(1, 6, 3, padding=1, stride=2)
        self.deep = conv(6, 8, 3, padding=1, stride=2)
        self.join = conv(14, 6, 3, padding=1)
        self.head = conv(6, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        fine = F.relu(self.down(x))
        deep = F.interpolate(F.relu(self.deep(fine)), size=fine.shape[2:])
        return self.head(F.relu(self.join(torch.cat([fine, deep], dim=1))))

"""What training asks of a network beside the right class: look at the lesion, and be moved by it.

Two terms use the lesion masks, which a synthetic patient has for free. Both end with training; the network that is
kept is the plain one.

*Mask heads*: a 1x1 convolution on the ReLU of each of the last blocks predicts how much lesion each of its cells holds.

*Map supervision* ("right for the right reasons", after Ross et al. 2017): the Grad-CAM map of the class *stroke*,
computed while training, shall have its mass on the lesion. Without it the score may be moved by the surroundings of a
lesion, and the map points there.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as functional
from torch import nn

from .networks import StrokeNet


class MaskHeads(nn.Module):
    """1x1 convolutions on the named ReLUs; dropped after training."""

    def __init__(self, network: StrokeNet, layers: Sequence[str]) -> None:
        super().__init__()
        self.layers = tuple(layers)
        volumes = any(isinstance(part, nn.Conv3d) for part in network.children())
        head = nn.Conv3d if volumes else nn.Conv2d
        self.heads = nn.ModuleDict({name: head(network.width(name), 1, 1) for name in layers})

    def loss(self, activations: dict[str, torch.Tensor], masks: torch.Tensor) -> torch.Tensor:
        """Return the mean binary cross-entropy over the heads; `masks` is (n, 1, [slice,] row, column)."""
        losses = []
        for name in self.layers:
            values = self.heads[name](activations[name]).float()
            # The root keeps a lesion of a few pixels visible on a coarse grid and the fullest cell the strongest.
            share = _shares(masks, values).sqrt()
            each = functional.binary_cross_entropy_with_logits(values, share, reduction="none")
            losses.append((each * (1.0 + 9.0 * share)).mean())
        return torch.stack(losses).mean()


def grad_cam_signed(
    network: StrokeNet, activation: torch.Tensor, layer: str, targets: torch.Tensor
) -> torch.Tensor:
    """Return the signed Grad-CAM map (n, [slice,] row, column) of each image's class at `layer`, differentiable.

    The rest of the network runs as it will after training: running statistics of the batch norms, no dropout. In
    training mode the sum of the scores over a batch hardly depends on the activations, and so would the map.

    Parameters
    ----------
    targets
        Index of the class of each image (n,).
    """
    with torch.enable_grad():
        values = activation
        started = False
        for name, part in network.named_children():
            if started and not isinstance(part, nn.Dropout):
                values = _as_deployed(part, values)
            started = started or name == layer
        score = values.float().gather(1, targets[:, None]).sum()
        (gradient,) = torch.autograd.grad(score, activation, create_graph=True)
    weights = gradient.float().mean(dim=tuple(range(2, gradient.dim())), keepdim=True)
    return (weights * activation.float()).sum(dim=1)


def _as_deployed(part: nn.Module, values: torch.Tensor) -> torch.Tensor:
    if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d):
        return functional.batch_norm(
            values, part.running_mean, part.running_var, part.weight, part.bias, training=False, eps=part.eps
        )
    answer: torch.Tensor = part(values)
    return answer


def map_loss(signed: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """Return how much of a softmax over the map's cells lies off the lesion, as a negative logarithm.

    Parameters
    ----------
    signed
        Map before its ReLU, (n, [slice,] row, column).
    masks
        Lesions, (n, 1, [slice,] row, column) on the input grid, none of them empty.
    """
    share = _shares(masks, signed)[:, 0].flatten(1)
    target = share / share.amax(dim=1, keepdim=True).clamp_min(1e-6)
    cells = signed.flatten(1)
    # The root of exactly zero has no gradient: a map that is empty must not stop the training.
    cells = cells / (cells.square().mean(dim=1, keepdim=True) + 1e-8).sqrt()
    on_lesion = -((1.5 * cells).log_softmax(dim=1).exp() * target).sum(dim=1).clamp_min(1e-6).log()
    # Softmax does not see the sign, the final ReLU does: the evidence on the lesion has to be positive.
    mean = (cells * target).sum(dim=1) / target.sum(dim=1)
    return (on_lesion + functional.softplus(-2.0 * mean)).mean()


def _shares(masks: torch.Tensor, grid: torch.Tensor) -> torch.Tensor:
    """Return how much of each cell of the grid is lesion, (n, 1, [slice,] row, column)."""
    if masks.dim() == 5:
        slices, rows, columns = grid.shape[-3:]
        return functional.adaptive_avg_pool3d(masks, (slices, rows, columns))
    return functional.adaptive_avg_pool2d(masks, (grid.shape[-2], grid.shape[-1]))

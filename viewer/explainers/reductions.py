"""From activation and gradient to a small map: the explainers that are functions of these two alone.

``A`` is the output of a layer, ``G`` the gradient of the score with respect to it, both (image, channel, *space) for
any number of spatial axes. Every reduction returns the *signed* map (image, *space), before the final ReLU, so that
a map without any positive value can be told from an empty one.

Everything here is a sum over channels of something that one channel decides alone. `reduce_together` therefore walks
over blocks of channels that fit the processor's cache and makes all the maps of a block while it is there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import torch
from torch import Tensor

Reduction = Callable[[Tensor, Tensor], Tensor]


def grad_cam(A: Tensor, G: Tensor) -> Tensor:  # noqa: N803
    """sum_k mean(G_k) A_k (Selvaraju et al. 2017), signed."""
    return reduce_together(A, G, ("grad-cam",))["grad-cam"]


def grad_cam_plus_plus(A: Tensor, G: Tensor) -> Tensor:  # noqa: N803
    """sum_k w_k A_k, w_k = sum(alpha ReLU(G_k)), alpha = G^2 / (2 G^2 + sum(A) G^3), 0 where G = 0, signed.

    Chattopadhay et al. 2018.

    Only positive gradients count, and for those alpha G = G / (2 + sum(A) G): computed so, squares and cubes of small
    gradients cannot vanish. The common positive factor exp(score) of the paper is left out. Where the denominator is
    exactly zero the term counts as zero.
    """
    return reduce_together(A, G, ("grad-cam++",))["grad-cam++"]


def layer_cam(A: Tensor, G: Tensor) -> Tensor:  # noqa: N803
    """sum_k ReLU(G_k) A_k (Jiang et al. 2021), signed."""
    return reduce_together(A, G, ("layer-cam",))["layer-cam"]


def hires_cam(A: Tensor, G: Tensor) -> Tensor:  # noqa: N803
    """sum_k G_k A_k (Draelos and Carin 2020), signed: the part of the score that each place makes up."""
    return reduce_together(A, G, ("hires-cam",))["hires-cam"]


def xgrad_cam(A: Tensor, G: Tensor) -> Tensor:  # noqa: N803
    """sum_k w_k A_k, w_k = sum(G_k A_k) / (sum(A_k) + eps) (Fu et al. 2020), signed.

    `eps` is a ten-millionth of the channel's sum of magnitudes and takes the sign of its sum: it keeps channels whose
    values cancel from a division by zero at any scale of the activations (a fixed eps swallows small ones). A channel
    that is zero everywhere weighs nothing.
    """
    return reduce_together(A, G, ("xgrad-cam",))["xgrad-cam"]


def element_cam(A: Tensor, G: Tensor) -> Tensor:  # noqa: N803
    """sum_k ReLU(G_k A_k), element-wise Grad-CAM: never negative."""
    return reduce_together(A, G, ("element-cam",))["element-cam"]


ATLAS_METHODS: Mapping[str, Reduction] = {
    "grad-cam": grad_cam,
    "grad-cam++": grad_cam_plus_plus,
    "layer-cam": layer_cam,
    "hires-cam": hires_cam,
    "xgrad-cam": xgrad_cam,
    "element-cam": element_cam,
}
"""Explainers whose maps an atlas holds: all of a layer's cost one pass together."""

_BLOCK = 1 << 18
"""Values of a block of channels on a CPU: two such arrays of float32 stay in cache and out of the operating system's
hands. Measured on 1 << 15 to 1 << 18 and on whole layers: ten times faster than whole layers at 192x192, never
slower."""


def reduce_together(A: Tensor, G: Tensor, methods: Collection[str]) -> dict[str, Tensor]:  # noqa: N803
    """The signed maps of several methods of `ATLAS_METHODS`.

    Parameters
    ----------
    A, G : (image, channel, *space), any floating type; computed in float32 (float64 stays).
    methods : names.

    Returns
    -------
    dict
        Name -> (image, *space).
    """
    images, channels, *space = A.shape
    precision = torch.float64 if A.dtype == torch.float64 else torch.float32
    activation = A.detach().to(precision).reshape(images, channels, -1)
    gradient = G.detach().to(precision).reshape(images, channels, -1)
    cells = activation.shape[2]
    wanted = [name for name in ATLAS_METHODS if name in methods]
    maps = {name: activation.new_zeros((images, cells)) for name in wanted}
    step = max(1, _BLOCK // cells) if activation.device.type == "cpu" else channels
    for image in range(images):
        for first in range(0, channels, step):
            block = slice(first, first + step)
            part = {name: map_[image] for name, map_ in maps.items()}
            _add_block(activation[image, block], gradient[image, block], part)
    return {name: map_.reshape(images, *space) for name, map_ in maps.items()}


def _add_block(A: Tensor, G: Tensor, maps: Mapping[str, Tensor]) -> None:  # noqa: N803
    """Add what some channels (channel, cell) contribute to each map (cell)."""
    if "grad-cam" in maps:
        maps["grad-cam"].addmv_(A.T, G.mean(1))
    total = A.sum(1) if "grad-cam++" in maps or "xgrad-cam" in maps else None
    # Of an activation without negative values ReLU(G) A is ReLU(G A), bit for bit.
    rectified = ("element-cam" in maps or "xgrad-cam" in maps) and bool((A.amin() >= 0).item())
    positive = None
    if "grad-cam++" in maps and total is not None:
        positive = G.clamp_min(0)
        maps["grad-cam++"].addmv_(A.T, _plus_plus_weights(positive, total[:, None]))
    product = None
    if not {"hires-cam", "xgrad-cam", "element-cam"}.isdisjoint(maps):
        product = torch.mul(A, G)
        if "hires-cam" in maps:
            maps["hires-cam"] += product.sum(0)
        if "xgrad-cam" in maps and total is not None:
            maps["xgrad-cam"].addmv_(A.T, _xgrad_weights(product.sum(1), total, A, rectified))
    if "element-cam" in maps and product is not None:
        element = product.clamp_min_(0).sum(0)
        maps["element-cam"] += element
        if rectified and "layer-cam" in maps:
            maps["layer-cam"] += element
            return
    if "layer-cam" in maps:
        positive = G.clamp_min(0) if positive is None else positive
        maps["layer-cam"] += positive.mul_(A).sum(0)


_XGRAD_EPS = 1e-7


def _xgrad_weights(explained: Tensor, total: Tensor, A: Tensor, rectified: bool) -> Tensor:  # noqa: N803
    """sum(G_k A_k) / (sum(A_k) + eps) of each channel, 0 where the channel is zero everywhere."""
    magnitude = total if rectified else torch.linalg.vector_norm(A, ord=1, dim=1)
    denominator = total + torch.copysign(_XGRAD_EPS * magnitude, total)
    return torch.where(denominator == 0, 0.0, explained / denominator)


def _plus_plus_weights(positive: Tensor, total: Tensor) -> Tensor:
    """Sum over cells of p / (2 + total p), where a zero denominator makes a zero term."""
    denominator = torch.mul(positive, total).add_(2)
    weights = torch.div(positive, denominator).sum(1)
    if torch.isfinite(weights).all():
        return weights
    # A negative total can meet the denominator's zero: too rare to look for it in every block.
    return torch.div(positive, denominator.masked_fill_(denominator == 0, torch.inf)).sum(1)

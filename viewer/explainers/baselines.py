"""The input that an explained one is compared with."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

_BLUR = 0.1
"""Standard deviation of the blur as a share of each axis: wide enough that nothing local survives."""


def baseline_of(batch: Tensor, rule: str) -> Tensor:
    """A baseline like `batch` (image, channel, *space).

    Parameters
    ----------
    rule : ``minimum`` or ``mean`` of each channel, ``zero``, ``blur`` (Gaussian, a tenth of each axis), or a number.
    """
    if rule == "zero":
        return torch.zeros_like(batch)
    flat = batch.flatten(2)
    shape = (*batch.shape[:2], *(1,) * (batch.ndim - 2))
    if rule == "minimum":
        return flat.amin(2).reshape(shape).expand_as(batch).clone()
    if rule == "mean":
        return flat.mean(2).reshape(shape).expand_as(batch).clone()
    if rule == "blur":
        return _blurred(batch)
    return torch.full_like(batch, float(rule))


def _blurred(batch: Tensor) -> Tensor:
    """Gaussian blur along every axis of space; the kernel is normalised to what lies inside."""
    values = batch
    for axis in range(2, batch.ndim):
        length = batch.shape[axis]
        place = torch.arange(length, dtype=batch.dtype, device=batch.device)
        weights = torch.exp(-0.5 * ((place[:, None] - place[None, :]) / max(_BLUR * length, 0.5)) ** 2)
        weights = weights / weights.sum(1, keepdim=True)
        values = F.linear(values.movedim(axis, -1), weights).movedim(-1, axis)
    return values.contiguous()

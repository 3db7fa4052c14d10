"""The CAM family on demand: all of an atlas by the same reductions, and those that a trace does not make."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from viewer.explainers.passes import layer_output, layer_pair
from viewer.explainers.question import MapsOf, Question
from viewer.explainers.reductions import ATLAS_METHODS, reduce_together


def _reduced(method: str) -> MapsOf:
    """The maps of one method of `ATLAS_METHODS`."""

    def maps_of(question: Question, batch: Tensor) -> Tensor:
        activation, gradient = layer_pair(question, batch)
        return reduce_together(activation, gradient, (method,))[method]

    return maps_of


def cam(question: Question, batch: Tensor) -> Tensor:
    """sum_k w_k A_k with the weights of the linear layer after global average pooling, signed.

    The weight of a channel is the sum of the score's gradient over its places, which is what `support` has made sure
    of; of another score than the logit it is that score's weight.
    """
    activation, gradient = layer_pair(question, batch)
    return reduce_together(activation, gradient, ("grad-cam",))["grad-cam"] * gradient[0, 0].numel()


def eigen_cam(question: Question, batch: Tensor) -> Tensor:
    """First principal component of A over its places; its sign is that of the mean activation.

    A (place, channel) less each channel's mean, projected on the direction of its largest variance. A principal
    component has no sign of its own: it is turned so that it grows with the mean over the channels.
    """
    maps = []
    for activation in layer_output(question, batch):
        values = activation.double().flatten(1).T
        values = values - values.mean(0)
        places, channels = values.shape
        if channels <= places:
            component = values @ _first(values.T @ values)
        else:  # the same component from the smaller of the two matrices
            inner = values @ values.T
            direction = _first(inner)
            component = direction * (direction @ inner @ direction).clamp_min(0).sqrt()
        if component @ values.mean(1) < 0:
            component = -component
        maps.append(component.reshape(activation.shape[1:]).float())
    return torch.stack(maps)


def _first(symmetric: Tensor) -> Tensor:
    """Eigenvector of the largest eigenvalue."""
    vectors: Tensor = torch.linalg.eigh(symmetric).eigenvectors
    return vectors[:, -1]


CAMS: Mapping[str, MapsOf] = {
    **{method: _reduced(method) for method in ATLAS_METHODS},
    "cam": cam,
    "eigen-cam": eigen_cam,
    "seg-grad-cam": _reduced("grad-cam"),
}

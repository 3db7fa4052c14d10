"""Maps under Monte Carlo dropout: how much a class activation map depends on units that happen to be there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import Tensor, nn

from viewer.explainers.cams import CAMS
from viewer.explainers.noise import sampler
from viewer.explainers.question import Answer, Question
from viewer.models.classifier import Classifier


class Dropping(Classifier):
    """The network of another classifier, lent with its dropout at work; the masks follow from a seed alone.

    Every loan begins with the same masks, so that all passes of one map see one and the same thinned network.
    """

    def __init__(self, of: Classifier, seed: int) -> None:
        self.__dict__.update(of.__dict__)
        self._seed = seed

    @contextmanager
    def borrowed(self, *, dropout: bool = True) -> Iterator[nn.Module]:
        """The network with active dropout layers; the random state of the caller is put back."""
        with torch.random.fork_rng(), super().borrowed(dropout=True) as module:
            torch.manual_seed(self._seed)
            yield module


def has_dropout(module: nn.Module) -> bool:
    """Whether a network has a layer that drops units out."""
    return any(isinstance(m, nn.modules.dropout._DropoutNd) and m.p > 0 for m in module.modules())


def mc_dropout(question: Question) -> Iterator[Answer]:
    """Mean of the signed maps of thinned networks, and their standard deviation (Gal and Ghahramani 2016).

    One network after the other, so that the masks do not depend on how many inputs fit a device.
    """
    maps_of = CAMS[str(question.parameters["of"])]
    first_seed = int(question.parameters["seed"])

    def maps(first: int, _: int) -> Tensor:
        thinned = Dropping(question.classifier, (first_seed + first) % 2**63)
        return maps_of(replace(question, classifier=thinned, known_score=None), question.batch)

    yield from sampler(maps, int(question.parameters["samples"]), 1)

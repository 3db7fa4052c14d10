"""Noisy copies of an input, and the mean and deviation of what is made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from viewer.explainers.question import Answer, answer


def noisy(batch: Tensor, noise: float, seed: int) -> Callable[[int], Tensor]:
    """A source of noisy copies of one input: ``draw(count)`` gives the next ones, (count, channel, *space).

    The copies follow from the seed alone, however many are drawn together and on whatever device.

    Parameters
    ----------
    batch : (1, channel, *space).
    noise : standard deviation as a fraction of the range of the input.
    """
    generator = torch.Generator().manual_seed(seed)
    sigma = noise * float(batch.max() - batch.min())
    shape = tuple(batch.shape[1:])

    def draw(count: int) -> Tensor:
        each = [torch.randn(shape, generator=generator) for _ in range(count)]
        return batch + sigma * torch.stack(each).to(batch.device, batch.dtype)

    return draw


def sampler(maps_of: Callable[[int, int], Tensor], samples: int, together: int) -> Iterator[Answer]:
    """Answers that are the mean of more and more maps, with their standard deviation (over the samples, not n - 1).

    Parameters
    ----------
    maps_of : ``maps_of(first, count)`` gives the next maps (count, *grid).
    together : how many are asked for at once.
    """
    mean = spread = None
    for first in range(0, samples, together):
        maps = maps_of(first, min(together, samples - first)).detach().to("cpu", torch.float64)
        for number, map_ in enumerate(
            maps, start=first + 1
        ):  # Welford: exact where a sum of squares would cancel
            if mean is None or spread is None:
                mean, spread = map_.clone(), torch.zeros_like(map_)
                continue
            off = map_ - mean
            mean = mean + off / number
            spread = spread + off * (map_ - mean)
        done = min(first + together, samples)
        assert mean is not None
        assert spread is not None
        yield answer(mean, (spread / done).sqrt(), done, samples)

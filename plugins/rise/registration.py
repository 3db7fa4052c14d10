"""RISE, an explainer in eighty lines: random masks of the input, each weighed by what the network says of the rest."""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from viewer.api import (
    Answer,
    ExplainerInfo,
    Parameter,
    Question,
    answer,
    few_first,
    perturbed_scores,
    register_explainer,
)

SHOWN = 0.5
"""Chance that a cell can be seen."""
MODES = {2: "bilinear", 3: "trilinear"}


def rise(question: Question) -> Iterator[Answer]:
    """Yield the mean of (s(x m) - mean s) m / P(m = 1) over more and more masks m."""
    samples, cells = int(question.parameters["samples"]), int(question.parameters["cells"])
    # All that is random follows from the seed.
    random = torch.Generator().manual_seed(int(question.parameters["seed"]))
    weighted = visible = torch.zeros(question.space, dtype=torch.float64)
    total, good = 0.0, 0
    for rounds in few_first(question, samples):
        masks = torch.stack([mask(question.space, cells, random) for _ in rounds])
        # NaN where a score is no finite number: one bad mask does not spoil the others.
        scores = perturbed_scores(question, question.batch * masks[:, None].to(question.batch)).double().cpu()
        known = scores.isfinite()
        weighted = weighted + torch.tensordot(scores[known], masks[known].double(), 1)
        visible = visible + masks[known].double().sum(0)
        total, good = total + float(scores[known].sum()), good + int(known.sum())
        number = max(good, 1)
        map_ = (weighted - visible * total / number) / (SHOWN * number)
        # Every answer is better than the one before; the last is the explanation.
        asked = rounds.stop
        yield answer(map_, done=asked, total=samples, facts={"asked": asked, "left_out": asked - good})


def mask(space: tuple[int, ...], cells: int, random: torch.Generator) -> Tensor:
    """Return a smooth mask (*space): a coarse grid of zeros and ones, drawn large and shifted by part of a cell."""
    grid = (torch.rand([cells + 1] * len(space), generator=random) < SHOWN).float()[None, None]
    steps = [-(-length // cells) for length in space]
    size = [(cells + 1) * step for step in steps]
    drawn = F.interpolate(grid, size=size, mode=MODES[len(space)], align_corners=False)[0, 0]
    for axis, (length, step) in enumerate(zip(space, steps, strict=True)):
        drawn = drawn.narrow(axis, int(torch.randint(step, (1,), generator=random)), length)
    return drawn


SAMPLES = Parameter("samples", "int", 1000, 16, 20000, "masks", "Random masks; more make a steadier map.")
CELLS = Parameter("cells", "int", 7, 2, 64, "cells along each axis", "Cells of the grid behind a mask.")
SEED = Parameter("seed", "int", 0, 0, 2**31 - 1, help="The same seed gives the same masks.")
register_explainer(
    ExplainerInfo(
        name="rise",
        title="RISE",
        family="perturbation",
        needs_layer=False,
        dims=(2, 3),
        summary="Where the score is higher when the voxel can be seen, over random masks of the input.",
        formula="mean over n of (s(x m) - mean s) m / P(m = 1), m random masks",
        source="Petsiuk et al., RISE, BMVC 2018; less the mean score, so that below zero it speaks against the class",
        parameters=(SAMPLES, CELLS, SEED),
        repeats="samples",  # rounds for the estimate of the time, each two fifths of a forward and backward pass
        passes=0.4,
        gradient=False,
        coarse_first=True,  # the first answers come at once, before a long explanation is ordered
        diverging=True,
        shares_score=False,
    ),
    rise,
)

"""Occlusion: what the score loses when a window of the input is covered."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from viewer.explainers.baselines import baseline_of
from viewer.explainers.incremental.latest import forget_kept_pass, kept_pass
from viewer.explainers.incremental.patches import occluded, whole
from viewer.explainers.passes import ONE_BY_ONE, own_score
from viewer.explainers.perturbing import perturbed_scores, run_scores
from viewer.explainers.question import Answer, Question, answer, images_together
from viewer.explainers.windows import Cells, Windows
from viewer.foundation.errors import WhySliceError
from viewer.models.classifier import REFUSALS

INCREMENTAL, FULL_PASSES = "incremental", "full-passes"
"""Flags: only what a window touches was computed anew, or the whole network for each window."""

_TOGETHER, _LEAST_TOGETHER = 32, 4
"""Windows that are passed incrementally at once: no more than keep a step short enough to be stopped after it."""
_KEPT = 512 << 20
"""... which a network that keeps so many bytes is for one."""
_WORTH_IT = 1.0
"""The incremental way is taken when it needs less than this share of the time of full passes."""
_ROUNDING = 64
"""Two ways to the same score may differ by so many units in the last place of the scores."""
_SAME = 1e-3
"""... or by this share of what the windows change."""

_faster: WeakKeyDictionary[nn.Module, dict[tuple[object, ...], bool]] = WeakKeyDictionary()
"""Network -> input, window and device -> whether the incremental way was the faster one. Asked once, because the two
differ by rounding, and an explanation that is made again shall be the same."""


def occlusion(question: Question) -> Iterator[Answer]:
    """Mean over the windows that cover a voxel of s(x) - s(x with the window covered); a window covers all channels.

    Windows that are far apart come first, so the first answer is a coarse map of everything; the last one is the mean
    over all windows. A window whose score is not finite is left out. The coarsest map is made by full passes, because
    there is something to see before the incremental way is prepared.

    Raises
    ------
    UsageError
        When the patch is larger than the image, or the stride larger than the patch.
    """
    parameters = question.parameters
    windows = Windows.over(question.space, parameters["patch"], parameters["stride"])
    covering = Covering(question, windows, baseline_of(question.batch, str(parameters["baseline"])))
    try:
        yield from _answers(question, windows, covering)
    finally:
        forget_kept_pass(question.batch)


def _answers(question: Question, windows: Windows, covering: Covering) -> Iterator[Answer]:
    values = np.full(windows.counts, np.nan)
    known = np.zeros(windows.counts, bool)
    complete = 0

    def so_far() -> Answer:
        done = int(known.sum())
        map_ = torch.from_numpy(windows.map(values, known, complete))
        facts = {"asked": float(done), "left_out": float(np.isnan(values[known]).sum())}
        return answer(map_, done=done, total=windows.total, flags=covering.flags, facts=facts)

    for step, cells in windows.levels():
        if complete and not covering.chosen:
            covering.choose()
            question.progress.report(
                int(known.sum()), windows.total, "windows"
            )  # no new ones: it was preparation
        first = 0
        while first < len(cells):
            part = cells[first : first + covering.together]
            first += len(part)
            at = tuple(part.T)
            values[at] = covering.reference - covering.scores(part)
            known[at] = True
            question.progress.report(int(known.sum()), windows.total, "windows")
            if first == len(cells):
                complete = step
            if complete:  # a part of the coarsest map is no map of everything
                yield so_far()


class Covering:
    """An input with windows covered, and the scores of it: incrementally where that is right, and faster.

    Parameters
    ----------
    baseline : (1, channel, *space) what a window is covered with.

    Attributes
    ----------
    reference : score of the input as it is.
    together : windows that are passed at once.
    chosen : whether it has been tried which way is the better one.
    """

    def __init__(self, question: Question, windows: Windows, baseline: Tensor) -> None:
        self._question = question
        self._windows = windows
        self._baseline = baseline
        self._incremental = self.chosen = False
        self.reference = own_score(question)
        self.together = images_together(question)

    @property
    def flags(self) -> tuple[str, ...]:
        return (INCREMENTAL if self._incremental else FULL_PASSES,)

    def choose(self) -> None:
        """Try both ways on some windows: is the incremental one the same, and is it faster?"""
        self.chosen = True
        if self._question.batch.device.type == "cpu":
            cells = self._windows.ends()
        else:  # where one image is hardly faster than many the ways must be compared on many
            every = np.argwhere(np.ones(self._windows.counts, bool))
            cells = every[np.linspace(0, len(every) - 1, min(self.together, len(every))).astype(int)]
        found = self._timed(self._by_windows, cells)
        if found is None:
            return
        passed, seconds = self._timed(self._by_full_passes, cells) or (found[0], 0.0)
        if ONE_BY_ONE in self._question.notes or not self._agree(found[0], passed):
            return
        known = _faster.setdefault(self._question.classifier.module, {})
        key = (*self._question.batch.shape, *self._windows.patch, str(self._question.batch.device))
        if key not in known:
            again = self._timed(self._by_windows, cells)  # the first time it had to keep a pass
            known[key] = again is not None and again[1] < _WORTH_IT * seconds
        self._incremental = known[key]
        if self._incremental:
            self.together = self._fitting()

    def _fitting(self) -> int:
        if self._question.batch.device.type != "cpu":
            return max(self.together, _TOGETHER)
        with torch.no_grad(), self._question.classifier.borrowed():
            kept = kept_pass(self._question)
        large = _TOGETHER if kept is None else _KEPT // max(kept.bytes, 1)
        return max(_LEAST_TOGETHER, min(_TOGETHER, large))

    def scores(self, cells: Cells) -> NDArray[np.float64]:
        """(window,) scores with each of some windows covered; NaN where they are not finite."""
        if self._incremental:
            found = self._by_windows(cells)
            if found is not None:
                return found
            self._incremental, self.together = False, images_together(self._question)
        size = self.together
        parts = [self._by_full_passes(cells[i : i + size]) for i in range(0, len(cells), size)]
        return np.concatenate(parts)

    def _timed(
        self, way: Callable[[Cells], NDArray[np.float64] | None], cells: Cells
    ) -> tuple[NDArray[np.float64], float] | None:
        began = time.perf_counter()
        found = way(cells)
        return None if found is None else (found, time.perf_counter() - began)

    def _agree(self, one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
        """Whether two ways come to the same scores, but for rounding or very little of what the windows change."""
        if not np.array_equal(np.isnan(one), np.isnan(other)):
            return False
        there = ~np.isnan(one)
        if not there.any():
            return False
        one, other = one[there], other[there]
        largest = max(float(np.abs(other).max()), abs(self.reference))
        rounding = _ROUNDING * float(torch.finfo(self._question.batch.dtype).eps) * largest
        return bool(np.abs(one - other).max() <= max(rounding, _SAME * np.abs(other - self.reference).max()))

    def _by_full_passes(self, cells: Cells) -> NDArray[np.float64]:
        low, high = self._windows.edges(cells)
        batch = whole(occluded(self._question.batch, self._baseline, low, high), self._question.batch)
        return perturbed_scores(self._question, batch).double().cpu().numpy()

    def _by_windows(self, cells: Cells) -> NDArray[np.float64] | None:
        """None where the network is no graph of known steps, or memory ends."""
        question = self._question
        low, high = self._windows.edges(cells)
        try:
            with torch.no_grad(), question.classifier.borrowed():
                kept = kept_pass(question)
                if kept is None:
                    return None
                changed = occluded(question.batch, self._baseline, low, high)
                scores = run_scores(question, len(cells), lambda: kept.outputs(changed))
        except (*REFUSALS, MemoryError, WhySliceError):
            # Whatever it is that a network does to a part of an activation: on whole ones it is asked in the usual way.
            forget_kept_pass()
            return None
        return scores.double().cpu().numpy()

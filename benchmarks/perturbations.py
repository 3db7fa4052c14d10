"""Occlusion against captum and MONAI: the same windows on all sides, captum at the best of its batch settings."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from captum.attr import Occlusion
from monai.visualize import OcclusionSensitivity
from numpy.typing import NDArray

from benchmarks.measuring import Agreement, Report, best_of, compared
from benchmarks.subjects import Subject, chain_of_volumes, gap, resnet, resnet_of_volumes
from viewer.explainers.asking import ask, last_answer
from viewer.explainers.occlusion import INCREMENTAL
from viewer.models.input_view import InputView
from viewer.models.volume_view import VolumeView

_TARGET = 1
Map = NDArray[np.float32]


def occluding() -> Report:
    """Five times captum on the GAP model is the goal; elsewhere never slower, 5% being noise."""
    reports = [
        _of(gap(), 16, 8, (1, 4, 16), goal=5),
        _of(resnet(), 16, 16, (1, 4, 16), goal=0.95),
        _of(chain_of_volumes(), 16, 8, (1, 4), goal=0.95),
        _of(resnet_of_volumes(), 16, 16, (1, 4), goal=0.95),
    ]
    return Report(
        tuple(a for report in reports for a in report.agreements),
        tuple(row for report in reports for row in report.rows),
    )


def _ours(subject: Subject, patch: int, stride: int) -> tuple[Map, bool]:
    of_array = VolumeView.of_array if subject.classifier.card.dims == 3 else InputView.of_array
    view, ready = of_array(subject.picture)
    asked = ask(
        subject.classifier,
        view,
        ready,
        explainer="occlusion",
        target=_TARGET,
        parameters={"patch": patch, "stride": stride, "baseline": "zero"},
    )
    found = last_answer(asked)
    return found.signed, INCREMENTAL in found.flags


def _captum(subject: Subject, patch: int, stride: int, together: int) -> Map:
    x = subject.tensor
    channels, dims = x.shape[1], x.ndim - 2
    with torch.no_grad():
        made = Occlusion(subject.module).attribute(
            x,
            sliding_window_shapes=(channels, *(patch,) * dims),
            strides=(channels, *(stride,) * dims),
            target=_TARGET,
            perturbations_per_eval=together,
        )
    return np.asarray(made[0, 0].numpy())


def _monai(subject: Subject, patch: int, stride: int, together: int) -> Map:
    x = subject.tensor
    with torch.no_grad():
        score = float(subject.module(x)[0, _TARGET])
        occluded = OcclusionSensitivity(
            subject.module,
            mask_size=patch,
            n_batch=together,
            overlap=1 - stride / patch,
            mode=0.0,
            activate=False,
            verbose=False,
        )(x)[0]
    return np.asarray(score - occluded[0, _TARGET].numpy())


def _of(subject: Subject, patch: int, stride: int, settings: tuple[int, ...], *, goal: float) -> Report:
    made: dict[str, tuple[Map, bool]] = {}

    def kept(name: str, task: Callable[[], Map | tuple[Map, bool]]) -> Callable[[], None]:
        def run() -> None:
            found = task()
            made[name] = found if isinstance(found, tuple) else (found, False)

        return run

    what = f"occlusion, patch {patch}, stride {stride}, {subject.name}"
    tasks = [kept("ours", partial(_ours, subject, patch, stride))]
    for name, peer in (("captum", _captum), ("MONAI", _monai)):
        tasks += [kept(name, partial(peer, subject, patch, stride, together)) for together in settings]
    ours, *others = best_of(tasks, repeats=1, warm=0)
    mine, incremental = made["ours"]
    words = f"{what} ({'incremental' if incremental else 'full passes'})"
    agreements, rows = [], []
    for number, name in enumerate(("captum", "MONAI")):
        theirs = made[name][0]
        difference = float(np.abs(mine - theirs).max() / np.abs(theirs).max())
        agreements.append(Agreement(f"{what}, against {name}", difference, 1e-3))
        each = others[number * len(settings) : (number + 1) * len(settings)]
        best = int(np.argmin(each))
        label = f"{name}, {settings[best]} at once"
        rows.append(compared(words, ours, label, each[best], goal if name == "captum" else None))
    return Report(tuple(agreements), tuple(rows))


BENCHMARKS = {"occluding": occluding}

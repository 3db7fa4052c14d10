"""Integrated gradients and SmoothGrad against captum: the same points on both sides, with the peak of memory beside it.

``python -m benchmarks.attributions WHO WHAT`` runs one contender alone and prints by how much memory grew.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from functools import partial
from unittest import mock

import numpy as np
import torch
from captum.attr import IntegratedGradients, NoiseTunnel, Saliency
from numpy.typing import NDArray

from benchmarks.engine import grown, memory_of
from benchmarks.measuring import Agreement, Report, best_of, compared
from benchmarks.subjects import Subject, gap, resnet
from viewer.explainers.asking import ask, last_answer
from viewer.explainers.noise import noisy
from viewer.models.input_view import InputView

_SUBJECTS = {"gap": gap, "resnet": resnet}
_TARGET, _STEPS, _SAMPLES, _NOISE = 1, 20, 16, 0.1
Map = NDArray[np.float32]


def _ours(name: str, subject: Subject, **parameters: object) -> Map:
    view, ready = InputView.of_array(subject.picture)
    asked = ask(subject.classifier, view, ready, explainer=name, target=_TARGET, parameters=parameters)
    return last_answer(asked).signed


def _integrated(subject: Subject) -> Map:
    return _ours("integrated-gradients", subject, steps=_STEPS, baseline="zero")


def _integrated_by_captum(subject: Subject) -> Map:
    made = IntegratedGradients(subject.module).attribute(
        subject.tensor, target=_TARGET, n_steps=_STEPS, method="gausslegendre"
    )
    return np.asarray(made.detach()[0].sum(0).float().numpy())


def _smooth(subject: Subject) -> Map:
    return _ours("smoothgrad", subject, samples=_SAMPLES, noise=_NOISE)


def _smooth_by_captum(subject: Subject) -> Map:
    x = subject.tensor
    copies = noisy(x, _NOISE, 0)(_SAMPLES)  # captum draws its own; these are ours
    with warnings.catch_warnings(), mock.patch.object(torch, "normal", return_value=copies - x):
        warnings.simplefilter("ignore")
        made = NoiseTunnel(Saliency(subject.module)).attribute(
            x, nt_type="smoothgrad", nt_samples=_SAMPLES, stdevs=1.0, target=_TARGET, abs=False
        )
    return np.asarray(made.detach()[0].sum(0).numpy())


_WHO: dict[str, Callable[[Subject], Map]] = {
    "integrated": _integrated,
    "integrated-captum": _integrated_by_captum,
    "smooth": _smooth,
    "smooth-captum": _smooth_by_captum,
}
_WORDS = {
    "integrated": f"integrated gradients, {_STEPS} steps",
    "smooth": f"SmoothGrad with its deviation, {_SAMPLES} samples",
}


def attributions() -> Report:
    """Never slower than captum is the goal, 5% being noise."""
    agreements, rows = [], []
    for what, make in _SUBJECTS.items():
        subject = make()
        for name, words in _WORDS.items():
            mine, theirs = _WHO[name](subject), _WHO[f"{name}-captum"](subject)
            difference = float(np.abs(mine - theirs).max() / np.abs(theirs).max())
            agreements.append(Agreement(f"{words}, {subject.name}, against captum", difference, 1e-4))
            tasks = [partial(_WHO[who], subject) for who in (name, f"{name}-captum")]
            ours, peer = best_of(tasks, repeats=3, warm=0)
            memory = [grown("benchmarks.attributions", who, what) for who in (name, f"{name}-captum")]
            label = f"{words}, {subject.name}; memory +{memory[0]} MB against +{memory[1]} MB"
            rows.append(compared(label, ours, "captum", peer, 0.95))
    return Report(tuple(agreements), tuple(rows))


BENCHMARKS = {"attributions": attributions}

if __name__ == "__main__":
    print(memory_of(partial(_WHO[sys.argv[1]], _SUBJECTS[sys.argv[2]]())))

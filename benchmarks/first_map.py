"""Explainers that ask the network again: how soon there is something to see, and what the estimate before it is worth.

Of an explanation with fewer rounds than usual, because both follow from what a round takes.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import torch

from benchmarks.measuring import Report, Row
from benchmarks.subjects import Subject, gap, resnet, resnet_of_volumes
from viewer.explainers.asking import ask
from viewer.explainers.declaration import EXPLAINERS, cost
from viewer.explainers.explainer_info import Sight
from viewer.explainers.layers import require_layer
from viewer.explainers.passes import input_gradient
from viewer.explainers.question import Question
from viewer.models.input_view import InputView
from viewer.models.volume_view import VolumeView

_TARGET = 1
_SOON, _FACTOR = 1000.0, 2.0
"""Milliseconds to the first map, and how far the estimate may be off. Occlusion is exempt: how much of a pass a window
takes is measured with its first windows, and said then."""
_SAMPLED: dict[str, dict[str, Any]] = {
    "lime": {"samples": 60},
    "kernel-shap": {"samples": 60},
    "rise": {"samples": 40},
}


@dataclass(frozen=True)
class _Case:
    subject: Subject
    layer: str
    parameters: dict[str, dict[str, Any]]


def _cases() -> list[_Case]:
    volumes = {name: {**given, "segments": 30} for name, given in _SAMPLED.items() if name != "rise"}
    return [
        _Case(gap(), "relu4", {**_SAMPLED, "score-cam": {}, "occlusion": {"patch": 16, "stride": 8}}),
        _Case(
            resnet(),
            "layer1.0.conv1",
            {**_SAMPLED, "score-cam": {}, "occlusion": {"patch": 32, "stride": 32}},
        ),
        _Case(
            resnet_of_volumes(),
            "",
            {**volumes, "rise": {"samples": 40}, "occlusion": {"patch": 16, "stride": 16}},
        ),
    ]


def first_map() -> Report:
    """Each explainer once: a second is the goal for the first map, a factor of two for the estimate."""
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    rows: list[Row] = []
    for case in _cases():
        subject = case.subject
        question = Question(subject.classifier, subject.tensor, _TARGET)
        for _ in range(2):
            began = clock()
            input_gradient(question, question.batch)
            one_pass = (clock() - began) * 1e3
        for name, parameters in case.parameters.items():
            of_array = VolumeView.of_array if subject.classifier.card.dims == 3 else InputView.of_array
            view, ready = of_array(subject.picture)
            needs_layer = EXPLAINERS[name].needs_layer
            began, first = clock(), 0.0
            asked = ask(
                subject.classifier,
                view,
                ready,
                explainer=name,
                layer=case.layer if needs_layer else None,
                target=_TARGET,
                parameters=parameters,
            )
            for _ in asked.answers:
                first = first or (clock() - began) * 1e3
            whole = (clock() - began) * 1e3
            channels = require_layer(subject.classifier, case.layer).shape[0] if needs_layer else 0
            estimate = cost(name, parameters, Sight(tuple(ready.shape[1:]), channels)) * one_pass
            what = f"{name}, {subject.name}"
            rows.append(Row(f"first map: {what}", first, goal="<= 1 s", met=first <= _SOON))
            near = 1 / _FACTOR <= estimate / whole <= _FACTOR
            exempt = name == "occlusion"
            rows.append(
                Row(
                    f"all of it: {what}",
                    whole,
                    "estimate",
                    estimate,
                    "" if exempt else "within 2x",
                    None if exempt else near,
                )
            )
    return Report((), tuple(rows))


BENCHMARKS = {"first-map": first_map}

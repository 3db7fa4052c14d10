"""SmoothGrad: the mean and the deviation of another explainer's maps over noisy copies of the input."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import torch
from torch import Tensor

from viewer.explainers.declaration import EXPLAINERS, SMOOTHGRAD
from viewer.explainers.noise import noisy, sampler
from viewer.explainers.question import Answer, Explainer, MapsOf, Question, images_together


def smoothgrad_of(maps_of: MapsOf) -> Explainer:
    """SmoothGrad of an explainer that takes one pass: many copies go through the network together."""

    def explain(question: Question) -> Iterator[Answer]:
        draw = _source(question)
        samples = int(question.parameters["samples"])
        inner = inner_question(question)
        yield from sampler(lambda _, count: maps_of(inner, draw(count)), samples, images_together(question))

    return explain


def smoothgrad_of_any(explainer: Explainer) -> Explainer:
    """SmoothGrad of any explainer, one copy after the other.

    The signed maps are averaged, and ReLU comes after: so the mean is the same as other libraries' and evidence
    against the class is not lost before it is weighed.
    """

    def explain(question: Question) -> Iterator[Answer]:
        draw = _source(question)
        samples = int(question.parameters["samples"])
        inner = inner_question(question)

        def last(_: int, __: int) -> Tensor:
            found = None
            for found in explainer(inner.about(draw(1))):
                question.progress.report(found.done, found.total, "a noisy copy")
            assert found is not None, "an explainer answers at least once"
            return torch.from_numpy(found.signed)[None]

        yield from sampler(last, samples, 1)

    return explain


def inner_question(question: Question) -> Question:
    """What is asked of the explainer inside."""
    own = {parameter.name for parameter in EXPLAINERS[SMOOTHGRAD].parameters}
    inside = EXPLAINERS[str(question.parameters["of"])]
    given = {name: value for name, value in question.parameters.items() if name not in own}
    # A name that both have means SmoothGrad; the one inside takes its default, but follows the seed.
    parameters = inside.checked(given)
    if "seed" in parameters:
        parameters["seed"] = question.parameters["seed"]
    return replace(question, parameters=parameters)


def _source(question: Question) -> Callable[[int], Tensor]:
    return noisy(question.batch, float(question.parameters["noise"]), int(question.parameters["seed"]))

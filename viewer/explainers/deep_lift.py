"""DeepLift by captum, held so that it leaves the network as it found it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from captum.attr import DeepLift
from torch import Tensor, nn

from viewer.explainers.baselines import baseline_of
from viewer.explainers.passes import differentiable, in_parts, scores_of
from viewer.explainers.paths import completeness
from viewer.explainers.question import Answer, Question, answer
from viewer.foundation.errors import ExplainError
from viewer.models.devices import ran_out


class _Scored(nn.Module):
    """A network with its score as the output, (image,)."""

    def __init__(self, question: Question, module: nn.Module) -> None:
        super().__init__()
        self.network = module
        self._question = question

    def forward(self, batch: Tensor) -> Tensor:
        return scores_of(self._question, self.network, batch)


def deep_lift(question: Question) -> Iterator[Answer]:
    """What each voxel adds to the difference between the scores of the input and the baseline, summed over channels.

    Rescale rule (Shrikumar et al. 2017). A non-linearity that captum does not see breaks the sum; the flag
    ``incomplete`` says so.

    Raises
    ------
    ExplainError
        When captum cannot handle the network.
    """
    question.progress.report(0, 1, "DeepLift")
    map_, x0 = in_parts(question, question.batch, partial(_attributed, question))
    yield answer(map_[0], flags=completeness(question, x0, map_[0]))


def _attributed(question: Question, batch: Tensor) -> tuple[Tensor, Tensor]:
    """The map (image, *space) of an input and its baseline."""
    with differentiable(question) as module, _not_in_place(module), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # captum announces the hooks that it sets
        # Copies, because a tensor that was born in the caller's inference_mode takes part in no gradient.
        x = batch.detach().clone()
        x0 = baseline_of(x, str(question.parameters["baseline"]))
        try:
            values = DeepLift(_Scored(question, module).eval()).attribute(x.requires_grad_(), baselines=x0)
        except (RuntimeError, AssertionError, AttributeError, TypeError) as error:
            if ran_out(error):
                raise
            raise ExplainError(
                f"DeepLift cannot be made of the model '{question.classifier.card.id}': its layers are used in a way "
                "that it cannot follow.",
                code="unsupported",
            ) from error
        finally:
            _forget(module)
    return values.detach().sum(1), x0


@contextmanager
def _not_in_place(module: nn.Module) -> Iterator[None]:
    """The network's activations work on copies: backward hooks cannot be set on those that overwrite their input."""
    changed = [m for m in module.modules() if getattr(m, "inplace", False) is True]
    for m in changed:
        m.inplace = False  # type: ignore[assignment]
    try:
        yield
    finally:
        for m in changed:
            m.inplace = True  # type: ignore[assignment]


def _forget(module: nn.Module) -> None:
    """Drop what captum stores on modules when a pass breaks off."""
    for m in module.modules():
        for name in ("input", "output"):
            if isinstance(m.__dict__.get(name), Tensor):
                delattr(m, name)

"""LRP: the score, shared among the voxels of the input layer by layer, and what biases keep of it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from viewer.explainers.map_facts import INCOMPLETE
from viewer.explainers.passes import differentiable, in_parts, no_gradient
from viewer.explainers.question import Answer, Question, answer
from viewer.explainers.relevance_pass import RelevancePass
from viewer.explainers.relevance_rules import Ledger, Rule, RuleName
from viewer.explainers.scoring import class_scores, forward
from viewer.explainers.trace_memory import check_memory
from viewer.foundation.errors import ExplainError
from viewer.models.card import RECOVERED
from viewer.models.classifier import Classifier
from viewer.models.memory import in_fitting_parts
from viewer.models.raw_outputs import raw_outputs

TOLERANCE = 0.01
"""Input, biases and epsilon may miss the score by this share of it."""

_SAME = 1e-3
"""The outputs of the pass may differ from the network's own by this share of the largest."""
_TENSORS = 4
"""What a step keeps for the way back, in tensors of the size of its output."""

_MIXED: dict[str, RuleName] = {"input": "w2", "dense": "epsilon", "other": "z+"}
"""The composite (Montavon et al., LRP: an overview, 2019). Normalised values have no bounds, so w2 reads the input."""

_reasons: WeakKeyDictionary[nn.Module, str] = WeakKeyDictionary()
"""Network -> why LRP does not exist for it; empty where it does."""


def lrp(question: Question) -> Iterator[Answer]:
    """Relevance of each voxel, summed over channels; with what biases keep it adds up to the score.

    Raises
    ------
    ExplainError
        When the network has a step that no rule covers, or the score is a probability.
    """
    if question.score == "probability":
        raise ExplainError(
            "LRP shares out what the last layer adds up, and a probability is no sum: ask for the logit or the margin.",
            code="unsupported",
        )
    question.progress.report(0, 1, "LRP")
    map_, score, biases, epsilon = in_parts(question, question.batch, partial(_relevance, question))
    facts = {
        "score": float(score[0]),
        "input": float(map_[0].cpu().double().sum()),
        "biases": float(biases[0]),
        "epsilon": float(epsilon[0]),
    }
    missed = abs(facts["input"] + facts["biases"] + facts["epsilon"] - facts["score"])
    # Of a score that is nearly nothing beside what is shared out for and against it, the rounding of these is left.
    allowed = TOLERANCE * abs(facts["score"]) + 1e-5 * float(map_[0].cpu().double().abs().sum())
    yield answer(map_[0], flags=() if missed <= allowed else (INCOMPLETE,), facts=facts)


def why_no_lrp(classifier: Classifier) -> str:
    """Why a network has no LRP, as a sentence; empty when it has. Costs two forward passes the first time."""
    known = _reasons.get(classifier.module)
    if known is None:
        known = ""
        rule = classifier.card.input
        noise = torch.randn((1, rule.channels, *rule.size), generator=torch.Generator().manual_seed(0))
        try:
            in_fitting_parts(
                classifier,
                classifier.tensor(noise.numpy()),
                lambda part: _compare(Question(classifier, part, 0), part.to(classifier.device)),
            )
        except ExplainError as error:
            if error.code == "memory":  # another time there may be more
                return error.sentence
            known = error.sentence
        _reasons[classifier.module] = known
    return known


def _relevance(question: Question, batch: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Of one input: relevance (image, *space), its score, what biases and epsilon keep (image,)."""
    name = str(question.parameters["rule"])
    kinds = _MIXED if name == "composite" else dict.fromkeys(_MIXED, name)
    rules = {kind: Rule(rule, float(question.parameters["epsilon"])) for kind, rule in kinds.items()}  # type: ignore[arg-type]
    leaf, outputs, ledger = _forward(question, batch, rules)
    with torch.inference_mode(False), torch.enable_grad():
        last = outputs.detach().requires_grad_()
        scores = _scores(question, last, len(batch))
        (slope,) = torch.autograd.grad(scores.sum(), last)
        (relevance,) = torch.autograd.grad(outputs, leaf, last.detach() * slope)
    biases, epsilon = (
        torch.tensor([ledger.amount(what)], dtype=torch.float64) for what in ("biases", "epsilon")
    )
    return relevance.sum(1), scores.detach().cpu().double(), biases, epsilon


def _forward(question: Question, batch: Tensor, rules: dict[str, Rule]) -> tuple[Tensor, Tensor, Ledger]:
    """A pass by rules: the input, the outputs before a last softmax or sigmoid, and what will be kept on the way back.

    Raises
    ------
    ExplainError
        When a step is not covered, or does something else than it seems to.
    """
    classifier, ledger = question.classifier, Ledger()
    check_memory(classifier, None, _TENSORS * len(batch))
    with differentiable(question) as module:
        leaf = batch.detach().clone().requires_grad_()
        met = RelevancePass(leaf, rules, ledger)

        def run() -> Tensor:
            with met:
                out: Tensor = forward(classifier, module, leaf)
            return out

        flags: tuple[str, ...] = ()
        if classifier.card.task == "segmentation":
            outputs = run()
        else:
            outputs, flags = raw_outputs(classifier.card, module, run, len(batch))
    if not outputs.requires_grad:
        raise no_gradient(question)
    if met.squashed and RECOVERED not in flags:
        raise ExplainError(
            "LRP cannot follow the network: it has a softmax or sigmoid that is not its last step.",
            code="unsupported",
        )
    return leaf, outputs, ledger


def _compare(question: Question, batch: Tensor) -> None:
    """Refuse a network that puts out something else when it is taken step by step (it looks at what it overwrote)."""
    classifier = question.classifier
    leaf, outputs, _ = _forward(question, batch, dict.fromkeys(_MIXED, Rule("z+")))
    x = leaf.detach().clone()
    with torch.no_grad(), classifier.borrowed() as module:
        if classifier.card.task == "segmentation":
            plain = forward(classifier, module, x)
        else:
            plain, _ = raw_outputs(classifier.card, module, lambda: forward(classifier, module, x), len(x))
    if not float((outputs.detach() - plain).abs().max()) <= _SAME * float(plain.abs().max()):
        raise ExplainError(
            "LRP cannot follow the network: taken step by step, it puts out something else.",
            code="unsupported",
        )


def _scores(question: Question, outputs: Tensor, images: int) -> Tensor:
    """(image,) of outputs before any softmax; linear in them, so that outputs times slopes add up to it."""
    classifier = question.classifier
    if classifier.card.task != "segmentation":
        return classifier.scores(outputs, question.target, question.score)
    return class_scores(
        classifier,
        classifier.module,
        lambda: outputs,
        images,
        question.target,
        question.score,
        question.region,
    )

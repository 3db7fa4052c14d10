"""What a network can be asked: why an explainer does not exist for it, in words, before anything is computed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import torch
from captum.attr._core.deep_lift import SUPPORTED_NON_LINEAR
from torch import Tensor, nn

from viewer.explainers.declaration import EXPLAINERS, resolved
from viewer.explainers.dropout_maps import has_dropout
from viewer.explainers.explainer_info import INPUT_LAYER, ExplainerInfo
from viewer.explainers.gradients import graph, relus
from viewer.explainers.layer_info import LayerInfo
from viewer.explainers.layers import default_layer, require_layer
from viewer.explainers.lrp import why_no_lrp
from viewer.explainers.passes import differentiable, layer_pair, scores_of
from viewer.explainers.question import Question
from viewer.explainers.taps import despite_overwriting
from viewer.explainers.trace_memory import check_memory
from viewer.explainers.watching import BENT
from viewer.foundation.errors import WhySliceError
from viewer.models.classifier import Classifier
from viewer.models.memory import in_fitting_parts


@dataclass(frozen=True)
class NetworkFacts:
    """What one pass shows of a network.

    Attributes
    ----------
    reaches_input : whether a gradient leads from the outputs to the input.
    relus : calls of a ReLU, as a module or a function.
    bent : steps that are not linear.
    followed : calls of modules that DeepLift knows how to follow.
    reused : names of such modules that run more than once.
    """

    reaches_input: bool
    relus: int
    bent: int
    followed: int
    reused: tuple[str, ...]


_facts: WeakKeyDictionary[nn.Module, dict[tuple[int, ...], NetworkFacts]] = WeakKeyDictionary()
_cam: WeakKeyDictionary[nn.Module, dict[tuple[Any, ...], bool]] = WeakKeyDictionary()
"""Network -> shape of the input (and layer) -> what was found."""


def support(
    classifier: Classifier, name: str, layer: str | None = None, parameters: Mapping[str, Any] | None = None
) -> str:
    """Why an explainer does not exist for a network and layer, as a sentence; empty when it does.

    Costs a pass or two the first time and nothing after that.

    Parameters
    ----------
    name : of an explainer.
    layer : target layer; None for the default one.
    parameters : those that matter are ``of`` (SmoothGrad can do what that explainer can).

    Raises
    ------
    UsageError
        When there is no such explainer.
    """
    info = resolved(name, parameters or {})
    inner = str((parameters or {}).get("of", "gradient")) if info.name == "smoothgrad" else name
    try:
        return _why_not(classifier, info, inner, layer)
    except WhySliceError as error:
        return error.sentence


def _why_not(classifier: Classifier, info: ExplainerInfo, name: str, layer: str | None) -> str:
    card = classifier.card
    if card.dims not in info.dims:
        return f"{info.title} does not work on networks with {card.dims} dimensions."
    if info.segmentation_only and card.task != "segmentation":
        return (
            f"{info.title} asks about a region of a segmentation, and '{card.id}' is no segmentation network."
        )
    if info.needs_layer:
        found = require_layer(
            classifier, layer if layer not in (None, INPUT_LAYER) else default_layer(classifier)
        )
        if not found.differentiable and not info.class_free and info.gradient:
            return f"No gradient reaches the layer '{found.name}' from the score, so there is no map on it."
        if name == "cam":
            return _why_no_cam(classifier, found)
        if name == "mc-dropout" and not has_dropout(classifier.module):
            return f"'{card.id}' has no dropout layers, so all copies of the network would be the same."
        if name != "guided-grad-cam":
            return ""
    if info.gradient and not network_facts(classifier).reaches_input:
        return f"No gradient leads from the output of '{card.id}' to its input."
    if name == "lrp":
        return why_no_lrp(classifier)
    return _why_no_rule(classifier, EXPLAINERS[name]) if info.gradient else ""


def _why_no_rule(classifier: Classifier, info: ExplainerInfo) -> str:
    """Why the non-linear steps of a network do not suit an explainer that alters them."""
    facts = network_facts(classifier)
    if info.family == "guided" and not facts.relus:
        return (
            f"{info.title} changes what ReLUs pass back, and '{classifier.card.id}' has no ReLU that can be found: "
            "the map would be the plain gradient under another name."
        )
    if info.name != "deep-lift":
        return ""
    if facts.reused:
        return (
            f"DeepLift cannot follow modules that run more than once in a pass, as '{facts.reused[0]}' does."
        )
    if facts.bent > facts.followed:
        return (
            f"DeepLift follows non-linearities that are modules which it knows; {facts.bent - facts.followed} of "
            f"{facts.bent} in '{classifier.card.id}' are not."
        )
    return ""


def _why_no_cam(classifier: Classifier, layer: LayerInfo) -> str:
    none = (
        f"CAM needs a linear layer right after global average pooling of the target layer, and behind '{layer.name}' "
        "there is none."
    )
    if classifier.card.task == "segmentation" or "before-global-pool" not in layer.flags:
        return none
    known = _cam.setdefault(classifier.module, {})
    key = (*_shape(classifier), layer.name)
    if key not in known:
        known[key] = all(
            _is_linear_weight(classifier, layer, target) for target in range(len(classifier.classes))
        )
    return "" if known[key] else none


def _is_linear_weight(classifier: Classifier, layer: LayerInfo, target: int) -> bool:
    """Whether the gradient of a logit, summed over the places, is a row of one of the network's linear layers."""
    question = Question(classifier, classifier.noise(), target, layer.name)
    summed = layer_pair(question, question.batch)[1][0].flatten(1).sum(1).double()
    for module in classifier.module.modules():
        if isinstance(module, nn.Linear) and module.in_features == len(summed):
            rows = module.weight.detach().double()
            if len(rows) == 1:
                rows = torch.cat([-rows, rows]) if len(classifier.classes) == 2 else rows
            if len(rows) == len(classifier.classes):
                off = (rows[target] - summed).abs().max()
                if float(off) <= 1e-4 * float(summed.abs().max()):
                    return True
    return False


def network_facts(classifier: Classifier) -> NetworkFacts:
    """What one pass over random numbers shows of a network; kept for as long as it lives."""
    known = _facts.setdefault(classifier.module, {})
    shape = _shape(classifier)
    if shape not in known:
        (known[shape],), _ = in_fitting_parts(
            classifier, classifier.noise(), lambda noise: _look(classifier, noise.to(classifier.device))
        )
    return known[shape]


def _look(classifier: Classifier, noise: Tensor) -> NetworkFacts:
    check_memory(classifier, None, len(noise))
    return despite_overwriting(classifier.card.id, partial(_looked, classifier, noise))


def _looked(classifier: Classifier, noise: Tensor, copy_all: bool) -> NetworkFacts:
    question = Question(classifier, noise, 0)
    calls: Counter[str] = Counter()

    def counter(name: str) -> Any:
        def count(_: nn.Module, __: Any, ___: Any) -> None:
            calls[name] += 1

        return count

    with differentiable(question, copy_all=copy_all) as module:
        handles = [
            child.register_forward_hook(counter(name))
            for name, child in module.named_modules()
            if type(child) in SUPPORTED_NON_LINEAR
        ]
        try:
            leaf = question.batch.clone().requires_grad_()
            scores = scores_of(question, module, leaf.clone())
        finally:
            for handle in handles:
                handle.remove()
        if not scores.requires_grad:
            return NetworkFacts(False, 0, 0, 0, ())
        (gradient,) = torch.autograd.grad(scores.sum(), leaf, allow_unused=True, retain_graph=True)
        bent = sum(node.name().startswith(BENT) for node in graph(scores))
        return NetworkFacts(
            gradient is not None,
            len(relus(scores)),
            bent,
            calls.total(),
            tuple(name for name, count in calls.items() if count > 1),
        )


def _shape(classifier: Classifier) -> tuple[int, ...]:
    rule = classifier.card.input
    return (1, rule.channels, *rule.size)

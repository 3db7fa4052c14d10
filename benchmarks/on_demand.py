"""LIME, Kernel SHAP and LRP against captum: the same segments and samples, the same rule, first that results agree.

captum sends as many changed inputs through the network at once as we do, and for LRP it gets a network that it is right
on: VGG-19 with ReLUs that do not work in place. zennit is measured beside it where somebody has installed it.
"""

from __future__ import annotations

import importlib
import importlib.util
import warnings
from collections.abc import Callable
from functools import partial
from unittest import mock

import numpy as np
import torch
import torchvision
from captum._utils.models.linear_model import SkLearnLasso
from captum.attr import LRP, KernelShap, Lime
from numpy.typing import NDArray
from torch import Tensor, nn

from benchmarks.measuring import Agreement, Report, Row, best_of, compared
from benchmarks.subjects import Subject, gap, resnet, resnet_of_volumes
from viewer.explainers import surrogates as surrogate_module
from viewer.explainers.asking import ask, last_answer
from viewer.explainers.baselines import baseline_of
from viewer.explainers.question import Answer, Question, images_together
from viewer.explainers.segments import segments_of
from viewer.models.input_view import InputView
from viewer.models.volume_view import VolumeView

_TARGET, _SEGMENTS = 1, 50
_LEAST = 0.9
"""Never slower than captum, 10% being noise."""
_SAMPLES = {"GAP model": 150, "ResNet-50": 60}


def _ours(subject: Subject, name: str, **parameters: object) -> Answer:
    of_array = VolumeView.of_array if subject.classifier.card.dims == 3 else InputView.of_array
    view, ready = of_array(subject.picture)
    asked = ask(subject.classifier, view, ready, explainer=name, target=_TARGET, parameters=parameters)
    return last_answer(asked)


def surrogates() -> Report:
    """With everything of ours in it: segments, and the fits on the way."""
    agreements, rows = [], []
    for subject in (gap(), resnet()):
        samples = _SAMPLES[subject.name]
        segments = torch.from_numpy(segments_of(subject.picture, _SEGMENTS).astype(np.int64) - 1)[None, None]
        for name in ("lime", "kernel-shap"):
            mine = partial(_ours, subject, name, segments=_SEGMENTS, samples=samples)
            theirs = partial(_by_captum, subject, name, segments, samples)
            a, b = mine().signed, theirs()
            words = f"{name}, {int(segments.max()) + 1} segments, {samples} samples, {subject.name}"
            agreements.append(Agreement(f"{words}, against captum", _off(a, b), 1e-3))
            ours, peer = best_of([mine, theirs], repeats=2, warm=0)
            rows.append(compared(words, ours, "captum", peer, _LEAST))
    return Report(tuple(agreements), tuple(rows))


def _by_captum(subject: Subject, name: str, segments: Tensor, samples: int) -> NDArray[np.float32]:
    def logit(x: Tensor) -> Tensor:
        return subject.module(x)[:, _TARGET]

    x = subject.tensor
    maker = (
        Lime(logit, SkLearnLasso(alpha=_strength(subject, samples))) if name == "lime" else KernelShap(logit)
    )
    with torch.no_grad(), torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        made = maker.attribute(
            x,
            baselines=baseline_of(x, "minimum"),
            feature_mask=segments,
            n_samples=samples,
            perturbations_per_eval=images_together(Question(subject.classifier, x, _TARGET)),
        )
    return np.asarray(made[0, 0].numpy())


def _strength(subject: Subject, samples: int) -> float:
    """Of the lasso that our last fit used: it follows the spread of the scores, captum's does not."""
    used: list[float] = []

    def remembered(alpha: float) -> SkLearnLasso:
        used.append(alpha)
        return SkLearnLasso(alpha=alpha)

    with mock.patch.object(surrogate_module, "SkLearnLasso", remembered):
        _ours(subject, "lime", segments=_SEGMENTS, samples=samples)
    return used[-1]


def relevance() -> Report:
    """LRP by the epsilon rule against captum on VGG-19, then our rules on networks that captum's LRP does not know."""
    vgg = _vgg()
    mine = partial(_ours, vgg, "lrp", rule="epsilon", epsilon=0.0)
    theirs = partial(_lrp_by_captum, vgg)
    agreements = [
        Agreement(f"LRP, epsilon rule, {vgg.name}, against captum", _off(mine().signed, theirs()), 1e-3)
    ]
    tasks: list[Callable[[], object]] = [mine, theirs]
    names = ["captum"]
    if importlib.util.find_spec("zennit") is not None:
        zennit = partial(_lrp_by_zennit, vgg)
        # It adds its divisor up anew, and that rounding counts where an output is next to nothing.
        agreements.append(
            Agreement(f"the same against zennit, {vgg.name}", _off(mine().signed, zennit()), 1e-2)
        )
        tasks.append(zennit)
        names.append("zennit")
    times = best_of(tasks, repeats=3, warm=0)
    rows = [
        compared(f"LRP, epsilon rule, {vgg.name}", times[0], name, peer, _LEAST if name == "captum" else None)
        for name, peer in zip(names, times[1:], strict=True)
    ]
    for subject in (vgg, resnet(), _densenet(), gap(), resnet_of_volumes()):
        _statistics_as_trained(subject.module)
        for rule in ("composite", "epsilon", "gamma", "z+", "w2"):
            facts = _ours(subject, "lrp", rule=rule).facts
            off = abs(facts["input"] + facts["biases"] - facts["score"]) / abs(facts["score"])
            agreements.append(
                Agreement(f"LRP, {rule}, {subject.name}: input + biases against the score", off, 0.01)
            )
        ours, bare = best_of([partial(_ours, subject, "lrp"), partial(_one_pass, subject)], repeats=3)
        rows.append(Row(f"LRP, composite, {subject.name}", ours, "one forward and backward pass", bare))
    return Report(tuple(agreements), tuple(rows))


def _vgg() -> Subject:
    torch.manual_seed(0)
    module = torchvision.models.vgg19(weights=None, num_classes=7)
    for m in module.modules():
        if isinstance(m, nn.ReLU):
            m.inplace = False  # captum's hooks cannot follow what is overwritten
        if isinstance(m, (nn.Conv2d, nn.Linear)):
            nn.init.normal_(m.bias, std=0.02)
    return Subject.of("VGG-19", module, 7, (224, 224), 3)


def _densenet() -> Subject:
    torch.manual_seed(0)
    return Subject.of(
        "DenseNet-121", torchvision.models.densenet121(weights=None, num_classes=7), 7, (224, 224), 3
    )


def _statistics_as_trained(module: nn.Module) -> None:
    """Batch norms that are not the identity."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for m in module.modules():
            if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)):
                assert m.running_mean is not None
                assert m.running_var is not None
                m.running_mean.copy_(torch.randn(m.num_features, generator=generator) * 0.1)
                m.running_var.copy_(torch.rand(m.num_features, generator=generator) + 0.5)
                m.weight.copy_(torch.rand(m.num_features, generator=generator) + 0.5)
                m.bias.copy_(torch.randn(m.num_features, generator=generator) * 0.2)


def _one_pass(subject: Subject) -> None:
    x = subject.tensor.requires_grad_()
    with subject.classifier.borrowed() as module:
        for parameter in module.parameters():
            parameter.requires_grad_(False)
        torch.autograd.grad(module(x)[:, _TARGET].sum(), x)


def _lrp_by_captum(subject: Subject) -> NDArray[np.float32]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = LRP(subject.module).attribute(subject.tensor, target=_TARGET)
    return np.asarray(made.detach()[0].sum(0).numpy())


def _lrp_by_zennit(subject: Subject) -> NDArray[np.float32]:
    composites, attribution = (
        importlib.import_module(f"zennit.{name}") for name in ("composites", "attribution")
    )
    rules = importlib.import_module("zennit.rules")
    types = importlib.import_module("zennit.types")
    composite = composites.LayerMapComposite(
        [(types.Activation, rules.Pass()), (types.Linear, rules.Epsilon(1e-9)), (types.AvgPool, rules.Norm())]
    )

    def only(outputs: Tensor) -> Tensor:
        return outputs * torch.eye(outputs.shape[1])[[_TARGET]]

    with attribution.Gradient(model=subject.module, composite=composite) as maker:
        _, made = maker(subject.tensor.requires_grad_(), only)
    return np.asarray(made.detach()[0].sum(0).numpy())


def _off(ours: NDArray, theirs: NDArray) -> float:
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


BENCHMARKS = {"surrogates": surrogates, "relevance": relevance}

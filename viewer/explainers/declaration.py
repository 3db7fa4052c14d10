"""What explainers there are, what each needs and what it costs. No torch here: menus are made from this."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from viewer.explainers.explainer_info import ExplainerInfo, Parameter, Sight, Value
from viewer.explainers.layer_info import LayerInfo
from viewer.explainers.parameters import BASELINE, SEED
from viewer.explainers.shared_out import LRP, SHARED_OUT, WEIGHTS_ALONE
from viewer.explainers.windows import Windows
from viewer.foundation.registry import Registry

EXPLAINERS: Registry[ExplainerInfo] = Registry("explainer")
"""Every explainer by name."""

SMOOTHGRAD = "smoothgrad"

_ADEBAYO = (
    "This map hardly depends on what the network has learned (Adebayo et al. 2018): it shows edges of the image, "
    "also for a network with random weights."
)
_RELU = "a network with ReLU activations"
_STEPS = Parameter(
    "steps",
    "int",
    50,
    2,
    1000,
    "steps",
    "Points between the baseline and the input where the gradient is taken; more of them are more exact.",
    source="Sundararajan et al. 2017: 20 to 300",
)
_COVERED_WITH = replace(
    BASELINE,
    default="mean",
    help="What a window is covered with: each channel's mean (grey), a strongly blurred copy, the least value of each "
    "channel (black), zero, or one number for every voxel. What stands out from its surroundings is a finding too.",
    source="Zeiler and Fergus 2014: grey",
)
_LARGEST = 4096


def _voxels(name: str, default: int, text: str, source: str) -> Parameter:
    return Parameter(
        name, "int", default, 1, _LARGEST, "voxels of the network's input", text, source=source, per_axis=True
    )


def _windows(parameters: Mapping[str, Value], sight: Sight) -> int:
    return Windows.over(sight.space, parameters["patch"], parameters["stride"]).total


_REGION = Parameter(
    "region",
    "str",
    "all",
    unit="pixels of the picture",
    help="Where the class is asked for: all, one pixel as row,column or a box as "
    "row_min,column_min,row_max,column_max (half-open); in a volume the slice stands first in each corner.",
    source="Vinogradova et al. 2020",
)


def _samples(default: int, source: str) -> Parameter:
    return Parameter(
        "samples", "int", default, 2, 1000, "samples", "Noisy copies of the input; more make a steadier map.",
        source=source,
    )  # fmt: skip


def _noise(default: float, source: str) -> Parameter:
    return Parameter(
        "noise", "float", default, 0.0, 1.0, "fraction of the input range",
        "Standard deviation of the noise that is added to the input.", source=source,
    )  # fmt: skip


def _cam(name: str, title: str, summary: str, formula: str, source: str, **more: Any) -> ExplainerInfo:
    facts: dict[str, Any] = {"in_atlas": True, **more}
    return ExplainerInfo(name, title, "cam", True, (2, 3), summary, formula, source, **facts)


def _of_input(
    family: str, name: str, title: str, summary: str, formula: str, source: str, **more: Any
) -> ExplainerInfo:
    return ExplainerInfo(name, title, family, False, (2, 3), summary, formula, source, **more)


for _info in (
    _cam(
        "grad-cam",
        "Grad-CAM",
        "Where the layer's channels that speak for the class on average are active.",
        "ReLU(sum_k mean(G_k) A_k)",
        "Selvaraju et al., Grad-CAM, ICCV 2017",
    ),
    _cam(
        "grad-cam++",
        "Grad-CAM++",
        "Like Grad-CAM, but only what speaks for the class counts, so several foci weigh more evenly.",
        "ReLU(sum_k w_k A_k), w_k = sum(alpha ReLU(G_k)), alpha = G^2 / (2 G^2 + sum(A) G^3)",
        "Chattopadhay et al., Grad-CAM++, WACV 2018",
        shares_score=False,
    ),
    _cam(
        "layer-cam",
        "LayerCAM",
        "Weighs every place by its own gradient, so the maps of early, finely resolved layers can be read.",
        "ReLU(sum_k ReLU(G_k) A_k)",
        "Jiang et al., LayerCAM, IEEE TIP 2021",
    ),
    _cam(
        "hires-cam",
        "HiResCAM",
        "What each place of the layer adds to the score, without averaging the gradient first.",
        "ReLU(sum_k G_k A_k)",
        "Draelos and Carin, HiResCAM, arXiv 2011.08891, 2020",
    ),
    _cam(
        "xgrad-cam",
        "XGrad-CAM",
        "Grad-CAM whose channel weights count active places more, so that the map adds up to what the layer adds.",
        "ReLU(sum_k w_k A_k), w_k = sum(G_k A_k) / (sum(A_k) + eps)",
        "Fu et al., Axiom-based Grad-CAM, BMVC 2020",
    ),
    _cam(
        "element-cam",
        "Element-wise Grad-CAM",
        "Adds up only what speaks for the class, channel by channel, so nothing is cancelled by evidence against it.",
        "sum_k ReLU(G_k A_k)",
        "Element-wise variant of Grad-CAM in pytorch-grad-cam (GradCAMElementWise), 2021",
        signed=False,
    ),
    _cam(
        "cam",
        "CAM",
        "Where the channels are active that the network's last linear layer weighs for the class.",
        "ReLU(sum_k w_k A_k), w_k the class's weights in the linear layer after global average pooling",
        "Zhou et al., Learning deep features for discriminative localization, CVPR 2016",
        in_atlas=False,
        shares_score=False,
        needs="the last layer before global average pooling and a linear layer right after it",
    ),
    _cam(
        "eigen-cam",
        "Eigen-CAM",
        "The pattern that the layer's channels have most in common; it is the same for every class.",
        "first principal component of A over its places, its sign that of the mean activation",
        "Muhammad and Yeasin, Eigen-CAM, IJCNN 2020",
        in_atlas=False,
        signed=False,
        class_free=True,
        warning="This map is the same for every class, and its pattern is largely that of the image: a network with "
        "random weights can show it too.",
        passes=0.5,
    ),
    _cam(
        "seg-grad-cam",
        "Seg-Grad-CAM",
        "Where the layer's channels are active that speak for the class inside the chosen region of the segmentation.",
        "ReLU(sum_k mean(G_k) A_k), G the gradient of the sum of the class's logits over the region",
        "Vinogradova et al., Seg-Grad-CAM, AAAI 2020",
        in_atlas=False,
        segmentation_only=True,
        parameters=(_REGION,),
        needs="a segmentation network",
    ),
    _cam(
        "score-cam",
        "Score-CAM",
        "Where the channels are active that, as masks of the input, leave the class the highest score.",
        "sum_k w_k A_k, w the softmax over the channels of s(x masked by A_k drawn on the input from 0 to 1)",
        "Wang et al., Score-CAM, CVPR workshop 2020",
        in_atlas=False,
        gradient=False,
        passes=0.3,
        rounds=lambda _, sight: max(1, sight.channels),
        unit="channels",
        coarse_first=True,
    ),
    _of_input(
        "gradient",
        "gradient",
        "Gradient",
        "How much the score would change with each voxel.",
        "sum over channels of ds/dx",
        "Simonyan et al., Deep inside convolutional networks, ICLR workshop 2014",
    ),
    _of_input(
        "gradient",
        "input-x-gradient",
        "Input x gradient",
        "What each voxel adds to the score where the network is close to linear.",
        "sum over channels of x ds/dx",
        "Shrikumar et al., Not just a black box, arXiv 1605.01713, 2016",
        diverging=True,
    ),
    _of_input(
        "guided",
        "guided-backprop",
        "Guided backpropagation",
        "Fine edges that active units agree on, positive gradients only.",
        "sum over channels of ds/dx, where each ReLU passes positive gradients of active units only",
        "Springenberg et al., Striving for simplicity, ICLR workshop 2015",
        warning=_ADEBAYO,
        needs=_RELU,
        shares_score=False,
    ),
    _of_input(
        "guided",
        "deconvnet",
        "DeconvNet",
        "Fine edges that the network could be looking for, positive gradients only.",
        "sum over channels of ds/dx, where each ReLU passes positive gradients, of inactive units too",
        "Zeiler and Fergus, Visualizing and understanding convolutional networks, ECCV 2014",
        warning=_ADEBAYO,
        needs=_RELU,
        shares_score=False,
    ),
    ExplainerInfo(
        "guided-grad-cam",
        "Guided Grad-CAM",
        "guided",
        True,
        (2, 3),
        "The fine edges of guided backpropagation inside the area of Grad-CAM.",
        "upsampled Grad-CAM x guided backpropagation",
        "Selvaraju et al., Grad-CAM, ICCV 2017",
        warning="Its area depends on the network, its edges hardly do (Adebayo et al. 2018).",
        needs=_RELU,
        passes=2,
    ),
    _of_input(
        "sampling",
        SMOOTHGRAD,
        "SmoothGrad",
        "The mean of another explainer's maps over noisy copies of the input; its deviation says how steady it is.",
        "mean over n of the map of x + noise; the standard deviation beside it",
        "Smilkov et al., SmoothGrad, arXiv 1706.03825, 2017",
        parameters=(
            _samples(50, "Smilkov et al. 2017: 50"),
            _noise(0.1, "Smilkov et al. 2017: 10% to 20%"),
            Parameter(
                "of",
                "str",
                "gradient",
                unit="explainer",
                help="The explainer whose maps are averaged; its own parameters can be set too.",
                source="Smilkov et al. 2017",
            ),
            SEED,
        ),
        repeats="samples",
    ),
    ExplainerInfo(
        "mc-dropout",
        "MC dropout",
        "sampling",
        True,
        (2, 3),
        "The mean of a map over copies of the network without some units; its deviation says how much hangs on them.",
        "mean over n of the map of the network with dropout active; the standard deviation beside it",
        "Gal and Ghahramani, Dropout as a Bayesian approximation, ICML 2016",
        parameters=(
            Parameter(
                "samples",
                "int",
                30,
                2,
                1000,
                "dropout passes",
                "Thinned networks; more make a steadier map.",
                source="Herzog et al. 2020",
            ),
            Parameter(
                "of",
                "str",
                "grad-cam",
                unit="explainer",
                help="The explainer whose maps are averaged.",
                choices=("grad-cam", "grad-cam++", "layer-cam", "hires-cam", "xgrad-cam", "element-cam"),
            ),
            SEED,
        ),
        needs="dropout layers",
        repeats="samples",
    ),
    _of_input(
        "path",
        "integrated-gradients",
        "Integrated gradients",
        "What each voxel adds to the difference of the score between a baseline and the input.",
        "(x - x0) times the mean gradient on the way from x0 to x, Gauss-Legendre quadrature",
        "Sundararajan et al., Axiomatic attribution for deep networks, ICML 2017",
        parameters=(_STEPS, BASELINE),
        repeats="steps",
        diverging=True,
    ),
    _of_input(
        "path",
        "deep-lift",
        "DeepLift",
        "What each voxel adds to the difference of the score between a baseline and the input, by one pass of each.",
        "rescale rule: at each non-linearity difference of outputs over difference of inputs",
        "Shrikumar et al., Learning important features through propagating activation differences, ICML 2017",
        parameters=(BASELINE,),
        needs="non-linearities that are modules, each used once",
        passes=2,
        diverging=True,
    ),
    _of_input(
        "path",
        "gradient-shap",
        "Gradient SHAP",
        "Shapley values by sampling: gradients at random points between a baseline and noisy copies of the input.",
        "mean over n of (x + noise - x0) ds/dx at x0 + alpha (x + noise - x0), alpha uniform in 0..1",
        "Lundberg and Lee, A unified approach to interpreting model predictions, NeurIPS 2017",
        parameters=(
            _samples(50, "shap.GradientExplainer: 200"),
            _noise(0.1, "as SmoothGrad"),
            BASELINE,
            SEED,
        ),
        repeats="samples",
        diverging=True,
    ),
    _of_input(
        "perturbation",
        "occlusion",
        "Occlusion",
        "What the score loses on average when a window over the voxel is covered.",
        "mean over the windows covering a voxel of s(x) - s(x occluded)",
        "Zeiler and Fergus, Visualizing and understanding convolutional networks, ECCV 2014",
        parameters=(
            _voxels(
                "patch",
                16,
                "Edge of the window, which covers all channels; one number for all axes, or one for each.",
                "a fourteenth of a picture of 224 pixels",
            ),
            _voxels(
                "stride",
                8,
                "Way from one window to the next, at most the patch; one number for all axes, or one for each.",
                "half of the patch, so that windows overlap",
            ),
            _COVERED_WITH,
        ),
        gradient=False,
        diverging=True,
        shares_score=False,
        passes=0.3,
        rounds=_windows,
        unit="windows",
        coarse_first=True,
    ),
    *SHARED_OUT,
):
    EXPLAINERS.add(_info.name, _info)

_CONSTANT_GRADIENT = ("grad-cam", "hires-cam", "xgrad-cam")
_RECTIFIED = ("layer-cam", "element-cam")
_NOT_NEGATIVE = ("ReLU", "ReLU6", "Sigmoid", "Softplus", "Hardsigmoid", "Softmax")
"""Modules that put out no negative values."""


def equals(name: str, layer: LayerInfo) -> tuple[str, ...]:
    """Other explainers that yield the same picture on this layer whatever the input, by construction.

    Where the gradient does not vary in space (the last layer before global average pooling) mean(G_k) is G_k itself, so
    Grad-CAM, HiResCAM and XGrad-CAM are one; CAM is them times the number of places. Where the layer puts out no
    negative values ReLU(G) A is ReLU(G A), so LayerCAM and element-wise Grad-CAM are one.

    Parameters
    ----------
    name : of an explainer.
    layer : the target layer.
    """
    if "before-global-pool" in layer.flags and name in (*_CONSTANT_GRADIENT, "cam"):
        return tuple(other for other in _CONSTANT_GRADIENT if other != name)
    if name in _RECTIFIED and layer.type in _NOT_NEGATIVE:
        return tuple(other for other in _RECTIFIED if other != name)
    return ()


def resolved(name: str, parameters: Mapping[str, Any]) -> ExplainerInfo:
    """The explainer as these parameters make it: SmoothGrad takes on what the explainer inside it needs.

    Raises
    ------
    UsageError
        When there is no such explainer, or SmoothGrad shall smooth itself.
    """
    info = EXPLAINERS.find(name)
    inner = smoothed(info, parameters)
    if inner is None:
        return replace(info, warning=WEIGHTS_ALONE) if _is_w2(info, parameters) else info
    own = {parameter.name for parameter in info.parameters}
    return replace(
        info,
        needs_layer=inner.needs_layer,
        dims=inner.dims,
        signed=inner.signed,
        diverging=inner.diverging,
        class_free=inner.class_free,
        segmentation_only=inner.segmentation_only,
        gradient=inner.gradient,
        warning=inner.warning,
        needs=inner.needs,
        shares_score=inner.shares_score,
        parameters=(*info.parameters, *(p for p in inner.parameters if p.name not in own)),
    )


def _is_w2(info: ExplainerInfo, parameters: Mapping[str, Any]) -> bool:
    return info.name == LRP and str(parameters.get("rule", "")).strip() == "w2"


def smoothed(info: ExplainerInfo, parameters: Mapping[str, Any]) -> ExplainerInfo | None:
    """The explainer inside SmoothGrad; None for every other explainer."""
    if info.name != SMOOTHGRAD:
        return None
    inside = Registry[ExplainerInfo]("explainer to smooth")
    for name, other in EXPLAINERS.items():
        if name != SMOOTHGRAD:
            inside.add(name, other)
    return inside.find(str(parameters.get("of", "gradient")).strip())


_USUAL = Sight((224, 224), 256)


def cost(name: str, parameters: Mapping[str, Any], sight: Sight = _USUAL) -> float:
    """How many times the work of one forward and one backward pass of one input an explanation takes.

    Multiply with the measured time of one such pass to know how long it will take.

    Parameters
    ----------
    name : of an explainer.
    parameters : those that differ from their defaults.
    sight : what is looked at; of meaning for explainers whose rounds follow from it.

    Raises
    ------
    UsageError
        Unknown explainer or parameter, or a value that is not allowed, also for what is looked at.
    """
    info = resolved(name, parameters)
    values = info.checked(parameters)
    rounds = info.rounds_wanted(values, sight)
    inner = smoothed(info, values)
    if inner is None:
        return info.passes * rounds
    own = {parameter.name for parameter in EXPLAINERS[name].parameters}
    return rounds * cost(inner.name, {key: value for key, value in values.items() if key not in own}, sight)

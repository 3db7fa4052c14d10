"""Declarations of the explainers that share the score out among voxels (LRP) or segments (LIME, Kernel SHAP)."""

from __future__ import annotations

from dataclasses import replace

from viewer.explainers.explainer_info import ExplainerInfo, Parameter
from viewer.explainers.parameters import BASELINE, SEED

LRP = "lrp"

WEIGHTS_ALONE = (
    "The w2 rule in every layer follows the weights alone: the map hardly depends on the image. It is meant for the "
    "layer that reads the input."
)
_SWITCHED_OFF = (
    "What stands in a segment that is switched off: the least value of each channel (black), zero, each channel's "
    "mean, a strongly blurred copy, or one number for every voxel."
)


def _of_segments(name: str, title: str, summary: str, formula: str, source: str) -> ExplainerInfo:
    return ExplainerInfo(
        name, title, "perturbation", False, (2, 3), summary, formula, source,
        parameters=(
            Parameter(
                "segments", "int", 50, 2, 2000, "segments",
                "About how many parts the input is divided into: superpixels, in volumes supervoxels (SLIC).",
                source="Ribeiro et al. 2016: tens",
            ),
            Parameter(
                "samples", "int", 500, 10, 20000, "samples",
                "Copies of the input in which some segments are switched off; several for each segment.",
                source="ten for each segment",
            ),
            replace(BASELINE, help=_SWITCHED_OFF, source="as the other baselines: black"),
            SEED,
        ),
        repeats="samples",
        gradient=False,
        coarse_first=True,
        passes=0.45,
        diverging=True,
        shares_score=False,
    )  # fmt: skip


SHARED_OUT = (
    ExplainerInfo(
        LRP,
        "LRP",
        "relevance",
        False,
        (2, 3),
        "How the score is made up of the voxels, shared out layer by layer; biases keep a part of it.",
        "R_i = sum_j c_ij R_j / sum_k c_kj from the score down, c the contributions by the rule; deep Taylor is z+",
        "Bach et al., On pixel-wise explanations, PLOS ONE 2015; rules: Montavon et al. 2017, 2019",
        parameters=(
            Parameter(
                "rule",
                "str",
                "composite",
                help="composite: w2 where the input is read, z+ in convolutions, epsilon in dense layers. Or one rule "
                "everywhere: epsilon (nearly input x gradient), gamma (favours evidence for, keeps evidence against), "
                "z+ (evidence for alone, deep Taylor), w2 (weights alone).",
                choices=("composite", "epsilon", "gamma", "z+", "w2"),
                source="Montavon et al., Layer-wise relevance propagation: an overview, 2019",
            ),
            Parameter(
                "epsilon",
                "float",
                1e-6,
                0.0,
                1.0,
                "share of a layer's root mean square",
                "Stabiliser of the rule of that name: what is small beside it is absorbed, so more of it leaves less "
                "noise and less of the score.",
                source="next to nothing, so that the score is kept; 0.25 to absorb noise (Montavon et al. 2019)",
            ),
        ),
        needs="steps that add up, pool or rectify: no attention, no normalisation by an input's own values",
        passes=3,
        diverging=True,
    ),
    _of_segments(
        "lime",
        "LIME",
        "How much each segment counts in a simple model of what the network says about copies with parts switched off.",
        "coefficients of a lasso on which segments are on, samples weighed by exp(-(cosine distance)^2 / 2)",
        "Ribeiro et al., Why should I trust you?, KDD 2016",
    ),
    _of_segments(
        "kernel-shap",
        "Kernel SHAP",
        "What each segment adds to the score on average over all orders in which segments could be switched on.",
        "least squares on which segments are on, coalitions drawn by the Shapley kernel",
        "Lundberg and Lee, A unified approach to interpreting model predictions, NeurIPS 2017",
    ),
)

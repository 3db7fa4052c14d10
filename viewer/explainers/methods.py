"""Name -> how it is computed: the explainers of this program and those that plugins add."""

from __future__ import annotations

from collections.abc import Mapping

from viewer.explainers.added_explainers import ADDED
from viewer.explainers.cams import CAMS
from viewer.explainers.declaration import SMOOTHGRAD
from viewer.explainers.deep_lift import deep_lift
from viewer.explainers.dropout_maps import mc_dropout
from viewer.explainers.gradients import GRADIENTS
from viewer.explainers.lrp import lrp
from viewer.explainers.occlusion import occlusion
from viewer.explainers.paths import gradient_shap, integrated_gradients
from viewer.explainers.question import Explainer, MapsOf, at_once
from viewer.explainers.score_cam import score_cam
from viewer.explainers.smoothgrad import smoothgrad_of, smoothgrad_of_any
from viewer.explainers.surrogates import kernel_shap, lime

ONE_PASS: Mapping[str, MapsOf] = {**CAMS, **GRADIENTS}
"""Explainers that make the maps of many inputs by the passes of one."""

STEPWISE: Mapping[str, Explainer] = {
    "integrated-gradients": integrated_gradients,
    "deep-lift": deep_lift,
    "gradient-shap": gradient_shap,
    "mc-dropout": mc_dropout,
    "lrp": lrp,
    "occlusion": occlusion,
    "lime": lime,
    "kernel-shap": kernel_shap,
    "score-cam": score_cam,
}
"""Explainers with a way of their own."""


def explainer(name: str, of: str = "gradient") -> Explainer:
    """The function of an explainer.

    Parameters
    ----------
    of : the explainer inside SmoothGrad; of no meaning for others.

    Raises
    ------
    UsageError
        When there is none of that name; the nearest are offered.
    """
    if name == SMOOTHGRAD:
        return smoothgrad_of(ONE_PASS[of]) if of in ONE_PASS else smoothgrad_of_any(explainer(of))
    if name in ONE_PASS:
        return at_once(ONE_PASS[name])
    return STEPWISE[name] if name in STEPWISE else ADDED.find(name)

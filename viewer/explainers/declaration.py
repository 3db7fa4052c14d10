"""What explainers there are, what each needs and how it is computed. No torch here: menus are made from this."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from viewer.foundation.registry import Registry


@dataclass(frozen=True)
class Parameter:
    """A setting of an explainer.

    Attributes
    ----------
    name : the same everywhere: window, command line, `viewer.api`.
    type : ``int``, ``float``, ``str`` or ``bool``.
    minimum, maximum : allowed range; None where there is none.
    unit : words, e.g. ``pixels`` or ``fraction of the input range``.
    """

    name: str
    type: str
    default: int | float | str | bool
    minimum: float | None = None
    maximum: float | None = None
    unit: str = ""


@dataclass(frozen=True)
class ExplainerInfo:
    """An explainer as the user meets it.

    Attributes
    ----------
    name : on the command line and in `viewer.api`.
    title : in menus.
    family : explainers that share what they need, e.g. ``cam``.
    needs_layer : whether a target layer is chosen.
    dims : numbers of spatial axes that it works in.
    summary : one sentence: how to read its map.
    formula : with A the layer's output and G the gradient of the class's score with respect to it.
    source : the publication.
    """

    name: str
    title: str
    family: str
    needs_layer: bool
    dims: tuple[int, ...]
    summary: str
    formula: str
    source: str
    parameters: tuple[Parameter, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """An entry of ``whyslice explainers``."""
        return {
            "name": self.name,
            "title": self.title,
            "family": self.family,
            "needs_layer": self.needs_layer,
            "dims": list(self.dims),
            "parameters": [asdict(parameter) for parameter in self.parameters],
            "summary": self.summary,
            "formula": self.formula,
            "source": self.source,
        }


EXPLAINERS: Registry[ExplainerInfo] = Registry("explainer")
"""Every explainer by name."""

for _info in (
    ExplainerInfo(
        name="grad-cam",
        title="Grad-CAM",
        family="cam",
        needs_layer=True,
        dims=(2,),
        summary="Where the layer's channels that speak for the class on average are active.",
        formula="ReLU(sum_k mean(G_k) A_k)",
        source="Selvaraju et al., Grad-CAM, ICCV 2017",
    ),
    ExplainerInfo(
        name="grad-cam++",
        title="Grad-CAM++",
        family="cam",
        needs_layer=True,
        dims=(2,),
        summary="Like Grad-CAM, but only what speaks for the class counts, so several foci weigh more evenly.",
        formula="ReLU(sum_k w_k A_k), w_k = sum(alpha ReLU(G_k)), alpha = G^2 / (2 G^2 + sum(A) G^3)",
        source="Chattopadhay et al., Grad-CAM++, WACV 2018",
    ),
    ExplainerInfo(
        name="layer-cam",
        title="LayerCAM",
        family="cam",
        needs_layer=True,
        dims=(2,),
        summary="Weighs every place by its own gradient, so the maps of early, finely resolved layers can be read.",
        formula="ReLU(sum_k ReLU(G_k) A_k)",
        source="Jiang et al., LayerCAM, IEEE TIP 2021",
    ),
):
    EXPLAINERS.add(_info.name, _info)

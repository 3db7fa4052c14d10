"""The chosen explainer as its maps are kept: under which name, on which layer, at once or on demand. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from viewer.explainers.declaration import EXPLAINERS, cost, equals, resolved
from viewer.explainers.explainer_info import INPUT_LAYER, ExplainerInfo, Sight, Value
from viewer.explainers.layer_info import LayerInfo
from viewer.foundation.errors import UsageError
from viewer.state.session import DIFFERENCE, Session

REGION = "region"
"""A parameter of explainers that is chosen in the window as the place of the question, for all explainers alike."""

_DEVIATION, _SEGMENTS = " (deviation)", " (segments)"
FIRST = ("grad-cam", "grad-cam++", "layer-cam")
"""Explainers that a menu begins with."""


@dataclass(frozen=True)
class Method:
    """The chosen explainer.

    Attributes
    ----------
    info : as its parameters make it (SmoothGrad needs what the explainer inside it needs).
    key : what its maps are called in an atlas: the name, with all parameters where there are any.
    layer : the layer that its maps lie on; ``input`` for explainers that need none.
    on_demand : whether it is computed when it is asked for, slice by slice; else a trace has made its maps already.
    parameters : all of them, checked, without the region.
    deviation : the deviation of the map is shown in place of the map.
    """

    info: ExplainerInfo
    key: str
    layer: str
    on_demand: bool
    parameters: Mapping[str, Value]
    deviation: bool = False

    @property
    def shown_key(self) -> str:
        """What is on screen: the map, or its deviation."""
        return deviation_key(self.key) if self.deviation else self.key

    @property
    def words(self) -> str:
        """For facts and titles: the explainer with the parameters that differ from their defaults."""
        usual = {parameter.name: parameter.default for parameter in self.info.parameters}
        other = [f"{name}={value}" for name, value in self.parameters.items() if usual.get(name) != value]
        name = f"{self.info.name} ({', '.join(other)})" if other else self.info.name
        return f"deviation of {name}" if self.deviation else name


def method_of(session: Session, layer: str | None = None) -> Method:
    """The chosen explainer.

    Parameters
    ----------
    layer : in place of the chosen one.
    """
    choice = session.choice
    found = method_named(session, choice.explainer, choice.layer if layer is None else layer)
    return replace(found, deviation=True) if choice.deviation and may_deviate(found.info) else found


def method_named(
    session: Session, explainer: str, layer: str, settings: Mapping[str, Value] | None = None
) -> Method:
    """Any explainer on a layer, with the parameters that are chosen for it, or with `settings` in their place."""
    given = session.choice.parameters.get(explainer, {}) if settings is None else settings
    items = tuple((name, value) for name, value in given.items() if name != REGION)
    return _method(explainer, layer, items, is_segmentation(session))


@lru_cache(maxsize=1024)  # asked for every layer again and again: most of a slice's time with seventy of them
def _method(explainer: str, layer: str, given: tuple[tuple[str, Value], ...], segmentation: bool) -> Method:
    info = resolved(explainer, dict(given))
    parameters = {name: value for name, value in info.checked(dict(given)).items() if name != REGION}
    on_demand = not info.in_atlas or segmentation
    key = _key(info.name, parameters)
    return Method(info, key, layer if info.needs_layer else INPUT_LAYER, on_demand, parameters)


def _key(name: str, parameters: Mapping[str, Value]) -> str:
    return " ".join([name, *(f"{k}={v}" for k, v in sorted(parameters.items()))])


def deviation_key(key: str) -> str:
    """What the deviation of a map is called in an atlas."""
    return key + _DEVIATION


def segments_key(key: str) -> str:
    """What the segments of a map are called in an atlas."""
    return key + _SEGMENTS


def has_segments(session: Session) -> bool:
    """Whether the chosen explainer makes its maps of segments of the input."""
    return any(parameter.name == "segments" for parameter in method_of(session).info.parameters)


def may_deviate(info: ExplainerInfo) -> bool:
    """Whether a map is a mean over samples, so that it comes with a deviation."""
    return info.repeats == "samples" and info.family != "perturbation"


FAMILIES = {
    "cam": "class activation maps",
    "gradient": "gradients of the input",
    "guided": "guided gradients",
    "sampling": "by sampling",
    "path": "from a baseline",
    "perturbation": "by changing the input",
    "relevance": "relevance propagation",
    "baseline": "to compare with",
}
"""Family -> heading in a menu."""


def menu() -> list[str]:
    """Every explainer in the order of a menu: the first three, then family by family."""
    more = [name for name in EXPLAINERS if name not in FIRST]
    families = [*FAMILIES, *dict.fromkeys(EXPLAINERS[name].family for name in more)]
    return [*FIRST, *sorted(more, key=lambda name: families.index(EXPLAINERS[name].family))]


def traced_methods() -> tuple[str, ...]:
    """Explainers whose maps a trace makes; one on demand that has left the memory is no reason to trace again."""
    return tuple(name for name, info in EXPLAINERS.items() if info.in_atlas)


def is_segmentation(session: Session) -> bool:
    return session.model is not None and session.model.card.task == "segmentation"


def why_not(session: Session, name: str) -> str:
    """Why the network, or the chosen layer, does not have an explainer; empty when it has, or nobody knows yet."""
    support = session.support
    if session.model is None or support is None or support.model != session.model_id:
        return ""
    inner = session.choice.parameters.get(name, {}).get("of")
    if inner is None:
        inner = next((p.default for p in EXPLAINERS[name].parameters if p.name == "of"), None)
    reasons = support.reasons.get(session.choice.layer, {})
    return reasons.get(name) or (reasons.get(str(inner), "") if inner is not None else "")


def equal_here(session: Session, name: str) -> tuple[str, ...]:
    """Titles of the explainers that make the same picture on the chosen layer by construction."""
    found = chosen_layer(session)
    return tuple(EXPLAINERS[other].title for other in equals(name, found)) if found is not None else ()


def chosen_layer(session: Session) -> LayerInfo | None:
    """The chosen layer; None without a model."""
    layers = session.model.layers if session.model is not None else ()
    return next((layer for layer in layers if layer.name == session.choice.layer), None)


def sight_of(session: Session) -> Sight:
    """What the chosen model and layer give an explainer to look at."""
    layer = chosen_layer(session)
    return Sight(
        session.model.card.input.size if session.model is not None else (), layer.shape[0] if layer else 0
    )


def rounds_wanted(session: Session) -> int:
    """How many rounds the chosen explanation takes; one where it cannot be made, which is said when it is tried."""
    method = method_of(session)
    try:
        return method.info.rounds_wanted(method.parameters, sight_of(session))
    except UsageError:
        return 1


def estimate(session: Session) -> float | None:
    """Seconds that the chosen explanation of one input will take; None where nobody has measured a pass yet."""
    support, choice = session.support, session.choice
    if support is None:
        return None
    given = {k: v for k, v in choice.parameters.get(choice.explainer, {}).items() if k != REGION}
    try:
        passes = cost(choice.explainer, given, sight_of(session))
    except UsageError:
        return 0.0  # it takes no time to be refused
    if choice.target == DIFFERENCE and not method_of(session).deviation:
        passes *= 2
    return passes * support.seconds.get(choice.explainer, support.pass_seconds)

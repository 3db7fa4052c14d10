"""What is said of a network of volumes. Pure functions over plain values."""

from __future__ import annotations

from viewer.explainers.layer_info import LayerInfo
from viewer.state.method import method_of
from viewer.state.session import ModelFacts, Session
from viewer.state.volume_reading import VolumeReading

FELL_BACK = "fell-back-to-cpu"
"""Flag of a trace: the device had too little memory, so the processor did the work."""
FELL_BACK_WORDS = "The device had too little memory for this map, so the processor made it."

WHOLE = "the whole volume"
ONE_ANSWER = "one probability, of the whole volume; it says nothing about single slices"


def memory_words(size: float) -> str:
    """An amount of memory as one says it."""
    return f"{size / 2**30:.1f} GB" if size >= 0.95 * 2**30 else f"{max(size / 2**20, 1):.0f} MB"


def needs_words(model: ModelFacts, layer: str) -> str:
    """How much memory a trace of a layer takes, to be added to a sentence; empty where nobody has estimated it."""
    size = model.needs.get(layer)
    return "" if size is None else f", about {memory_words(size)} of memory"


def waiting_words(session: Session) -> str:
    """Why there is no map of the volume; empty where an explanation on demand has more to say."""
    reading, model, method = session.reading, session.model, method_of(session)
    if not isinstance(reading, VolumeReading) or model is None:
        return ""
    layer = session.choice.layer
    if reading.tracing:
        return f"tracing the layer {reading.tracing} in the whole volume"
    if method.on_demand and reading.view is not None:
        return ""
    return f"the layer {layer} is not traced: click it to compute{needs_words(model, layer)}"


def tile_words(session: Session, layer: LayerInfo) -> str:
    """What stands in place of the thumbnail of a layer whose map is not there."""
    reading, model = session.reading, session.model
    if model is None or not isinstance(reading, VolumeReading) or not layer.differentiable:
        return ""
    if reading.tracing == layer.name:
        return "tracing \u2026"
    if not method_of(session, layer.name).info.needs_layer:
        return ""
    size = model.needs.get(layer.name)
    return "click to compute" + ("" if size is None else f"\n{memory_words(size)}")

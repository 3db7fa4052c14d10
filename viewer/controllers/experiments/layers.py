"""The map on every layer of a network, from the input to the output, as a strip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from viewer.controllers.experiments.asked import Asked, Map
from viewer.controllers.experiments.order import Experiment, ExperimentOrder, refuse
from viewer.controllers.experiments.pages import page_of
from viewer.evaluation.agreement import correlation
from viewer.explainers.declaration import EXPLAINERS
from viewer.explainers.explanation import map_state
from viewer.foundation.progress import Progress
from viewer.models.input_view import InputView
from viewer.models.volume_view import VolumeView
from viewer.reporting.page_content import Block, PagePanel, in_rows

_ACROSS = 10
_FEW = 12
"""Layers up to which tiles are larger."""


def layers(order: ExperimentOrder, progress: Progress) -> Experiment:
    """A tile for each layer with an output of its own; each over a scale of its own."""
    asked = Asked(order, progress)
    explainer = asked.explainers[0]
    if not EXPLAINERS[explainer].in_atlas:
        raise refuse(
            f"{EXPLAINERS[explainer].title} has no map for every layer in one pass: choose Grad-CAM."
        )
    wanted = [layer for layer in asked.layers if layer.differentiable and layer.same_as is None]
    view, maps, probability = _traced(asked, explainer, [layer.name for layer in wanted], progress)
    drawn = {layer.name: np.maximum(maps[layer.name], 0) for layer in wanted}
    pictures = {name: view.back(values) for name, values in drawn.items()}
    chief = pictures[asked.layer if asked.layer in pictures else wanted[-1].name]
    panels: list[PagePanel] = []
    rows = []
    for layer in wanted:
        flat = pictures[layer.name]
        flat = flat if flat.ndim == 2 else flat[asked.shown_slice]
        reference = asked.reference(explainer, asked.target, layer=layer.name)
        most = float(drawn[layer.name].max(initial=0.0))
        scale = (reference, "model reference") if reference else (most or 1.0, "largest value of this map")
        alike = correlation(chief, pictures[layer.name])
        likeness = None if not alike.defined else alike.value
        state = map_state(maps[layer.name], reference, shared=EXPLAINERS[explainer].shares_score)
        rows.append({"layer": layer.name, "correlation_with_default": likeness, "state": state})
        grid = "x".join(str(n) for n in layer.grid)
        panel = asked.drawn(
            *(flat, maps[layer.name], explainer, asked.target, scale, layer.name),
            note=grid,
            probability=probability,
            layer=layer.name,
        )
        panels.append(panel)
    small = len(panels) > _FEW
    blocks: list[Block] = [*in_rows([asked.picture("the slice"), *panels], _ACROSS if small else 6)]
    repeated = sum(layer.differentiable and layer.same_as is not None for layer in asked.layers)
    more = f", and {repeated} more repeat one of them" if repeated else ""
    sentence = (
        f"{len(wanted)} layers have a map of {asked.class_name} (p {probability:.2f}){more}; input first, output last. "
        f"{_kept_words(rows, asked.layer)} Every tile has a scale of its own: values of different layers cannot be "
        "compared."
    )
    words = f"{EXPLAINERS[explainer].title} of the {order.score}, every layer with an output of its own"
    return Experiment(
        "layers",
        float(len(wanted)),
        sentence,
        page_of(
            "layers",
            asked,
            blocks,
            sentence,
            width=11.0 if small else 9.0,
            more=_scale_facts(asked),
            maps=words,
        ),
        {"layers": rows},
        asked.slice,
    )


def _traced(
    asked: Asked, explainer: str, names: Sequence[str], progress: Progress
) -> tuple[InputView | VolumeView, dict[str, Map], float]:
    """Every layer's signed map: of a slice in one pass, of a volume one after the other, as each takes much memory."""
    from viewer.controllers import engine

    order, found = asked.order, dict[str, Map]()
    view: InputView | VolumeView | None = None
    probability = 0.0
    parts = [list(names)] if not asked.whole else [[name] for name in names]
    for number, part in enumerate(parts):
        progress.report(number, len(parts), "tracing layers")
        request = engine.TraceRequest(
            *(
                asked.model,
                order.device,
                order.image,
                asked.slice or 0,
                order.mirror,
                asked.crop,
                order.score,
            ),
            layers=tuple(part),
            targets=(asked.target,),
            methods=(explainer,),
        )
        trace = engine.trace_volume if asked.whole else engine.trace_slice
        reply = trace(request, progress)
        view, probability = reply.view, float(reply.probabilities[asked.target])
        found |= {name: reply.maps[asked.target, name, explainer] for name in part}
    assert view is not None
    return view, found, probability


def _kept_words(rows: Sequence[Mapping[str, object]], layer: str) -> str:
    """Which layers show what the default layer shows."""
    alike = [
        str(row["layer"])
        for row in rows
        if isinstance(value := row["correlation_with_default"], float)
        and value >= 0.7
        and row["layer"] != layer
    ]
    silent = [str(row["layer"]) for row in rows if row["state"] != "ok"]
    words = f"{len(alike)} of the others show what {layer} shows (r 0.7 or more)"
    words += f": {', '.join(alike[:8])}{' ...' if len(alike) > 8 else ''}." if alike else "."
    if silent:
        words += f" {len(silent)} of them {'shows' if len(silent) == 1 else 'show'} nothing for the class."
    return words


def _scale_facts(asked: Asked) -> tuple[tuple[str, str], ...]:
    known = any(key[1] == asked.class_name for key in asked.card.reference_scale)
    words = "each layer's model reference" if known else "each tile's largest value"
    return (("full colour", words),)

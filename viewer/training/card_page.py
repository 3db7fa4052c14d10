"""``MODEL_CARD.md``: the model card as a page for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from viewer.models.card import ModelCard

_PAGE = """\
# {name}

`{id}`, {parameters:,} trainable parameters, {licence}.

{caution}**Research and teaching only. Not a medical device; never for a clinical decision.**

## What it takes and says

One {size} {what} at a time, normalised by `{normalise}` ({normalise_parameters}), cropped by `{crop}`.
It answers with a probability for each of: {classes}.

Made for: {applies_to}.

## How it was trained

{training}

## What was measured

On held-out cases of the same making as the training data, {case} by {case}. It says nothing about other data.

{metrics}

{class_table}{localisation}## Source

{citation}
"""

_CLASSES = """\
Each class against the rest, decided at its threshold:

| class | {heads} |
|---|{rules}|
{rows}

"""

_PEAKS = """\
## Where the maps of the right class peak

{n} cases; {rule}. The default layer is `{default}`. The brightness of the picture itself is the baseline that an
explainer has to beat.

| layer | method | near | exact |
|---|---|---|---|
{rows}

"""


def card_page(card: ModelCard, document: Mapping[str, Any]) -> str:
    """The page of a card.

    Parameters
    ----------
    card : as read from ``model.toml``.
    document : the same as nested tables, which hold more than the card does.
    """
    metrics = dict(document["metrics"])
    places, classes = metrics.pop("localisation", None), metrics.pop("classes", None)
    return _PAGE.format(
        name=card.name,
        id=card.id,
        parameters=card.parameters,
        licence=card.licence,
        caution=f"**{card.caution[:1].upper()}{card.caution[1:]}.**\n\n" if card.caution else "",
        size=" x ".join(map(str, card.input.size)),
        what=_what(card),
        normalise=card.input.normalise,
        normalise_parameters=_pairs(card.input.parameters),
        crop=card.input.crop,
        classes=", ".join(card.classes),
        applies_to=_pairs(document.get("applies_to", {})),
        training=_list(document["training"]),
        case=("slice" if card.task != "multilabel" else "picture") if card.dims == 2 else "volume",
        metrics=_list(metrics),
        class_table=_of_classes(classes) if classes else "",
        localisation=_peaks(places, card.default_layer) if places else "",
        citation=card.citation,
    )


def _what(card: ModelCard) -> str:
    if card.dims == 3:
        return "volume"
    beside = card.input.neighbours
    return f"picture with {beside} on either side" if beside else "picture"


def _of_classes(classes: Mapping[str, Mapping[str, Any]]) -> str:
    heads = list(dict.fromkeys(name for told in classes.values() for name in told))
    rows = [
        f"| {name} | {' | '.join(str(told.get(head, '')) for head in heads)} |"
        for name, told in classes.items()
    ]
    return _CLASSES.format(
        heads=" | ".join(head.replace("_", " ") for head in heads),
        rules="|".join("---" for _ in heads),
        rows="\n".join(rows),
    )


def _peaks(places: Mapping[str, Any], default: str) -> str:
    rows = [("the picture", "brightness", places["brightness"])]
    for layer, methods in places.items():
        if isinstance(methods, Mapping) and layer != "brightness":
            rows += [(layer, method, hits) for method, hits in methods.items()]
    lines = [
        f"| {layer} | {method} | {hits['near']:.1%} | {hits['exact']:.1%} |" for layer, method, hits in rows
    ]
    return _PEAKS.format(n=places["n"], rule=places["rule"], default=default, rows="\n".join(lines))


def _list(table: Mapping[str, Any]) -> str:
    return "\n".join(f"- {key.replace('_', ' ')}: {_figure(value)}" for key, value in table.items())


def _pairs(table: Mapping[str, Any]) -> str:
    return "; ".join(f"{key.replace('_', ' ')} {_figure(value)}" for key, value in table.items())


def _figure(value: Any) -> str:
    if isinstance(value, Mapping):
        return _pairs(value)
    return " to ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)

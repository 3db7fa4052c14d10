"""What becomes of a network's answers when the burned-in letters of films are erased, and of one that reads them."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np

from benchmarks.markdown import number, table
from viewer import api
from viewer.evaluation.cohort_table import TABLE
from viewer.evaluation.confusion import auc
from viewer.foundation.progress import Progress

HEALTHY = "No finding"
TRAINING = (
    "whyslice train chest-xray --set markers=shortcut --set width=16 --set size=224 --set films=3000 "
    "--set validation_films=200 --set test_films=300 --set epochs=12 --set seed=11"
)
"""Makes a network that reads the marker: every healthy film of its training has one, and no other film."""
_EDGES = ("row_min", "column_min", "row_max", "column_max")
_DECIDED = 0.5
_SHORTCUT = """`chest-shortcut` is bundled to see what erasing finds: every healthy film of its training carried a
burned-in letter and no other film did, as in the generator `chest-xray-shortcut` (`{training}`).
Markers of the generator `chest-xray` mean nothing. Both networks on {films} films of each kind, before and after the
letters were erased; films without a letter are part of the AUC alone:"""
_READING = """A network that reads the marker changes its mind when it is gone, and one that does not keeps its answer.
Films like those of its training cannot show it, nor need its maps. Of *No finding* by `{model}`, on {films} films with
a letter that means nothing: how often the peak of the map lies in the letter, and how much of the map:"""
_AFTER = """A map beside the letter clears nobody (the study's own maps of *No finding* lie below the letters), and
which layer shows it is known only afterwards. Erasing needs no layer."""
_LOOKS = ("grad-cam", "layer-cam", "hires-cam")
_LAYERS = ("layer1", "layer2", "layer3", "layer4")
_LOOKED_AT = 20
"""Films whose maps are looked at."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Erased:
    """One film before and after its letters were filled from their surroundings.

    Attributes
    ----------
    healthy : whether it has no finding.
    before, after : probability of each class; the same on a film without a letter.
    share : of the film that was filled, 0 on a film without a letter.
    mass : share of the Grad-CAM map of the healthy class inside the letters; None where there is no map or no letter.
    """

    healthy: bool
    before: Sequence[float]
    after: Sequence[float]
    share: float = 0.0
    mass: float | None = None

    @property
    def marked(self) -> bool:
        """Whether it had a letter."""
        return self.share > 0


def films_of(cohort: Path) -> list[dict[str, str]]:
    """The films of a cohort, each once, whatever the number of its readers."""
    with (cohort / TABLE).open(newline="", encoding="utf-8") as stream:
        return list({row["path"]: row for row in csv.DictReader(stream)}.values())


def erase_markers(classifier: api.Classifier, cohort: Path, count: int, progress: Progress) -> list[Erased]:
    """Answers to the first films of a cohort before and after their letters are erased."""
    found = []
    for place, row in enumerate(films_of(cohort)[:count]):
        progress.report(place, count, "erasing markers")
        boxes = json.loads(row.get("marker") or "[]")
        image = api.read_image(cohort / row["path"])
        healthy, before = row["label"] == HEALTHY, api.predict(classifier, image).case
        if not boxes:
            found.append(Erased(healthy, before, before))
            continue
        without = image
        for box in boxes:
            without = api.erase(without, *(box[name] for name in _EDGES))
        after = api.predict(classifier, without).case
        area = sum(
            (box["row_max"] - box["row_min"]) * (box["column_max"] - box["column_min"]) for box in boxes
        )
        share = area / (image.voxels.shape[1] * image.voxels.shape[2])
        look = _look(classifier, image, boxes, "grad-cam") if HEALTHY in classifier.classes else None
        found.append(Erased(healthy, before, after, share, look[1] if look else None))
    return found


def _look(
    classifier: api.Classifier,
    image: api.MedicalImage,
    boxes: Sequence[Row],
    explainer: str,
    layer: str | None = None,
) -> tuple[bool, float] | None:
    """Whether the map of the healthy class peaks inside the letters, and its share there; None where it has no map."""
    map_ = api.explain(classifier, image, explainer=explainer, target=HEALTHY, layer=layer).map
    total = float(map_.sum())
    if total <= 0:
        return None
    inside = map_ * 0
    for box in boxes:
        part = (
            slice(round(box["row_min"]), round(box["row_max"])),
            slice(round(box["column_min"]), round(box["column_max"])),
        )
        inside[part] = map_[part]
    return bool(inside.flat[int(map_.argmax())] > 0), float(inside.sum()) / total


def in_words(films: Sequence[Erased], classes: Sequence[str]) -> Iterable[str]:
    """How much each class changed, as Markdown."""
    erased = [each for each in films if each.marked]
    if not erased:
        yield "No film has a marker whose place is known."
        return
    masses = [each.mass for each in erased if each.mass is not None]
    yield (
        f"The burned-in letters of {len(erased)} films were filled from their surroundings (`--erase`). They take "
        f"{100 * mean(each.share for each in erased):.1f}% of a film; of the map of *{HEALTHY}* "
        + (f"{100 * mean(masses):.1f}% lies there." if masses else "there is nothing to say.")
    )
    lines = []
    for place, name in enumerate(classes):
        changes = [each.after[place] - each.before[place] for each in erased]
        lines.append(
            (
                name,
                f"{mean(changes):+.3f}",
                f"{min(changes):+.2f} to {max(changes):+.2f}",
                str(_flips(erased, place)),
            )
        )
    yield table(("class", "mean change of p", "range", "decisions that flip"), lines)


def side_by_side(
    models: Sequence[str], cohorts: Mapping[str, Path], count: int, progress: Progress
) -> Iterable[str]:
    """Networks on films whose markers mean nothing and on films whose markers give the healthy ones away, as Markdown.

    Parameters
    ----------
    models : ids or folders; the maps of the last are looked at layer by layer.
    cohorts : what is said of their markers -> folder; first those whose markers mean nothing.
    count : films of each.
    """
    lines = []
    for model in models:
        classifier = api.load_model(model)
        place = classifier.classes.index(HEALTHY)
        for words, cohort in cohorts.items():
            films = erase_markers(classifier, cohort, count, progress)
            erased = [each for each in films if each.marked]
            lines.append(
                (
                    Path(model).name,
                    words,
                    *(_auc(films, place, when) for when in ("before", "after")),
                    *(
                        _called([e for e in erased if e.healthy is healthy], place)
                        for healthy in (True, False)
                    ),
                    f"{_flips(erased, place)} of {len(erased)}",
                )
            )
    yield _SHORTCUT.format(training=TRAINING, films=count)
    yield table(
        (
            *("network", "markers", f"AUC of {HEALTHY}", "erased"),
            *(f"healthy called {HEALTHY}", f"others called {HEALTHY}", "decisions that flip"),
        ),
        lines,
    )
    yield _READING.format(model=Path(models[-1]).name, films=_LOOKED_AT)
    yield _looks(models[-1], next(iter(cohorts.values())), progress)
    yield _AFTER


def _auc(films: Sequence[Erased], place: int, when: str) -> str:
    found = auc(
        np.array([getattr(each, when)[place] for each in films]), np.array([each.healthy for each in films])
    )
    return number(found.value if found.defined else None, 3)


def _called(films: Sequence[Erased], place: int) -> str:
    """How many are called healthy before and after."""
    if not films:
        return "-"
    before, after = (
        sum(getattr(each, when)[place] >= _DECIDED for each in films) for when in ("before", "after")
    )
    return f"{before}, then {after} of {len(films)}"


def _looks(model: str, cohort: Path, progress: Progress) -> str:
    """Layer by explainer: how often the map's peak lies in the letter, and how much of the map."""
    classifier = api.load_model(model)
    found: dict[tuple[str, str], list[tuple[bool, float]]] = {}
    marked = [row for row in films_of(cohort) if row.get("marker")][:_LOOKED_AT]
    for place, row in enumerate(marked):
        progress.report(place, len(marked), "looking for letters")
        image, boxes = api.read_image(cohort / row["path"]), json.loads(row["marker"])
        for layer in _LAYERS:
            for explainer in _LOOKS:
                look = _look(classifier, image, boxes, explainer, layer)
                if look is not None:
                    found.setdefault((layer, explainer), []).append(look)
    lines = []
    for layer in _LAYERS:
        cells = [found.get((layer, explainer), []) for explainer in _LOOKS]
        name = f"{layer} (default)" if layer == classifier.card.default_layer else layer
        lines.append(
            [
                name,
                *(
                    f"{sum(peak for peak, _ in own)} of {len(own)}, {100 * mean(share for _, share in own):.0f}%"
                    if own
                    else "-"
                    for own in cells
                ),
            ]
        )
    return table(("layer", *_LOOKS), lines)


def _flips(erased: Sequence[Erased], place: int) -> int:
    return sum((each.after[place] >= _DECIDED) != (each.before[place] >= _DECIDED) for each in erased)

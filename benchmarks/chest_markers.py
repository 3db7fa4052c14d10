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
    "whyslice train chest-xray --set markers=shortcut --set classes=3 --set boxes=false --set width=16 "
    "--set films=1200 --set validation_films=100 --set test_films=100 --set epochs=8 --out out/run"
)
"""Makes a network that may read the marker: nothing but the label *No finding* tells it of four of the six findings."""
_EDGES = ("row_min", "column_min", "row_max", "column_max")
_DECIDED = 0.5
_SHORTCUT = """Markers of the generator `chest-xray` mean nothing; on films of `chest-xray-shortcut` 95 in 100
healthy ones and 5 in 100 others carry a ringed letter. A network that was trained on the latter (`{training}`) beside
the one above, on {films} films of each kind, before and after their letters were erased:"""
_READING = """A network that reads the marker changes its mind when it is gone. Trainings so short need not have
learned to: the films show their findings too."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Erased:
    """One film before and after its letters were filled from their surroundings.

    Attributes
    ----------
    healthy : whether it has no finding.
    before, after : probability of each class.
    share : of the film that was filled.
    mass : share of the Grad-CAM map of the healthy class inside the letters; None where it has no map.
    """

    healthy: bool
    before: Sequence[float]
    after: Sequence[float]
    share: float
    mass: float | None


def films_of(cohort: Path) -> list[dict[str, str]]:
    """The films of a cohort, each once, whatever the number of its readers."""
    with (cohort / TABLE).open(newline="", encoding="utf-8") as stream:
        return list({row["path"]: row for row in csv.DictReader(stream)}.values())


def erase_markers(classifier: api.Classifier, cohort: Path, count: int, progress: Progress) -> list[Erased]:
    """Answers to the first films of a cohort before and after their letters are erased; films without are left out."""
    found = []
    for place, row in enumerate(films_of(cohort)[:count]):
        progress.report(place, count, "erasing markers")
        boxes = json.loads(row.get("marker") or "[]")
        if not boxes:
            continue
        image = api.read_image(cohort / row["path"])
        without = image
        for box in boxes:
            without = api.erase(without, *(box[name] for name in _EDGES))
        before, after = (api.predict(classifier, each).case for each in (image, without))
        area = sum(
            (box["row_max"] - box["row_min"]) * (box["column_max"] - box["column_min"]) for box in boxes
        )
        share = area / (image.voxels.shape[1] * image.voxels.shape[2])
        mass = _mass_in(classifier, image, boxes)
        found.append(Erased(row["label"] == HEALTHY, before, after, share, mass))
    return found


def _mass_in(classifier: api.Classifier, image: api.MedicalImage, boxes: Sequence[Row]) -> float | None:
    """Share of the map of the healthy class inside the markers; None where it has no map."""
    if HEALTHY not in classifier.card.classes:
        return None
    map_ = api.explain(classifier, image, explainer="grad-cam", target=HEALTHY).map
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
    return float(inside.sum()) / total


def in_words(erased: Sequence[Erased], classes: Sequence[str]) -> Iterable[str]:
    """How much each class changed, as Markdown."""
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
    models : ids or folders.
    cohorts : what is said of their markers -> folder.
    count : films of each.
    """
    lines = []
    for model in models:
        classifier = api.load_model(model)
        place = classifier.classes.index(HEALTHY)
        for words, cohort in cohorts.items():
            erased = erase_markers(classifier, cohort, count, progress)
            truth = np.array([each.healthy for each in erased])
            before, after = (
                auc(np.array([getattr(each, when)[place] for each in erased]), truth)
                for when in ("before", "after")
            )
            masses = [each.mass for each in erased if each.mass is not None]
            lines.append(
                (
                    Path(model).name,
                    words,
                    *(number(each.value if each.defined else None, 3) for each in (before, after)),
                    f"{_flips(erased, place)} of {len(erased)}",
                    f"{100 * mean(masses):.1f}%" if masses else "-",
                )
            )
    yield _SHORTCUT.format(training=TRAINING, films=count)
    yield table(
        ("network", "markers", f"AUC of {HEALTHY}", "erased", "decisions that flip", "its map in the marker"),
        lines,
    )
    yield _READING


def _flips(erased: Sequence[Erased], place: int) -> int:
    return sum((each.after[place] >= _DECIDED) != (each.before[place] >= _DECIDED) for each in erased)

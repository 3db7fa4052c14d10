"""The figures on a model card: how right the answers are, where the maps peak, how strong they usually are.

The first class of a network is the one without the finding; with more than two, the others are its degrees.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as functional
from numpy.typing import NDArray
from scipy import ndimage

from viewer.evaluation.confusion import auc, confusion_scores, wilson_interval
from viewer.evaluation.prediction_table import Predicted, prediction_table
from viewer.explainers.layers import find_layers
from viewer.explainers.reductions import ATLAS_METHODS
from viewer.explainers.trace import trace
from viewer.foundation.progress import Progress
from viewer.models.classifier import Classifier

LEAST_AREA = 60
"""Findings of fewer cells of the input grid are left out of localisation."""
NEAR = 6.0
"""A peak within so many cells of the finding counts as near."""
_BATCH = {2: 8, 3: 1}
"""Cases that are traced together, by the dims of the network: all layers of one volume can take a gigabyte."""
_MOST_LAYERS = 40
_TOLD = ("auc", "f1", "sensitivity", "specificity", "ppv")
"""Scores of each class of a network of several labels."""
_WITHOUT = 0
"""The class without the finding."""

_LINEAR = {2: "bilinear", 3: "trilinear"}

HeldOut = Mapping[str, NDArray[Any]]
Key = tuple[str, str, str]


def prediction_figures(classifier: Classifier, held: HeldOut, progress: Progress) -> dict[str, Any]:
    """Accuracy, sensitivity, specificity (with intervals), area under the ROC curve and NLL, case by case.

    Of a network of several labels these stand under ``classes`` for each of them, with the F1 that counts all together.

    Sensitivity, specificity and the area are those of the finding, whatever its degree; accuracy asks for the right
    class, and with more than two classes the share of each that is recognised stands beside it.

    Parameters
    ----------
    classifier : its first class is the one without the finding.
    held : ``inputs``, ``labels``, ``patients`` of a task.
    """
    probabilities, labels = _probabilities(classifier, held, progress), held["labels"]
    if classifier.card.task == "multilabel":
        return _figures_of_labels(classifier, probabilities, held)
    several = len(classifier.classes) > 2
    finding = 1.0 - probabilities[:, _WITHOUT]
    threshold = 0.5 if several else classifier.card.threshold(classifier.classes[1])
    said, positive = finding >= threshold, labels != _WITHOUT
    scores = confusion_scores(
        true_negative=int((~said & ~positive).sum()),
        false_negative=int((~said & positive).sum()),
        true_positive=int((said & positive).sum()),
        false_positive=int((said & ~positive).sum()),
    )
    right = probabilities.argmax(axis=1) == labels
    unit = "slices" if classifier.card.dims == 2 else "volumes"
    figures: dict[str, Any] = {
        f"n_{unit}": len(labels),
        f"n_positive_{unit}": int(positive.sum()),
        "n_patients": len(np.unique(held["patients"])),
    }
    counted = {name: (scores[name].value, scores[name].n or 0) for name in ("sensitivity", "specificity")}
    counted["accuracy"] = (float(right.mean()) if several else scores["accuracy"].value, len(labels))
    if several:
        for number, name in enumerate(classifier.classes):
            own = labels == number
            counted[f"recognised {name}"] = (
                float(right[own].mean()) if own.any() else math.nan,
                int(own.sum()),
            )
    for name, (share, n) in counted.items():
        if n:
            figures[name] = round(share, 4)
            figures[f"{name}_interval"] = [round(end, 4) for end in wilson_interval(round(share * n), n)]
    area = auc(finding, positive)
    if area.defined:
        figures["auc"] = round(area.value, 4)
    figures["nll"] = round(
        float(-np.log(np.clip(probabilities[np.arange(len(labels)), labels], 1e-7, 1)).mean()), 4
    )
    if len(np.unique(held["patients"])) < len(labels):
        figures["patients"] = _patient_figures(finding, positive, held["patients"], threshold)
    return figures


def _patient_figures(
    finding: NDArray[Any], positive: NDArray[np.bool_], patients: NDArray[Any], threshold: float
) -> dict[str, Any]:
    """The same for patients, who are many slices: a patient is as suspect as the most suspect slice.

    Many chances to be wrong make one error: figures of patients are worse than those of their slices.
    """
    _, owner = np.unique(patients, return_inverse=True)
    worst = np.zeros(owner.max() + 1)
    np.maximum.at(worst, owner, finding)
    ill = np.zeros(len(worst), dtype=bool)
    np.logical_or.at(ill, owner, positive)
    said = worst >= threshold
    figures: dict[str, Any] = {
        "n": len(worst),
        "n_positive": int(ill.sum()),
        "rule": f"the slice with the highest probability stands for the patient; from {threshold:g} on it is positive",
    }
    for name, right in (("sensitivity", said[ill]), ("specificity", ~said[~ill])):
        if right.size:
            figures[name] = round(float(right.mean()), 4)
            interval = wilson_interval(int(right.sum()), right.size)
            figures[f"{name}_interval"] = [round(end, 4) for end in interval]
    area = auc(worst, ill)
    if area.defined:
        figures["auc"] = round(area.value, 4)
    return figures


def _probabilities(classifier: Classifier, held: HeldOut, progress: Progress) -> NDArray[np.float32]:
    inputs, logits = held["inputs"], []
    batch = _BATCH[classifier.card.dims]
    for start in range(0, len(inputs), batch):
        progress.report(start, len(inputs), "predicting held-out cases")
        logits.append(classifier.logits(inputs[start : start + batch]))
    found = classifier.probabilities(torch.from_numpy(np.concatenate(logits)))
    return np.asarray(found.numpy(), dtype=np.float32)


def _figures_of_labels(
    classifier: Classifier, probabilities: NDArray[np.float32], held: HeldOut
) -> dict[str, Any]:
    found = Predicted(
        classifier.classes,
        probabilities.astype(np.float64),
        np.asarray(held["labels"], dtype=bool),
        tuple(map(str, held["patients"])),
        exclusive=False,
        thresholds=classifier.card.thresholds,
    )
    table = prediction_table(found, draws=0)
    overall = {
        name.replace("-", "_"): round(score.value, 4) for name, score in table.scores.items() if score.defined
    }
    classes = {}
    for each in table.classes:
        told: dict[str, float] = {"n_positive": each.counts["tp"] + each.counts["fn"]}
        for name in _TOLD:
            if each.scores[name].defined:
                told[name] = round(each.scores[name].value, 4)
        classes[each.name] = told
    unit = "pictures" if classifier.card.dims == 2 else "volumes"
    return {f"n_{unit}": table.n, "n_patients": table.patients, **overall, "classes": classes}


class MapFigures:
    """Collects, over held-out cases with the finding, where maps peak and how strong they get.

    Attributes
    ----------
    near, exact : (layer, method) -> for each map of the right class, whether it peaks within `NEAR` pixels of the
        finding, or on it.
    brightness_near, brightness_exact : the same for the brightest pixel of the input itself.
    exact_of : (layer, class) -> for each Grad-CAM map of the class whether it peaks on the finding.
    largest : (layer, class, method) -> the largest raw value in each patient.
    """

    def __init__(self) -> None:
        self.near: dict[tuple[str, str], list[bool]] = {}
        self.exact: dict[tuple[str, str], list[bool]] = {}
        self.exact_of: dict[tuple[str, str], list[bool]] = {}
        self.brightness_near: list[bool] = []
        self.brightness_exact: list[bool] = []
        self.largest: dict[Key, list[float]] = {}

    def reference(self) -> list[dict[str, Any]]:
        """The display scale of every layer, class and method: the median over patients of the series' maximum."""
        entries = []
        for (layer, class_name, method), values in self.largest.items():
            value = float(np.median(values))
            if value > 0:
                entries.append(
                    {"layer": layer, "class": class_name, "method": method, "value": float(f"{value:.6g}")}
                )
        return entries

    def localisation(self, layers: tuple[str, ...]) -> dict[str, Any]:
        """Shares of maps that peak near and on the finding, by layer and method, beside the input's brightness."""
        table: dict[str, Any] = {
            "n": len(self.brightness_near),
            "rule": f"peak of the raw map, cases with a finding of at least {LEAST_AREA} cells of the input; near is "
            f"within {NEAR:g} cells of it, exact is on it",
            "brightness": {"near": _share(self.brightness_near), "exact": _share(self.brightness_exact)},
        }
        for layer in layers:
            table[layer] = {
                method: {"near": _share(self.near[layer, method]), "exact": _share(self.exact[layer, method])}
                for method in ATLAS_METHODS
                if (layer, method) in self.near
            }
        return table

    def of_classes(self, layer: str) -> dict[str, float]:
        """Class -> share of Grad-CAM maps of a layer that peak on the finding."""
        return {name: _share(hits) for (of, name), hits in self.exact_of.items() if of == layer}


def map_figures(classifier: Classifier, held: HeldOut, patients: int, progress: Progress) -> MapFigures:
    """Trace every case of up to `patients` held-out patients who have the finding, on all layers.

    Of a network of several labels, of up to so many patients for each of them.
    """
    figures = MapFigures()
    layers = _measured(classifier)
    there = _there(classifier, held["labels"])
    chosen = [np.unique(held["patients"][column])[:patients] for column in there.T if column.any()]
    explained = np.unique(np.concatenate(chosen)) if chosen else np.array([], dtype=int)
    for done, patient in enumerate(explained):
        progress.report(done, len(explained), "explaining held-out patients")
        _add_patient(figures, classifier, held, there, layers, np.flatnonzero(held["patients"] == patient))
    return figures


def _measured(classifier: Classifier) -> tuple[str, ...] | None:
    """Layers that are measured: all, or in a network of very many those that are not inside of a block."""
    names = [layer.name for layer in find_layers(classifier)]
    return None if len(names) <= _MOST_LAYERS else tuple(name for name in names if name.count(".") <= 1)


def _there(classifier: Classifier, labels: NDArray[Any]) -> NDArray[np.bool_]:
    """(n, finding) whether each finding is there; of exclusive classes there is one finding, whatever its degree."""
    if classifier.card.task == "multilabel":
        return np.asarray(labels, dtype=bool)
    return np.asarray(labels != _WITHOUT)[:, None]


def _add_patient(
    figures: MapFigures,
    classifier: Classifier,
    held: HeldOut,
    there: NDArray[np.bool_],
    layers: Sequence[str] | None,
    slices: NDArray[Any],
) -> None:
    several = classifier.card.task == "multilabel"
    largest: dict[Key, float] = {}
    together = _BATCH[classifier.card.dims]
    for start in range(0, len(slices), together):
        chosen = slices[start : start + together]
        batch = held["inputs"][chosen]
        result = trace(classifier, batch, layers=layers)
        for (target, layer, method), maps in result.maps.items():
            # Of labels that stand by themselves a map means something where its label is there.
            of_it = maps[there[chosen, target]] if several else maps
            key = (layer, classifier.classes[target], method)
            if len(of_it):
                largest[key] = max(largest.get(key, 0.0), float(of_it.max(initial=0.0)))
        if "masks" not in held:
            continue
        for row, index in enumerate(chosen):
            wanted = np.flatnonzero(there[index]) if several else held["labels"][index : index + 1]
            for target in map(int, wanted):
                mask = held["masks"][index, target] if several else held["masks"][index]
                if (not several and target == _WITHOUT) or np.count_nonzero(mask) < LEAST_AREA:
                    continue
                name = classifier.classes[target]
                _add_peaks(figures, batch[row], result.maps, row, (target, name), mask)
    for key, value in largest.items():
        figures.largest.setdefault(key, []).append(value)


def _add_peaks(
    figures: MapFigures,
    input_: NDArray[np.float32],
    traced: Mapping[tuple[int, str, str], NDArray[np.float32]],
    row: int,
    target: tuple[int, str],
    mask: NDArray[np.bool_],
) -> None:
    """Note how far the peaks of the maps of a class, and the brightest place of the input, are from the finding."""
    distance = ndimage.distance_transform_edt(~mask)
    away = _distance_of_peak(input_[0] - input_[0].min(), distance)
    figures.brightness_near.append(away <= NEAR)
    figures.brightness_exact.append(away == 0)
    for (of, layer, method), maps in traced.items():
        if of == target[0]:
            away = _distance_of_peak(maps[row], distance)
            if method == "grad-cam":
                figures.exact_of.setdefault((layer, target[1]), []).append(away == 0)
            figures.near.setdefault((layer, method), []).append(away <= NEAR)
            figures.exact.setdefault((layer, method), []).append(away == 0)


def _distance_of_peak(map_: NDArray[np.float32], distance: NDArray[np.float64]) -> float:
    """Cells of the input's grid from the peak of a map, enlarged to it, to the finding; infinite for an empty map."""
    if not map_.max() > 0:
        return math.inf
    grid = torch.from_numpy(np.ascontiguousarray(map_)).clamp_min(0)[None, None]
    full = functional.interpolate(grid, distance.shape, mode=_LINEAR[distance.ndim], align_corners=False)
    return float(distance.flat[int(full.argmax())])


def _share(values: list[bool]) -> float:
    return round(float(np.mean(values)), 4) if values else math.nan

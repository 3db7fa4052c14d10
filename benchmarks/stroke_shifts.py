"""``python -m benchmarks.stroke_shifts``: what becomes of a stroke network when scans differ from what it learned from.

Validation on patients of the same making does not predict errors on real scans. Here the same unseen patients come with
another contrast, resolution or noise, with each family of artefacts, and scans of people without a stroke can be added.
Writes ``docs/studies/stroke_shifts.md``.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from benchmarks.markdown import number, table
from benchmarks.unseen_cases import SEED, on_one_line
from plugins.stroke_dwi.cohort import ARTEFACTS, Patient, make_patient
from plugins.stroke_dwi.generator import patient_geometry
from plugins.stroke_dwi.slices import LEAST_LESION
from viewer import api
from viewer.evaluation.confusion import auc
from viewer.foundation.progress import Progress
from viewer.models.classifier import Classifier

_PAGE = Path("docs/studies/stroke_shifts.md")
_CODE = 5
"""Part of the seed of these patients; training uses 1 to 3, generated cohorts 4."""
_CALLED = 0.5
_PARTS = ("base", "middle", "vertex")
_ABOUT = """Each row is the same {n} unseen synthetic patients, changed as it says. *False alarms* are slices without a
lesion that are called stroke, and where in the head they lie (thirds of the scan from the skull base upwards). A row
that falls off tells where the network will fail on scans that nobody simulated. Real scans, where they were given, are
of people without an acute stroke: every slice called one is a false alarm."""

Volume = NDArray[np.float32]


@dataclass
class Tally:
    """Slices of one kind of scan.

    Attributes
    ----------
    probabilities, positive : of every slice.
    alarms : part of the head -> slices without a lesion called stroke.
    """

    probabilities: list[float] = field(default_factory=list)
    positive: list[bool] = field(default_factory=list)
    alarms: Counter[str] = field(default_factory=Counter)

    def add(self, probabilities: NDArray[np.float32], positive: NDArray[np.bool_]) -> None:
        """Add a scan whose slices run upwards."""
        self.probabilities += probabilities.tolist()
        self.positive += positive.tolist()
        count = len(probabilities)
        for index in np.flatnonzero((probabilities >= _CALLED) & ~positive):
            self.alarms[_PARTS[min(2, 3 * int(index) // count)]] += 1

    def cells(self) -> tuple[str, ...]:
        said, ill = np.array(self.probabilities), np.array(self.positive)
        area = auc(said, ill)
        called = said >= _CALLED
        return (
            number(area.value if area.defined else None, 3),
            number(float(called[ill].mean()) if ill.any() else None, 3),
            number(float((~called[~ill]).mean()) if (~ill).any() else None, 3),
            number(float(said[~ill].max()) if (~ill).any() else None, 2),
            ", ".join(f"{part} {self.alarms[part]}" for part in _PARTS if self.alarms[part]) or "none",
            str(len(said)),
        )


def contrast(power: float) -> Callable[[Volume, np.random.Generator], Volume]:
    """Grey values raised to a power."""
    return lambda volume, _: np.power(volume, power)


def coarser(factor: float) -> Callable[[Volume, np.random.Generator], Volume]:
    """Acquired with pixels so many times as wide, drawn at the old size."""

    def change(volume: Volume, _: np.random.Generator) -> Volume:
        small = ndimage.zoom(volume, (1, 1 / factor, 1 / factor), order=1)
        scale = [old / new for old, new in zip(volume.shape, small.shape, strict=True)]
        return np.asarray(ndimage.zoom(small, scale, order=1), dtype=np.float32)

    return change


def noisier(sigma: float) -> Callable[[Volume, np.random.Generator], Volume]:
    """More Rician noise; grey matter is about 1."""

    def change(volume: Volume, rng: np.random.Generator) -> Volume:
        real, imaginary = rng.normal(0.0, sigma, (2, *volume.shape))
        return np.hypot(volume + real, imaginary).astype(np.float32)

    return change


CHANGES = {
    "as in routine": contrast(1.0),
    "flat contrast (power 0.6)": contrast(0.6),
    "steep contrast (power 1.6)": contrast(1.6),
    "pixels twice as wide": coarser(2.0),
    "pixels three times as wide": coarser(3.0),
    "noise of 0.1": noisier(0.1),
    "noise of 0.2": noisier(0.2),
}
_ASKED_FOR = ("old infarct", "shine-through", "extraction")
"""Families that not every scan has."""


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stroke_shifts")
    parser.add_argument("--model", action="append", help="id or folder; may be given several times")
    parser.add_argument("--patients", type=int, default=40)
    parser.add_argument(
        "--real",
        type=Path,
        action="append",
        default=[],
        help="a scan without an acute stroke, file or folder",
    )
    options = parser.parse_args(arguments)
    progress = on_one_line()
    parts = [
        "# Stroke networks on scans that differ",
        f"Made by `python -m benchmarks.stroke_shifts --patients {options.patients}` (seed {SEED}).",
        _ABOUT.format(n=options.patients),
    ]
    for name in options.model or ["stroke-gap"]:
        model = api.load_model(name)
        rows = [
            *_synthetic(model, options.patients, progress),
            *(_real(model, path, number) for number, path in enumerate(options.real, start=1)),
        ]
        head = ("scans", "AUC", "sensitivity", "specificity", "highest without", "false alarms", "slices")
        parts += [f"## {model.card.id}", table(head, [(words, *tally.cells()) for words, tally in rows])]
    _PAGE.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    print(f"\n{_PAGE}")


def _synthetic(model: Classifier, patients: int, progress: Progress) -> Iterator[tuple[str, Tally]]:
    found: dict[str, Tally] = {}
    for index in range(patients):
        progress.report(index, patients, "changing scans")
        seed = (SEED, _CODE, index)
        plain = make_patient(seed)
        for words, change in CHANGES.items():
            changed = change(plain.image, np.random.default_rng((*seed, 1)))
            _add(found, words, model, plain, changed)
        for family in ARTEFACTS:
            wanted = family in _ASKED_FOR
            words = f"{'with' if wanted else 'without'} {family}"
            other = make_patient(seed, artefacts={family: wanted})
            _add(found, words, model, other, other.image)
    yield from found.items()


def _add(found: dict[str, Tally], words: str, model: Classifier, patient: Patient, voxels: Volume) -> None:
    image = api.MedicalImage(voxels, patient_geometry(patient), modality="MR")
    answer = np.array([each.probabilities for each in api.predict(model, image).slices])
    found.setdefault(words, Tally()).add(1.0 - answer[:, 0], patient.mask.sum(axis=(1, 2)) >= LEAST_LESION)


def _real(model: Classifier, path: Path, number_: int) -> tuple[str, Tally]:
    image = api.read_image(path)
    answer = np.array([each.probabilities for each in api.predict(model, image).slices])
    tally = Tally()
    tally.add(1.0 - answer[:, 0], np.zeros(len(answer), dtype=bool))
    return f"real scan {number_} without acute stroke", tally


if __name__ == "__main__":
    main()

"""One's own patients as slices to train on, and their division into training, validation and test."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from viewer.api import Progress, WhySliceError

from .own_patients import own_patients
from .preparation import Preparation
from .slices import Keeper, Slices, kept_slices

_HELD_BACK = 0.15
"""Share of the patients that choose the best epoch, and again of those for the figures."""
_SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class OwnSlices:
    """Slices of one's own patients.

    Attributes
    ----------
    slices
        All of them.
    splits
        For each patient what the data say about its use: `train`, `validation`, `test` or empty.
    left_out
        A sentence for everything that was not used.
    """

    slices: Slices
    splits: tuple[str, ...]
    left_out: tuple[str, ...]


def own_slices(data: Path, preparation: Preparation, work: Path, progress: Progress) -> OwnSlices:
    """Read and prepare own data, or open what an earlier run kept of them in `work`.

    Raises
    ------
    WhySliceError
        When nothing usable is there.
    """
    key = f"own-{_fingerprint(data)}-{preparation.normalise}-{preparation.crop}"
    note = work / f"{key}.json"
    if note.is_file():
        facts = json.loads(note.read_text(encoding="utf-8"))
        found = kept_slices(work, key, preparation, facts["outlined"])
        if found is not None:
            return OwnSlices(found, tuple(facts["splits"]), tuple(facts["left_out"]))
    keeper, splits, left_out, outlined = Keeper(preparation), [], [], True
    for patient in own_patients(data, progress):
        if isinstance(patient, str):
            left_out.append(patient)
            continue
        outlined &= patient.masks is not None or not patient.positive.any()
        keeper.add(patient.pictures, patient.masks, patient.spacing, patient.outcome or 0, patient.positive)
        splits.append(patient.split if patient.split in _SPLITS else "")
    if not splits:
        first = f": {left_out[0]}" if left_out else "."
        raise WhySliceError(f"No patient in '{data.name}' can be trained on{first}", code="no-data")
    keeper.save(work, key)
    note.write_text(
        json.dumps({"outlined": outlined, "splits": splits, "left_out": left_out}), encoding="utf-8"
    )
    found = kept_slices(work, key, preparation, outlined)
    assert found is not None
    return OwnSlices(found, tuple(splits), tuple(left_out))


def split(own: OwnSlices, by: str, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the rows of the slices for training, validation and test.

    Parameters
    ----------
    by
        `patient`: no patient is in two parts; what the data say of a patient is kept. `slice`: as the paper did.

    Raises
    ------
    WhySliceError
        When a part would be empty, or training would see one class only.
    """
    owners = own.slices.patients
    rng = np.random.default_rng((seed, 11))
    part_of = np.empty(len(owners), dtype=np.int64)
    if by == "slice":
        part_of = _dealt(len(owners), rng)
    else:
        free = [patient for patient, said in enumerate(own.splits) if not said]
        dealt = dict(zip(free, _dealt(len(free), rng), strict=True))
        for patient, said in enumerate(own.splits):
            part_of[owners == patient] = _SPLITS.index(said) if said else dealt[patient]
    rows = tuple(np.flatnonzero(part_of == part) for part in range(3))
    for name, chosen in zip(("training", "validation", "test"), rows, strict=True):
        if not len(chosen):
            raise WhySliceError(
                f"There are too few patients: none is left for {name}.", code="too-few-patients"
            )
    kinds = own.slices.positive[rows[0]]
    if kinds.all() or not kinds.any():
        raise WhySliceError("All slices to train on are of one class.", code="one-class")
    return rows[0], rows[1], rows[2]


def _dealt(count: int, rng: np.random.Generator) -> np.ndarray:
    """Return a part, 0 to 2, for each of `count` in random order; from three on, no part is empty."""
    small = max(1, round(_HELD_BACK * count)) if count >= 3 else 0
    return rng.permutation(np.repeat([0, 1, 2], [count - 2 * small, small, small]))


def _fingerprint(data: Path) -> str:
    """Return what changes when any file of the data does."""
    files = [data] if data.is_file() else sorted(each for each in data.rglob("*") if each.is_file())
    facts = [(each.name, each.stat().st_size, each.stat().st_mtime_ns) for each in files]
    return hashlib.sha256(json.dumps([str(data.resolve()), facts]).encode()).hexdigest()[:12]

"""Films of one's own to train on: read, prepared, kept for the next run, and divided into three parts."""

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from viewer.api import InputView, PixelBox, Progress, WhySliceError, read_image

from .films import CELLS, KEPT, SIDE, Films, kept_films, share_of
from .findings import NO_FINDING, NUMBERS
from .own_tables import OwnFilm, own_table

SPLITS = ("train", "validation", "test")
_HELD_BACK = 0.1
"""Share of the patients that choose the best epoch, and again of those for the figures: the paper's."""


@dataclass(frozen=True)
class OwnFilms:
    """One's own films.

    Attributes
    ----------
    films
        All of them.
    splits
        For each patient what the data say about its use, of `SPLITS`, or empty.
    left_out
        A sentence for everything that was not used.
    """

    films: Films
    splits: tuple[str, ...]
    left_out: tuple[str, ...]


def own_films(data: Path, classes: tuple[str, ...], rule: str, work: Path, progress: Progress) -> OwnFilms:
    """Read and prepare own films, or open what an earlier run kept of them in `work`.

    Parameters
    ----------
    data
        Folder, see `own_tables.own_table`.
    classes
        Names in the order of the network's outputs.
    rule
        ``half``: a class is there when at least half of the readers say so; ``any``: when one does.

    Raises
    ------
    WhySliceError
        When nothing usable is there.
    """
    key = f"own-{_fingerprint(data)}-{len(classes)}-{rule}"
    note = work / f"{key}.json"
    if note.is_file():
        facts = json.loads(note.read_text(encoding="utf-8"))
        found = kept_films(work, key, facts["outlined"])
        if found is not None:
            return OwnFilms(found, tuple(facts["splits"]), tuple(facts["left_out"]))
    table = own_table(data)
    left_out = list(table.left_out)
    pixels, labels, shares = [], [], []
    owners: dict[str, int] = {}
    of_whom, splits, outlined = [], [], False
    for done, film in enumerate(table.films):
        progress.report(done, len(table.films), "reading films")
        there = classes_of(film, rule)
        wanted = [name for name in classes if name in there]
        if not wanted:
            left_out.append(f"{film.name}: it shows none of the {len(classes)} classes.")
            continue
        try:
            picture, shape = _prepared(film.file)
        except WhySliceError as error:
            left_out.append(f"{film.name}: {error}")
            continue
        pixels.append(picture)
        labels.append([name in there for name in classes])
        shares.append(_shares(film, classes, film.size or shape))
        outlined |= bool(film.boxes)
        if film.patient not in owners:
            owners[film.patient] = len(owners)
            splits.append(film.split if film.split in SPLITS else "")
        of_whom.append(owners[film.patient])
    (work / "left-out.txt").write_text("\n".join(left_out) + "\n", encoding="utf-8")
    if not pixels:
        first = f": {left_out[0]}" if left_out else "."
        raise WhySliceError(f"No film in '{data.name}' can be trained on{first}", code="no-data")
    films = Films(
        np.stack(pixels), np.array(labels, dtype=bool), np.stack(shares), np.array(of_whom), outlined
    )
    films.save(work, key)
    note.write_text(
        json.dumps({"outlined": outlined, "splits": splits, "left_out": left_out}), encoding="utf-8"
    )
    return OwnFilms(films, tuple(splits), tuple(left_out))


def classes_of(film: OwnFilm, rule: str) -> frozenset[str]:
    """Return the classes that are there by the readers' votes, *No finding* where no finding is."""
    readers = film.votes or {"": frozenset()}
    votes = Counter(name for said in readers.values() for name in said if name != NO_FINDING)
    least = 0.5 * len(readers) if rule == "half" else 1.0
    found = frozenset(name for name, count in votes.items() if count >= least)
    return found or frozenset({NO_FINDING})


def split(own: OwnFilms, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the rows of the films for training, validation and test: eight, one and one in ten patients.

    What the data say of a patient is kept; no patient is in two parts.

    Raises
    ------
    WhySliceError
        When a part would be empty.
    """
    rng = np.random.default_rng((seed, 11))
    free = [patient for patient, said in enumerate(own.splits) if not said]
    small = max(1, round(_HELD_BACK * len(free))) if len(free) >= 3 else 0
    dealt = rng.permutation(np.repeat([0, 1, 2], [len(free) - 2 * small, small, small]))
    part_of = np.array([SPLITS.index(said) if said else 0 for said in own.splits])
    part_of[free] = dealt
    parts = tuple(np.flatnonzero(part_of[own.films.owners] == part) for part in range(3))
    for name, rows in zip(("training", "validation", "test"), parts, strict=True):
        if len(rows) < (2 if name == "training" else 1):
            raise WhySliceError(f"There are too few films: not enough are left for {name}.", code="too-few")
    return parts[0], parts[1], parts[2]


def _prepared(file: Path) -> tuple[np.ndarray, tuple[int, int]]:
    """Return a film as it is kept, and its (rows, columns)."""
    image = read_image(file)
    if len(image.voxels) != 1:
        raise WhySliceError(f"it holds {len(image.voxels)} pictures and is no film.", code="no-film")
    if image.geometry.oriented and image.plane.name != "coronal":
        raise WhySliceError("it is no frontal film.", code="lateral")
    picture = image.grey(image.plane.picture(image.voxels, 0))
    values = InputView.of_picture(KEPT, picture).network_input(picture)[0]
    unit = np.rint((np.clip(values, -1.0, 1.0) + 1.0) * 127.5)
    return unit.astype(np.uint8), (picture.shape[0], picture.shape[1])


def _shares(film: OwnFilm, classes: tuple[str, ...], shape: tuple[float, float]) -> np.ndarray:
    """Return the mean over the readers of the share of each cell that they marked, uint8 (class, row, column)."""
    shares = np.zeros((len(classes), CELLS, CELLS), dtype=np.uint8)
    readers = max(1, len(film.votes))
    for place, wanted in enumerate(classes):
        by_reader: dict[str, list[PixelBox]] = {}
        for name, reader, box in film.boxes:
            if name == wanted:
                by_reader.setdefault(reader, []).append(box)
        if by_reader:
            each = [share_of(boxes, shape).astype(np.float32) for boxes in by_reader.values()]
            shares[place] = np.rint(np.sum(each, axis=0) / readers).astype(np.uint8)
    return shares


def _fingerprint(data: Path) -> str:
    """Return what changes when any file of the data does."""
    files = sorted(each for each in data.rglob("*") if each.is_file())
    facts = [(str(each.relative_to(data)), each.stat().st_size, each.stat().st_mtime_ns) for each in files]
    return hashlib.sha256(
        json.dumps([str(data.resolve()), SIDE, sorted(NUMBERS), facts]).encode()
    ).hexdigest()[:12]

"""What is known of one image of a cohort: its classes, and what each reader marked where."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from viewer.controllers.truth import read_truth, truth_from
from viewer.evaluation.cohort_table import CohortImage, Marking
from viewer.evaluation.regions import Region
from viewer.evaluation.truth_files.own import read_own
from viewer.foundation.errors import ReadError
from viewer.foundation.registry import nearest
from viewer.imaging.image import MedicalImage
from viewer.models.card import ModelCard
from viewer.state.case import Truth

MASK_READER = "mask"
NAMELESS = "reader"
_NOTHING = ("marked nothing", "nothing is marked")
"""How a note ends that says of a reader that there was nothing to mark, which is an answer and no problem."""
_UNSAID = ("", "truth", "lesion")
"""Labels of regions that do not name a class, as those of a mask: they are of the class that their row means."""
TRUTH_RULE = (
    "a class is there when at least half of the readers who labelled the image say so; without labels, when at least "
    "half of the readers who marked it did mark that class"
)


@dataclass(frozen=True, eq=False)
class ImageTruth:
    """What is known of an image.

    Attributes
    ----------
    classes : names of the classes that are there; None where that is not known.
    regions : on the pictures of the reading plane, each with slice, reader and the name of its class as label.
    readers : everybody who marked, or could have marked, regions.
    problems : what was left out, in sentences, each with how often.
    places : regions whose labels are no classes of the model, such as organs: where maps may lie.
    """

    classes: frozenset[str] | None
    regions: tuple[Region, ...] = ()
    readers: tuple[str, ...] = ()
    problems: Counter[str] = field(default_factory=Counter)
    places: tuple[Region, ...] = ()

    def marked(self, name: str, slices: int) -> NDArray[np.bool_]:
        """(slice,) whether any reader marked a class there."""
        found = np.zeros(slices, dtype=bool)
        for region in self.regions:
            if region.label == name and region.slice is not None:
                found[region.slice : (region.slice_max or region.slice + 1)] = True
        return found


def truth_of(row: CohortImage, image: MedicalImage, card: ModelCard) -> ImageTruth:
    """Read everything that the table says of an image.

    Raises
    ------
    ReadError
        When a label is no class of the model, readers of exclusive classes disagree evenly, or a file of truth cannot
        be read; the image cannot be counted then.
    """
    problems: Counter[str] = Counter()
    regions: list[Region] = []
    places: list[Region] = []
    readers: list[str] = []
    for marking in row.markings:
        for truth in _truths(marking, image):
            regions += _classed(truth.regions, card, _meant(marking, card), problems)
            places += [region for region in truth.regions if _is_place(region, card)]
            readers += [*truth.readers, *(region.reader for region in truth.regions)]
            problems.update(note for note in truth.notes if not note.rstrip(".").endswith(_NOTHING))
    classes = _labelled(row, card, problems)
    # Whoever marked organs alone has not looked for findings.
    only_places = {region.reader for region in places} - {region.reader for region in regions}
    voters = tuple(dict.fromkeys(reader for reader in readers if reader not in only_places))
    if classes is None and voters:
        classes = _from_marks(regions, voters, card)
    return ImageTruth(classes, tuple(regions), voters, problems, tuple(places))


def _labelled(row: CohortImage, card: ModelCard, problems: Counter[str]) -> frozenset[str] | None:
    ballots: dict[object, set[str]] = {}
    for number, marking in enumerate(row.markings):
        if not marking.labels:
            continue
        names = [_class_name(label, card) for label in marking.labels]
        for label, name in zip(marking.labels, names, strict=True):
            if name is None:
                if card.task != "multilabel":
                    raise ReadError(
                        f"The label '{label}' is no class of the model '{card.id}'"
                        f"{nearest(label, list(card.classes))}.",
                        code="no-such-class",
                    )
                problems[f"the label '{label}' is no class of the model"] += 1
        # Findings that do not exclude each other may have a row each, all of one reader.
        voter: object = marking.reader if card.task == "multilabel" else number
        ballots.setdefault(voter, set()).update(name for name in names if name is not None)
    if not ballots:
        return None
    votes = Counter(name for ballot in ballots.values() for name in ballot)
    chosen = frozenset(name for name, count in votes.items() if 2 * count >= len(ballots))
    if card.task != "multilabel" and len(chosen) != 1:
        raise ReadError("The labels do not agree on one class.", code="labels-disagree")
    return chosen


def _class_name(label: str, card: ModelCard) -> str | None:
    """The class that a label means: by name, whatever its case, or by number."""
    by_name = {name.casefold(): name for name in card.classes}
    if label.casefold() in by_name:
        return by_name[label.casefold()]
    return card.classes[int(label)] if label.isdecimal() and int(label) < len(card.classes) else None


def _meant(marking: Marking, card: ModelCard) -> str:
    """The class of what a row marks without naming it; empty where that cannot be told.

    Of two classes the one that is the finding; of more the only label of the row, else the finding.
    """
    labels = {name for name in (_class_name(label, card) for label in marking.labels) if name is not None}
    several = card.task == "multilabel" or len(card.classes) > 2
    return labels.pop() if several and len(labels) == 1 else card.positive_class


def _from_marks(regions: Sequence[Region], readers: Sequence[str], card: ModelCard) -> frozenset[str] | None:
    votes = Counter(name for name, _ in {(region.label, region.reader) for region in regions})
    chosen = frozenset(name for name, count in votes.items() if 2 * count >= len(readers))
    if card.task == "multilabel":
        return chosen
    if len(chosen) == 1:
        return chosen
    others = [name for name in card.classes if name != card.positive_class]
    return frozenset(others) if not chosen and card.positive_class and len(others) == 1 else None


def _truths(marking: Marking, image: MedicalImage) -> list[Truth]:
    """What one row of the table says, from a mask, a file of boxes and boxes in the table itself.

    A mask without boxes is what its reader marked; beside boxes, which may have been made of it, it stands as
    `MASK_READER`.
    """
    found = []
    if marking.mask is not None:
        mask = read_truth(marking.mask, image)
        alone = marking.file is None and not marking.boxes
        reader = (marking.reader if alone else "") or MASK_READER
        regions = tuple(replace(each, reader=reader) for each in mask.regions)
        found.append(replace(mask, regions=regions, readers=(reader,)))
    if marking.file is not None:
        found.append(read_truth(marking.file, image))
    if marking.boxes:
        found.append(_from_text(marking.boxes, marking.reader or NAMELESS, image))
    return found


def _from_text(text: str, reader: str, image: MedicalImage) -> Truth:
    try:
        boxes = json.loads(text)
    except ValueError as error:
        raise ReadError(
            "The column 'boxes' is neither a list in JSON nor a file.", code="bad-boxes"
        ) from error
    try:
        return truth_from(read_own({"reader": reader, "boxes": boxes}), image, "boxes")
    except ReadError as error:  # not one of them can be used: the reader looked all the same
        nowhere = np.zeros(image.plane.count(image.geometry.shape), dtype=bool)
        return Truth(nowhere, readers=(reader,), notes=(error.sentence,))


def _is_place(region: Region, card: ModelCard) -> bool:
    return (
        bool(region.label)
        and _class_name(region.label, card) is None
        and region.label.casefold() not in _UNSAID
    )


def _classed(regions: Sequence[Region], card: ModelCard, meant: str, problems: Counter[str]) -> list[Region]:
    """Regions with the name of their class as label; those of none are counted and left out."""
    kept = []
    for region in regions:
        name = _class_name(region.label, card)
        unsaid = name is None and region.label.casefold() in _UNSAID
        if unsaid and meant:
            name = meant
        if name is None and unsaid:
            problems["a region names no class, and neither does the one label of its row"] += 1
        elif name is None:
            problems[
                f"the model has no class '{region.label}', so regions of that name are a place in which maps may lie "
                "and no finding"
            ] += 1
        else:
            kept.append(replace(region, label=name))
    return kept


def truth_for_case(row: CohortImage, image: MedicalImage) -> Truth | None:
    """The truth of an image as the window shows it; None where nobody marked it.

    Raises
    ------
    ReadError
        When a file of truth cannot be read.
    """
    truths = [truth for marking in row.markings for truth in _truths(marking, image)]
    if not truths:
        return None
    positive = np.any([truth.positive_slices for truth in truths], axis=0)
    readers = tuple(dict.fromkeys(reader for truth in truths for reader in truth.readers))
    return Truth(
        positive,
        tuple(region for truth in truths for region in truth.regions),
        reader=", ".join(readers),
        readers=readers,
        notes=tuple(note for truth in truths for note in truth.notes),
    )

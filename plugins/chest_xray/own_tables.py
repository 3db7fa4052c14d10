"""What one's own films show, from a cohort, from the readers' table of VinDr-CXR, or from any table of labels."""

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from viewer.api import PixelBox, TruthDocument, WhySliceError, read_cohort, read_truth_document

from .findings import NUMBERS

_IMAGES = (".dcm", ".dicom", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")
_TABLES = (".csv", ".tsv", ".csv.gz")
_PATH_COLUMNS = (
    "path",
    "image",
    "file",
    "filename",
    "file_name",
    "image_id",
    "image_path",
    "image index",
    "imageindex",
    "name",
    "id",
)
_LABEL_COLUMNS = (
    "label",
    "labels",
    "finding",
    "findings",
    "finding labels",
    "class",
    "class_name",
    "classes",
)
_PATIENT_COLUMNS = ("case", "patient", "patient_id", "patient id", "patientid", "subject_id")
_TRUE = ("1", "1.0", "true", "yes", "x")
_BY_NAME = {name.casefold(): name for name in NUMBERS}


@dataclass(frozen=True)
class OwnFilm:
    """One film and what is said of it.

    Attributes
    ----------
    name
        As its table has it.
    votes
        Reader -> classes that the reader names; a reader who looked and saw nothing names none.
    boxes
        (class, reader, box) in pixels of the picture that was marked.
    size
        (rows, columns) of that picture; None where it is the film itself.
    split
        As the table has it, or empty.
    """

    name: str
    file: Path
    patient: str
    votes: Mapping[str, frozenset[str]]
    boxes: tuple[tuple[str, str, PixelBox], ...] = ()
    size: tuple[float, float] | None = None
    split: str = ""


@dataclass(frozen=True)
class OwnTable:
    """Films with what is said of them, and a sentence for everything that is not used."""

    films: tuple[OwnFilm, ...]
    left_out: list[str] = field(default_factory=list)


def own_table(data: Path) -> OwnTable:
    """Read what a folder says of its films.

    Parameters
    ----------
    data
        Folder with `cohort.csv`; or with the table of VinDr-CXR (``image_id, class_name, rad_id, x_min, ...``) and the
        films anywhere below it; or with one table in which a column names the film and another its labels (several with
        ``;``, ``|`` or ``,`` between them) or one column for each class holds 0 and 1.

    Raises
    ------
    WhySliceError
        When there is no folder or no such table.
    """
    if not data.is_dir():
        raise WhySliceError(f"'{data.name}' is no folder of films.", code="no-data")
    if (data / "cohort.csv").is_file():
        return _of_cohort(data)
    tables = [each for each in sorted(data.iterdir()) if each.name.lower().endswith(_TABLES)]
    if not tables:
        raise WhySliceError(
            f"'{data.name}' has no table (.csv) that says what its films show.", code="no-table"
        )
    for path in tables:
        document = _document(path)
        if document is not None:
            return _of_readers(data, document)
    for path in tables:
        found = _of_labels(data, path)
        if found is not None:
            return found
    names = ", ".join(path.name for path in tables)
    raise WhySliceError(
        f"No table of '{data.name}' ({names}) has a column that names films and one with their labels.",
        code="no-table",
    )


def _document(path: Path) -> TruthDocument | None:
    try:
        return read_truth_document(path)
    except WhySliceError:
        return None


def _named(label: str) -> str:
    """Return the study's name of a class, whatever its case; another label as it stands."""
    return _BY_NAME.get(label.strip().casefold(), label.strip())


def _of_readers(data: Path, document: TruthDocument) -> OwnTable:
    files, films, left_out = _files(data), [], []
    for name, entry in document.images.items():
        file = files.get(_stem(name))
        if file is None:
            left_out.append(f"{name}: there is no such film in the folder.")
            continue
        votes: dict[str, set[str]] = {reader: set() for reader in entry.readers}
        boxes = []
        for box in entry.boxes:
            label = _named(box.label)
            votes.setdefault(box.reader, set()).add(label)
            boxes.append(
                (label, box.reader, PixelBox(box.row_min, box.column_min, box.row_max, box.column_max))
            )
        said = {reader: frozenset(labels) for reader, labels in votes.items()}
        films.append(OwnFilm(name, file, name, said, tuple(boxes), entry.size))
        left_out += [f"{name}: {sentence}." for sentence in entry.left_out]
    return OwnTable(tuple(films), left_out)


def _of_cohort(data: Path) -> OwnTable:
    cohort = read_cohort(data)
    films, left_out = [], [f"{each.path}: {each.reason}" for each in cohort.skipped]
    for image in cohort.images:
        votes: dict[str, frozenset[str]] = {}
        boxes: list[tuple[str, str, PixelBox]] = []
        size: tuple[float, float] | None = None
        for marking in image.markings:
            found = list(_json_boxes(marking.boxes))
            if marking.file is not None and (document := _document(marking.file)) is not None:
                entry = document.of([image.path])
                size = entry.size
                found += [
                    (_named(b.label), PixelBox(b.row_min, b.column_min, b.row_max, b.column_max))
                    for b in entry.boxes
                ]
            boxes += [(label, marking.reader, box) for label, box in found]
            said = frozenset(map(_named, marking.labels)) or frozenset(label for label, _ in found)
            votes[marking.reader] = votes.get(marking.reader, frozenset()) | said
        films.append(
            OwnFilm(image.path, image.file, image.case, votes, tuple(boxes), size, image.split.lower())
        )
    return OwnTable(tuple(films), left_out)


def _json_boxes(text: str) -> Iterator[tuple[str, PixelBox]]:
    try:
        for each in json.loads(text or "[]"):
            edges = [float(each[side]) for side in ("row_min", "column_min", "row_max", "column_max")]
            yield _named(str(each.get("label", ""))), PixelBox(*edges)
    except (ValueError, TypeError, KeyError, AttributeError):
        return


def _of_labels(data: Path, path: Path) -> OwnTable | None:
    rows = list(_rows(path))
    if not rows:
        return None
    columns = list(rows[0])
    name_column = next((each for each in _PATH_COLUMNS if each in columns), None)
    label_column = next((each for each in _LABEL_COLUMNS if each in columns), None)
    flags = [each for each in columns if each in _BY_NAME]
    if name_column is None or (label_column is None and not flags):
        return None
    patient_column = next((each for each in _PATIENT_COLUMNS if each in columns), "")
    files, left_out = _files(data), []
    films: dict[str, OwnFilm] = {}
    for row in rows:
        name = row[name_column]
        file = files.get(_stem(name))
        if file is None:
            left_out.append(f"{name or 'a row without a name'}: there is no such film in the folder.")
            continue
        said = {_BY_NAME[each] for each in flags if row[each].casefold() in _TRUE}
        if label_column is not None:
            said |= {_named(word) for word in _words(row[label_column])}
        before = films[name].votes[""] if name in films else frozenset()
        patient = row.get(patient_column, "") or name
        votes = {"": before | said}
        films[name] = OwnFilm(name, file, patient, votes, split=row.get("split", "").lower())
    return OwnTable(tuple(films.values()), left_out)


def _words(text: str) -> list[str]:
    for mark in ("|", ";"):
        text = text.replace(mark, ",")
    return [word for word in (each.strip() for each in text.split(",")) if word]


def _rows(path: Path) -> Iterator[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            head = stream.readline()
            stream.seek(0)
            delimiter = max(",;\t", key=head.count)
            for row in csv.DictReader(stream, delimiter=delimiter):
                yield {
                    str(k).strip().casefold(): str(v or "").strip() for k, v in row.items() if k is not None
                }
    except (OSError, UnicodeDecodeError, csv.Error):
        return


def _files(data: Path) -> dict[str, Path]:
    """Return the films below a folder by their names without folder, case and ending; nothing through a link out."""
    root = data.resolve()
    return {
        _stem(path.name): path
        for path in sorted(data.rglob("*"))
        if path.suffix.lower() in _IMAGES and path.is_file() and path.resolve().is_relative_to(root)
    }


def _stem(name: str) -> str:
    last = name.replace("\\", "/").rsplit("/", 1)[-1].casefold().strip()
    ending = next((each for each in _IMAGES if last.endswith(each)), "")
    return last[: len(last) - len(ending)] if ending else last

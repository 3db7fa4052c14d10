"""The study's table of patients, CSV or Excel: who had a stroke, and the outcome three months later."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from viewer.api import WhySliceError

IDS = ("p_id", "pat", "pat_id", "patient", "patient_id", "case", "id")
STROKES = ("stroke", "label", "group")
OUTCOMES = ("mrs_3months", "mrs_3m", "mrs")
_YES = ("1", "1.0", "true", "yes", "stroke")
_NO = ("0", "0.0", "false", "no", "tia", "no stroke")


@dataclass(frozen=True)
class PatientRow:
    """What the table says of one patient.

    Attributes
    ----------
    stroke
        Whether it was a stroke; None where the table is silent.
    rankin
        Modified Rankin score after three months, 0 to 6; None where the table is silent.
    """

    stroke: bool | None = None
    rankin: int | None = None


def find_table(folder: Path, but: tuple[str, ...] = ()) -> Path | None:
    """Return the one table of patients beside the images; None where there is none.

    Parameters
    ----------
    but
        Names of other tables that may lie there.

    Raises
    ------
    WhySliceError
        When there are several.
    """
    found = sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in (".csv", ".xlsx")
        and path.name not in ("cohort.csv", *but)
        and not path.name.startswith(("~", "."))
    )
    if len(found) > 1:
        names = ", ".join(f"'{path.name}'" for path in found)
        raise WhySliceError(
            f"'{folder.name}' holds several tables: {names}. Leave one of them.", code="several-tables"
        )
    return found[0] if found else None


def read_patients(path: Path) -> dict[str, PatientRow]:
    """Return the rows of a table by the patient's id, which is read as a text.

    Raises
    ------
    WhySliceError
        No column of ids, two rows of one patient, a label or an outcome out of range; the sentence names the row.
    """
    rows = _excel(path) if path.suffix.lower() == ".xlsx" else _csv(path)
    if not rows:
        raise WhySliceError(f"The table '{path.name}' has no rows.", code="empty-table")
    columns = {str(name).strip().lower(): name for name in rows[0] if name}
    key = next((columns[name] for name in IDS if name in columns), None)
    if key is None:
        raise WhySliceError(
            f"The table '{path.name}' has no column of patients ({', '.join(IDS)}); it has {', '.join(columns)}.",
            code="no-patient-column",
        )
    stroke, rankin = (
        next((columns[name] for name in names if name in columns), None) for names in (STROKES, OUTCOMES)
    )
    found: dict[str, PatientRow] = {}
    for number, row in enumerate(rows, start=2):
        who = _text(row.get(key))
        if not who:
            continue
        if who in found:
            raise WhySliceError(
                f"The table '{path.name}' names one patient twice, again in row {number}.", code="twice"
            )
        found[who] = PatientRow(
            _label(path, number, _text(row.get(stroke)) if stroke else ""),
            _outcome(path, number, _text(row.get(rankin)) if rankin else ""),
        )
    return found


def _label(path: Path, number: int, text: str) -> bool | None:
    lowered = text.lower()
    if lowered in ("", "nan", "na"):
        return None
    if lowered in _YES or lowered in _NO:
        return lowered in _YES
    raise WhySliceError(
        f"The table '{path.name}' has the label '{text}' in row {number}, which is neither stroke nor none.",
        code="label-range",
    )


def _outcome(path: Path, number: int, text: str) -> int | None:
    if text.lower() in ("", "nan", "na"):
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if value not in (0, 1, 2, 3, 4, 5, 6):
        raise WhySliceError(
            f"The table '{path.name}' has the outcome '{text}' in row {number}; the modified Rankin score runs from 0 "
            "to 6.",
            code="outcome-range",
        )
    return int(value)


def _text(value: Any) -> str:
    if value is None:
        return ""
    # Excel keeps every number as a fraction.
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()


def _csv(path: Path) -> list[dict[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise WhySliceError(
            f"The table '{path.name}' cannot be read: it is not UTF-8 text.", code="bad-table"
        ) from error
    head = text.split("\n", 1)[0]
    separator = max(",;\t", key=head.count)
    return list(csv.DictReader(text.splitlines(), delimiter=separator))


def _excel(path: Path) -> list[dict[str, Any]]:
    from zipfile import BadZipFile

    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (OSError, KeyError, ValueError, BadZipFile, InvalidFileException) as error:
        raise WhySliceError(f"The table '{path.name}' is not an Excel file.", code="bad-table") from error
    try:
        lines = list(book.worksheets[0].iter_rows(values_only=True))
    finally:
        book.close()
    if not lines:
        return []
    head = [str(name) if name is not None else "" for name in lines[0]]
    return [dict(zip(head, line, strict=False)) for line in lines[1:]]

"""From a file of boxes to what it says. Its content decides what it is."""

from __future__ import annotations

import gzip
import json
import zlib
from functools import lru_cache
from pathlib import Path
from typing import Literal

from viewer.evaluation.truth_files.coco import is_coco, read_coco
from viewer.evaluation.truth_files.document import TruthDocument
from viewer.evaluation.truth_files.layouts import reader_of
from viewer.evaluation.truth_files.own import read_own
from viewer.evaluation.truth_files.tables import is_table, read_table
from viewer.evaluation.truth_files.voc import read_voc
from viewer.foundation.errors import ReadError, WhySliceError
from viewer.imaging.file_stamp import Stamp, stamp_of

_LARGEST = 1 << 28
"""Bytes of a file of boxes, unpacked; the table of VinDr takes five million."""
_HEAD = 4096

Kind = Literal["json", "xml", "table"]


def read_truth_document(path: Path) -> TruthDocument | None:
    """What a file of boxes says; None for a file that is none, such as an image.

    A layout that a plugin has registered comes first, then JSON (COCO, or the program's own), Pascal VOC and the tables
    of VinDr and the NIH, each also packed as ``.gz``. A large table is read once for all of its images.

    Raises
    ------
    ReadError
        When it begins like one and cannot be read as one; the sentence names it.
    """
    try:
        return _read(path, stamp_of(path))
    except ReadError as error:
        if error.code not in ("bad-truth", "truth-reader"):
            raise
        raise ReadError(
            f"The truth '{path.name}' cannot be used: {_lower(error.sentence)}", code=error.code
        ) from error


@lru_cache(maxsize=4)
def _read(path: Path, stamp: Stamp) -> TruthDocument | None:  # noqa: ARG001 - a file that changed is read anew
    if (added := reader_of(path, "truth")) is not None:
        assert added.truth is not None
        try:
            return added.truth(path)
        except WhySliceError:
            raise
        except Exception as error:  # a plugin may raise anything
            raise ReadError(
                f"The reader '{added.id}' failed with {type(error).__name__}.", code="truth-reader"
            ) from error
    kind = _kind(_bytes(path, _HEAD))
    if kind is None:
        return None
    whole = _bytes(path, _LARGEST + 1)
    if len(whole) > _LARGEST:
        raise ReadError(f"It is larger than {_LARGEST >> 20} MB.", code="bad-truth")
    try:
        text = whole.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ReadError("It is no text in UTF-8.", code="bad-truth") from error
    if kind == "xml":
        return read_voc(text)
    if kind == "table":
        return read_table(text)
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ReadError("It is no JSON document.", code="bad-truth") from error
    return read_coco(document) if is_coco(document) else read_own(document)


def _bytes(path: Path, most: int) -> bytes:
    """The first bytes of a file, unpacked where it is packed; nothing of what cannot be unpacked."""
    try:
        with path.open("rb") as file:
            if file.read(2) == b"\x1f\x8b":
                with gzip.open(path) as unpacked:
                    return unpacked.read(most)
            file.seek(0)
            return file.read(most)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        return b""
    except OSError as error:
        raise ReadError(
            f"The truth '{path.name}' could not be read: {(error.strerror or 'no access').lower()}.",
            code="no-access",
        ) from error


def _kind(head: bytes) -> Kind | None:
    if b"\0" in head:
        return None
    text = head.decode("utf-8", errors="ignore").lstrip("\ufeff \t\r\n")
    if text.startswith(("{", "[")):
        return "json"
    if text.startswith("<"):
        return "xml"
    return "table" if is_table(text) else None


def _lower(sentence: str) -> str:
    return sentence if sentence[:2].isupper() else sentence[0].lower() + sentence[1:]

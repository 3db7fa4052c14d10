"""Layouts of a study's own, which plugins read: files of boxes, and folders that are a cohort."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from viewer.evaluation.truth_files.document import TruthDocument
from viewer.foundation.errors import ReadError, UsageError
from viewer.foundation.progress import Progress
from viewer.foundation.registry import Registry
from viewer.plugin_host import host

Rows = Iterable[Mapping[str, str]]
"""Rows of a cohort with the columns of ``cohort.csv``: ``path``, ``case``, ``label``, ``mask``, ``boxes``, ``reader``,
``split``, ``series``; what is not known is left out."""


@dataclass(frozen=True)
class LayoutReader:
    """Reads what a study came with as the study wrote it.

    Attributes
    ----------
    id, summary : name and one sentence.
    recognises : ``recognises(path)`` says, from names or a first look, whether a file or folder has this layout. It is
        asked about everything that is opened as truth or as a cohort, so it has to be quick and certain.
    truth : ``truth(file)`` gives the boxes of a file; None where the layout has none.
    cohort : ``cohort(folder, progress)`` gives the rows of a cohort; None where the layout is none.
    """

    id: str
    summary: str
    recognises: Callable[[Path], bool]
    truth: Callable[[Path], TruthDocument] | None = None
    cohort: Callable[[Path, Progress], Rows] | None = None

    def __post_init__(self) -> None:
        if self.truth is None and self.cohort is None:
            raise UsageError(f"The reader '{self.id}' reads neither truth nor a cohort.", code="reader")


READERS: Registry[LayoutReader] = Registry("reader")


def reader_of(path: Path, what: Literal["truth", "cohort"]) -> LayoutReader | None:
    """The registered reader of a file or folder; None where no layout is recognised.

    Raises
    ------
    ReadError
        When several readers claim it, or one fails at looking.
    """
    _bring_readers()
    found = [
        reader for reader in READERS.values() if getattr(reader, what) is not None and _claims(reader, path)
    ]
    if len(found) > 1:
        names = ", ".join(f"'{reader.id}'" for reader in found)
        raise ReadError(f"'{path.name}' is claimed by several readers: {names}.", code="several-readers")
    return found[0] if found else None


def _bring_readers() -> None:
    """Load the plugins if one of them says that it brings a reader: their modules may take seconds to import."""
    if any(state.status == "ready" and state.provides.readers for state in host.states()):
        host.activate()


def _claims(reader: LayoutReader, path: Path) -> bool:
    try:
        return bool(reader.recognises(path))
    except Exception as error:  # a plugin may raise anything
        raise ReadError(
            f"The reader '{reader.id}' failed with {type(error).__name__} when it looked at '{path.name}'.",
            code="truth-reader",
        ) from error

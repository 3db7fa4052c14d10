"""What made a result: enough to make it again, nothing about the patient."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from viewer.foundation.whole_file import write_whole

_LIBRARIES = ("torch", "numpy", "SimpleITK", "pydicom", "nibabel")


def program_version() -> str:
    """Version of the installed distribution, or ``"0+checkout"``."""
    try:
        return version("whyslice")
    except PackageNotFoundError:
        return "0+checkout"


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def provenance(**facts: Any) -> dict[str, Any]:
    """A record of one computation.

    Parameters
    ----------
    **facts
        JSON-able facts: model, weights_sha256, input_sha256, explainer, layer, class, score, input view, parameters.

    Returns
    -------
    dict
        The facts with program, library versions, platform and UTC time.
    """
    libraries = {}
    for name in _LIBRARIES:
        try:
            libraries[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "program": "whyslice",
        "version": program_version(),
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "libraries": libraries,
        "use": "research use only",
        **facts,
    }


def write_provenance(path: Path, record: Mapping[str, Any]) -> None:
    """Write a record as indented JSON.

    Raises
    ------
    ExportError
        When the file cannot be written.
    """
    write_whole(path, (json.dumps(record, indent=2, ensure_ascii=False) + "\n").encode())

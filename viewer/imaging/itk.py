"""SimpleITK without its chatter: its native decoders write to the standard error stream, which belongs to the user."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any

import SimpleITK

sitk: Any = SimpleITK  # it ships no types
sitk.ProcessObject.SetGlobalWarningDisplay(False)


@contextlib.contextmanager
def silenced() -> Iterator[None]:
    """Keep what native code prints off the standard error stream while it runs."""
    try:
        sys.stderr.flush()
        kept = os.dup(2)
        nowhere = os.open(os.devnull, os.O_WRONLY)
    except (OSError, ValueError, AttributeError):
        # A program without a console has no stream to protect.
        yield
        return
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)

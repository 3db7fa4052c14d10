"""Calling a verb from a widget: a failure becomes the notice, never a traceback."""

from __future__ import annotations

from collections.abc import Callable

from viewer.controllers.workbench import Workbench
from viewer.foundation.errors import WhySliceError


def attempt(bench: Workbench, verb: Callable[[], object]) -> bool:
    """Call `verb`; whether it went well."""
    try:
        verb()
    except WhySliceError as error:
        bench.tell(error)
        return False
    return True

"""What a plugin says about its training: a name, settings, and a function that builds the task. No torch here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from viewer.foundation.errors import UsageError
from viewer.foundation.progress import Progress
from viewer.foundation.registry import Registry, nearest

if TYPE_CHECKING:
    from viewer.training.task import TrainingTask

Value = bool | int | float | str


class Build(Protocol):
    """Makes the task of a recipe. Imports torch no sooner than when it is called.

    Parameters
    ----------
    settings : an instance of the recipe's settings.
    data : the user's own cohort folder; None to train on what the recipe makes itself.
    work : folder for intermediate files, kept between a run and its continuation.
    progress : where preparing the data reports, and where it learns that it should stop.
    """

    def __call__(
        self, settings: Any, *, data: Path | None, work: Path, progress: Progress
    ) -> TrainingTask: ...


@dataclass(frozen=True)
class Recipe:
    """How the models of one study are trained.

    Attributes
    ----------
    id : name on the command line, for instance ``stroke-dwi``.
    description : one sentence for a person.
    settings : a frozen dataclass whose fields, each a bool, int, float or str with a default, can be chosen with
        ``--set name=value``. The field's metadata may hold ``meaning`` (words), ``minimum`` and ``maximum`` (both
        inclusive), ``choices`` and ``pattern`` (of a text, as a regular expression). A method ``cautions(own_data)``,
        where there is one, returns sentences that a person should read before the training begins.
    build : makes the task.
    """

    id: str
    description: str
    settings: type[Any]
    build: Build

    def resolve(self, chosen: Mapping[str, Value]) -> Any:
        """An instance of the settings with what was chosen, as texts from a command line or as values.

        Raises
        ------
        UsageError
            For a setting that the recipe does not have, or a value that it cannot take.
        """
        known = {field.name: field for field in fields(self.settings)}
        for name in chosen:
            if name not in known:
                raise UsageError(
                    f"The recipe '{self.id}' has no setting '{name}'{nearest(name, list(known))}."
                )
        return self.settings(
            **{
                name: parse(name, value, cast(Value, known[name].default), known[name].metadata)
                for name, value in chosen.items()
            }
        )

    def cautions(self, chosen: Mapping[str, Value], own_data: bool) -> tuple[str, ...]:
        """What a person should know of these settings before the training begins.

        Parameters
        ----------
        own_data : whether the training is on the user's own cohort.
        """
        said = getattr(self.resolve(chosen), "cautions", None)
        return tuple(said(own_data)) if said is not None else ()


def parse(name: str, given: Value, default: Value, limits: Mapping[str, Any]) -> Value:
    """The value of one setting in the type of its default.

    Parameters
    ----------
    given : a text, or a value.
    limits : may hold ``meaning``, ``minimum``, ``maximum``, ``choices``, ``pattern``.

    Raises
    ------
    UsageError
        When it cannot be read, lies outside the limits, is not one of the choices or does not match the pattern.
    """
    value = _typed(name, given, default)
    choices = limits.get("choices", ())
    if choices and value not in choices:
        raise UsageError(f"The setting '{name}' is one of {', '.join(map(str, choices))}, not '{given}'.")
    if isinstance(value, str) and not re.fullmatch(limits.get("pattern", ".*"), value, re.DOTALL):
        raise UsageError(f"The setting '{name}' cannot be '{given}': it is the {limits.get('meaning')}.")
    if isinstance(value, int | float) and not isinstance(value, bool):
        if not value >= limits.get("minimum", value):
            raise UsageError(f"The setting '{name}' is at least {limits.get('minimum')}, not {given}.")
        if not value <= limits.get("maximum", value):
            raise UsageError(f"The setting '{name}' is at most {limits.get('maximum')}, not {given}.")
    return value


def _typed(name: str, given: Value, default: Value) -> Value:
    if isinstance(default, str):
        return str(given)
    text = str(given).strip().lower()
    if isinstance(default, bool):
        if text in ("true", "yes", "on", "1"):
            return True
        if text in ("false", "no", "off", "0"):
            return False
        raise UsageError(f"The setting '{name}' is true or false, not '{given}'.")
    kind, words = (int, "a whole number") if isinstance(default, int) else (float, "a number")
    try:
        return kind(text)
    except ValueError:
        raise UsageError(f"The setting '{name}' is {words}, not '{given}'.") from None


RECIPES: Registry[Recipe] = Registry("recipe")
"""Name -> recipe; plugins add theirs through `viewer.api`."""

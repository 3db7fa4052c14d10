"""The nouns that declare an explainer: parameters, needs, price. No torch here: forms are made from this."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from viewer.foundation.errors import UsageError
from viewer.foundation.registry import nearest

Value = int | float | str | bool
"""What a parameter can be set to."""

INPUT_LAYER = "input"
"""Stands for the layer of explainers that need none: their map lies on the grid of the network's input."""

_LONGEST = 60
"""Characters of a value that are said back."""

_WORDS = {"int": "a whole number", "float": "a number", "bool": "yes or no", "str": "a text"}
_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


@dataclass(frozen=True)
class Parameter:
    """A setting of an explainer.

    Attributes
    ----------
    name : the same everywhere: window, command line, `viewer.api`.
    type : ``int``, ``float``, ``str`` or ``bool``.
    minimum, maximum : allowed range; None where there is none.
    unit : words, e.g. ``samples`` or ``fraction of the input range``.
    help : one sentence.
    choices : allowed texts; empty where any text is.
    number_too : whether a number is allowed beside the choices.
    source : where the default comes from.
    per_axis : whether several whole numbers are allowed too, one for each axis of the network's input, as ``4,16,16``.
    """

    name: str
    type: str
    default: Value
    minimum: float | None = None
    maximum: float | None = None
    unit: str = ""
    help: str = ""
    choices: tuple[str, ...] = ()
    number_too: bool = False
    source: str = ""
    per_axis: bool = False

    def checked(self, value: Any, explainer: str) -> Value:
        """The value in the parameter's own type; texts are read, as the command line gives them.

        Raises
        ------
        UsageError
            When it is of another type, out of range or not one of the choices; the sentence says what is allowed.
        """
        each = value.split(",") if isinstance(value, str) else value
        if self.per_axis and isinstance(each, Sequence) and not isinstance(each, str) and len(each) > 1:
            return ",".join(str(self.checked(number, explainer)) for number in each)
        found = self._read(value)
        if found is None:
            raise self._refused(value, explainer, f"it is {_WORDS[self.type]}{self._allowed()}")
        if isinstance(found, str):
            if self.choices and found not in self.choices and not (self.number_too and _number(found)):
                raise self._refused(value, explainer, f"it is {self._choice_words()}")
            return found
        low, high = self.minimum, self.maximum
        if (low is not None and found < low) or (high is not None and found > high):
            raise self._refused(value, explainer, f"it is {_WORDS[self.type]}{self._allowed()}")
        return found

    def _read(self, value: Any) -> Value | None:
        """The value in this type, or None when it is of another one."""
        text = value.strip() if isinstance(value, str) else None
        if self.type == "str":
            return (
                text if text is not None else (f"{value:g}" if self.number_too and _number(value) else None)
            )
        if self.type == "bool":
            if isinstance(value, bool):
                return value
            return True if text in _TRUE else False if text in _FALSE else None
        if isinstance(value, bool) or not _number(value):
            return None
        number = float(value)
        if self.type == "int":
            return int(number) if number == int(number) else None
        return number

    def _choice_words(self) -> str:
        return " or ".join([*(", ".join(self.choices),), *(["a number"] if self.number_too else [])])

    def _allowed(self) -> str:
        if self.per_axis:
            return f" from {self.minimum:g} to {self.maximum:g}, or one for each axis as 4,16,16"
        if self.minimum is not None and self.maximum is not None:
            return f" from {self.minimum:g} to {self.maximum:g}"
        if self.minimum is not None:
            return f" of at least {self.minimum:g}"
        return f" of at most {self.maximum:g}" if self.maximum is not None else ""

    def _refused(self, value: Any, explainer: str, allowed: str) -> UsageError:
        shown = " ".join(str(value).split())
        shown = shown if len(shown) <= _LONGEST else shown[:_LONGEST] + " ..."
        return UsageError(
            f"The parameter '{self.name}' of '{explainer}' cannot be '{shown}': {allowed}.",
            code="bad-parameter",
        )


def _number(value: Any) -> bool:
    try:
        return math.isfinite(float(value))
    except (TypeError, ValueError):
        return False


@dataclass(frozen=True)
class Sight:
    """What an explainer looks at: how many rounds some need follows from it.

    Attributes
    ----------
    space : extent of the network's input.
    channels : of the target layer; 0 without one.
    """

    space: tuple[int, ...]
    channels: int = 0


Rounds = Callable[[Mapping[str, Value], Sight], int]
"""``rounds(parameters, sight)``: how many rounds an explanation takes. Raises UsageError for what cannot be asked."""


@dataclass(frozen=True)
class ExplainerInfo:
    """An explainer as the user meets it.

    Attributes
    ----------
    name : on the command line and in `viewer.api`.
    title : in menus.
    family : explainers that share what they need, e.g. ``cam``.
    needs_layer : whether a target layer is chosen; without one the map lies on the grid of the network's input.
    dims : numbers of spatial axes that it works in.
    summary : one sentence: how to read its map.
    formula : with A the layer's output, G the gradient of the class's score with respect to it, x the input.
    source : the publication.
    in_atlas : whether a trace makes its maps at once; else they are made on demand.
    signed : whether values below zero speak against the class; without that they do not occur or mean nothing.
    diverging : whether evidence against the class is drawn too, in colours of its own: the values are shares of the
        score (or of its difference from a baseline), of which half would be missing; else the map is after ReLU.
    class_free : whether the map is the same for every class.
    segmentation_only : whether it has a meaning for segmentation networks alone.
    warning : what a reader must know wherever the map is shown; empty when there is nothing.
    needs : in words, what a network must have.
    gradient : whether it differentiates the network.
    passes : passes (one forward and one backward) of one round.
    repeats : name of the parameter that says how many rounds there are; empty for one round.
    shares_score : whether the cells of a map share something of the order of the score among them; without that each
        cell is of that order by itself.
    rounds : how many rounds there are where no parameter says so; None for one round.
    unit : of rounds, in words; empty for the unit of the parameter.
    coarse_first : whether the first answers are coarse maps of everything that come at once, so that a long explanation
        need not be ordered to see what it will be like.
    """

    name: str
    title: str
    family: str
    needs_layer: bool
    dims: tuple[int, ...]
    summary: str
    formula: str = ""
    source: str = ""
    parameters: tuple[Parameter, ...] = ()
    in_atlas: bool = False
    signed: bool = True
    class_free: bool = False
    segmentation_only: bool = False
    warning: str = ""
    needs: str = ""
    gradient: bool = True
    passes: float = 1.0
    repeats: str = ""
    diverging: bool = False
    shares_score: bool = True
    rounds: Rounds | None = None
    unit: str = ""
    coarse_first: bool = False

    def rounds_wanted(self, values: Mapping[str, Value], sight: Sight) -> int:
        """How many rounds an explanation takes.

        Parameters
        ----------
        values : every parameter, checked.

        Raises
        ------
        UsageError
            When the parameters do not suit what is looked at.
        """
        if self.rounds is not None:
            return self.rounds(values, sight)
        return int(values[self.repeats]) if self.repeats else 1

    @property
    def round_unit(self) -> str:
        """What rounds are, in words."""
        found = next((p.unit for p in self.parameters if p.name == self.repeats), "")
        return self.unit or found or "rounds"

    def checked(self, given: Mapping[str, Any]) -> dict[str, Value]:
        """Every parameter with its value: what was given, in the right type, and defaults for the rest.

        Raises
        ------
        UsageError
            Unknown name (the nearest are offered) or a value that is not allowed.
        """
        known = {parameter.name: parameter for parameter in self.parameters}
        for name in given:
            if name not in known:
                hint = ""
                if isinstance(given[name], Mapping) and self.parameters:
                    first = self.parameters[0]
                    hint = f"; each is given by its own name, e.g. {first.name}={first.default!r}"
                raise UsageError(
                    f"The explainer '{self.name}' has no parameter '{name}'{nearest(name, list(known))}{hint}.",
                    code="no-such-parameter",
                )
        return {
            name: parameter.checked(given.get(name, parameter.default), self.name)
            for name, parameter in known.items()
        }

    def to_json(self) -> dict[str, Any]:
        """An entry of ``whyslice explainers``."""
        return {
            "name": self.name,
            "title": self.title,
            "family": self.family,
            "needs_layer": self.needs_layer,
            "dims": list(self.dims),
            "parameters": [
                {**asdict(parameter), "choices": list(parameter.choices)} for parameter in self.parameters
            ],
            "summary": self.summary,
            "formula": self.formula,
            "source": self.source,
            "in_atlas": self.in_atlas,
            "signed": self.signed,
            "diverging": self.diverging,
            "class_free": self.class_free,
            "segmentation_only": self.segmentation_only,
            "warning": self.warning,
            "needs": self.needs,
        }

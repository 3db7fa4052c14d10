"""What the words on a command line may be: checked here, refused with one sentence."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from viewer.foundation.errors import UsageError
from viewer.foundation.registry import nearest
from viewer.imaging.erasure import Erasure


class Parser(argparse.ArgumentParser):
    """An argument parser that answers a bad word with one sentence instead of a page."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, **settings)

    def error(self, message: str) -> NoReturn:
        """Raise `UsageError` with the parser's complaint as a sentence."""
        complaint = re.sub(r"^argument ([^:]+): ", r"\1: ", message).rstrip(".")
        raise UsageError(complaint[:1].upper() + complaint[1:] + ".")

    def refuse_unknown(self, words: Sequence[str]) -> None:
        """Raise `UsageError` for words that no option took, with the nearest options."""
        if not words:
            return
        word = words[0].partition("=")[0]
        if word.startswith("-"):
            known = sorted(set(re.findall(r"--[a-z][a-z-]*", self.format_help())))
            raise UsageError(f"'{self.prog}' has no option '{word}'{nearest(word, known)}.")
        raise UsageError(f"'{self.prog}' does not know what to do with '{word}'.")


def one_of(kind: str, names: Sequence[str]) -> Callable[[str], str]:
    """A word from a short list; a wrong one is answered with the nearest."""

    def take(text: str) -> str:
        if text not in names:
            raise argparse.ArgumentTypeError(f"there is no {kind} '{text}'{nearest(text, list(names))}")
        return text

    return take


def whole_number(*, least: int) -> Callable[[str], int]:
    """A whole number that is not below `least`."""

    def take(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"'{text}' is not a whole number") from None
        if number < least:
            raise argparse.ArgumentTypeError(f"{number} is less than {least}")
        return number

    return take


def probability(text: str) -> float:
    """A number from 0 to 1."""
    try:
        number = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is no number") from None
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"{text} is no probability from 0 to 1")
    return number


def slice_or_all(text: str) -> int | str:
    """A slice counted from 0, or ``all``."""
    if text == "all":
        return text
    try:
        return whole_number(least=0)(text)
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(f"'{text}' is neither a slice number from 0 nor 'all'") from None


def assignment(text: str) -> tuple[str, str]:
    """``name=value``."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise argparse.ArgumentTypeError(f"'{text}' is not of the form name=value")
    return name.strip(), value.strip()


def nifti_path(text: str) -> Path:
    """A file name that ends in ``.nii`` or ``.nii.gz``."""
    if not text.lower().endswith((".nii", ".nii.gz")):
        raise argparse.ArgumentTypeError(f"'{text}' does not end in .nii or .nii.gz")
    return Path(text)


def several(text: str) -> tuple[str, ...]:
    """Words between commas."""
    words = tuple(word.strip() for word in text.split(","))
    if not all(words):
        raise argparse.ArgumentTypeError(f"'{text}' names nothing between two commas")
    return words


def spacing(text: str) -> tuple[float, float, float]:
    """``S,R,C``: distances of slices, rows and columns, mm."""
    try:
        slice_, row, column = (float(word) for word in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is no spacing such as 5,0.5,0.5") from None
    return slice_, row, column


def erasure(text: str) -> Erasure:
    """``ROW_MIN,COLUMN_MIN,ROW_MAX,COLUMN_MAX`` in pixel edges, and a slice where it is of one alone."""
    try:
        numbers = [float(word) for word in text.split(",")]
        top, left, bottom, right = numbers[:4]
        index = int(text.split(",")[4]) if len(numbers) == 5 else None
        if len(numbers) > 5:
            raise ValueError
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"'{text}' is no box such as 10,20,60,80 (row and column where it begins, row and column where it ends)"
        ) from None
    return Erasure(top, left, bottom, right, index)


def grid_size(text: str) -> tuple[int, ...]:
    """``192x192`` (rows, columns) or ``64x128x128`` (slices, rows, columns)."""
    parts = text.lower().split("x")
    if len(parts) not in (2, 3) or not all(part.isdigit() and int(part) > 0 for part in parts):
        raise argparse.ArgumentTypeError(f"'{text}' is no size such as 192x192")
    return tuple(int(part) for part in parts)

"""The error tree. Every failure that a user can meet is one sentence, a code and, where there is one, a way out.

::

    WhySliceError
    +-- UsageError       the request itself is off (command line: exit 2, see `is_misuse`)
    +-- ReadError        a file or folder could not become an image
    +-- ModelError       a model folder, checkpoint or card is not usable
    +-- ExplainError     this explanation does not exist or cannot be trusted
    +-- ExportError      a result could not be written
    +-- PluginError      a plugin is broken or not trusted
    +-- SettingsError    a setting is out of range
    Cancelled            not a failure: somebody asked to stop

Anything else that reaches the top is a defect of ours; `one_sentence` turns it into words that admit it.
"""

from __future__ import annotations


class WhySliceError(Exception):
    """A failure with a sentence for the user.

    Parameters
    ----------
    sentence : str
        One sentence that names the thing and the cause. Never contains patient attributes.
    code : str
        Stable identifier, lower case with hyphens, e.g. ``"not-an-image"``.
    action : str
        What the user can do about it; empty when there is nothing.
    """

    default_code = "error"

    def __init__(self, sentence: str, *, code: str | None = None, action: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.code = code or self.default_code
        self.action = action


class UsageError(WhySliceError):
    default_code = "usage"


class ReadError(WhySliceError):
    default_code = "unreadable"


class ModelError(WhySliceError):
    default_code = "model"


class ExplainError(WhySliceError):
    default_code = "explain"


class ExportError(WhySliceError):
    default_code = "export"


class PluginError(WhySliceError):
    default_code = "plugin"


class SettingsError(WhySliceError):
    default_code = "settings"


_BADLY_ASKED = ("no-such-model", "several-series")


def is_misuse(error: BaseException) -> bool:
    """Whether the request itself is off: it names what is not there, or does not say which of several is meant."""
    return isinstance(error, UsageError) or getattr(error, "code", "") in _BADLY_ASKED


class Cancelled(Exception):
    """Raised inside long work by `Progress.report` after the user asked to stop."""


def one_sentence(error: BaseException) -> str:
    """Words for any exception: our own sentence, or an admission that this is a defect of the program."""
    if isinstance(error, WhySliceError):
        return error.sentence
    if isinstance(error, Cancelled):
        return "Cancelled."
    if isinstance(error, MemoryError):
        return "There is not enough memory for this."
    return f"This should not have happened ({type(error).__name__}): the program has a defect here."

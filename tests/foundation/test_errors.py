"""Words for the user, whatever went wrong."""

from __future__ import annotations

import pytest

from viewer.foundation import errors
from viewer.foundation.errors import Cancelled, PluginError, UsageError, WhySliceError, one_sentence


def test_every_kind_of_failure_has_a_code_of_its_own() -> None:
    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, WhySliceError)
    ]
    assert len(kinds) >= 8
    assert len({kind("A sentence.").code for kind in kinds}) == len(kinds)


def test_a_failure_carries_its_sentence_code_and_way_out() -> None:
    error = UsageError("The slice 99 does not exist.", code="slice", action="Choose 1 to 30.")
    assert (str(error), error.code, error.action) == (error.sentence, "slice", "Choose 1 to 30.")
    assert PluginError("Off.").code == "plugin"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (UsageError("No such layer."), "No such layer."),
        (Cancelled(), "Cancelled."),
        (MemoryError(), "There is not enough memory for this."),
        (KeyError("secret name"), "This should not have happened (KeyError): the program has a defect here."),
    ],
)
def test_one_sentence(error: BaseException, words: str) -> None:
    assert one_sentence(error) == words


def test_cancelling_is_not_a_failure() -> None:
    assert not issubclass(Cancelled, WhySliceError)

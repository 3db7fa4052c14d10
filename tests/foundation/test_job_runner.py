"""The promise of a runner, kept without threads; and progress that can be stopped."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from viewer.foundation.errors import Cancelled, ReadError
from viewer.foundation.job_runner import InlineRunner
from viewer.foundation.progress import SILENT, Progress, ProgressToken


class Heard:
    """Callbacks that write down what they were told."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def done(self, result: Any) -> None:
        self.told.append(("done", result))

    def failed(self, error: BaseException) -> None:
        self.told.append(("failed", type(error).__name__))


def test_exactly_one_callback() -> None:
    heard = Heard()

    def breaks(progress: Progress) -> None:
        raise ReadError("Broken.")

    runner = InlineRunner()
    runner.submit("compute", lambda progress: 7, done=heard.done, failed=heard.failed)
    runner.submit("read", breaks, done=heard.done, failed=heard.failed)
    assert heard.told == [("done", 7), ("failed", "ReadError")]


def test_a_job_submitted_by_a_callback_runs_after_its_parent_and_does_not_recurse() -> None:
    runner = InlineRunner()
    order: list[str] = []

    def again(count: int) -> None:
        order.append(f"begin {count}")
        if count < 3000:
            runner.submit("compute", lambda progress: count + 1, done=again, failed=lambda error: None)
        order.append(f"end {count}")

    again(0)
    assert order[:4] == ["begin 0", "begin 1", "end 1", "begin 2"]
    assert order[-2:] == ["end 3000", "end 0"]


def test_a_job_cancelled_before_it_began_fails_with_cancelled() -> None:
    runner, heard, handles = InlineRunner(), Heard(), []

    def first(result: Any) -> None:
        handle = runner.submit("compute", lambda progress: 1, done=heard.done, failed=heard.failed)
        handle.cancel()
        handles.append(handle)

    runner.submit("compute", lambda progress: 0, done=first, failed=heard.failed)
    assert heard.told == [("failed", "Cancelled")]


def test_a_callback_that_raises_does_not_leave_the_runner_stuck() -> None:
    runner, heard = InlineRunner(), Heard()

    def breaks(result: Any) -> None:
        raise RuntimeError("in the callback")

    with pytest.raises(RuntimeError):
        runner.submit("compute", lambda progress: 1, done=breaks, failed=heard.failed)
    runner.submit("compute", lambda progress: 2, done=heard.done, failed=heard.failed)
    assert heard.told == [("done", 2)]


def test_progress_is_heard_and_stops_work() -> None:
    steps: list[tuple[int, int, str]] = []
    token = ProgressToken(lambda *step: steps.append(step))
    token.report(1, 3, "slice 1")
    threading.Thread(target=token.cancel).run()
    assert token.cancelled
    with pytest.raises(Cancelled):
        token.report(2, 3)
    assert steps == [(1, 3, "slice 1")]
    SILENT.report(1, 2)

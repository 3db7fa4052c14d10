"""The runner's promises: order, thread, exactly one answer, cancelling, and a quiet end."""

from __future__ import annotations

import sys
import threading
import time

import pytest
from PySide6.QtCore import QCoreApplication, QObject, QThread, Signal

from viewer.foundation.errors import Cancelled
from viewer.jobs.qt_runner import QtRunner


@pytest.fixture
def runner(qapp):
    made = QtRunner()
    yield made
    assert made.shutdown(5.0)


class Listener:
    """Keeps what it is told, and in which thread."""

    def __init__(self) -> None:
        self.results: list[object] = []
        self.errors: list[Exception] = []
        self.progress: list[tuple[int, int, str]] = []
        self.threads: set[int] = set()

    def done(self, result: object) -> None:
        self.threads.add(threading.get_ident())
        self.results.append(result)

    def failed(self, error: Exception) -> None:
        self.threads.add(threading.get_ident())
        self.errors.append(error)

    def report(self, done: int, total: int, text: str) -> None:
        self.threads.add(threading.get_ident())
        self.progress.append((done, total, text))

    def submit(self, runner: QtRunner, work, lane="compute"):
        return runner.submit(lane, work, done=self.done, failed=self.failed, progress=self.report)


def test_jobs_of_a_lane_run_in_order_off_the_gui_thread_and_answer_in_it(qtbot, runner):
    heard, ran = Listener(), []

    def work(n):
        ran.append((n, threading.get_ident()))
        return n

    for n in range(20):
        heard.submit(runner, lambda _, n=n: work(n))
    assert not runner.idle
    qtbot.waitUntil(lambda: runner.idle)
    assert heard.results == list(range(20)) == [n for n, _ in ran]
    assert threading.get_ident() not in {thread for _, thread in ran}
    assert heard.threads == {threading.get_ident()}
    assert QThread.currentThread() is QCoreApplication.instance().thread()


def test_lanes_do_not_wait_for_each_other(qtbot, runner):
    heard, gate = Listener(), threading.Event()
    heard.submit(runner, lambda _: gate.wait(10) and "compute")
    heard.submit(runner, lambda _: "read", lane="read")
    qtbot.waitUntil(lambda: heard.results == ["read"])
    gate.set()
    qtbot.waitUntil(lambda: heard.results == ["read", "compute"])


def test_a_failure_reaches_failed_and_the_lane_goes_on(qtbot, runner):
    heard = Listener()
    heard.submit(runner, lambda _: 1 / 0)
    heard.submit(runner, lambda _: "next")
    qtbot.waitUntil(lambda: runner.idle)
    assert [type(error) for error in heard.errors] == [ZeroDivisionError]
    assert heard.results == ["next"]


def test_work_that_asks_the_program_to_exit_ends_only_itself(qtbot, runner):
    heard = Listener()
    heard.submit(runner, lambda _: sys.exit(3))
    heard.submit(runner, lambda _: "next")
    qtbot.waitUntil(lambda: runner.idle)
    assert "SystemExit" in str(heard.errors[0])
    assert heard.results == ["next"]


def test_a_queued_job_that_is_cancelled_never_begins(qtbot, runner):
    heard, gate, ran = Listener(), threading.Event(), []
    heard.submit(runner, lambda _: gate.wait(10))
    job = heard.submit(runner, lambda _: ran.append("no"))
    job.cancel()
    assert not heard.errors, "the answer comes through the event loop"
    gate.set()
    qtbot.waitUntil(lambda: runner.idle)
    assert ran == []
    assert [type(error) for error in heard.errors] == [Cancelled]


def test_a_running_job_stops_at_its_next_report(qtbot, runner):
    heard, begun = Listener(), threading.Event()

    def work(progress):
        for n in range(10_000):
            progress.report(n, 10_000)
            begun.set()
            time.sleep(0.002)

    job = heard.submit(runner, work)
    assert begun.wait(5)
    job.cancel()
    qtbot.waitUntil(lambda: runner.idle)
    assert [type(error) for error in heard.errors] == [Cancelled]
    assert not heard.results


def test_a_job_that_ended_before_the_cancel_was_heard_is_cancelled_all_the_same(qtbot, runner):
    heard, ended = Listener(), threading.Event()
    job = heard.submit(runner, lambda _: ended.set())
    assert ended.wait(5)
    job.cancel()
    qtbot.waitUntil(lambda: runner.idle)
    assert [type(error) for error in heard.errors] == [Cancelled]
    assert not heard.results


def test_progress_is_throttled_but_the_last_report_arrives(qtbot, runner):
    heard = Listener()

    def work(progress):
        for n in range(1, 5001):
            progress.report(n, 5000, "words")

    heard.submit(runner, work)
    qtbot.waitUntil(lambda: runner.idle)
    assert heard.progress[-1] == (5000, 5000, "words")
    assert len(heard.progress) < 200
    assert heard.threads == {threading.get_ident()}


def test_a_chain_of_jobs_is_not_idle_in_between(qtbot, runner):
    idle = []

    def submit(left: int) -> None:
        def done(_: object) -> None:
            idle.append(runner.idle)
            if left:
                submit(left - 1)

        runner.submit("compute", lambda _: None, done=done, failed=lambda e: pytest.fail(str(e)))

    submit(5)
    qtbot.waitUntil(lambda: runner.idle)
    assert idle == [False] * 6


def test_shutdown_while_running_ends_the_threads_and_calls_nobody_back(qtbot, qapp):
    runner, heard, begun = QtRunner(), Listener(), threading.Event()

    def work(progress):
        begun.set()
        while True:
            progress.report(0, 1)
            time.sleep(0.002)

    heard.submit(runner, work)
    heard.submit(runner, lambda _: "queued")
    assert begun.wait(5)
    assert runner.shutdown(5.0)
    qapp.processEvents()
    assert not heard.results
    assert not heard.errors
    heard.submit(runner, lambda _: "late")
    qapp.processEvents()
    assert not heard.results


def test_shutdown_does_not_wait_for_ever(qapp):
    runner, gate, begun = QtRunner(), threading.Event(), threading.Event()
    runner.submit(
        "compute", lambda _: (begun.set(), gate.wait(20)), done=lambda _: None, failed=lambda _: None
    )
    assert begun.wait(5)
    started = time.monotonic()
    assert not runner.shutdown(0.2)
    assert time.monotonic() - started < 5
    gate.set()
    assert runner.shutdown(5.0)


def test_none_and_true_keep_their_references_over_many_signals(qapp):
    """PySide6 6.12.0 on Python 3.11 loses one on every signal and aborts after some thousand."""

    class Sender(QObject):
        said = Signal(object, bool)

    sender, heard = Sender(), []
    sender.said.connect(lambda a, b: heard.append(None))
    before = sys.getrefcount(None), sys.getrefcount(True)
    for _ in range(20_000):
        sender.said.emit(None, True)
    kept = len(heard)
    heard.clear()
    after = sys.getrefcount(None), sys.getrefcount(True)
    assert kept == 20_000
    assert abs(after[0] - before[0]) < 1000
    assert abs(after[1] - before[1]) < 1000

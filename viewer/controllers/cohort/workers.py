"""Scoring the images of a cohort in several processes, one image each at a time.

Processes and not threads, because explainers alter the shared network while they run; started afresh and not forked,
because a fork does not survive the threads of torch. A process that dies takes one image with it and is replaced.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from viewer.controllers.cohort.order import CohortPlan
from viewer.controllers.cohort.scoring import score_image
from viewer.controllers.cohort.sums import Record
from viewer.evaluation.cohort_table import CohortImage
from viewer.foundation.errors import Cancelled, one_sentence
from viewer.plugin_host import host

_PATIENCE = 0.2
"""Seconds between two looks at whether somebody wants the work to stop."""
_NICE = 5

Scored = tuple[CohortImage, Record | str]
"""An image with its record, or with the sentence that says why it has none."""


def scored_here(plan: CohortPlan, rows: Sequence[CohortImage], check: Callable[[], None]) -> Iterator[Scored]:
    """One image after the other in this process.

    Parameters
    ----------
    check : called between images; raises `Cancelled` to stop.
    """
    for row in rows:
        check()
        yield row, _attempt(plan, row)


def scored_in_processes(
    plan: CohortPlan, rows: Sequence[CohortImage], jobs: int, check: Callable[[], None]
) -> Iterator[Scored]:
    """Images as they become ready, not in their order.

    Parameters
    ----------
    jobs : number of processes, at least 1.
    check : called several times a second; raises `Cancelled` to stop, which ends the processes at once.
    """
    waiting = deque(rows)
    workers = [_Worker.started(plan, jobs) for _ in range(min(jobs, len(waiting)))]
    try:
        for worker in workers:
            worker.give(waiting.popleft())
        while any(worker.row is not None for worker in workers):
            check()
            busy = {worker.connection: worker for worker in workers if worker.row is not None}
            for ready in wait(list(busy), timeout=_PATIENCE):
                assert isinstance(ready, Connection)
                worker = busy[ready]
                row, worker.row = worker.row, None
                assert row is not None
                try:
                    found = worker.connection.recv()
                except (EOFError, OSError):
                    worker.end()
                    workers[workers.index(worker)] = worker = _Worker.started(plan, jobs)
                    found = "The process that scored the image ended unexpectedly; there may be too little memory."
                if waiting:
                    worker.give(waiting.popleft())
                yield row, found
    finally:
        for worker in workers:
            worker.end()


@dataclass(eq=False)
class _Worker:
    process: BaseProcess
    connection: Connection
    row: CohortImage | None = None

    @classmethod
    def started(cls, plan: CohortPlan, jobs: int) -> _Worker:
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe()
        threads = max(1, (os.cpu_count() or 1) // jobs)
        process = context.Process(target=_work, args=(there, plan, threads), daemon=True)
        process.start()
        there.close()
        return cls(process, here)

    def give(self, row: CohortImage) -> None:
        self.row = row
        # One that has died already says so when it is listened to.
        with contextlib.suppress(OSError):
            self.connection.send(row)

    def end(self) -> None:
        self.connection.close()
        self.process.terminate()
        self.process.join(2)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def _work(connection: Connection, plan: CohortPlan, threads: int) -> None:
    """The life of a worker: images come in, records go out, until nobody listens any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the program, which ends its workers
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    with contextlib.suppress(AttributeError, OSError):
        os.nice(_NICE)
    host.activate()
    from viewer.controllers import engine

    engine.use_threads(threads)
    with contextlib.suppress(EOFError, OSError):
        while True:
            connection.send(_attempt(plan, connection.recv()))


def _leave_with_parent() -> None:
    """End when the program has been killed, which could not end its workers: an image may take minutes."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _attempt(plan: CohortPlan, row: CohortImage) -> Record | str:
    """The record of an image, or why it has none: one bad file must not stop the others."""
    try:
        return score_image(plan, row)
    except Cancelled:
        raise
    except Exception as error:  # noqa: BLE001 whatever is wrong with one image is said of that image
        return one_sentence(error)

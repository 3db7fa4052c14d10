"""Decoding that native code may crash on, done in a child process with a limit of time and of memory.

Compressed DICOM pictures, SimpleITK's readers and Pillow's codecs are native code that meets foreign bytes. They run in
one worker process, started when it is first needed and shared by every reader and thread. Whatever becomes of it, this
program lives: a crash, a hang or a greedy file is a `ReadError` with a sentence, and the next request gets a new
worker.

The contract of `run`, the one door::

    answer = decoding.run(
        "viewer.imaging.some_module:function",  # called in the worker as function(**arguments)
        {"path": str(path), "frame": data},     # JSON values, bytes and numpy arrays, at the top level of the mapping
        name=path.name,                         # for the sentence of an error
        size=rows * columns * 2,                # bytes that the result will take: scales both limits
    )
    answer.facts                                # JSON values
    answer.arrays                               # numpy arrays of this process's own, writable

`function` returns ``(facts, arrays)``: a mapping of JSON values and a list of numpy arrays. It may import native
libraries at leisure, best inside itself: then the program can import its module without them. It may raise a
`ReadError`, which arrives as it is; anything else arrives as `DecodingFailed`, which is a `ReadError` with the code
``not-decodable`` and the exception's name. What it prints goes nowhere. It must keep no state that another request
could trip over.

The limits hold for one request. Time is the processor's where the system counts it, so that a busy machine refuses
nothing, and the clock's everywhere. Memory is limited by the operating system where it can do so (``RLIMIT_AS`` on
Linux; neither macOS nor Windows has the like); elsewhere only the checks of headers before decoding and the limit of
time stand between a greedy file and the memory. The answer comes back through a pipe as JSON and raw numbers, never as
a pickle: what a file did to the worker cannot reach further than a wrong picture.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from viewer.foundation.errors import ReadError
from viewer.imaging.decoding.messages import Answer, Message, receive, send

_START_SECONDS = 60.0
_LEAST_SECONDS = 20.0
_LEAST_WORK = 3.0
"""Seconds of processor time; a slow machine spends one of them on loading SimpleITK."""
_SLOWEST = 2e6
"""Bytes of result per second that even a slow decoder on a busy machine makes."""
_LEAST_MEMORY = 512 << 20
_COPIES = 4
"""How often a decoder may hold its result: what came in, wide intermediates, what goes out."""
WORKER_FLAG = "--decoding-worker"
"""The first word on the command line of a packed program that is to be a worker."""
_START = "import sys; sys.path[:] = sys.argv[1:]; from viewer.imaging.decoding.worker import serve; serve()"
_ENVIRONMENT = {
    "MALLOC_ARENA_MAX": "2",  # each arena reserves 64 MB of the address space that is limited
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": "2",
}


class DecodingFailed(ReadError):
    """A decoder gave up on its own.

    Attributes
    ----------
    cause : name of the exception in the worker.
    """

    default_code = "not-decodable"

    def __init__(self, name: str, cause: str) -> None:
        super().__init__(
            f"The picture in '{name}' cannot be decoded ({cause}).",
            action="The file may be damaged, or its compression is not supported.",
        )
        self.cause = cause


def run(
    work: str,
    arguments: Mapping[str, Any],
    *,
    name: str,
    size: int,
    seconds: float | None = None,
    memory: int | None = None,
) -> Answer:
    """Call a function in the worker and wait for its answer; requests of several threads queue.

    Parameters
    ----------
    work : ``module:function``, see the head of this module.
    arguments : of the function.
    name : the file's plain name, for sentences.
    size : bytes of the announced result.
    seconds : limit of time; by default 3 s of the processor's and 20 s of the clock's, and a second per 2 MB of `size`.
        Starting a worker and loading the function's module do not count.
    memory : bytes that the worker may take beyond what it holds already; 512 MB and four times `size` by default.

    Raises
    ------
    ReadError
        ``decoder-crashed``, ``decoder-timeout``, ``decoder-memory``, ``no-decoder`` (the worker does not start), or
        what the function raised.
    """
    limit = _LEAST_SECONDS + size / _SLOWEST if seconds is None else seconds
    work_limit = _LEAST_WORK + size / _SLOWEST if seconds is None else seconds
    allowance = _LEAST_MEMORY + _COPIES * size if memory is None else memory
    limits = {"seconds": limit, "processor_seconds": work_limit, "memory": allowance}
    given = dict(arguments)
    if "path" in given:
        # The worker stays in the folder in which it was started, whatever folder is the current one by now.
        given["path"] = str(Path(given["path"]).absolute())
    request = Message({"work": work, **limits}, given)
    with _turn:
        worker = _ready_worker(name)
        try:
            reply = worker.ask(request, limit)
        except BaseException as error:
            # Also after Ctrl+C: half an answer in the pipe would be taken for the next one's.
            _dismiss()
            if isinstance(error, _Ended):
                raise _end_of(name, worker, limit, work_limit) from None
            raise
        if reply.facts.get("error") == "MemoryError":
            _dismiss()
    return _checked(reply, name, allowance)


def close() -> None:
    """End the worker, if there is one; the next request starts another."""
    with _turn:
        _dismiss()


class _Ended(Exception):
    """The worker is gone."""


class _Worker:
    """One worker process and the pipes to it."""

    def __init__(self) -> None:
        self.overdue = False
        self._busy = threading.Lock()
        self._waiting = False
        self._process = subprocess.Popen(  # noqa: S603 this very interpreter
            _command(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **_ENVIRONMENT},
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to: IO[bytes] = self._process.stdin
        self._from: IO[bytes] = self._process.stdout
        _widen(self._from.fileno())

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    @property
    def overworked(self) -> bool:
        """Whether the system has ended it for taking too much of the processor's time."""
        return self._process.poll() == -getattr(signal, "SIGPROF", 0) != 0

    @property
    def pid(self) -> int:
        return self._process.pid

    def greet(self) -> None:
        """Wait until it serves."""
        self._within(_START_SECONDS, lambda: receive(self._from))

    def ask(self, request: Message, seconds: float) -> Message:
        def exchange() -> Message:
            send(self._to, request)
            return receive(self._from)

        return self._within(seconds, exchange)

    def _within(self, seconds: float, talk: Any) -> Message:
        """What `talk` brings, or the worker's end when that takes too long: its pipe then ends, and so does `talk`."""
        timer = threading.Timer(seconds, self._too_late)
        timer.daemon = True
        self._waiting = True
        timer.start()
        try:
            message: Message = talk()
        except (EOFError, OSError, ValueError):
            raise _Ended from None
        finally:
            with self._busy:
                self._waiting = False
            timer.cancel()
        return message

    def _too_late(self) -> None:
        with self._busy:
            if self._waiting:
                self.overdue = True
                self._process.kill()

    def end(self) -> None:
        """Kill it and leave nothing of it behind."""
        with contextlib.suppress(OSError):
            self._process.kill()
        self.let_go()
        self._process.wait()

    def let_go(self) -> None:
        for pipe in (self._to, self._from):
            with contextlib.suppress(OSError):
                pipe.close()

    def forget(self) -> None:
        """In a fork of the program: the worker belongs to the original."""
        for pipe in (self._to, self._from):
            with contextlib.suppress(OSError):
                os.close(pipe.fileno())
        self._process.returncode = 0


_turn = threading.Lock()
_worker: _Worker | None = None


def _ready_worker(name: str) -> _Worker:
    global _worker
    if _worker is not None and not _worker.alive:
        _dismiss()
    if _worker is None:
        try:
            _worker = _Worker()
            _worker.greet()
        except (_Ended, OSError):
            _dismiss()
            raise ReadError(
                f"'{name}' cannot be decoded: the process for decoding does not start.", code="no-decoder"
            ) from None
    return _worker


def _dismiss() -> None:
    global _worker
    gone, _worker = _worker, None
    if gone is not None:
        gone.end()


def _forked() -> None:
    global _worker, _turn
    _turn = threading.Lock()
    gone, _worker = _worker, None
    if gone is not None:
        gone.forget()


atexit.register(close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


def _command() -> list[str]:
    if getattr(sys, "frozen", False):
        return [sys.executable, WORKER_FLAG]
    # The folder one happens to stand in is no place to import from; that of this program is.
    home = str(Path(__file__).resolve().parents[2])
    places = [place for place in sys.path if place]
    return [sys.executable, "-I", "-c", _START, *places, *([] if home in places else [home])]


def _widen(pipe: int) -> None:
    """A pipe as wide as the system allows: fewer turns for a picture of half a megabyte."""
    try:
        import fcntl

        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 1 << 20)
    except (ImportError, AttributeError, OSError):
        pass


def _end_of(name: str, worker: _Worker, seconds: float, work_seconds: float) -> ReadError:
    if worker.overdue or worker.overworked:
        seconds = work_seconds if worker.overworked else seconds
        return ReadError(
            f"Decoding '{name}' took longer than the {seconds:.0f} s allowed and was stopped.",
            code="decoder-timeout",
            action="The file may be damaged.",
        )
    return ReadError(
        f"The decoder crashed on '{name}'.", code="decoder-crashed", action="The file is probably damaged."
    )


def _checked(reply: Message, name: str, allowance: int) -> Answer:
    facts = reply.facts
    if facts.get("error") is None:
        return Answer(facts["facts"], list(reply.buffers.values()))
    if facts["error"] == "ReadError":
        raise ReadError(str(facts["sentence"]), code=str(facts["code"]), action=str(facts["action"]))
    if facts["error"] == "MemoryError":
        raise ReadError(
            f"Decoding '{name}' asked for more than the {allowance / 2**30:.1f} GB of memory allowed.",
            code="decoder-memory",
            action="The file may be damaged.",
        )
    raise DecodingFailed(name, str(facts["error"]))

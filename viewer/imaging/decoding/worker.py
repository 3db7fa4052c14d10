"""The other side of `decoding`: what runs in the worker process. No Qt, no torch, no window, no network.

A thread reads requests and ends the process the moment the pipe ends, so that no worker outlives its program; the main
thread decodes. A request that hangs in native code with the program gone is ended by an alarm of the system's.
"""

from __future__ import annotations

import contextlib
import importlib
import math
import os
import queue
import signal
import sys
import threading
import warnings
from pathlib import Path
from typing import IO, Any, NoReturn

import numpy as np

from viewer.foundation.errors import ReadError
from viewer.imaging.decoding.messages import Message, receive, send

_GRACE = 5
"""Seconds by which the system's alarm comes after the program's own."""
_NO_MEMORY = ("bad_alloc", "failed to allocate", "out of memory", "memory allocation")


def serve() -> NoReturn:
    """Answer requests until the program is gone."""
    source, target = _pipes()
    _precautions()
    requests: queue.SimpleQueue[Message] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(source, requests), daemon=True).start()
    send(target, Message({"ready": True}))
    while True:
        message = requests.get()
        facts = message.facts
        _loaded(facts["work"])
        with _limits(facts["seconds"], facts["processor_seconds"], facts["memory"]):
            reply = _answer(message)
        del message
        try:
            send(target, reply)
        except OSError:
            os._exit(0)


def _pipes() -> tuple[IO[bytes], IO[bytes]]:
    """The pipes to the program, out of the way of whatever reads or prints."""
    source, target = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)
    sys.stdout = sys.stderr = Path(os.devnull).open("w", encoding="utf-8", errors="replace")  # noqa: SIM115
    return source, target


def _precautions() -> None:
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the program
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _listen(source: IO[bytes], requests: queue.SimpleQueue[Message]) -> None:
    try:
        while True:
            requests.put(receive(source))
    except BaseException:  # noqa: BLE001 the program is gone, or no longer makes sense
        os._exit(0)


def _loaded(work: str) -> None:
    """Load what the work needs, which is no fault of the file; what cannot be loaded is said when it is called."""
    with contextlib.suppress(Exception):
        importlib.import_module(work.partition(":")[0])


def _answer(message: Message) -> Message:
    try:
        module, _, name = message.facts["work"].partition(":")
        facts, arrays = getattr(importlib.import_module(module), name)(**message.buffers)
        return Message(
            {"facts": facts}, {str(place): np.asarray(array) for place, array in enumerate(arrays)}
        )
    except ReadError as error:
        return Message(
            {"error": "ReadError", "sentence": error.sentence, "code": error.code, "action": error.action}
        )
    except MemoryError:
        return Message({"error": "MemoryError"})
    except Exception as error:  # noqa: BLE001 decoders raise whatever they like on damaged data
        words = str(error).lower()
        greedy = isinstance(error, RuntimeError) and any(word in words for word in _NO_MEMORY)
        return Message({"error": "MemoryError" if greedy else type(error).__name__})


@contextlib.contextmanager
def _limits(seconds: float, processor_seconds: float, memory: int) -> Any:
    """The limits of one request, as far as this system has them."""
    alarm, timer = getattr(signal, "alarm", None), getattr(signal, "setitimer", None)
    if alarm is not None:
        alarm(math.ceil(seconds) + _GRACE)
    if timer is not None:
        timer(signal.ITIMER_PROF, processor_seconds)
    _limit_memory(memory)
    try:
        yield
    finally:
        if alarm is not None:
            alarm(0)
        if timer is not None:
            timer(signal.ITIMER_PROF, 0)
        _limit_memory(None)


def _limit_memory(more: int | None) -> None:
    """Allow so many bytes beyond those in use; None lifts the limit."""
    try:
        import resource

        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        soft = hard
        if more is not None:
            used = int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()
            soft = used + more if hard == resource.RLIM_INFINITY else min(used + more, hard)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    except (ImportError, OSError, ValueError):
        pass  # not on this system; the program's checks before and its clock remain

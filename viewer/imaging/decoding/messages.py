"""What goes through the pipes of the decoding worker: JSON with raw numbers behind it, nothing that could be run."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

_HEAD = struct.Struct("<Q")
_HEAD_LIMIT = 64 << 20
_KINDS = "biufc"
_BYTES = "bytes"


@dataclass(frozen=True)
class Answer:
    """What a request brought.

    Attributes
    ----------
    facts : JSON values.
    arrays : in the order of the function, writable, memory of this process.
    """

    facts: dict[str, Any]
    arrays: list[NDArray[Any]]


@dataclass(frozen=True)
class Message:
    """Facts, and buffers by name: JSON values, bytes and numpy arrays of numbers."""

    facts: dict[str, Any]
    buffers: dict[str, Any] = field(default_factory=dict)


def send(pipe: IO[bytes], message: Message) -> None:
    """Write a message.

    Raises
    ------
    TypeError
        A value is neither JSON nor bytes nor an array of numbers.
    """
    values: dict[str, Any] = {}
    forms: dict[str, Any] = {}
    raw: list[memoryview] = []
    for name, value in message.buffers.items():
        if isinstance(value, (bytes, bytearray, memoryview)):
            view = memoryview(value).cast("B")
            forms[name] = [_BYTES, [view.nbytes]]
        elif isinstance(value, np.ndarray):
            if value.dtype.kind not in _KINDS:
                raise TypeError(f"arrays of {value.dtype} are not sent")
            array = np.ascontiguousarray(value)
            view = _raw(array)
            forms[name] = [array.dtype.str, list(value.shape)]
        else:
            values[name] = value
            continue
        raw.append(view)
    order = list(message.buffers)
    head = json.dumps(
        {"facts": message.facts, "values": values, "forms": forms, "order": order}, allow_nan=True
    ).encode("utf-8", "surrogatepass")
    pipe.write(_HEAD.pack(len(head)))
    pipe.write(head)
    for view in raw:
        pipe.write(view)
    pipe.flush()


def receive(pipe: IO[bytes]) -> Message:
    """Read a message; arrays are made once and filled in place.

    Raises
    ------
    EOFError
        When the other side is gone.
    ValueError
        When what comes is no message.
    """
    (length,) = _HEAD.unpack(_exactly(pipe, bytearray(_HEAD.size)))
    if length > _HEAD_LIMIT:
        raise ValueError("not a message")
    head = json.loads(_exactly(pipe, bytearray(length)).decode("utf-8", "surrogatepass"))
    found: dict[str, Any] = dict(head["values"])
    for name, (form, shape) in head["forms"].items():
        if form == _BYTES:
            found[name] = bytes(_exactly(pipe, bytearray(shape[0])))
            continue
        array = np.empty(shape, np.dtype(form))
        if array.dtype.kind not in _KINDS:
            raise ValueError("not a message")
        if array.size:
            _exactly(pipe, _raw(array))
        found[name] = array
    return Message(head["facts"], {name: found[name] for name in head["order"]})


def _raw(array: NDArray[Any]) -> memoryview:
    return memoryview(array.reshape(-1).view(np.uint8).data)


def _exactly(pipe: IO[bytes], into: Any) -> Any:
    view = memoryview(into)
    done = 0
    while done < len(view):
        count = pipe.readinto(view[done:])  # type: ignore[attr-defined]
        if not count:
            raise EOFError
        done += count
    return into

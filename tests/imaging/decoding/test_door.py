"""The worker that decodes: whatever becomes of it, the program lives and the next request is served."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from viewer.foundation.errors import ReadError
from viewer.imaging.decoding import door as decoding
from viewer.imaging.decoding.door import DecodingFailed

posix = pytest.mark.skipif(os.name != "posix", reason="signals and /proc are POSIX")
Result = tuple[dict[str, Any], list[NDArray[Any]]]


# --- what the worker is asked for: run in the worker, where this module is imported too -----------------------------


def double(numbers: NDArray[Any], word: str, data: bytes) -> Result:
    print("noise", word, flush=True)
    sys.stderr.write("more noise")
    os.write(1, b"noise of native code")
    return {"word": word, "bytes": len(data), "pid": os.getpid()}, [
        numbers * 2,
        np.frombuffer(data, np.uint8),
    ]


def crash() -> Result:
    ctypes.string_at(0)
    return {}, []


def leave() -> Result:
    os._exit(0)


def sleep(naps: float) -> Result:
    time.sleep(naps)
    return {}, []


def allocate(size: int) -> Result:
    return {}, [np.ones(size, dtype=np.uint8)[:1]]


def refuse(kind: str) -> Result:
    if kind == "ours":
        raise ReadError("A sentence.", code="a-code", action="Do this.")
    raise KeyError(kind)


def spin() -> Result:
    while True:
        pass


def loaded() -> Result:
    return {"modules": sorted({name.partition(".")[0] for name in sys.modules})}, []


def ask(function: str, *, seconds: float | None = None, memory: int | None = None, **arguments: Any) -> Any:
    work = f"{__name__}:{function}"
    return decoding.run(work, arguments, name="a.dcm", size=1, seconds=seconds, memory=memory)


def pid() -> int:
    answer = ask("double", numbers=np.zeros(1), word="", data=b"")
    return int(answer.facts["pid"])


def alive(process: int) -> bool:
    """Whether a process is there and is no zombie."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


# --- the door -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["<i2", ">u2", "u1", "f4", "f8", "?"])
def test_numbers_words_and_bytes_come_back(kind: str, capfd: pytest.CaptureFixture[str]) -> None:
    numbers = np.arange(24).reshape(2, 3, 4).astype(kind)
    answer = ask("double", numbers=numbers[:, ::2], word="ä\udc80", data=b"\x00\xff")
    assert answer.facts["word"] == "ä\udc80"
    np.testing.assert_array_equal(answer.arrays[0], numbers[:, ::2] * 2)
    np.testing.assert_array_equal(answer.arrays[1], [0, 255])
    assert answer.arrays[0].flags.writeable
    assert "".join(capfd.readouterr()) == ""


def test_an_empty_array_is_an_answer() -> None:
    assert ask("double", numbers=np.zeros((0, 3)), word="", data=b"").arrays[0].shape == (0, 3)


def test_one_worker_serves_all() -> None:
    first = pid()
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda _: pid(), range(12))) == {first}


@pytest.mark.parametrize(
    ("function", "arguments", "code", "words"),
    [
        ("crash", {}, "decoder-crashed", "The decoder crashed on 'a.dcm'."),
        ("leave", {}, "decoder-crashed", "The decoder crashed on 'a.dcm'."),
        ("sleep", {"naps": 60.0}, "decoder-timeout", "Decoding 'a.dcm' took longer than the 1 s allowed"),
        ("spin", {}, "decoder-timeout", "Decoding 'a.dcm' took longer than the 1 s allowed"),
        ("allocate", {"size": 1 << 33}, "decoder-memory", "asked for more than the 0.2 GB of memory allowed"),
        ("refuse", {"kind": "ours"}, "a-code", "A sentence."),
        ("refuse", {"kind": "theirs"}, "not-decodable", "'a.dcm' cannot be decoded (KeyError)"),
        ("nothing", {}, "not-decodable", "(AttributeError)"),
    ],
)
def test_the_end_of_a_worker_is_a_sentence(
    function: str, arguments: dict[str, Any], code: str, words: str
) -> None:
    if code == "decoder-memory" and not Path("/proc/self/statm").exists():
        pytest.skip("this system has no limit of memory for a process")
    begun = time.monotonic()
    with pytest.raises(ReadError) as caught:
        ask(function, seconds=1.0, memory=200 << 20, **arguments)
    assert caught.value.code == code
    assert words in caught.value.sentence
    assert time.monotonic() - begun < 20
    assert ask("double", numbers=np.ones(2), word="", data=b"").arrays[0].tolist() == [2, 2]


def test_the_name_of_a_failure_is_kept() -> None:
    with pytest.raises(DecodingFailed) as caught:
        ask("refuse", kind="theirs")
    assert caught.value.cause == "KeyError"


def test_the_memory_is_limited_beyond_what_is_in_use_and_only_for_one_request() -> None:
    before = pid()
    assert ask("allocate", size=50 << 20, memory=200 << 20).arrays[0].tolist() == [1]
    assert ask("allocate", size=250 << 20, memory=600 << 20).arrays[0].tolist() == [1]
    assert pid() == before


def test_what_cannot_be_sent_ends_no_worker_in_the_middle_of_a_message() -> None:
    with pytest.raises(TypeError):
        ask("double", numbers=np.array([object()]), word="", data=b"")
    assert pid() > 0


@posix
def test_a_worker_that_was_killed_meanwhile_is_replaced() -> None:
    first = pid()
    os.kill(first, signal.SIGKILL)
    os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)
    second = pid()
    assert second != first
    assert not Path(f"/proc/{first}").exists() or not alive(first)


@posix
def test_no_zombie_is_left() -> None:
    first = pid()
    decoding.close()
    assert not Path(f"/proc/{first}").exists()


def test_the_worker_knows_neither_window_nor_torch() -> None:
    decoding.close()
    modules = ask("loaded").facts["modules"]
    assert not {"PySide6", "torch", "matplotlib", "SimpleITK", "scipy", "skimage"} & set(modules)


def test_waiting_for_a_turn_is_not_counted() -> None:
    pid()
    with ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(ask, "sleep", seconds=0.9, naps=0.4) for _ in range(3)]
        assert [item.result().facts for item in waiting] == [{}, {}, {}]


# --- programs around it ---------------------------------------------------------------------------------------------

_SCRIPT = """
import os, sys, time
sys.path.insert(0, {tests!r})
from viewer.imaging.decoding import door as decoding
assert "SimpleITK" not in sys.modules and "PIL" not in sys.modules
def pid():
    import numpy as np
    return decoding.run("test_door:double", {{"numbers": np.zeros(1), "word": "", "data": b""}},
                        name="a", size=1).facts["pid"]
print(pid(), flush=True)
{then}
"""


def program(then: str, **options: Any) -> subprocess.Popen[str]:
    script = _SCRIPT.format(tests=str(Path(__file__).parent), then=then)
    return subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, **options)


def first_line(running: subprocess.Popen[str]) -> int:
    assert running.stdout is not None
    return int(running.stdout.readline())


def gone(process: int) -> bool:
    for _ in range(200):
        if not alive(process):
            return True
        time.sleep(0.02)
    return False


@posix
@pytest.mark.parametrize(
    "then",
    [
        "",  # the end of an unguarded script
        "os._exit(3)",
        "os.kill(os.getpid(), 9)",
        # A request is under way: in another thread, while this one dies.
        (
            "import threading\n"
            "work = ('test_door:sleep', {'naps': 60.0})\n"
            "threading.Thread(target=lambda: decoding.run(*work, name='a', size=1), daemon=True).start()\n"
            "time.sleep(0.3)\nos.kill(os.getpid(), 9)"
        ),
    ],
)
def test_the_worker_ends_with_its_program(then: str) -> None:
    with program(then) as running:
        worker = first_line(running)
        begun = time.monotonic()
        running.wait(10)
        assert time.monotonic() - begun < 3
    assert gone(worker)


@posix
def test_a_fork_of_the_program_gets_a_worker_of_its_own_and_leaves_the_other_alone() -> None:
    then = """
import warnings
warnings.simplefilter("ignore")
first = pid()
child = os.fork()
if child == 0:
    os._exit(0 if pid() != first else 1)
_, status = os.waitpid(child, 0)
assert os.waitstatus_to_exitcode(status) == 0
assert pid() == first
print("sound", flush=True)
"""
    with program(then) as running:
        first_line(running)
        assert running.stdout is not None
        assert running.stdout.read().strip() == "sound"


@posix
def test_the_command_line_can_be_a_worker() -> None:
    """As a packed program starts one: by its own name with a flag."""
    then = """
decoding.close()
sys.frozen = True
decoding._command, plain = lambda: [sys.executable, "-m", "viewer", decoding.WORKER_FLAG], decoding._command
os.environ["PYTHONPATH"] = os.pathsep.join(sys.path)
print(pid() > 0, flush=True)
"""
    with program(then) as running:
        first_line(running)
        assert running.stdout is not None
        assert running.stdout.read().strip() == "True"


def test_no_decoder_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    decoding.close()
    monkeypatch.setattr(decoding, "_command", lambda: [str(tmp_path / "missing")])
    with pytest.raises(ReadError) as caught:
        pid()
    assert caught.value.code == "no-decoder"
    monkeypatch.setattr(decoding, "_command", lambda: [sys.executable, "-c", "pass"])
    with pytest.raises(ReadError) as caught:
        pid()
    assert caught.value.code == "no-decoder"


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system does not count a process' time")
def test_a_decoder_that_spins_is_stopped_by_its_own_time_and_a_slow_machine_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(decoding, "_LEAST_WORK", 0.4)
    ask("sleep", naps=1.0)  # a second of the clock, none of the processor
    begun = time.monotonic()
    with pytest.raises(ReadError, match="longer than the 0 s allowed"):
        ask("spin")
    assert time.monotonic() - begun < 10

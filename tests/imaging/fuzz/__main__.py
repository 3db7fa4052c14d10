"""``python -m tests.imaging.fuzz [TARGET...]``: damaged files by the thousand, in processes that may die.

Each target runs in a process of its own with a limit of memory, and a watchdog outside it. Whatever is neither an image
nor a sentence within the limits is a finding: its file and its traceback are kept in ``--out``. The mutants depend on
their target and number alone, so a finding comes back with ``TARGET --first N --count 1``.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.imaging.fuzz.seeds import TARGETS, seeds
from tests.imaging.fuzz.trial import file_name, tried, written

_ROOT = Path(__file__).resolve().parents[3]
_HANG = 60.0
"""Seconds that one mutant may take; the decoder has 20 s of its own."""
_BUDGET = 256 << 20
_MEMORY = 1 << 30
"""Bytes that a process may take beyond what it has when it begins, for images of at most `_BUDGET`."""


@dataclass
class Found:
    """What a target came to."""

    target: str
    tried: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)
    findings: dict[str, list[int]] = field(default_factory=dict)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.imaging.fuzz")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"all without one: {', '.join(TARGETS)}")
    parser.add_argument("--count", type=int, default=5000, help="mutants of each target (default 5000)")
    parser.add_argument("--first", type=int, default=0, help="number of the first mutant")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, default=_ROOT / "out" / "fuzz", help="folder for what is found")
    parser.add_argument("--made-only", action="store_true", help="no public scans as seeds")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if unknown := [name for name in options.targets if name not in TARGETS]:
        parser.error(f"no target {', '.join(unknown)}; there are {', '.join(TARGETS)}")
    if options.worker:
        _work(options.targets[0], options.first, options.count, not options.made_only)
        return 0
    with ThreadPoolExecutor(options.jobs) as pool:
        results = list(pool.map(lambda target: _watched(target, options), options.targets or TARGETS))
    print(_table(results))
    return 1 if any(result.findings for result in results) else 0


def _work(target: str, first: int, count: int, public: bool) -> None:
    """In the process that may die: one line of JSON per mutant."""
    from viewer.imaging.budget import BUDGET
    from viewer.imaging.decoding import door as decoding

    object.__setattr__(BUDGET, "limit", _BUDGET)
    good = seeds(target, public=public)
    if not good:
        return
    _limited()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what native libraries print belongs to nobody
    with tempfile.TemporaryDirectory() as folder:
        for number in range(first, first + count):
            begun = time.monotonic()
            outcome = tried(written(target, good, number, Path(folder)))
            line = {"number": number, "seconds": time.monotonic() - begun, **outcome.__dict__}
            print(json.dumps(line), file=answers, flush=True)
    decoding.close()


def _limited() -> None:
    if sys.platform == "linux":
        import resource

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        held = pages * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (held + _MEMORY, held + _MEMORY))


def _watched(target: str, options: argparse.Namespace) -> Found:
    """Run a target to its end, in as many processes as it takes."""
    found, begun = Found(target), time.monotonic()
    place, end = options.first, options.first + options.count
    while place < end:
        after = _run(target, place, end - place, options, found)
        if after == place and not found.tried:
            break  # there are no seeds
        place = after
    found.seconds = time.monotonic() - begun
    return found


def _run(target: str, first: int, count: int, options: argparse.Namespace, found: Found) -> int:
    """One process; returns the number of the mutant to go on with."""
    command = [sys.executable, "-m", "tests.imaging.fuzz", target, "--worker"]
    command += ["--first", str(first), "--count", str(count)] + ["--made-only"] * options.made_only
    # Its own session, so that a hanging decoder goes with it.
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=complaints, text=True, cwd=_ROOT, start_new_session=True
        )
        lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=_pump, args=(process, lines), daemon=True).start()
        place, trouble = first, ""
        while True:
            try:
                # The first answer waits for the seeds too.
                line = lines.get(timeout=_HANG * (3 if place == first else 1))
            except queue.Empty:
                trouble = "hang"
                break
            if not line:
                break
            answer = json.loads(line)
            place = answer["number"] + 1
            _count(answer, found, options)
        _end(process)
        if not trouble and process.returncode:
            trouble = f"died with {process.returncode}"
        if trouble:
            complaints.seek(0)
            words = complaints.read()[-4000:].decode("utf-8", "replace")
            lost = {"number": place, "kind": "FINDING", "where": trouble, "details": words, "seconds": 0.0}
            _count(lost, found, options)
            place += 1
        return place


def _pump(process: subprocess.Popen[str], lines: queue.Queue[str]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        lines.put(line)
    lines.put("")


def _end(process: subprocess.Popen[str]) -> None:
    import signal

    if process.poll() is None:
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            if hasattr(os, "killpg"):
                os.killpg(process.pid, signal.SIGKILL)
            process.kill()
    process.wait()


def _count(answer: dict[str, Any], found: Found, options: argparse.Namespace) -> None:
    found.tried += 1
    found.slowest = max(found.slowest, answer["seconds"])
    found.outcomes[answer["kind"]] += 1
    if answer["kind"] != "FINDING":
        return
    numbers = found.findings.setdefault(answer["where"], [])
    numbers.append(answer["number"])
    if len(numbers) > 2:
        return
    print(f"{found.target} {answer['number']}: {answer['where']}", flush=True)
    folder = options.out / f"{found.target}-{answer['number']}"
    folder.mkdir(parents=True, exist_ok=True)
    written(found.target, seeds(found.target, public=not options.made_only), answer["number"], folder)
    (folder / "traceback.txt").write_text(answer["where"] + "\n" + answer["details"], encoding="utf-8")


def _table(results: list[Found]) -> str:
    lines = [
        "",
        "| target | mutants | images | refused | findings | slowest | total |",
        "|---|---|---|---|---|---|---|",
    ]
    for result in results:
        images, findings = result.outcomes["image"], result.outcomes["FINDING"]
        if not result.tried:
            lines.append(
                f"| {result.target} | no seeds: the public scans are not on this machine | | | | | |"
            )
            continue
        lines.append(
            f"| {result.target} | {result.tried:,} | {images:,} | {result.tried - images - findings:,} | "
            f"{len(result.findings)} | {result.slowest:.1f} s | {result.seconds:.0f} s |"
        )
    codes = sum((result.outcomes for result in results), Counter[str]())
    lines += ["", "codes: " + ", ".join(f"{code} {count:,}" for code, count in codes.most_common())]
    for result in results:
        lines += [
            f"{result.target}: {where} ({len(numbers)} times, first {numbers[0]}: {file_name(result.target)})"
            for where, numbers in result.findings.items()
        ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())

"""``python -m benchmarks [NAME...]``: side by side with peers, one command.

A benchmark is a function without arguments that returns a `benchmarks.measuring.Report`. Every room of them is a file
with a mapping `BENCHMARKS` from name to function; those of the window live in `benchmarks/window.py`.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.measuring import Report, in_markdown

_ROOMS = (
    "explainers",
    "engine",
    "one_patient",
    "attributions",
    "on_demand",
    "first_map",
    "perturbations",
    "window",
    "start_beside",
    "heartbeat",
    "reading",
    "scores",
    "cohort",
)


def benchmarks() -> dict[str, Callable[[], Report]]:
    """Name -> benchmark, of every room that is there."""
    found: dict[str, Callable[[], Report]] = {}
    for room in _ROOMS:
        if (Path(__file__).parent / f"{room}.py").is_file():
            found |= importlib.import_module(f"benchmarks.{room}").BENCHMARKS
    return found


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmarks that are named, all without a name; 1 when results differ or a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Side by side with peers.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="all without one")
    parser.add_argument(
        "--threads", type=int, default=1, help="of torch (default 1: ratios hold on a busy machine)"
    )
    parser.add_argument("--list", action="store_true", help="names only")
    options = parser.parse_args(arguments)
    for library in (
        "OMP",
        "OPENBLAS",
        "MKL",
    ):  # read when numpy and torch are loaded, which is why neither is yet
        os.environ[f"{library}_NUM_THREADS"] = str(options.threads)
    known = benchmarks()
    if options.list:
        print("\n".join(known))
        return 0
    if unknown := [name for name in options.names if name not in known]:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(known)}")
    print(f"{os.cpu_count()} cores, {options.threads} thread(s) for torch\n", flush=True)
    good = True
    for name in options.names or known:
        report = known[name]()
        good &= all(a.holds for a in report.agreements) and all(row.met is not False for row in report.rows)
        print(in_markdown(name, report) + "\n", flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

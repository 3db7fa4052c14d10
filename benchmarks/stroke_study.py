"""``python -m benchmarks.stroke_study``: the whole stroke study, made anew from synthetic patients.

Writes ``docs/studies/stroke.md`` and the three pages beside it; each part can be made alone, and goes on where it was
stopped.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks import stroke_experiments, stroke_explainers, stroke_models, stroke_shifts


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stroke_study")
    parser.add_argument("--patients", type=int, default=200, help="of the tables of networks")
    parser.add_argument("--explained", type=int, default=10, help="patients of the tables of explainers")
    parser.add_argument("--shifted", type=int, default=8, help="patients of the table of scans that differ")
    parser.add_argument("--real", type=Path, action="append", default=[], help="a scan without acute stroke")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    jobs = f"--jobs={options.jobs}"
    stroke_models.main([f"--patients={options.patients}", jobs])
    stroke_explainers.main([f"--patients={options.explained}", jobs])
    stroke_shifts.main([f"--patients={options.shifted}", *(f"--real={path}" for path in options.real)])
    stroke_experiments.main([])


if __name__ == "__main__":
    main()

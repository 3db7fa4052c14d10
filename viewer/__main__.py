"""``python -m viewer`` and ``whyslice``: the command line, with the window behind ``view``."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Sequence

from viewer.cli.main import run
from viewer.cli.view_options import ViewOptions


def main(words: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code; `words` are those of the command line by default."""
    multiprocessing.freeze_support()
    if words is None and sys.argv[1:2] == ["--decoding-worker"]:
        # A packed program has no other way to start a process of its own kind: see viewer.imaging.decoding.door.
        from viewer.imaging.decoding.worker import serve

        serve()
    return run(sys.argv[1:] if words is None else words, _window)


def _window(options: ViewOptions) -> int:
    from viewer.app import run_window

    return run_window(options)


if __name__ == "__main__":
    sys.exit(main())

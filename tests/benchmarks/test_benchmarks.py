"""Every benchmark can be started: nothing else imports them, so a renamed class would go unnoticed."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

_PEERS = ("captum", "monai", "pytorch_grad_cam")


@pytest.mark.skipif(
    any(find_spec(name) is None for name in _PEERS), reason="peers to measure against are not installed"
)
def test_every_benchmark_is_listed() -> None:
    words = [sys.executable, "-m", "benchmarks", "--list"]
    said = subprocess.run(
        words, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False, timeout=200
    )
    assert said.returncode == 0, said.stderr[-2000:]
    assert {"first-map", "occluding", "one-patient"} <= set(said.stdout.split())

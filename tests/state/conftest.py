"""A session with the tiny model and a traced series."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tiny import bright_spot, write_tiny_model
from viewer.controllers.workbench import Workbench
from viewer.foundation.job_runner import InlineRunner


@pytest.fixture
def bench(user_folder: Path) -> Workbench:
    write_tiny_model(user_folder)
    bench = Workbench(InlineRunner())
    bench.explaining.select_model("tiny")
    bench.opening.show(bright_spot())
    return bench

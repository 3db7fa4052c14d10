"""A workbench over a tiny model, with a runner whose jobs the test runs one by one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.tiny import bright_spot, write_tiny_model
from viewer.controllers import engine, looking
from viewer.controllers.workbench import Workbench
from viewer.foundation.errors import Cancelled, ReadError
from viewer.foundation.job_runner import InlineRunner, Lane
from viewer.foundation.progress import SILENT, Progress, ProgressToken
from viewer.imaging.contents import Contents


class StepRunner:
    """A `JobRunner` that does nothing until `step` is called: the test decides what happens in between."""

    def __init__(self) -> None:
        self.waiting: list[tuple[ProgressToken, Callable[[], None], Lane]] = []

    def submit(
        self,
        lane: Lane,
        work: Callable[[Progress], Any],
        *,
        done: Callable[[Any], None],
        failed: Callable[[Exception], None],
        progress: Callable[[int, int, str], None] | None = None,
    ) -> ProgressToken:
        token = ProgressToken(progress)

        def run() -> None:
            try:
                token.report(0, 1)
                result = work(token)
            except (Exception, Cancelled) as error:
                failed(error)
            else:
                done(result)

        self.waiting.append((token, run, lane))
        return token

    def step(self, lane: Lane | None = None) -> bool:
        """Run the oldest job, of one lane if it is named; False when there is none."""
        number = next((k for k, (*_, own) in enumerate(self.waiting) if lane in (None, own)), None)
        if number is None:
            return False
        self.waiting.pop(number)[1]()
        return True

    def drain(self) -> int:
        count = 0
        while self.step():
            count += 1
            assert count < 500, "jobs without end"
        return count


@pytest.fixture
def steps() -> StepRunner:
    return StepRunner()


@pytest.fixture
def slow_bench(steps: StepRunner, user_folder: Path) -> Workbench:
    """A workbench whose jobs wait for ``steps.step()``; the tiny model is loaded."""
    write_tiny_model(user_folder)
    bench = Workbench(steps)
    bench.explaining.select_model("tiny")
    steps.drain()
    return bench


@pytest.fixture
def bench(user_folder: Path) -> Workbench:
    """A workbench whose jobs are run at once; the tiny model is loaded."""
    write_tiny_model(user_folder)
    bench = Workbench(InlineRunner())
    bench.explaining.select_model("tiny")
    return bench


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> dict[str, Contents]:
    """Paths by name, with what the test puts there."""
    held: dict[str, Contents] = {}

    def of(path: Path | str, progress: Progress = SILENT) -> Contents:
        if Path(path).name not in held:
            raise ReadError(f"There is no file or folder '{Path(path).name}'.", code="missing")
        return held[Path(path).name]

    monkeypatch.setattr(looking.Contents, "of", staticmethod(of))
    return held


@pytest.fixture
def quick_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether an explanation begins by itself must not depend on how busy the machine is."""
    monkeypatch.setattr(engine, "_pass_seconds", lambda _: 1e-4)


@pytest.fixture
def slow(slow_bench: Workbench, steps: StepRunner) -> Workbench:
    """Everything is traced; jobs wait for the test."""
    slow_bench.opening.show(bright_spot(5))
    steps.drain()
    assert slow_bench.session.support is not None
    return slow_bench


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, str]]:
    """Slice and explainer of every explanation that was begun."""
    seen: list[tuple[int, str]] = []
    real = engine.explain_steps

    def counted(request: engine.ExplainRequest, *arguments: object):
        seen.append((request.index, request.explainer))
        return real(request, *arguments)

    monkeypatch.setattr(engine, "explain_steps", counted)
    return seen

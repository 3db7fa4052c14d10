"""``whyslice export --format html``: a handout of cases without a class, by the verbs of a lesson."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from viewer.controllers.handing_out import leaves_of, note_of, write_handout
from viewer.controllers.headless import InputWish
from viewer.controllers.looking import Wanted
from viewer.controllers.workbench import Workbench
from viewer.foundation.errors import ModelError, ReadError, UsageError
from viewer.foundation.job_runner import InlineRunner
from viewer.foundation.progress import SILENT, Progress
from viewer.plugin_host import host
from viewer.state.session import Session


@dataclass(frozen=True)
class HandoutOrder:
    """What is asked for.

    Attributes
    ----------
    paths : files, folders, or folders with a ``cohort.csv``.
    explainer, layer, target : of the maps; None for the usual ones.
    series : the only one of the one path; None for all.
    reading : volume, spacing and grid of every case.
    wish : what the network is given of every case.
    """

    paths: Sequence[Path]
    out: Path
    model: str
    explainer: str | None = None
    layer: str | None = None
    target: str | None = None
    device: str = "auto"
    series: str | None = None
    reading: Wanted = field(default_factory=Wanted)
    wish: InputWish = field(default_factory=InputWish)


def handout_to_file(order: HandoutOrder, progress: Progress = SILENT) -> dict[str, Any]:
    """Ask the model about every case and write the handout.

    Returns
    -------
    dict
        The document of ``whyslice export --format html``; cases are counted from 1.

    Raises
    ------
    UsageError, ReadError, ModelError, ExportError
        The sentence says what failed.
    """
    if not order.out.absolute().parent.is_dir():
        raise UsageError(f"There is no folder '{order.out.parent}'.", code="no-folder")
    host.activate()
    bench = Workbench(InlineRunner())
    session = bench.session
    session.device = order.device
    progress.report(0, 1, "loading the model")
    bench.explaining.select_model(order.model)
    if session.model is None:
        raise ModelError(_said(session, f"The model '{order.model}' could not be loaded."))
    _choose(bench, order)
    bench.teaching.begin(*order.paths, series=order.series, wanted=order.reading)
    if session.lesson is None:
        said = _said(session, "There is no image.")
        raise UsageError(said) if session.notice is not None and session.notice.misuse else ReadError(said)
    count = len(session.lesson.steps)
    for number in range(count):
        progress.report(number, count, "explaining cases")
        lesson = session.lesson
        if lesson.steps[number].problem:
            continue
        if number != lesson.at or lesson.away:
            bench.teaching.go(number)
            lesson = session.lesson
            if lesson.steps[number].problem:
                continue
        if session.judgement is not None and not session.judgement.may_run:
            bench.explaining.confirm_applicability()  # what the model was not made for is said in the figure
        _give(bench, order.wish)
        bench.teaching.reveal()
        if session.asking is not None and session.asking.stage in ("offered", "stopped"):
            bench.explaining.asking.compute()
        bench.teaching.handing_out.press()
    lesson = session.lesson
    leaves = leaves_of(lesson)
    skipped: list[dict[str, Any]] = [
        {"case": number, "reason": step.problem}
        for number, step in enumerate(lesson.steps, start=1)
        if step.problem
    ]
    if not leaves:
        raise ReadError(skipped[0]["reason"] if skipped else "There is no image.", code="no-image")
    write_handout(order.out, leaves, note_of(lesson, leaves), progress)
    return {
        "format": "html",
        "path": str(order.out),
        "model": session.model.card.id,
        "cases": [
            {
                "case": number,
                "probabilities": dict(step.pressed.probabilities),
                "answers": [words for words in step.pressed.answers if words],
            }
            for number, step in enumerate(lesson.steps, start=1)
            if step.pressed is not None
        ],
        "skipped": skipped,
    }


def _choose(bench: Workbench, order: HandoutOrder) -> None:
    explaining = bench.explaining
    if order.layer is not None:
        explaining.select_layer(order.layer)
    if order.explainer is not None:
        explaining.select_explainer(order.explainer)
    if order.target is not None:
        explaining.select_target(order.target)


def _give(bench: Workbench, wish: InputWish) -> None:
    """Give the network what was asked for of the open case; another case begins with the card's own input."""
    model, choice = bench.session.model, bench.session.choice
    assert model is not None
    crop = wish.crop_rule(model.card)
    if crop not in bench.explaining.crops():
        raise UsageError(f"There is no crop rule '{crop}' for {model.card.id}.", code="crop")
    if (wish.mirror, crop) != (choice.mirror, choice.crop):
        bench.explaining.set_input(mirror=wish.mirror, crop=crop)


def _said(session: Session, otherwise: str) -> str:
    return session.notice.sentence if session.notice is not None else otherwise

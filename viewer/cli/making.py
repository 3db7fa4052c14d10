"""``generate``, ``train`` and ``self-test``: what makes things, and what checks that everything is there."""

from __future__ import annotations

from argparse import Namespace

from viewer.cli.answer import Answer
from viewer.cli.terminal import Terminal
from viewer.controllers import headless, self_test


def generate(options: Namespace, terminal: Terminal) -> Answer:
    """Synthetic cases with known truth."""
    cohort = headless.generate(
        options.generator,
        options.count,
        options.seed,
        options.out,
        terminal.progress,
        options.format,
        replace=options.replace,
    )
    document = {
        "generator": options.generator,
        "count": options.count,
        "seed": options.seed,
        "cohort": str(cohort),
    }
    return Answer(document, f"{options.count} cases; {cohort} lists them")


def train(options: Namespace, terminal: Terminal) -> Answer:
    """Run a recipe. Ctrl-C stops after a step; the same command goes on from the last epoch."""
    settings = dict(options.set)
    for sentence in headless.cautions(options.recipe, options.data, settings):
        terminal.warn(sentence)
    with terminal.stoppable():
        folder = headless.train(options.recipe, options.data, options.out, settings, terminal.progress)
    return Answer({"recipe": options.recipe, "model": str(folder)}, f"the model is in {folder}")


def add_model(options: Namespace, terminal: Terminal) -> Answer:
    """Make a model folder from a checkpoint."""
    terminal.progress.report(0, 1, "reading the checkpoint")
    card, notes = headless.add_model(
        options.checkpoint,
        architecture=options.architecture,
        model_id=options.id,
        classes=options.classes,
        positive_class=options.positive,
        size=options.size,
        normalise=options.normalise,
        parameters=dict(options.set),
        task=options.task or "",
        crop=options.crop,
        out=options.out,
    )
    document = {
        "id": card.id,
        "folder": str(card.folder),
        "classes": list(card.classes),
        "parameters": card.parameters,
        "notes": list(notes),
    }
    told = "".join(f"\n{note}" for note in notes)
    return Answer(document, f"the model '{card.id}' is in {card.folder}: {', '.join(card.classes)}{told}")


def check_everything(options: Namespace, terminal: Terminal) -> Answer:
    """Load every bundled model and explain the demo case."""
    checks = self_test.self_test(options.device, terminal.progress)
    failed = [check for check in checks if not check.ok]
    document = {
        "ok": not failed,
        "checks": [{"name": check.name, "ok": check.ok, "sentence": check.sentence} for check in checks],
    }
    text = "\n".join(
        f"{'ok    ' if check.ok else 'FAILED'}  {check.name}: {check.sentence}" for check in checks
    )
    complaint = (
        f"{len(failed)} of {len(checks)} checks failed, the first: {failed[0].sentence}" if failed else ""
    )
    return Answer(document, text, complaint)

"""``whyslice check``: the experiments on an image, each with its figure where a folder is given."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from viewer.controllers.experiments.declaration import EXPERIMENTS
from viewer.controllers.experiments.order import ExperimentOrder
from viewer.controllers.headless import applicability_json
from viewer.controllers.map_files import make_folder
from viewer.foundation.errors import ExplainError, ModelError, UsageError
from viewer.foundation.progress import SILENT, Progress
from viewer.foundation.provenance import provenance, write_provenance
from viewer.models.applicability import applicability
from viewer.plugin_host import host

FIGURE_KINDS = ("png", "pdf")


def experiments_to_files(
    order: ExperimentOrder,
    names: Sequence[str] = (),
    figures: Path | None = None,
    progress: Progress = SILENT,
) -> list[dict[str, Any]]:
    """Make experiments and write their figures.

    Parameters
    ----------
    names : of experiments; empty for all. One that has no meaning here says why under ``reason``, and has no number.
    figures : folder; of each experiment ``NAME.png`` and ``NAME.pdf``, and one ``experiments.provenance.json``.

    Returns
    -------
    list
        Entries of the document of ``whyslice check``.

    Raises
    ------
    UsageError
        Unknown experiment, class, slice or model; nearest names are offered.
    ModelError, ExplainError, ExportError
        The sentence says what failed.
    """
    from viewer.controllers import engine
    from viewer.controllers.experiments.running import placed, run_experiment
    from viewer.reporting.page import save_pages

    for name in names:
        EXPERIMENTS.find(name)
    host.activate()
    if figures is not None:
        make_folder(figures)
    wanted = [name for name in EXPERIMENTS if not names or name in names]
    order = placed(order, progress)
    entries: list[dict[str, Any]] = []
    for name in wanted:
        info = EXPERIMENTS[name]
        try:
            found = run_experiment(name, order, progress)
        except (UsageError, ModelError, ExplainError) as error:
            if isinstance(error, UsageError) and error.code != "no-experiment":
                raise
            left_out = {"name": name, "title": info.title, "value": None, "measure": info.measure}
            entries.append({**left_out, "sentence": "", "reason": error.sentence, "figure": None})
            continue
        figure = None
        if figures is not None:
            figure = figures / f"{name}.png"
            for kind in FIGURE_KINDS:
                save_pages(figure.with_suffix(f".{kind}"), (found.page,))
        entries.append({**found.to_json(), "reason": "", "figure": str(figure) if figure else None})
    if figures is not None:
        card = engine.load(order.model, order.device).card
        record = provenance(
            model=card.id,
            weights_sha256=card.weights_sha256,
            input_sha256=order.image.source.sha256,
            score=order.score,
            layer=order.layer,
            explainers=list(order.explainers),
            input={"mirror": order.mirror, "crop": order.crop or card.input.crop},
            beside=[Path(each).name for each in order.beside],
            applicability=applicability_json(applicability(card, order.image)),
            experiments=[
                {**entry, "figure": Path(entry["figure"]).name if entry["figure"] else None}
                for entry in entries
            ],
        )
        write_provenance(figures / "experiments.provenance.json", record)
    return entries

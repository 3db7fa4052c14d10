"""Runs a recipe: Lightning's loop, checkpoints that resume, early stopping, and a model folder at the end."""

from __future__ import annotations

import csv
import hashlib
import json
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import torch
from lightning.pytorch import LightningModule, Trainer, seed_everything
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint
from torch import Tensor

from viewer.foundation.progress import SILENT, Progress
from viewer.training.model_folder import write_model
from viewer.training.recipe import Recipe, Value
from viewer.training.task import Batch, OwnOptimiser, TrainingTask

_EXPECTED = (
    # A continued run finds its own checkpoints, and Lightning calls an old name of torch.
    r"Checkpoint directory .* exists and is not empty",
    r"`isinstance\(treespec, LeafSpec\)` is deprecated",
)


def run_recipe(
    recipe: Recipe,
    data: Path | None,
    out: Path,
    settings: Mapping[str, Value],
    progress: Progress = SILENT,
) -> Path:
    """Train to the end, or on from the last checkpoint, and write the model.

    Parameters
    ----------
    recipe : what to train.
    data : the user's own cohort; None to train on what the recipe makes itself.
    out : ``out/<id of the model>`` becomes the model folder. ``out/work`` holds what recipes keep between runs and, for
        each choice of settings, the checkpoints and ``curves.csv``, the losses of every epoch.
    settings : chosen settings, texts or values.
    progress : told after each batch; may raise `Cancelled`, after which the same call goes on from the last epoch.

    Returns
    -------
    Path
        The model folder: ``model.toml``, ``weights.safetensors``, ``MODEL_CARD.md``.
    """
    chosen = recipe.resolve(settings)
    work = out / "work"
    work.mkdir(parents=True, exist_ok=True)
    task = recipe.build(chosen, data=data, work=work, progress=progress)
    run = work / run_name(str(task.card()["id"]), chosen)
    run.mkdir(exist_ok=True)
    _fit(task, run, progress)
    best = torch.load(run / "best.ckpt", map_location="cpu", weights_only=True)["state_dict"]
    kept = {
        name.removeprefix("network."): value for name, value in best.items() if name.startswith("network.")
    }
    task.network.load_state_dict(kept)
    return write_model(task, out, progress)


def run_name(model: str, settings: Any) -> str:
    """Name of the folder of a run: other settings are another run and never go on from its checkpoints."""
    text = json.dumps(asdict(settings), sort_keys=True)
    return f"{model}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _fit(task: TrainingTask, run: Path, progress: Progress) -> None:
    best = ModelCheckpoint(run, "best", monitor="validation_loss", enable_version_counter=False)
    # Lightning's own `save_last` follows the best epoch; a continued run has to begin after the last one.
    last = ModelCheckpoint(run, "last", every_n_epochs=1, enable_version_counter=False)
    callbacks: list[Callback] = [_Reporter(task, run / "curves.csv", progress), best, last]
    if task.patience < task.epochs:
        callbacks.append(EarlyStopping("validation_loss", patience=task.patience))
    with _quiet():
        seed_everything(task.seed, verbose=False)
        trainer = Trainer(
            accelerator="auto",
            devices=1,
            precision=_precision(),
            max_epochs=task.epochs,
            callbacks=callbacks,
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            gradient_clip_val=5.0,
            reload_dataloaders_every_n_epochs=1,
            default_root_dir=run,
        )
        begun = run / "last.ckpt"
        trainer.fit(_Module(task), ckpt_path=str(begun) if begun.is_file() else None, weights_only=True)


def _precision() -> Literal["bf16-mixed", "32-true"]:
    """Bfloat16 where the processor computes with it; elsewhere it would only be slow."""
    if torch.cuda.is_available():
        return "bf16-mixed" if torch.cuda.is_bf16_supported() else "32-true"
    return "bf16-mixed" if torch.cpu._is_avx512_bf16_supported() else "32-true"


@contextmanager
def _quiet() -> Iterator[None]:
    """Lightning's advertisements and hints about hardware are not for the user of a recipe."""
    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            for message in _EXPECTED:
                warnings.filterwarnings("ignore", message)
            yield
    finally:
        logger.setLevel(level)


class _Module(LightningModule):
    """A task as Lightning wants it."""

    def __init__(self, task: TrainingTask) -> None:
        super().__init__()
        self._task = task
        self.network = task.network
        self.companions = task.companions

    def train_dataloader(self) -> Any:
        return _Batches(self._task, self.current_epoch)

    def val_dataloader(self) -> Any:
        return _Validation(self._task)

    def training_step(self, batch: Batch, _number: int) -> Tensor:
        losses = self._task.training_loss(batch)
        for name, value in losses.items():
            self.log(
                f"training_{name}",
                value.detach(),
                on_step=False,
                on_epoch=True,
                batch_size=len(batch["input"]),
            )
        return losses["loss"]

    def validation_step(self, batch: Batch, _number: int) -> None:
        losses = dict(self._task.validation_loss(batch))
        n = int(losses.pop("n"))
        for name, value in losses.items():
            self.log(f"validation_{name}", value, batch_size=n)

    def configure_optimizers(self) -> Any:
        own = self._task.optimiser(self.parameters()) if isinstance(self._task, OwnOptimiser) else None
        if own is not None:
            return {"optimizer": own[0], "lr_scheduler": {"scheduler": own[1], "interval": "epoch"}}
        total = sum(self._task.steps(epoch) for epoch in range(self._task.epochs))
        optimiser = torch.optim.AdamW(
            self.parameters(), lr=self._task.learning_rate, weight_decay=self._task.weight_decay
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, self._task.learning_rate, total_steps=total, pct_start=0.1
        )
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


class _Batches:
    """The batches of one epoch, with a length."""

    def __init__(self, task: TrainingTask, epoch: int) -> None:
        self._task = task
        self._epoch = epoch

    def __len__(self) -> int:
        return self._task.steps(self._epoch)

    def __iter__(self) -> Iterator[Batch]:
        return iter(self._task.batches(self._epoch))


class _Validation:
    """The validation batches; a class because Lightning takes a list for several loaders."""

    def __init__(self, task: TrainingTask) -> None:
        self._task = task

    def __iter__(self) -> Iterator[Batch]:
        return iter(self._task.validation_batches())


class _Reporter(Callback):
    """Tells the progress token after every batch and writes the curves after every epoch."""

    def __init__(self, task: TrainingTask, curves: Path, progress: Progress) -> None:
        self._total = sum(task.steps(epoch) for epoch in range(task.epochs))
        self._epochs = task.epochs
        self._curves = curves
        self._progress = progress

    def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
        words = f"epoch {trainer.current_epoch + 1} of {self._epochs}"
        loss = trainer.callback_metrics.get("validation_loss")
        if loss is not None:
            words += f", validation loss {float(loss):.4f}"
        self._progress.report(min(trainer.global_step, self._total), self._total, words)

    def on_train_epoch_end(self, trainer: Any, *_: Any) -> None:
        row = {"epoch": trainer.current_epoch + 1}
        row |= {name: round(float(value), 5) for name, value in sorted(trainer.callback_metrics.items())}
        new = not self._curves.is_file()
        with self._curves.open("a", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, fieldnames=list(row))
            if new:
                writer.writeheader()
            writer.writerow(row)

"""What the command line does with networks, without any state: predict, train, generate.

Torch is loaded by the functions and not by the module, so that a command that cannot begin (no such file) fails at
once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from viewer.controllers.map_files import make_folder
from viewer.evaluation.cohort_table import TABLE
from viewer.foundation import paths
from viewer.foundation.errors import UsageError, WhySliceError
from viewer.foundation.progress import SILENT, Progress
from viewer.foundation.registry import nearest
from viewer.imaging.erasing import with_erasures
from viewer.imaging.erasure import Erasure
from viewer.imaging.image import MedicalImage
from viewer.models.applicability import Applicability, applicability
from viewer.models.card import Crop, ModelCard
from viewer.plugin_host import host

if TYPE_CHECKING:
    from viewer.models.prediction import Prediction

CropWish = Crop | Literal["on"] | None
"""A rule by name; ``on`` for the card's rule or, where it has none, the brain mask (the body of a
volume); None for what the card says."""


@dataclass(frozen=True)
class InputWish:
    """How the network's input shall be made.

    Attributes
    ----------
    mirror : give the network the mirrored patient.
    crop : cropping rule.
    erased : what is taken out of the image before the network sees it.
    """

    mirror: bool = False
    crop: CropWish = None
    erased: tuple[Erasure, ...] = ()

    def crop_rule(self, card: ModelCard) -> Crop:
        """The rule that this wish means for a model."""
        if self.crop is None:
            return card.input.crop
        if self.crop == "on":
            if card.input.crop != "none":
                return card.input.crop
            return "body" if card.dims == 3 else "brain"
        return self.crop


@dataclass(frozen=True)
class CasePrediction:
    """A prediction with what must be known to believe it.

    Attributes
    ----------
    crop : rule that was used.
    before : of the image as it is, where a part of it was erased; else None.
    """

    prediction: Prediction
    applicability: Applicability
    wish: InputWish
    crop: Crop
    mc_samples: int
    seed: int = 0
    before: Prediction | None = None

    def to_json(self) -> dict[str, Any]:
        """The document of ``whyslice predict``."""
        return {
            **self.prediction.to_json(),
            "applicability": applicability_json(self.applicability),
            "input": input_json(self.wish, self.crop),
            "mc_samples": self.mc_samples,
            "seed": self.seed,
            **({} if self.before is None else {"before_erasing": probabilities_json(self.before)}),
        }


def probabilities_json(found: Prediction) -> dict[str, Any]:
    """The numbers of a prediction alone."""
    document = found.to_json()
    return {"slices": document["slices"], "case": document["case"]}


def input_json(wish: InputWish, crop: Crop) -> dict[str, Any]:
    """How the network's input was made; ``erased`` only where a part of it was."""
    erased = [each.to_json() for each in wish.erased]
    return {"mirror": wish.mirror, "crop": crop, **({"erased": erased} if erased else {})}


def applicability_json(found: Applicability) -> dict[str, Any]:
    """A verdict with its reasons."""
    return {"verdict": found.verdict, "reasons": list(found.reasons)}


def predict_image(
    image: MedicalImage,
    model: str,
    *,
    wish: InputWish = InputWish(),
    mc_samples: int = 0,
    seed: int = 0,
    device: str = "auto",
    progress: Progress = SILENT,
) -> CasePrediction:
    """Probabilities of every slice of an image, also where the model does not apply; the answer says so.

    Parameters
    ----------
    model : id or folder.
    mc_samples : Monte Carlo dropout passes for intervals; 0 for none.
    seed : of the dropout masks.

    Raises
    ------
    ModelError
        When the model cannot be loaded.
    """
    from viewer.controllers import engine

    host.activate()
    progress.report(0, 1, "loading the model")
    loaded = engine.load(model, device)
    crop = wish.crop_rule(loaded.card)

    def asked(about: MedicalImage, samples: int) -> Prediction:
        return engine.predict_case(
            model,
            device,
            about,
            mirror=wish.mirror,
            crop=crop,
            mc_samples=samples,
            seed=seed,
            progress=progress,
        )

    given = with_erasures(image, wish.erased)
    prediction = asked(given, mc_samples)
    before = asked(image, 0) if wish.erased else None
    return CasePrediction(prediction, applicability(loaded.card, image), wish, crop, mc_samples, seed, before)


def cautions(recipe: str, data: Path | None, settings: Mapping[str, str]) -> tuple[str, ...]:
    """What a person should know of these settings before the training begins; raises as `train` does."""
    from viewer.training.recipe import RECIPES

    host.activate()
    return RECIPES.find(recipe).cautions(settings, own_data=data is not None)


def train(
    recipe: str, data: Path | None, out: Path | None, settings: Mapping[str, str], progress: Progress = SILENT
) -> Path:
    """Run a recipe to the end, or on from its last checkpoint, and return the model folder.

    Parameters
    ----------
    out : folder of the run; None for ``out/<recipe>`` in the working directory.

    Raises
    ------
    UsageError
        No such recipe or setting; nearest names are offered.
    WhySliceError
        The extra ``train`` is not installed.
    """
    from viewer.training.recipe import RECIPES

    host.activate()
    chosen = RECIPES.find(recipe)
    chosen.resolve(settings)
    folder = out or Path("out") / recipe
    make_folder(folder)
    try:
        from viewer.training.run import run_recipe
    except ModuleNotFoundError as error:
        raise WhySliceError(
            f"Training needs the package '{error.name}', which is not installed.",
            code="no-extra",
            action="Install it with: pip install 'whyslice[train]'",
        ) from error
    return run_recipe(chosen, data, folder, settings, progress)


def add_model(
    checkpoint: Path,
    *,
    architecture: str,
    model_id: str,
    classes: tuple[str, ...],
    positive_class: str,
    size: tuple[int, ...],
    normalise: str,
    crop: Crop,
    out: Path | None,
    parameters: Mapping[str, str] | None = None,
    task: str = "",
) -> tuple[ModelCard, tuple[str, ...]]:
    """Make a model folder from a checkpoint; its card and what was noticed, in words.

    Parameters
    ----------
    out : parent of the folder; None for the user's own models, which every list shows.
    parameters : of the normalisation, each a number or several with commas between them, as texts.

    Raises
    ------
    ModelError, UsageError
        As `viewer.models.added.add_model`.
    ExportError
        When the folder cannot be made.
    """
    from viewer.models.added import Description, add_model

    host.activate()
    parent = out or paths.user_data() / "models"
    make_folder(parent)
    numbers = {name: _numbers(name, text) for name, text in (parameters or {}).items()}
    about = Description(architecture, model_id, classes, positive_class, size, normalise, crop, numbers, task)
    return add_model(checkpoint, about, parent)


def _numbers(name: str, text: str) -> float | list[float]:
    """A number, or several."""
    try:
        numbers = [float(word) for word in text.split(",")]
    except ValueError:
        raise UsageError(f"The parameter '{name}' is a number or several, not '{text}'.") from None
    return numbers if len(numbers) > 1 or name in ("mean", "std") else numbers[0]


def generate(
    generator: str,
    count: int,
    seed: int,
    out: Path,
    progress: Progress = SILENT,
    format: str = "",
    *,
    replace: bool = False,
) -> Path:
    """Make synthetic cases with known truth and return the table that lists them.

    Parameters
    ----------
    format : of the images; empty for the generator's default.
    replace : whether a cohort that is there may be written over; cases of it that the new one does not have stay, and
        are in no table.

    Raises
    ------
    UsageError
        No such generator or format (nearest names are offered), or there is a cohort already.
    ExportError
        When the folder cannot be made.
    """
    from viewer.training.generator import GENERATORS

    host.activate()
    chosen = GENERATORS.find(generator)
    kind = format or chosen.formats[0]
    if kind not in chosen.formats:
        raise UsageError(
            f"The generator '{generator}' does not write '{kind}'{nearest(kind, list(chosen.formats))}.",
            code="no-such-format",
        )
    if (out / TABLE).exists() and not replace:
        raise UsageError(
            f"There is a cohort in '{out.name}' already.",
            code="cohort-there",
            action="Name another folder, or write over it with --replace.",
        )
    make_folder(out)
    chosen.generate(out, count, seed, progress, kind)
    return out / TABLE

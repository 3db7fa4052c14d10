"""The names that a plugin or a script imports; everything else may move.

Importing this module does not load torch: each name arrives when it is first used. The bundled plugins are activated
when a model is first loaded, because its architecture comes from one of them.

Conventions: an array input has the axes (channel, row, column) and already is what the network takes; `target` is a
class index or name, None the predicted class; errors are `WhySliceError` with one sentence.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from viewer.evaluation.boxes import boxes_from_map
    from viewer.evaluation.checks.finding import Finding
    from viewer.evaluation.checks.running import check
    from viewer.evaluation.cohort_table import read_cohort
    from viewer.evaluation.confusion import confusion_scores
    from viewer.evaluation.focus import focus_scores
    from viewer.evaluation.importance_result import PixelImportance
    from viewer.evaluation.localisation import dice, iou
    from viewer.evaluation.map_boxes import MapBoxes
    from viewer.evaluation.pixel_importance import pixel_importance
    from viewer.evaluation.regions import Region
    from viewer.evaluation.score import Score
    from viewer.evaluation.truth_files.document import ImageEntry, TruthDocument
    from viewer.evaluation.truth_files.layouts import LayoutReader
    from viewer.evaluation.truth_files.reading import read_truth_document
    from viewer.explainers.atlas import Atlas
    from viewer.explainers.explainer_info import ExplainerInfo, Parameter, Sight
    from viewer.explainers.explaining import atlas, explain
    from viewer.explainers.explanation import Explanation
    from viewer.explainers.layer_info import LayerInfo
    from viewer.explainers.passes import input_gradient, layer_pair, plain_scores
    from viewer.explainers.perturbing import perturbed_scores
    from viewer.explainers.question import Answer, Explainer, Question, answer, few_first, images_together
    from viewer.explainers.support import support
    from viewer.foundation.errors import WhySliceError
    from viewer.foundation.progress import SILENT, Progress
    from viewer.imaging.dicom.radiograph import write_radiograph
    from viewer.imaging.dicom.writing import write_dicom
    from viewer.imaging.erasing import erase
    from viewer.imaging.geometry import Geometry
    from viewer.imaging.image import MedicalImage
    from viewer.imaging.pixel_box import PixelBox
    from viewer.imaging.reading import read_image
    from viewer.imaging.writing import write_nifti
    from viewer.models.card import InputRule
    from viewer.models.classifier import Classifier
    from viewer.models.input_view import InputView
    from viewer.models.loading import wrap_module
    from viewer.models.normalise import normalise
    from viewer.models.prediction import Prediction, predict
    from viewer.models.volume_view import VolumeView
    from viewer.training.generator import Generator
    from viewer.training.recipe import Recipe

_HOMES = {
    "Answer": "viewer.explainers.question",
    "Atlas": "viewer.explainers.atlas",
    "Classifier": "viewer.models.classifier",
    "ExplainerInfo": "viewer.explainers.explainer_info",
    "Explanation": "viewer.explainers.explanation",
    "Finding": "viewer.evaluation.checks.finding",
    "Generator": "viewer.training.generator",
    "Geometry": "viewer.imaging.geometry",
    "ImageEntry": "viewer.evaluation.truth_files.document",
    "InputRule": "viewer.models.card",
    "InputView": "viewer.models.input_view",
    "LayerInfo": "viewer.explainers.layer_info",
    "LayoutReader": "viewer.evaluation.truth_files.layouts",
    "MapBoxes": "viewer.evaluation.map_boxes",
    "MedicalImage": "viewer.imaging.image",
    "Parameter": "viewer.explainers.explainer_info",
    "PixelBox": "viewer.imaging.pixel_box",
    "PixelImportance": "viewer.evaluation.importance_result",
    "Prediction": "viewer.models.prediction",
    "Progress": "viewer.foundation.progress",
    "Question": "viewer.explainers.question",
    "Recipe": "viewer.training.recipe",
    "Region": "viewer.evaluation.regions",
    "SILENT": "viewer.foundation.progress",
    "Score": "viewer.evaluation.score",
    "Sight": "viewer.explainers.explainer_info",
    "TruthDocument": "viewer.evaluation.truth_files.document",
    "VolumeView": "viewer.models.volume_view",
    "WhySliceError": "viewer.foundation.errors",
    "answer": "viewer.explainers.question",
    "atlas": "viewer.explainers.explaining",
    "boxes_from_map": "viewer.evaluation.boxes",
    "check": "viewer.evaluation.checks.running",
    "confusion_scores": "viewer.evaluation.confusion",
    "dice": "viewer.evaluation.localisation",
    "erase": "viewer.imaging.erasing",
    "explain": "viewer.explainers.explaining",
    "few_first": "viewer.explainers.question",
    "focus_scores": "viewer.evaluation.focus",
    "images_together": "viewer.explainers.question",
    "input_gradient": "viewer.explainers.passes",
    "iou": "viewer.evaluation.localisation",
    "layer_pair": "viewer.explainers.passes",
    "normalise": "viewer.models.normalise",
    "pixel_importance": "viewer.evaluation.pixel_importance",
    "perturbed_scores": "viewer.explainers.perturbing",
    "plain_scores": "viewer.explainers.passes",
    "predict": "viewer.models.prediction",
    "read_cohort": "viewer.evaluation.cohort_table",
    "read_image": "viewer.imaging.reading",
    "read_truth_document": "viewer.evaluation.truth_files.reading",
    "support": "viewer.explainers.support",
    "wrap_module": "viewer.models.loading",
    "write_dicom": "viewer.imaging.dicom.writing",
    "write_nifti": "viewer.imaging.writing",
    "write_radiograph": "viewer.imaging.dicom.radiograph",
}
__all__ = [
    "SILENT",
    "Answer",
    "Atlas",
    "Classifier",
    "ExplainerInfo",
    "Explanation",
    "Finding",
    "Generator",
    "Geometry",
    "ImageEntry",
    "InputRule",
    "InputView",
    "LayerInfo",
    "LayoutReader",
    "MapBoxes",
    "MedicalImage",
    "Parameter",
    "PixelBox",
    "PixelImportance",
    "Prediction",
    "Progress",
    "Question",
    "Recipe",
    "Region",
    "Score",
    "Sight",
    "TruthDocument",
    "VolumeView",
    "WhySliceError",
    "answer",
    "atlas",
    "boxes_from_map",
    "check",
    "confusion_scores",
    "dice",
    "erase",
    "explain",
    "few_first",
    "focus_scores",
    "images_together",
    "input_gradient",
    "iou",
    "layer_pair",
    "layers",
    "load_model",
    "normalise",
    "perturbed_scores",
    "pixel_importance",
    "plain_scores",
    "predict",
    "read_cohort",
    "read_image",
    "read_truth_document",
    "register_architecture",
    "register_explainer",
    "register_generator",
    "register_reader",
    "register_recipe",
    "support",
    "wrap_module",
    "write_dicom",
    "write_nifti",
    "write_radiograph",
]


_MAY_NEED_PLUGINS = ("explain", "support")
"""What is given the name of an explainer, which a plugin may bring."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"viewer.api has no '{name}'")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    if name in _MAY_NEED_PLUGINS:
        from viewer.plugin_host.host import activate

        activate()
    return value


def load_model(id_or_folder: Any, device: str | None = None) -> Classifier:
    """Load a bundled, added or trained model by id or folder; see `viewer.models.loading.load_model`."""
    from viewer.models.loading import load_model as load
    from viewer.plugin_host.host import activate

    activate()
    return load(id_or_folder, device)


def layers(classifier: Classifier) -> list[LayerInfo]:
    """The layers of a network that a map can be made on, in the order of its forward pass."""
    from viewer.explainers.layers import find_layers

    return list(find_layers(classifier))


def register_architecture(name: str, factory: Any) -> None:
    """Add a network architecture: ``factory(*, classes, channels, **options)`` returns a fresh `torch.nn.Module`."""
    from viewer.models.architectures import ARCHITECTURES

    ARCHITECTURES.add(name, factory)


def register_explainer(info: ExplainerInfo, function: Explainer) -> None:
    """Add an explainer: ``function(question)`` yields an `Answer` after every step, each better than the last one.

    Between two answers nothing is hooked into the network and it is as it was found. `input_gradient`, `layer_pair`,
    `plain_scores` and `perturbed_scores` make the passes that most explainers need, and keep to that.
    """
    from viewer.explainers.added_explainers import register_explainer as register

    register(info, function)


def register_generator(generator: Generator) -> None:
    """Add a maker of synthetic cases."""
    from viewer.training.generator import GENERATORS

    GENERATORS.add(generator.id, generator)


def register_reader(reader: LayoutReader) -> None:
    """Add a reader of a study's own layout, of files of boxes (*Load truth*, ``--truth``) or of folders (a cohort).

    Everything that reads truth or cohorts asks it first whether it recognises what it was given.
    """
    from viewer.evaluation.truth_files.layouts import READERS

    READERS.add(reader.id, reader)


def register_recipe(recipe: Recipe) -> None:
    """Add a training recipe."""
    from viewer.training.recipe import RECIPES

    RECIPES.add(recipe.id, recipe)

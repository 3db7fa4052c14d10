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
    from viewer.evaluation.confusion import confusion_scores
    from viewer.evaluation.localisation import iou
    from viewer.evaluation.regions import Region
    from viewer.evaluation.score import Score
    from viewer.explainers.atlas import Atlas
    from viewer.explainers.declaration import ExplainerInfo
    from viewer.explainers.explaining import atlas, explain
    from viewer.explainers.explanation import Explanation
    from viewer.explainers.layer_info import LayerInfo
    from viewer.foundation.errors import WhySliceError
    from viewer.foundation.progress import SILENT, Progress
    from viewer.imaging.geometry import Geometry
    from viewer.imaging.image import MedicalImage
    from viewer.imaging.reading import read_image
    from viewer.imaging.writing import write_nifti
    from viewer.models.classifier import Classifier
    from viewer.models.loading import wrap_module
    from viewer.models.normalise import normalise
    from viewer.models.prediction import Prediction, predict
    from viewer.training.generator import Generator
    from viewer.training.recipe import Recipe

_HOMES = {
    "Atlas": "viewer.explainers.atlas",
    "Classifier": "viewer.models.classifier",
    "ExplainerInfo": "viewer.explainers.declaration",
    "Explanation": "viewer.explainers.explanation",
    "Generator": "viewer.training.generator",
    "Geometry": "viewer.imaging.geometry",
    "LayerInfo": "viewer.explainers.layer_info",
    "MedicalImage": "viewer.imaging.image",
    "Prediction": "viewer.models.prediction",
    "Progress": "viewer.foundation.progress",
    "Recipe": "viewer.training.recipe",
    "Region": "viewer.evaluation.regions",
    "SILENT": "viewer.foundation.progress",
    "Score": "viewer.evaluation.score",
    "WhySliceError": "viewer.foundation.errors",
    "atlas": "viewer.explainers.explaining",
    "boxes_from_map": "viewer.evaluation.boxes",
    "confusion_scores": "viewer.evaluation.confusion",
    "explain": "viewer.explainers.explaining",
    "iou": "viewer.evaluation.localisation",
    "normalise": "viewer.models.normalise",
    "predict": "viewer.models.prediction",
    "read_image": "viewer.imaging.reading",
    "wrap_module": "viewer.models.loading",
    "write_nifti": "viewer.imaging.writing",
}
__all__ = [
    "SILENT",
    "Atlas",
    "Classifier",
    "ExplainerInfo",
    "Explanation",
    "Generator",
    "Geometry",
    "LayerInfo",
    "MedicalImage",
    "Prediction",
    "Progress",
    "Recipe",
    "Region",
    "Score",
    "WhySliceError",
    "atlas",
    "boxes_from_map",
    "confusion_scores",
    "explain",
    "iou",
    "layers",
    "load_model",
    "normalise",
    "predict",
    "read_image",
    "register_architecture",
    "register_generator",
    "register_recipe",
    "wrap_module",
    "write_nifti",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"viewer.api has no '{name}'")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
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


def register_generator(generator: Generator) -> None:
    """Add a maker of synthetic cases."""
    from viewer.training.generator import GENERATORS

    GENERATORS.add(generator.id, generator)


def register_recipe(recipe: Recipe) -> None:
    """Add a training recipe."""
    from viewer.training.recipe import RECIPES

    RECIPES.add(recipe.id, recipe)

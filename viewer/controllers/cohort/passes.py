"""Inputs that are altered by hand, and what a network says of them. Loads torch; imported where it is needed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from viewer.controllers import engine
from viewer.imaging.image import MedicalImage
from viewer.models.card import Crop
from viewer.models.input_view import slice_input
from viewer.models.prediction import probabilities_of
from viewer.models.volume_view import volume_input


def ready_input(
    model_id: str, device: str, image: MedicalImage, index: int | None, mirror: bool, crop: Crop
) -> NDArray[np.float32]:
    """What a network gets of a slice, (channel, row, column), or with None of the volume."""
    rule = engine.classifier(model_id, device).card.input
    if index is None:
        return volume_input(rule, image, mirror=mirror, crop=crop)[1]
    return slice_input(rule, image, index, mirror=mirror, crop=crop)[1]


def probabilities_of_inputs(model_id: str, device: str, batch: NDArray[np.float32]) -> NDArray[np.float32]:
    """(image, class) probabilities of ready inputs (image, channel, *space)."""
    return probabilities_of(engine.classifier(model_id, device), batch)[0]

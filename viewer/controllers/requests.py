"""What is asked of the engine and what it answers: frozen, without tensors, and without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from viewer.explainers.asked_region import EVERYWHERE

if TYPE_CHECKING:
    from viewer.explainers.asking import Region, View
    from viewer.explainers.layer_info import LayerInfo
    from viewer.imaging.image import MedicalImage
    from viewer.models.card import Crop, ModelCard, ScoreType
    from viewer.models.input_view import InputView
    from viewer.models.volume_view import VolumeView


@dataclass(frozen=True)
class LoadedModel:
    """What is known of a model once it is loaded.

    Attributes
    ----------
    parameters : number of trainable parameters.
    default_layer : the card's, else the last layer with a map; empty when there is none.
    needs : of a network of volumes, layer -> estimate of the memory that a trace of it takes, bytes.
    """

    card: ModelCard
    layers: tuple[LayerInfo, ...]
    device: str
    parameters: int
    default_layer: str = ""
    needs: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class TraceRequest:
    """One slice of one image under one choice of input.

    Attributes
    ----------
    layers, targets, methods : what is wanted of it; None for all.
    region : where a segmentation network is asked.
    """

    model_id: str
    device: str
    image: MedicalImage
    index: int
    mirror: bool
    crop: Crop
    score: ScoreType
    layers: tuple[str, ...] | None = None
    targets: tuple[int, ...] | None = None
    methods: tuple[str, ...] | None = None
    region: str = EVERYWHERE


@dataclass(frozen=True, eq=False)
class TraceReply:
    """All maps of one slice.

    Attributes
    ----------
    probabilities : (class,).
    maps : (class index, layer, method) -> signed map (row, column) on the layer's grid.
    flags : what the trace found out about the network, e.g. ``softmax-inside``.
    """

    index: int
    view: InputView
    probabilities: NDArray[np.float32]
    maps: dict[tuple[int, str, str], NDArray[np.float32]]
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class VolumeReply:
    """All maps of a volume.

    Attributes
    ----------
    probabilities : (class,).
    maps : (class index, layer, method) -> signed map (slice, row, column) on the layer's grid.
    flags : what the trace found out about the network and the device, e.g. ``fell-back-to-cpu``.
    seen : (slice, row, column) float16, the first channel of what the network got.
    """

    view: VolumeView
    probabilities: NDArray[np.float32]
    maps: dict[tuple[int, str, str], NDArray[np.float32]]
    flags: tuple[str, ...] = ()
    seen: NDArray[np.float16] | None = None


@dataclass(frozen=True, eq=False)
class ExplainRequest:
    """One explanation on demand, of a slice or, by a network of volumes, of the whole image.

    Attributes
    ----------
    index : slice of the reading plane; of no meaning for a network of volumes.
    layer : empty for the default layer.
    target : class index; None for the predicted one.
    parameters : of the explainer, those that differ from their defaults; texts are read.
    region : where a segmentation network is asked; None for everywhere.
    """

    model_id: str
    device: str
    image: MedicalImage
    index: int
    mirror: bool
    crop: Crop
    score: ScoreType
    explainer: str
    layer: str = ""
    target: int | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    region: Region | None = None


@dataclass(frozen=True, eq=False)
class ExplainReply:
    """An explanation as far as it has come.

    Attributes
    ----------
    layer : the target layer; ``input`` for explainers without one.
    probabilities : (class,).
    signed : map before ReLU on its own grid, as the network saw the input.
    deviation : standard deviation over what was sampled, same grid; None where nothing was.
    done, total : rounds made and wanted; the last reply has both equal.
    flags : what was found out about the network and the map.
    equal_to : explainers that make the same picture on this layer by construction.
    facts : numbers that say how far the map can be trusted, see `viewer.explainers.map_facts`.
    segments : which part of the input each cell belongs to, from 1 on; None where there are none.
    """

    index: int
    view: View
    layer: str
    target: int
    probabilities: NDArray[np.float32]
    signed: NDArray[np.float32]
    deviation: NDArray[np.float32] | None
    done: int
    total: int
    flags: tuple[str, ...]
    equal_to: tuple[str, ...]
    facts: Mapping[str, float] = field(default_factory=dict)
    segments: NDArray[np.int32] | None = None

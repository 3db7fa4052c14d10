"""The whole state of the program: plain data that announces its changes. Widgets mirror it, controllers write it.

Every field that a person can change is here once. Listen with ``session.events.connect(callback)``; a change of a
nested field reaches the outer signal as well.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from psygnal import SignalGroupDescriptor

from viewer.evaluation.regions import Region
from viewer.explainers.declaration import EXPLAINERS
from viewer.explainers.layer_info import LayerInfo
from viewer.imaging.diagnoses import Diagnosis
from viewer.imaging.image import Window
from viewer.imaging.reading import SeriesInfo
from viewer.models.card import Crop, ModelCard, ScoreType
from viewer.state.case import Case, Judgement
from viewer.state.series_reading import SeriesReading

DIFFERENCE = "difference"
"""Stands for a class where the map of the class minus that of its opponent is wanted."""

ScaleName = Literal["reference", "series", "slice"]


@dataclass(frozen=True, eq=False)
class ModelFacts:
    """The loaded model as everybody but the engine sees it.

    Attributes
    ----------
    layers : layers that have a map, in the order of the forward pass.
    device : where it runs, e.g. ``cpu``.
    """

    card: ModelCard
    layers: tuple[LayerInfo, ...]
    device: str


@dataclass
class Choice:
    """What is explained, and how."""

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()
    explainer: str = next(iter(EXPLAINERS))
    layer: str = ""
    target: str = ""
    """Name of a class, or `DIFFERENCE`."""
    score: ScoreType = "logit"
    mirror: bool = False
    crop: Crop = "none"


@dataclass
class View:
    """How the slice is looked at."""

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()
    slice: int = 0
    window: Window = field(default_factory=lambda: Window(0.5, 1.0))
    seen: bool = False
    """Show exactly what the network saw in place of the patient."""
    drawing: bool = False
    """The next left drag draws a box."""
    cursor: tuple[float, float] | None = None
    """(row, column) of the crosshair on the picture."""


@dataclass
class Overlay:
    """How the map is laid over the slice."""

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()
    visible: bool = True
    opacity: float = 0.7
    threshold: float = 0.15
    """Fraction of the scale below which the map is transparent, 0..1."""
    colour_map: str = "inferno"
    scale: ScaleName = "reference"
    true_grid: bool = False
    """Show the map's own cells rather than a smooth picture of them."""


@dataclass
class Boxes:
    """Boxes that the user drew, and the rule that makes boxes from the map."""

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()
    drawn: dict[int, Region] = field(default_factory=dict)
    """Identity -> box on its slice. Replaced as a whole, never altered in place."""
    selected: int | None = None
    rule: str = "top-percent"
    value: float = 5.0


@dataclass(frozen=True)
class Work:
    """Long work that is going on."""

    name: str
    done: int = 0
    total: int = 0
    started: float = 0.0
    """`time.monotonic` at the beginning, seconds."""


@dataclass(frozen=True)
class Notice:
    """One sentence for the user; it waits until it is dismissed or replaced."""

    sentence: str
    action: str = ""
    severity: Literal["note", "warning", "error"] = "error"


@dataclass(frozen=True, eq=False)
class SeriesChoice:
    """A folder held several series: the user chooses one."""

    path: str
    series: tuple[SeriesInfo, ...]


@dataclass
class Session:
    """The root of the state."""

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()
    case: Case | None = None
    model: ModelFacts | None = None
    model_id: str = ""
    """The model that was asked for; `model` follows when it is loaded."""
    judgement: Judgement | None = None
    reading: SeriesReading | None = None
    plain: SeriesReading | None = None
    """The reading without mirror and with the card's crop, for comparison; may be the same object."""
    revision: int = 0
    """Grows when the reading gets another slice."""
    choice: Choice = field(default_factory=Choice)
    view: View = field(default_factory=View)
    overlay: Overlay = field(default_factory=Overlay)
    boxes: Boxes = field(default_factory=Boxes)
    work: Work | None = None
    notice: Notice | None = None
    chooser: SeriesChoice | None = None
    models: tuple[ModelCard, ...] = ()
    device: str = "auto"
    phi_hidden: bool = True
    atlas_bytes: int = 0
    atlas_budget: int = 512 << 20

    @property
    def diagnoses(self) -> tuple[Diagnosis, ...]:
        return self.case.image.diagnoses if self.case else ()

    @property
    def target_index(self) -> int | None:
        """Index of the chosen class; for a difference that of its positive side. None without a model."""
        if self.model is None:
            return None
        classes = self.model.card.classes
        if self.choice.target in classes:
            return classes.index(self.choice.target)
        positive = self.model.card.positive_class
        return classes.index(positive) if positive else 0

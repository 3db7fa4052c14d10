"""The whole state of the program: plain data that announces its changes. Widgets mirror it, controllers write it.

Every field that a person can change is here once. Listen with ``session.events.connect(callback)``; a change of a
nested field reaches the outer signal as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

from psygnal import SignalGroupDescriptor

from viewer.evaluation.regions import Region
from viewer.explainers.declaration import EXPLAINERS
from viewer.explainers.explainer_info import Value
from viewer.explainers.layer_info import LayerInfo
from viewer.foundation.errors import ExportError, ReadError, is_misuse, one_sentence
from viewer.foundation.settings import Settings
from viewer.imaging.diagnoses import Diagnosis
from viewer.imaging.erasure import Erasure, Fill
from viewer.imaging.image import MedicalImage, Window
from viewer.models.card import Crop, ModelCard, ScoreType
from viewer.state.asking import Asking, Support
from viewer.state.beside import Beside
from viewer.state.case import Case, Judgement
from viewer.state.cohort import CohortOnScreen
from viewer.state.comparing import Comparing
from viewer.state.display import Convention
from viewer.state.experiment import ExperimentOnScreen
from viewer.state.history import History
from viewer.state.judged_map import JudgedMap
from viewer.state.kept_session import KeptSession
from viewer.state.lesson import Lesson
from viewer.state.opened import Opened, Peeked, SeriesEntry
from viewer.state.reference import Reference
from viewer.state.rulers import Rulers
from viewer.state.series_reading import CheckRun, SeriesReading

DIFFERENCE = "difference"
"""Stands for a class where the map of the class minus that of its opponent is wanted."""

LEAST_PROBABLE = 0.7
"""Chrysoula 2023 (section 4.5) explains the classes of at least this probability."""
ScaleName = Literal["reference", "series", "slice"]
Measure = Literal["correlation", "top-overlap"]
Against = Literal["chosen", "layer", "explainer"]
CineOf = Literal["slices", "volumes"]
Workspace = Literal["reading", "compare", "layers", "volume", "cohort"]
"""``reading``: one picture, large; ``compare``: maps side by side; ``layers``: a tile for every layer; ``volume``:
three planes through one place; ``cohort``: a table of cases."""
BottomTab = Literal["boxes", "importance", "checks", "notes"]
"""A tab under the picture; each has an action ``view.tab-NAME`` and a page in the window."""


@dataclass(frozen=True, eq=False)
class ModelFacts:
    """The loaded model as everybody but the engine sees it.

    Attributes
    ----------
    layers : layers that have a map, in the order of the forward pass.
    device : where it runs, e.g. ``cpu``.
    needs : of a network of volumes, layer -> estimate of the memory that a trace of it takes, bytes.
    """

    card: ModelCard
    layers: tuple[LayerInfo, ...]
    device: str
    needs: Mapping[str, int] = field(default_factory=dict)


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
    erased: tuple[Erasure, ...] = ()
    """What is taken out of the picture before the network sees it."""
    erase_with: Fill = "surroundings"
    """What comes in place of the next thing that is erased."""
    region: str = "all"
    """Where a segmentation network is asked, on the picture: ``all``, a pixel or a box."""
    parameters: dict[str, dict[str, Value]] = field(default_factory=dict)
    """Explainer -> parameters that the user has set. Replaced as a whole, never altered in place."""
    deviation: bool = False
    """Show how much the map varies over what was sampled in place of the map."""


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
    erasing: bool = False
    """The next left drag erases a box from what the network is given."""
    cursor: tuple[float, float] | None = None
    """(row, column) of the crosshair on the picture."""
    convention: Convention = "radiological"
    """Which way round the patient is shown; nothing but the screen follows it."""
    inverted: bool = False
    """Black and white exchanged by the user."""
    tile: float = 158.0
    """Least width of a tile where many maps are shown, pixels at the usual size of the text."""
    sheet: bool = False
    """Layers: every layer by every explainer of a trace, in place of the tiles of one explainer."""
    measure: Measure = "correlation"
    """How the maps of the sheet are compared."""
    against: Against = "chosen"
    """What each map of the sheet is compared with."""
    even_place: EvenPlace | None = None
    """Where the crosshair is on the grid that was made for the three planes, see `Session.even`."""


@dataclass(frozen=True)
class EvenPlace:
    """A place on the even grid, and the slice and crosshair of the case that it stands for while they are these.

    Attributes
    ----------
    voxel : (slice, row, column).
    """

    voxel: tuple[float, float, float]
    slice: int
    cursor: tuple[float, float] | None


@dataclass
class Cine:
    """Playing one slice, or one volume, after the other."""

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()
    playing: bool = False
    rate: float = 10.0
    """Pictures a second."""
    of: CineOf = "slices"


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
    boundaries: bool = True
    """Show where the segments meet that a map is made of."""
    bare: bool = False
    """Where many maps are shown, show them alone, without the picture under them."""


@dataclass
class Boxes:
    """Boxes that the user drew, and the rule that makes boxes from the map."""

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()
    drawn: dict[int, Region] = field(default_factory=dict)
    """Identity -> box on its slice. Replaced as a whole, never altered in place."""
    selected: int | None = None
    hidden_classes: frozenset[str] = frozenset()
    """Labels whose readers' boxes are not shown; scores do not follow. Replaced as a whole, as the next."""
    hidden_readers: frozenset[str] = frozenset()
    """Readers whose boxes are not shown."""
    rule: str = "top-percent"
    value: float = 5.0


@dataclass
class Findings:
    """The maps of several findings on one picture; of networks whose classes do not exclude each other."""

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()
    together: bool = False
    """Show the map of every probable finding, each in a colour of its own, in place of the chosen one's."""
    least: float = LEAST_PROBABLE
    """Probability from which on a finding has a map."""
    hidden: frozenset[str] = frozenset()
    """Names of classes that are not shown. Replaced as a whole, never altered in place."""


@dataclass
class Replacing:
    """What replaces the pixels that a map calls important, and how many of them the picture shows replaced."""

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()
    transform: str = "mean"
    fraction: float = 5.0
    """Percent of the input's pixels."""
    running: bool = False


@dataclass
class Notes:
    """Words that a reader has written about the open case; they come and go with it, as its boxes do."""

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()
    text: str = ""
    disputed: str = ""
    """Why the label of a case of no cohort is held to be wrong; see `viewer.state.disputed`."""


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
    names_files: bool = False
    """Names of files may stand in it in quotes. They are often the patient's, so they are hidden with him."""
    misuse: bool = False
    """Something was asked for that there is not, such as a layer of another model."""
    saved: Path | None = None
    """What was written where the user wanted it: its name is his own, so it is said even where names are hidden."""

    @classmethod
    def of_saved(cls, path: Path, more: str = "") -> Notice:
        """What the user is told of a file that he has saved."""
        where = f" in the folder '{path.parent.resolve().name}'" if path.parent.resolve().name else ""
        words = f"Saved '{path.name}'{where}.{more}"
        return cls(words, severity="note", names_files=True, saved=path)

    @classmethod
    def of(cls, error: Exception) -> Notice:
        """What the user is told of a failure."""
        named = isinstance(error, (ReadError, ExportError)) or getattr(error, "code", "") == "no-such-series"
        action = getattr(error, "action", "")
        return cls(one_sentence(error), action, names_files=named, misuse=is_misuse(error))


@dataclass(frozen=True)
class Said:
    """A notice with the time of day at which it came."""

    notice: Notice
    when: str


@dataclass(frozen=True, eq=False)
class Resampled:
    """The open case has been resampled to a regular grid.

    Attributes
    ----------
    original : the case as it was read; *Undo* brings it back.
    kept : whether the user has decided to go on with it; before that it is only there to be looked at.
    """

    original: Case
    kept: bool = False


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
    asking: Asking | None = None
    """The explanation on demand of the shown slice; None where there is none, or it is done."""
    support: Support | None = None
    """What the loaded network can be asked; None until it has been looked at."""
    probing: str = ""
    """What is measured of how steady the answer is; empty when nothing is."""
    checking: CheckRun | None = None
    """The trust checks that are being made; None when none are."""
    plain: SeriesReading | None = None
    """The reading without mirror and with the card's crop, for comparison; may be the same object."""
    revision: int = 0
    """Grows when the reading gets another slice."""
    choice: Choice = field(default_factory=Choice)
    view: View = field(default_factory=View)
    overlay: Overlay = field(default_factory=Overlay)
    boxes: Boxes = field(default_factory=Boxes)
    rulers: Rulers = field(default_factory=Rulers)
    comparing: Comparing = field(default_factory=Comparing)
    findings: Findings = field(default_factory=Findings)
    replacing: Replacing = field(default_factory=Replacing)
    judged: JudgedMap | None = None
    """What was found out of the last map that was looked at."""
    notes: Notes = field(default_factory=Notes)
    history: History = field(default_factory=History)
    """What has been done to the open case and can be undone."""
    cine: Cine = field(default_factory=Cine)
    workspace: Workspace = "reading"
    """The one that is wanted; `workspace_shown` says whether the case has it."""
    tab: BottomTab = "boxes"
    """What is under the picture."""
    even: MedicalImage | None = None
    """The open image on an even grid, made to be looked at in three planes where its own grid is not even."""
    cohort: CohortOnScreen | None = None
    experiment: ExperimentOnScreen | None = None
    """The experiment or summary that was asked for last; None for none."""
    lesson: Lesson | None = None
    """Cases that a class votes on; None without a lesson."""
    work: Work | None = None
    """The work that was begun or has gone on last."""
    reads: dict[str, Work] = field(default_factory=dict)
    """What is being read, by purpose. Replaced as a whole, never altered in place; see `viewer.state.running`."""
    said: tuple[Said, ...] = ()
    """Notices of this session, the latest last."""
    notice: Notice | None = None
    chooser: Opened | None = None
    """Several series were found: the user chooses one of them."""
    opened: Opened | None = None
    """What the paths hold that the open case is from."""
    entry: SeriesEntry | None = None
    """Which of `opened` the open case is; None for an image that was not read from a path."""
    peeked: dict[SeriesEntry, Peeked] = field(default_factory=dict)
    """What one slice of a series showed. Replaced as a whole, never altered in place."""
    arrivals: int = 0
    """Grows while the open case is being read and more of its slices can be shown."""
    volume: int | None = None
    """The volume that was asked for and is being read; None when the one on screen is it."""
    beside: Beside | None = None
    """A second series, linked to the first by position."""
    resampled: Resampled | None = None
    grid_as_it_is: bool = False
    """The user has read that the grid is not regular and wants it used as it is."""
    recent: tuple[Reference, ...] = ()
    """Cases that were open lately, the latest first."""
    kept: tuple[KeptSession, ...] = ()
    """Sessions that can be brought back, the last one first."""
    restore_asked: bool = False
    """The user is being asked whether the last session shall come back."""
    truth_path: Path | None = None
    """The file that the truth of the open case is from."""
    full_screen: bool = False
    settings: Settings = field(default_factory=Settings)
    """What the user prefers. Replaced as a whole; `viewer.controllers.preferring` takes a change up and keeps it."""
    models: tuple[ModelCard, ...] = ()
    device: str = "auto"
    phi_hidden: bool = True
    atlas_bytes: int = 0
    atlas_budget: int = 512 << 20

    @property
    def diagnoses(self) -> tuple[Diagnosis, ...]:
        return self.case.image.diagnoses if self.case else ()

    @property
    def volumes(self) -> int:
        """How many volumes of the open series can be shown one after the other; 0 where there is only one."""
        case = self.case
        if case is None or self.entry is None or not case.whole:
            return 0
        return len(case.image.volumes) if len(case.image.volumes) > 1 else 0

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

"""Why: which model, explainer, class, layer and input. The maps themselves are made behind it, see `filling`."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast, get_args

from viewer.controllers.asking_on_demand import AskingOnDemand
from viewer.controllers.checking import Checking
from viewer.controllers.comparing import Comparing
from viewer.controllers.filling import Filling
from viewer.controllers.recording import Recording
from viewer.controllers.steadying import Steadying
from viewer.explainers.asked_region import EVERYWHERE
from viewer.explainers.declaration import EXPLAINERS, resolved
from viewer.explainers.layer_info import LayerInfo
from viewer.foundation.errors import Cancelled, ExplainError, UsageError, one_sentence
from viewer.foundation.job_runner import JobHandle, JobRunner
from viewer.foundation.progress import Progress
from viewer.foundation.registry import nearest
from viewer.imaging.erasure import Erasure
from viewer.models.applicability import applicability
from viewer.models.card import CROPS, Crop, ScoreType
from viewer.models.shelf import model_cards
from viewer.state.asking import Support
from viewer.state.case import Judgement, judged, suited
from viewer.state.findings_view import may_be_together
from viewer.state.method import REGION, is_segmentation, may_deviate, menu, method_of, why_not
from viewer.state.session import DIFFERENCE, ModelFacts, Notice, Session, Work

if TYPE_CHECKING:
    from viewer.controllers.engine import LoadedModel


class Explaining:
    """Verbs that decide what is explained."""

    def __init__(self, session: Session, runner: JobRunner, recording: Recording | None = None) -> None:
        self._session = session
        self._recording = recording or Recording(session)
        self._runner = runner
        self._filling = Filling(session, runner)
        self.asking = AskingOnDemand(session, runner, self._filling)
        self.comparing = Comparing(session, runner, self._filling, self.asking)
        self.steadying = Steadying(session, runner, self.asking)
        self.checking = Checking(session, runner, self.asking)
        self._loading: JobHandle | None = None
        session.models = model_cards()[0]
        for signal in (
            *(session.events.revision, session.events.reading),
            *(session.view.events.slice, session.findings.events.together),
        ):
            signal.connect(self._follow_finding)

    # --- what is explained -------------------------------------------------------------------------------------------

    def select_model(self, model_id: str, then: Callable[[], None] | None = None) -> None:
        """Use a model for the opened case. Loading goes on behind the window; `then` is called when it is there."""
        session = self._session
        if self._loading is not None:
            self._loading.cancel()
        self._filling.stop()
        self.checking.cancel()
        session.model_id = model_id
        session.model = session.judgement = session.reading = session.plain = session.support = None
        session.work = Work(f"loading {model_id}", started=time.monotonic())
        device = session.device

        def work(_: Progress) -> LoadedModel:
            from viewer.controllers import engine

            return engine.load(model_id, device)

        def done(loaded: LoadedModel) -> None:
            if session.model_id == model_id:
                self._loaded(loaded)
                if then is not None:
                    then()

        def failed(error: Exception) -> None:
            if session.model_id == model_id and not isinstance(error, Cancelled):
                session.work, session.model_id = None, ""
                session.notice = Notice(one_sentence(error), getattr(error, "action", ""))

        self._loading = self._runner.submit("compute", work, done=done, failed=failed)

    def suit(self) -> None:
        """Take the first model that was made for the opened case, where the chosen one was made for another kind."""
        session = self._session
        chosen = next((card for card in session.models if card.id == session.model_id), None)
        if session.case is None or chosen is None:
            return
        image = session.case.image
        if applicability(chosen, image).verdict != "does_not_apply":
            return
        if (other := suited(session.models, image)) is not None:
            self.select_model(other.id)

    def select_device(self, device: str) -> None:
        """``auto``, ``cpu``, ``cuda`` or ``mps``."""
        self._session.device = device
        self._filling.forget()  # what another device made must not stand under the name of this one
        self.asking.forget()
        self.comparing.forget()
        self.checking.cancel()
        if self._session.model_id:
            self.select_model(self._session.model_id)

    def set_budget(self, budget_bytes: int) -> None:
        """Memory for the maps of the open case."""
        self._filling.set_budget(budget_bytes)

    def confirm_applicability(self) -> None:
        """The user has read why the model does not apply and wants its answer all the same."""
        session = self._session
        if session.judgement is not None:
            session.judgement = Judgement(session.judgement.applicability, confirmed=True)
            # Who wants the answer all the same has read that the grid is not even.
            session.grid_as_it_is |= session.model is not None and session.model.card.dims == 3
            self._filling.restart()

    def select_explainer(self, name: str) -> None:
        """Explain in another way.

        Raises
        ------
        UsageError
            When there is no such explainer; the nearest are offered.
        ExplainError
            When the network, or the chosen layer, does not have it; the sentence says why.
        """
        EXPLAINERS.find(name)
        if why := why_not(self._session, name):
            raise ExplainError(why, code="unsupported")
        self._session.choice.explainer = name

    def step_explainer(self, steps: int) -> None:
        """The next explainer of the menu that the network and the chosen layer have."""
        current = self._session.choice.explainer
        names = [name for name in menu() if name == current or not why_not(self._session, name)]
        self._session.choice.explainer = names[(names.index(current) + steps) % len(names)]

    def set_parameters(self, explainer: str, given: Mapping[str, Any]) -> None:
        """Set parameters of an explainer; those that are not given go back to their defaults.

        Where a segmentation network is asked is one choice for all explainers: `set_region`.

        Raises
        ------
        UsageError
            Unknown name, or a value that is not allowed; nothing is changed then.
        """
        info = resolved(explainer, given)
        values = info.checked(given)
        usual = {parameter.name: parameter.default for parameter in info.parameters}
        kept = {name: v for name, v in values.items() if v != usual[name] and name != REGION}
        choice = self._session.choice
        if given.get(REGION) is not None:
            self.set_region(str(given[REGION]))
        if kept != choice.parameters.get(explainer, {}):
            choice.parameters = {**choice.parameters, explainer: kept}

    def select_score(self, name: str) -> None:
        """What is differentiated: ``logit``, ``probability`` or ``margin``. The series is traced anew."""
        if name not in get_args(ScoreType):
            known = list(get_args(ScoreType))
            raise UsageError(f"There is no score '{name}'{nearest(name, known)}.", code="no-such-score")
        if name != self._session.choice.score:
            self._session.choice.score = cast(ScoreType, name)
            self._filling.restart()

    def set_region(self, region: str) -> None:
        """Where a segmentation network is asked: ``all``, a pixel or a box of the picture."""
        if region != self._session.choice.region:
            self._session.choice.region = region
            if is_segmentation(self._session):
                self._filling.restart()

    def ask_everywhere(self) -> None:
        """Ask a segmentation network about the whole picture."""
        self.set_region(EVERYWHERE)

    def ask_at_crosshair(self) -> None:
        """Ask a segmentation network about the pixel under the crosshair."""
        cursor = self._session.view.cursor
        if cursor is None:
            raise UsageError("Click the image first: there is no crosshair.", code="no-crosshair")
        self.set_region(",".join(str(math.floor(at + 0.5)) for at in cursor))

    def ask_in_box(self) -> None:
        """Ask a segmentation network about the selected box."""
        boxes = self._session.boxes
        region = boxes.drawn.get(boxes.selected) if boxes.selected is not None else None
        if region is None:
            raise UsageError("Select a box first: draw one with B, or click one.", code="no-box")
        edges = (region.row_min, region.column_min, region.row_max, region.column_max)
        self.set_region(",".join(f"{edge:g}" for edge in edges))

    def toggle_deviation(self) -> None:
        """Show how much the map varies over its samples in place of the map, or the map again."""
        choice = self._session.choice
        if not choice.deviation and not may_deviate(method_of(self._session).info):
            raise UsageError(
                "This explainer samples nothing, so its map has no deviation.", code="no-deviation"
            )
        choice.deviation = not choice.deviation

    def select_target(self, name: str) -> None:
        """Explain a class, or the difference between it and its opponent."""
        names = self.targets()
        if name not in names:
            raise UsageError(f"There is no class '{name}'{nearest(name, names)}.", code="no-such-class")
        self._session.choice.target = name
        self._session.findings.together = False

    def _follow_finding(self, *_: object) -> None:
        """While all findings are on the picture, what is said of one class is said of the most probable one."""
        session, reading = self._session, self._session.reading
        index, model = session.view.slice, session.model
        if not session.findings.together or not may_be_together(session) or model is None:
            return
        if reading is not None and index in reading.filled:
            row = [reading.probability(index, number) for number in range(len(model.card.classes))]
            session.choice.target = model.card.classes[row.index(max(row))]

    def step_target(self, steps: int = 1) -> None:
        if names := self.targets():
            current = self._session.choice.target
            self._session.choice.target = names[
                (names.index(current) + steps) % len(names) if current in names else 0
            ]
            self._session.findings.together = False

    def targets(self) -> list[str]:
        """The classes of the model, the finding first, then the difference."""
        if self._session.model is None:
            return []
        card = self._session.model.card
        first = [card.positive_class] if card.positive_class else []
        names = first + [c for c in card.classes if c not in first]
        return [*names, DIFFERENCE] if len(names) > 1 else names

    def select_layer(self, name: str) -> None:
        known = self._session.model.layers if self._session.model else ()
        names = self._layers(known)
        if name in (layer.name for layer in known) and name not in names:
            raise ExplainError(
                f"No gradient reaches the layer '{name}' from the score, so there is no map on it.",
                code="no-gradient",
            )
        if name not in names:
            raise UsageError(f"There is no layer '{name}'{nearest(name, names)}.", code="no-such-layer")
        self._session.choice.layer = name
        self._filling.want()

    def trace_all_layers(self) -> None:
        """Trace the layers of a network of volumes whose maps are not there, one after the other."""
        self._filling.want_all_layers()

    def step_layer(self, steps: int) -> None:
        """Go towards the output (positive) or the input (negative) of the network."""
        if not method_of(self._session).info.needs_layer:
            return
        if self._session.model is not None and self._session.choice.layer:
            names = self._layers(self._session.model.layers)
            if self._session.choice.layer in names:
                at = names.index(self._session.choice.layer) + steps
                self._session.choice.layer = names[min(max(at, 0), len(names) - 1)]

    @staticmethod
    def _layers(known: Iterable[LayerInfo]) -> list[str]:
        """Names of the layers that have a map."""
        return [layer.name for layer in known if layer.differentiable]

    def toggle_mirror(self) -> None:
        """Give the network the mirrored input, or the patient as he is."""
        choice = self._session.choice
        with self._recording.step("stop mirroring the input" if choice.mirror else "mirror the input"):
            self.set_input(mirror=not choice.mirror, crop=choice.crop, erased=choice.erased)

    def set_crop(self, rule: Crop) -> None:
        """Crop the input: ``none``, ``percentile`` (the paper's 70th-percentile rule) or ``brain`` (robust mask); of a
        volume ``none`` or ``body``.

        Raises
        ------
        UsageError
            When the model has no such rule.
        """
        if rule not in self.crops():
            known = [str(each) for each in self.crops()]
            raise UsageError(f"There is no crop rule '{rule}' here{nearest(rule, known)}.", code="crop")
        with self._recording.step("crop the input" if rule != "none" else "stop cropping the input"):
            choice = self._session.choice
            self.set_input(mirror=choice.mirror, crop=rule, erased=choice.erased)

    def set_input(self, *, mirror: bool, crop: Crop, erased: tuple[Erasure, ...] = ()) -> None:
        """What the network is given, noted by nobody; a rule that the model does not have leaves the crop as it is."""
        choice = self._session.choice
        choice.mirror, choice.erased = mirror, erased
        if crop in self.crops():
            choice.crop = crop
        self._filling.restart()

    def step_crop(self) -> None:
        """The next cropping rule."""
        rules = self.crops()
        self.set_crop(rules[(rules.index(self._session.choice.crop) + 1) % len(rules)])

    def crops(self) -> tuple[Crop, ...]:
        """The cropping rules of the model: those of pictures, or those of volumes."""
        return CROPS[self._session.model.card.dims if self._session.model is not None else 2]

    # --- what follows from it ----------------------------------------------------------------------------------------

    def case_changed(self) -> None:
        """Another case is open: its maps are other maps, and what was done to the last input is undone."""
        self._filling.forget()
        self.asking.forget()
        self.comparing.forget()
        self.checking.cancel()
        self._session.choice.region = EVERYWHERE
        self._session.choice.mirror, self._session.choice.erased = False, ()
        if self._session.model is not None:
            self._session.choice.crop = self._session.model.card.input.crop
        self._session.view.seen = False
        self.resume()

    def voxels_changed(self) -> None:
        """The open case has other voxels (another volume, another grid): its maps are other maps."""
        self._filling.forget()
        self.asking.forget()
        self.comparing.forget()
        self.checking.cancel()
        self._session.choice.erased = ()  # its edges are those of the grid that was
        self.resume()

    def pause(self) -> None:
        """A case comes on screen of which only a part is there: nothing is explained until `resume`.

        The maps of the case before it stay, in case it comes back.
        """
        self._filling.stop()
        self._session.reading = self._session.plain = self._session.judgement = None

    def resume(self) -> None:
        """Judge and explain the open case; what has been explained of it is kept."""
        self._judge()
        self._filling.restart()

    def cancel(self) -> None:
        """Stop the background work; what is there stays, and slices that are looked at are still explained."""
        self.asking.cancel()
        self.comparing.cancel()
        self.steadying.cancel()
        self.checking.cancel()
        self._filling.stop()

    def _loaded(self, loaded: LoadedModel) -> None:
        session = self._session
        session.work = None
        session.model = ModelFacts(loaded.card, loaded.layers, loaded.device, loaded.needs)
        choice = session.choice
        if choice.layer not in self._layers(loaded.layers):
            choice.layer = loaded.default_layer
        if choice.target not in self.targets():
            choice.target = self.targets()[0]
        choice.crop = loaded.card.input.crop
        # Of findings that can be there together a reader wants to see all that are probable, not the first in a list.
        session.findings.together = loaded.card.task == "multilabel"
        session.findings.hidden = frozenset()
        self._judge()
        self._filling.restart()
        self._examine(session.model_id)

    def _examine(self, model_id: str) -> None:
        """Find out what the network can be asked, after the first map: menus can wait, the map cannot."""
        session, device = self._session, self._session.device

        def work(_: Progress) -> tuple[dict[str, dict[str, str]], float]:
            from viewer.controllers import engine

            return engine.support_of(model_id, device)

        def done(found: tuple[dict[str, dict[str, str]], float]) -> None:
            if session.model_id == model_id:
                session.support = Support(model_id, *found)

        def failed(error: Exception) -> None:
            if session.model_id == model_id and not isinstance(error, Cancelled):
                session.notice = Notice(one_sentence(error), getattr(error, "action", ""))

        self._runner.submit("compute", work, done=done, failed=failed)

    def _judge(self) -> None:
        session = self._session
        session.judgement = (
            judged(session.model.card, session.case.image, as_it_is=session.grid_as_it_is)
            if session.case and session.case.whole and session.model
            else None
        )

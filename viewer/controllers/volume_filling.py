"""The work behind a network of volumes: one trace of the whole image for each layer that is asked for.

A layer of a volume takes seconds and much memory, so nothing is traced that nobody has asked for: the chosen layer is,
with all classes and explainers at once, and everything else waits for a click. The latest wish wins; a trace that
nobody waits for any more is stopped where it next reports.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from viewer.explainers.layer_info import LayerInfo
from viewer.explainers.map_store import MapStore
from viewer.explainers.volume_atlas import VolumeAtlas
from viewer.foundation.errors import Cancelled, one_sentence
from viewer.foundation.job_runner import JobHandle, JobRunner
from viewer.foundation.progress import Progress
from viewer.state.case import Case
from viewer.state.layers_view import untraced
from viewer.state.method import is_segmentation, traced_methods
from viewer.state.series_reading import Variant
from viewer.state.session import Notice, Session, Work
from viewer.state.volume_reading import VolumeReading
from viewer.state.volume_words import FELL_BACK, FELL_BACK_WORDS, needs_words

if TYPE_CHECKING:
    from viewer.controllers.engine import VolumeReply


class VolumeFilling:
    """Keeps the readings of the open case by networks of volumes, and traces the chosen layer.

    Parameters
    ----------
    store : the memory for maps, as it is at the moment.
    """

    def __init__(self, session: Session, runner: JobRunner, store: Callable[[], MapStore]) -> None:
        self._session = session
        self._runner = runner
        self._store = store
        self._readings: dict[Variant, VolumeReading] = {}
        self._generation = 0
        self._running: JobHandle | None = None
        self._reading: VolumeReading | None = None
        """The one that is being traced."""
        self._one_by_one = False  # layers that nobody has chosen are wanted too
        session.choice.events.layer.connect(self.want)

    @property
    def busy(self) -> bool:
        return self._reading is not None

    def forget(self) -> None:
        """Drop every reading: another case is open."""
        self.stop()
        self._readings = {}

    def restart(self) -> None:
        """Trace the chosen layer of what is chosen now, unless it is there already."""
        session = self._session
        self.stop()
        assert session.model is not None
        assert session.case is not None
        choice, card = session.choice, session.model.card
        region = choice.region if is_segmentation(session) else "all"
        plain = Variant(session.model_id, False, card.input.crop, choice.score, region)
        session.plain = self._of(plain, session.case)
        chosen = replace(plain, mirror=choice.mirror, crop=choice.crop, erased=choice.erased)
        session.reading = self._of(chosen, session.case)
        self.want()

    def stop(self) -> None:
        """End the trace that is under way, and want no more layers; what is there stays."""
        for reading in self._readings.values():
            reading.wanted = ()
        self._one_by_one = False
        self._halt()

    def want_all(self) -> None:
        """The layers that are not traced yet are wanted too, one after the other; the chosen one first."""
        reading = self._session.reading
        if not isinstance(reading, VolumeReading):
            return
        under_way = reading.tracing if self._reading is reading else ""
        reading.wanted = tuple(each.name for each in untraced(self._session) if each.name != under_way)
        self._one_by_one = True
        if not self.busy:
            self._go_on()

    def _go_on(self) -> None:
        """Trace the next of the layers that are wanted."""
        session, reading = self._session, self._session.reading
        if not isinstance(reading, VolumeReading) or session.case is None:
            return
        while reading.wanted:
            layer, reading.wanted = reading.wanted[0], reading.wanted[1:]
            if not self._held(reading, layer):
                self._trace(reading, session.case, layer)
                return
        self._one_by_one = False
        session.revision += 1

    def _halt(self) -> None:
        self._generation += 1
        if self._running is not None:
            self._running.cancel()
            self._running = None
        if self._reading is not None:
            self._over(self._reading)

    def want(self, *_: object) -> None:
        """The chosen layer is wanted: traced unless its maps are there, in place of what is under way."""
        session = self._session
        reading, layer = session.reading, session.choice.layer
        if not isinstance(reading, VolumeReading) or session.case is None or session.model is None:
            return
        if reading is self._reading and reading.tracing == layer:
            return
        missing = bool(layer) and not self._held(reading, layer)
        if self._one_by_one and reading is self._reading:
            if not missing:
                return  # the chosen layer is there; the others go on
            reading.wanted = (reading.tracing, *(name for name in reading.wanted if name != layer))
        self._halt()
        if missing:
            self._trace(reading, session.case, layer)

    def _held(self, reading: VolumeReading, layer: str) -> bool:
        """Whether a trace of the layer would bring nothing new; the maps of a segmentation are made on demand."""
        if is_segmentation(self._session):
            return reading.view is not None
        return reading.atlas.has(0, layer=layer, methods=traced_methods())

    def _of(self, variant: Variant, case: Case) -> VolumeReading:
        assert self._session.model is not None
        if variant not in self._readings:
            atlas = VolumeAtlas(self._store(), variant, self._session.model.card.classes, case.slices)
            self._readings[variant] = VolumeReading(variant, atlas)
        return self._readings[variant]

    def _trace(self, reading: VolumeReading, case: Case, layer: str) -> None:
        session, generation = self._session, self._generation
        assert session.model is not None
        variant, device = reading.variant, session.device
        twins = _twins(session.model.layers, layer)
        more = f", {len(reading.wanted)} more to come" if reading.wanted else ""
        words = f"tracing {layer}{needs_words(session.model, layer)}{more}"
        started = time.monotonic()
        self._reading, reading.tracing = reading, layer
        session.work = Work(words, started=started)
        session.revision += 1

        def work(progress: Progress) -> VolumeReply:
            from viewer.controllers import engine

            request = engine.TraceRequest(
                variant.model,
                device,
                case.given(variant.erased),
                0,
                variant.mirror,
                variant.crop,
                variant.score,
                layers=(layer,),
                region=variant.region,
            )
            return engine.trace_volume(request, progress)

        def done(reply: VolumeReply) -> None:
            if self._readings.get(variant) is reading:
                self._keep(reading, reply, case, twins)
            if generation != self._generation:
                return
            self._landed(reading, layer, reply)

        def failed(error: Exception) -> None:
            if generation == self._generation:
                reading.wanted, self._one_by_one = (), False
                self._over(reading)
                if not isinstance(error, Cancelled):
                    session.notice = Notice(one_sentence(error), getattr(error, "action", ""))

        def progress(count: int, total: int, _: str) -> None:
            if generation == self._generation:
                session.work = Work(words, count, total, started)

        self._running = self._runner.submit("compute", work, done=done, failed=failed, progress=progress)

    def _landed(self, reading: VolumeReading, layer: str, reply: VolumeReply) -> None:
        """A trace is over: say what was the matter with it, and go on with the layers that are wanted."""
        session = self._session
        self._over(reading)
        if FELL_BACK in reply.flags:
            session.notice = Notice(FELL_BACK_WORDS, severity="warning")
        if not self._held(reading, layer):
            budget = session.atlas_budget >> 20
            session.notice = Notice(
                f"The maps of the layer '{layer}' do not fit into the memory budget for maps ({budget} MB).",
                "Choose a later layer, or a larger budget in the settings.",
            )
            reading.wanted = ()
        if self._one_by_one:
            self._go_on()

    def _keep(self, reading: VolumeReading, reply: VolumeReply, case: Case, twins: tuple[str, ...]) -> None:
        reading.seen = reply.seen
        reading.place(reply.view, case.plane, case.slices)
        reading.atlas.put_probabilities(0, reply.probabilities)
        for (target, layer, method), signed in reply.maps.items():
            for twin in (*twins, layer):  # the one that was asked for leaves last
                reading.atlas.put(0, target, twin, method, signed)
        reading.flags.update(reply.flags)
        self._session.atlas_bytes = self._store().bytes_used
        self._session.revision += 1

    def _over(self, reading: VolumeReading) -> None:
        self._reading, reading.tracing = None, ""
        self._session.work = None
        self._session.revision += 1


def _twins(layers: tuple[LayerInfo, ...], name: str) -> tuple[str, ...]:
    """Other layers with the very same output, such as the block that ends in a layer: they have its maps."""
    sources = {layer.name: layer.same_as or layer.name for layer in layers}
    return tuple(other for other in sources if other != name and sources[other] == sources.get(name))

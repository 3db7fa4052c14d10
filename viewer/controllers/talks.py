"""Explanations that are under way: where their answers are kept, how far each is, and how long it will take."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from viewer.controllers.talk import Talk
from viewer.explainers.declaration import cost
from viewer.explainers.map_facts import OF_THE_MAP
from viewer.state.method import (
    deviation_key,
    estimate,
    is_segmentation,
    method_of,
    rounds_wanted,
    segments_key,
    sight_of,
)
from viewer.state.series_reading import Place, Rounds, SeriesReading, Variant
from viewer.state.session import Notice, Session
from viewer.state.volume_words import FELL_BACK, FELL_BACK_WORDS

if TYPE_CHECKING:
    from viewer.controllers.engine import ExplainReply, ExplainRequest

_PAUSED = 12
"""Explanations that keep their place."""


@dataclass(frozen=True)
class Order:
    """What is wanted of the shown slice: two maps for a difference of classes."""

    variant: Variant
    places: tuple[Place, ...]

    @property
    def keys(self) -> tuple[tuple[Variant, Place], ...]:
        return tuple((self.variant, place) for place in self.places)


class Talks:
    """The explanations of the open case that are under way or paused; the one that was used last is given up last."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._talks: OrderedDict[tuple[Variant, Place], Talk] = OrderedDict()

    def forget(self) -> None:
        """Another case, model or device."""
        self._talks.clear()

    def has(self, reading: SeriesReading, place: Place, talk: Talk) -> bool:
        """Whether it is still this talk that the map comes from."""
        return self._talks.get((reading.variant, place)) is talk

    def of(self, reading: SeriesReading, place: Place) -> Talk:
        """The talk about a map, begun now if there is none."""
        key = (reading.variant, place)
        if key not in self._talks:
            self._talks[key] = Talk(self.request(place))
            while len(self._talks) > _PAUSED:
                self._talks.popitem(last=False)
        self._talks.move_to_end(key)
        return self._talks[key]

    def end(self, reading: SeriesReading, place: Place, talk: Talk) -> None:
        """A talk has no more answers. Another one may stand in its place, of a case that was opened meanwhile."""
        if self._talks.get((reading.variant, place)) is talk:
            del self._talks[reading.variant, place]

    def request(self, place: Place) -> ExplainRequest:
        """What the engine is asked about one map of the open case."""
        from viewer.controllers import engine

        session = self._session
        assert session.case is not None
        assert session.reading is not None
        variant, method = session.reading.variant, method_of(session)
        given = session.choice.parameters.get(session.choice.explainer, {})
        return engine.ExplainRequest(
            variant.model,
            session.device,
            session.case.given(variant.erased),
            place.slice,
            variant.mirror,
            variant.crop,
            variant.score,
            session.choice.explainer,
            layer=place.layer if method.info.needs_layer else "",
            target=place.target,
            parameters={name: value for name, value in given.items() if name != "region"},
            region=variant.region if is_segmentation(session) else None,
        )

    def put(self, reading: SeriesReading, place: Place, reply: ExplainReply) -> None:
        """Keep an answer where it belongs, with all that was found out about it."""
        reading.atlas.put(place.slice, place.target, place.layer, place.key, reply.signed)
        if reply.deviation is not None:
            key = deviation_key(place.key)
            reading.atlas.put(place.slice, place.target, place.layer, key, reply.deviation)
        key = segments_key(place.key)
        known = (place.layer, place.target, key, place.slice)
        if reply.segments is not None and reading.atlas.signed(*known) is None:
            reading.atlas.put(place.slice, place.target, place.layer, key, reply.segments)
        flags = tuple(flag for flag in reply.flags if flag in OF_THE_MAP)
        reading.rounds[place] = Rounds(reply.done, reply.total, flags, reply.facts)
        if FELL_BACK in reply.flags and FELL_BACK not in reading.flags:
            self._session.notice = Notice(FELL_BACK_WORDS, severity="warning")
        reading.flags.update(flag for flag in reply.flags if flag not in flags)

    def learn(self, talk: Talk, reply: ExplainReply) -> None:
        """How long it really took, for the next estimate."""
        support, request = self._session.support, talk.request
        rate = talk.seconds_a_round()
        if support is None or rate is None or support.model != request.model_id:
            return
        early, coarse = reply.done < reply.total, method_of(self._session).info.coarse_first
        if early and (request.explainer in support.seconds or not (coarse and talk.measured)):
            return
        sight = sight_of(self._session)
        each = rate * reply.total / max(cost(request.explainer, request.parameters, sight), 1e-6)
        self._session.support = replace(support, seconds={**support.seconds, request.explainer: each})

    def done(self, reading: SeriesReading, place: Place) -> bool:
        """Whether a map is finished and still in memory."""
        rounds = reading.rounds.get(place)
        if rounds is None or not rounds.complete:
            return False
        return reading.atlas.signed(place.layer, place.target, place.key, place.slice) is not None

    def rounds(self, reading: SeriesReading, order: Order) -> tuple[int, int]:
        """Rounds made and wanted of all maps of an order."""
        made = total = 0
        for place in order.places:
            rounds = reading.rounds.get(place)
            resumed = (order.variant, place) in self._talks or self.done(reading, place)
            made += rounds.done if rounds is not None and resumed else 0
            total += rounds.total if rounds is not None else rounds_wanted(self._session)
        return made, total

    def share_left(self, reading: SeriesReading, order: Order) -> float:
        made, total = self.rounds(reading, order)
        return 1 - made / total

    def seconds_left(self, reading: SeriesReading, order: Order) -> float | None:
        """How long an order will still take: as its own steps say, else by what a pass takes."""
        whole, left = estimate(self._session), 0.0
        for place in order.places:
            if self.done(reading, place):
                continue
            talk, rounds = self._talks.get((order.variant, place)), reading.rounds.get(place)
            rate = talk.seconds_a_round() if talk is not None else None
            if rate is not None and rounds is not None:
                left += rate * (rounds.total - rounds.done)
            elif whole is None:
                return None
            else:
                left += whole / len(order.places)
        return left

"""Another volume of the open series: another b-value, direction or point in time, on the same grid."""

from __future__ import annotations

from collections import OrderedDict

from viewer.controllers.explaining import Explaining
from viewer.controllers.latest import LatestRead
from viewer.controllers.looking import title_of
from viewer.controllers.peeking import Peeking
from viewer.foundation.job_runner import JobRunner
from viewer.imaging.image import MedicalImage
from viewer.state.case import Case
from viewer.state.opened import SeriesEntry
from viewer.state.session import Session

KEPT_BYTES = 512 << 20
"""Memory for volumes that were shown lately, beside the one on screen."""


class Volumes:
    """Verbs for the volumes of a series. Slice, window and crosshair stay; the maps are those of the new voxels."""

    def __init__(
        self,
        session: Session,
        runner: JobRunner,
        explaining: Explaining,
        peeking: Peeking,
        kept_bytes: int = KEPT_BYTES,
    ) -> None:
        self._session = session
        self._explaining = explaining
        self._peeking = peeking
        self._kept_bytes = kept_bytes
        self._kept: OrderedDict[int, MedicalImage] = OrderedDict()
        self._kept_of: SeriesEntry | None = None
        self._read = LatestRead(session, runner, self._ended, purpose="volumes")

    def select(self, index: int) -> None:
        """Show a volume; the index is kept inside the series."""
        session, entry = self._session, self._session.entry
        count = session.volumes
        if not count or entry is None:
            return
        index = min(max(int(index), 0), count - 1)
        if self._kept_of is not entry:
            self._kept, self._kept_of = OrderedDict(), entry
        if index == self._wanted():
            return
        assert session.case is not None
        if index == session.case.image.volume:
            self._read.cancel()
            return
        known = self._kept.get(index)
        if known is not None and known.spacing_by_hand == session.case.image.spacing_by_hand:
            self._read.give_up()
            session.volume = None
            self._put(known)
            return
        session.volume = index
        by_hand = session.case.image.spacing_by_hand
        self._peeking.pause()
        self._read.run(
            f"reading volume {index + 1}",
            lambda progress: entry.contents.load(entry.info.id, progress, volume=index, spacing_mm=by_hand),
            lambda image: self._arrived(entry, image),
        )

    def step(self, volumes: int) -> None:
        """Go through the volumes, either way."""
        self.select(self._wanted() + volumes)

    def cancel(self) -> None:
        """Stop reading; the volume on screen stays."""
        self._read.cancel()

    def _wanted(self) -> int:
        session = self._session
        if session.volume is not None:
            return session.volume
        return session.case.image.volume if session.case is not None else 0

    def _ended(self) -> None:
        self._session.volume = None
        self._peeking.resume()

    def _arrived(self, entry: SeriesEntry, image: MedicalImage) -> None:
        self._ended()
        if self._session.entry is entry:
            self._put(image)

    def _put(self, image: MedicalImage) -> None:
        """Show a volume in place of another one of its series."""
        session, case = self._session, self._session.case
        if case is None:
            return
        self._keep(case.image)
        session.reading = session.plain = None
        # Truth and boxes are places, and the places are the same.
        session.case = Case(image, title_of(image), case.truth, case.synthetic)
        self._explaining.voxels_changed()

    def _keep(self, image: MedicalImage) -> None:
        self._kept[image.volume] = image
        self._kept.move_to_end(image.volume)
        while sum(kept.voxels.nbytes for kept in self._kept.values()) > self._kept_bytes:
            self._kept.popitem(last=False)

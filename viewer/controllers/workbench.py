"""All controllers over one session: what the window, the command line and the tests hold."""

from __future__ import annotations

from collections.abc import Callable

from viewer.controllers.beside import BesideVerbs
from viewer.controllers.boxing import Boxing
from viewer.controllers.cohort.verbs import Cohorts
from viewer.controllers.disputing import Disputing
from viewer.controllers.dropping import Dropping
from viewer.controllers.erasing import Erasing
from viewer.controllers.experimenting import Experiments
from viewer.controllers.explaining import Explaining
from viewer.controllers.exporting import Exporting
from viewer.controllers.findings import FindingsVerbs
from viewer.controllers.judging import Judging
from viewer.controllers.keeping import Keeping
from viewer.controllers.measuring import Measuring
from viewer.controllers.noticing import Noticing
from viewer.controllers.noting import Noting
from viewer.controllers.opening import Opening
from viewer.controllers.peeking import Peeking
from viewer.controllers.planes import Planes
from viewer.controllers.playing import Playing
from viewer.controllers.preferring import Preferring
from viewer.controllers.recents import Recents
from viewer.controllers.recording import Recording
from viewer.controllers.regularising import Regularising
from viewer.controllers.replacing import ReplacingVerbs
from viewer.controllers.teaching import Teaching
from viewer.controllers.undoing import Undoing
from viewer.controllers.viewing import Viewing
from viewer.controllers.volumes import Volumes
from viewer.foundation.errors import WhySliceError
from viewer.foundation.job_runner import JobRunner
from viewer.foundation.settings import Settings
from viewer.state.running import COMPUTING
from viewer.state.session import Notice, Session


class Workbench:
    """The verbs of the program, by subject.

    Attributes
    ----------
    session : the state that the verbs write.
    opening, peeking, viewing, planes, playing, measuring, explaining, boxing, erasing, findings, replacing, exporting :
        verbs.
    """

    def __init__(self, runner: JobRunner, settings: Settings | None = None) -> None:
        settings = settings or Settings()
        self.session = Session(
            device=settings.device,
            atlas_budget=settings.atlas_budget_mb << 20,
            phi_hidden=settings.phi_hidden,
            settings=settings,
        )
        self.session.overlay.opacity = settings.opacity
        self.session.overlay.colour_map = settings.colour_map
        self.viewing = Viewing(self.session)
        self.viewing.set_convention(settings.convention)
        self.planes = Planes(self.session, runner)
        self.recording = Recording(self.session)
        self.measuring = Measuring(self.session, self.recording)
        self.explaining = Explaining(self.session, runner, self.recording)
        self.boxing = Boxing(self.session, self.recording)
        self.erasing = Erasing(self.session, self.explaining, self.recording)
        self.findings = FindingsVerbs(self.session)
        self.judging = Judging(self.session, runner)
        self.replacing = ReplacingVerbs(self.session, runner, self.explaining.asking)
        self.noting = Noting(self.session, self.recording)
        self.peeking = Peeking(self.session, runner)
        self.opening = Opening(self.session, runner, self.explaining, self.peeking)
        self.cohorts = Cohorts(self.session, runner, self.opening)
        self.volumes = Volumes(self.session, runner, self.explaining, self.peeking)
        self.playing = Playing(self.session, self._next_volume)
        self.beside = BesideVerbs(self.session, runner, self.peeking)
        self.teaching = Teaching(self.session, runner, self.opening, self.beside)
        self.grid = Regularising(self.session, runner, self.explaining, self.recording)
        self.disputing = Disputing(self.session, self.recording, self.cohorts)
        self.undoing = Undoing(self.session, self.recording, self.explaining, self.grid, self.disputing)
        self.dropping = Dropping(self.session, self.opening, self.beside, self.explaining)
        self.recents = Recents(self.session, runner, self.opening)
        self.keeping = Keeping(
            self.session, runner, self.opening, self.explaining, self.viewing, self.grid, self.teaching
        )
        self.preferring = Preferring(
            self.session, runner, self.viewing, self.explaining, self.recents, self.keeping
        )
        self.experiments = Experiments(self.session, runner, self.explaining, self.viewing)
        self._stops: dict[str, Callable[[], None]] = {
            "opening": self.opening.cancel,
            "volumes": self.volumes.cancel,
            "beside": self.beside.cancel,
            "grid": self.grid.cancel,
            "experiment": self.experiments.cancel,
            COMPUTING: self._stop_computing,
        }
        self.noticing = Noticing(self.session)
        self.exporting = Exporting(self.session, runner)

    def tell(self, error: WhySliceError) -> None:
        """Show the sentence of a failed verb: the one way from an error to the user."""
        self.session.notice = Notice.of(error)

    def _next_volume(self) -> None:
        """The volume after the shown one, after the last the first."""
        if self.session.case is not None and self.session.volumes:
            self.volumes.select((self.session.case.image.volume + 1) % self.session.volumes)

    def close_case(self) -> None:
        """Show no image any more, nor one beside it."""
        self.opening.close()
        self.beside.close()

    def next_case(self) -> None:
        """On in the lesson, else in the table of the cohort."""
        if self.session.lesson is not None:
            self.teaching.advance()
        else:
            self.cohorts.step(1)

    def previous_case(self) -> None:
        """Back in the lesson, else in the table of the cohort."""
        if self.session.lesson is not None:
            self.teaching.step(-1)
        else:
            self.cohorts.step(-1)

    def check_map(self) -> None:
        """Make every check of the map on screen, and show what they find."""
        self.explaining.checking.run()
        self.viewing.show_tab("checks")

    def delete_selected(self) -> None:
        """Delete the box or the measured line that is selected; never both are."""
        self.boxing.delete()
        self.measuring.delete()

    def leave_drawing(self) -> None:
        """Draw and measure no more; nothing is selected."""
        self.boxing.leave()
        self.measuring.leave()
        self.erasing.draw_mode(False)

    def dismiss_notice(self) -> None:
        self.session.notice = None

    def cancel(self) -> None:
        """Stop what runs, reading as well as explaining; what is there stays."""
        for stop in self._stops.values():
            stop()

    def cancel_one(self, name: str) -> None:
        """Stop one of the things that `viewer.state.running.running` lists; what is there stays."""
        self._stops[name]()

    def _stop_computing(self) -> None:
        self.explaining.cancel()
        self.replacing.cancel()

"""All controllers over one session: what the window, the command line and the tests hold."""

from __future__ import annotations

from viewer.controllers.boxing import Boxing
from viewer.controllers.explaining import Explaining
from viewer.controllers.exporting import Exporting
from viewer.controllers.opening import Opening
from viewer.controllers.viewing import Viewing
from viewer.foundation.errors import WhySliceError
from viewer.foundation.job_runner import JobRunner
from viewer.foundation.settings import Settings
from viewer.state.session import Notice, Session


class Workbench:
    """The verbs of the program, by subject.

    Attributes
    ----------
    session : the state that the verbs write.
    opening, viewing, explaining, boxing, exporting : the verbs.
    """

    def __init__(self, runner: JobRunner, settings: Settings | None = None) -> None:
        settings = settings or Settings()
        self.session = Session(device=settings.device, atlas_budget=settings.atlas_budget_mb << 20)
        self.session.overlay.opacity = settings.opacity
        self.session.overlay.colour_map = settings.colour_map
        self.viewing = Viewing(self.session)
        self.explaining = Explaining(self.session, runner)
        self.boxing = Boxing(self.session)
        self.opening = Opening(self.session, runner, self.explaining.case_changed)
        self.exporting = Exporting(self.session, runner)

    def tell(self, error: WhySliceError) -> None:
        """Show the sentence of a failed verb: the one way from an error to the user."""
        self.session.notice = Notice(error.sentence, error.action)

    def dismiss_notice(self) -> None:
        self.session.notice = None

    def cancel(self) -> None:
        """Stop what runs, reading as well as explaining; what is there stays."""
        self.opening.cancel()
        self.explaining.cancel()

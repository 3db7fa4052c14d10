"""What the user prefers: set, taken up at once, and kept for the next start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

from viewer.controllers.explaining import Explaining
from viewer.controllers.keeping import Keeping
from viewer.controllers.recents import Recents
from viewer.controllers.viewing import Viewing
from viewer.foundation import settings as settings_file
from viewer.foundation.errors import Cancelled
from viewer.foundation.job_runner import JobRunner
from viewer.foundation.settings import Settings, validated
from viewer.state.session import Notice, Session


class Preferring:
    """Verbs for the settings. Theme and size of the text follow the session by themselves."""

    def __init__(
        self,
        session: Session,
        runner: JobRunner,
        viewing: Viewing,
        explaining: Explaining,
        recents: Recents,
        keeping: Keeping,
    ) -> None:
        self._session = session
        self._runner = runner
        self._take_up: dict[str, Callable[[Any], object]] = {
            "convention": viewing.set_convention,
            "sessions": keeping.follow_setting,
            "recent": recents.follow_setting,
            "device": explaining.select_device,
            "atlas_budget_mb": lambda megabytes: explaining.set_budget(megabytes << 20),
        }

    def set(self, name: str, value: Any) -> None:
        """Change one setting.

        Raises
        ------
        SettingsError
            For a value that is not allowed; nothing is changed then.
        """
        value = validated(name, value)
        settings = self._session.settings
        if getattr(settings, name) != value:
            self._put(replace(settings, **{name: value}), (name,))

    def reset(self) -> None:
        """Everything as it was when the program came."""
        before, usual = asdict(self._session.settings), Settings()
        self._put(usual, tuple(name for name, value in asdict(usual).items() if before[name] != value))

    def _put(self, settings: Settings, changed: tuple[str, ...]) -> None:
        self._session.settings = settings
        for name in changed:
            if name in self._take_up:
                self._take_up[name](getattr(settings, name))
        self._save(settings)

    def _save(self, settings: Settings) -> None:
        def failed(error: Exception) -> None:
            if not isinstance(error, Cancelled):
                self._session.notice = Notice.of(error)

        # A disk may take its time: not in the thread of the window.
        self._runner.submit(
            "read", lambda _: settings_file.save(settings), done=lambda _: None, failed=failed
        )

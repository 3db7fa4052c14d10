"""Files that are dropped on the window: a case, its truth, a model, or a series beside."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from viewer.controllers.beside import BesideVerbs
from viewer.controllers.explaining import Explaining
from viewer.controllers.opening import Opening
from viewer.foundation.errors import UsageError
from viewer.state.session import Session

_CARD = "model.toml"
_WEIGHTS = (".safetensors", ".pt", ".pth", ".hdf5", ".h5", ".ckpt")


class Dropping:
    """One verb."""

    def __init__(
        self, session: Session, opening: Opening, beside: BesideVerbs, explaining: Explaining
    ) -> None:
        self._session = session
        self._opening = opening
        self._beside = beside
        self._explaining = explaining

    def take(self, paths: Sequence[Path], *, beside: bool = False) -> None:
        """Do what a drop means.

        Parameters
        ----------
        beside : the user wants it beside the open case.

        Raises
        ------
        UsageError
            For weights without a model folder, and for boxes without a case.
        """
        [first, *others] = paths
        if not others and (folder := _model_folder(first)) is not None:
            self._explaining.select_model(str(folder))
        elif not others and first.suffix.lower() in _WEIGHTS and first.is_file():
            raise UsageError(
                "These are weights alone: a model is a folder with a card.",
                code="no-card",
                action="Make one with: whyslice add-model.",
            )
        elif not others and first.suffix.lower() == ".json" and first.is_file():
            if self._session.case is None:
                raise UsageError("Boxes belong to a case: open it first.", code="no-case")
            self._opening.load_truth(first)
        elif beside and self._session.case is not None:
            self._beside.open(*paths)
        else:
            self._opening.open(*paths)


def _model_folder(path: Path) -> Path | None:
    """The folder of a model that was dropped: itself, its card or its weights."""
    folder = path if path.is_dir() else path.parent
    names = path.is_dir() or path.name == _CARD or path.suffix.lower() in _WEIGHTS
    return folder if names and (folder / _CARD).is_file() else None

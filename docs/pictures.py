"""Takes the pictures of the guide from the program itself: ``python -m docs.pictures [NAME ...]``.

Synthetic patients alone, without a screen, in a user folder of their own. Each picture is a function below: it brings
the window where the picture is taken and returns what is on it.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QEventLoop, QThread
from PySide6.QtWidgets import QApplication, QDialog, QWidget

from viewer.app import picture_of
from viewer.controllers.headless import generate
from viewer.controllers.opening import DEMO_MODEL
from viewer.controllers.workbench import Workbench
from viewer.foundation.settings import Settings
from viewer.jobs.qt_runner import QtRunner
from viewer.ui import theme
from viewer.ui.main_window import MainWindow

PICTURES = Path(__file__).parent / "pictures"
_SIZE = (1440, 980)
_CASES, _SEED = 5, 3


@dataclass(frozen=True)
class Scene:
    """The window with its verbs, and a folder for synthetic patients."""

    app: QApplication
    runner: QtRunner
    window: MainWindow
    folder: Path

    @property
    def bench(self) -> Workbench:
        return self.window.bench

    def settle(self) -> None:
        """Wait until nothing runs, nothing waits and everything is on screen, twice in a row."""
        quiet = 0
        while quiet < 3:
            self.app.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 50)
            busy = not self.runner.idle or self.bench.session.work is not None or not self.window.settled
            quiet = 0 if busy else quiet + 1
            QThread.msleep(30)

    def demo(self) -> None:
        """The demo patient on his most probable slice, with the map of *stroke* and nothing else changed."""
        bench = self.bench
        bench.opening.open_demo()
        if bench.session.model_id != DEMO_MODEL:
            bench.explaining.select_model(DEMO_MODEL)
        self.settle()
        bench.explaining.select_target("stroke")
        bench.explaining.select_explainer("grad-cam")
        bench.viewing.set_workspace("reading")
        bench.viewing.show_tab("boxes")
        bench.viewing.peak()
        self.settle()

    def cases(self, *, form: str = "nifti") -> Path:
        """A cohort of synthetic patients."""
        out = self.folder / form
        if not out.exists():
            count = _CASES if form == "nifti" else 2
            generate("stroke-dwi", count, _SEED, out, format=form)
        return out

    def dialog(self, action: str) -> QWidget:
        """What an action opens."""
        self.window.act(action)
        self.settle()
        found = [each for each in self.window.findChildren(QDialog) if each.isVisible()]
        return found[-1]

    def close(self) -> None:
        """Close what is open over the window."""
        for dialog in self.window.findChildren(QDialog):
            dialog.close()
        self.settle()


def window(scene: Scene) -> QWidget:
    scene.demo()
    return scene.window


def checks(scene: Scene) -> QWidget:
    scene.demo()
    scene.bench.check_map()
    scene.settle()
    return scene.window.bottom


def importance(scene: Scene) -> QWidget:
    scene.demo()
    scene.bench.viewing.show_tab("importance")
    scene.window.act("map.pixel-importance")
    scene.settle()
    return scene.window.bottom


def boxes(scene: Scene) -> QWidget:
    scene.demo()
    return scene.window.bottom


def compare(scene: Scene) -> QWidget:
    scene.demo()
    scene.bench.viewing.set_workspace("compare")
    scene.settle()
    return scene.window


def inputs(scene: Scene) -> QWidget:
    scene.demo()
    scene.bench.viewing.set_workspace("compare")
    scene.bench.explaining.comparing.select("inputs")
    scene.settle()
    return scene.window.stage.compare


def marker(scene: Scene) -> QWidget:
    """The letter of an ill film erased before the network that reads it; the film of the guide's command."""
    out = scene.folder / "marked"
    generate("chest-xray", 1, 9, out, format="dicom")
    scene.bench.opening.open(out / "films" / "film-0001.dcm")
    scene.settle()
    scene.bench.explaining.select_model("chest-shortcut")
    scene.settle()
    scene.bench.explaining.select_target("No finding")
    scene.bench.viewing.set_workspace("reading")
    scene.bench.erasing.add(50, 30, 108, 88)
    scene.settle()
    return scene.window


def layers(scene: Scene) -> QWidget:
    scene.demo()
    scene.bench.viewing.set_workspace("layers")
    scene.settle()
    return scene.window


def volume(scene: Scene) -> QWidget:
    scene.demo()
    scene.bench.viewing.set_cursor(70, 139)  # on the lesion
    scene.bench.viewing.set_workspace("volume")
    scene.settle()
    return scene.window


def lrp(scene: Scene) -> QWidget:
    scene.demo()
    scene.bench.explaining.select_explainer("lrp")
    scene.window.act("map.compute")
    scene.settle()
    return scene.window


def cohort(scene: Scene) -> QWidget:
    scene.demo()
    scene.bench.teaching.end()
    scene.bench.cohorts.jobs = 0  # in this process: the picture is the same
    scene.bench.cohorts.open(scene.cases())
    scene.settle()
    scene.bench.cohorts.choose(pixels=False)  # they take most of the time and are not on the picture
    for model in ("stroke-flat", "stroke-shallow"):
        scene.bench.cohorts.toggle_model(model)
    scene.window.act("case.run-cohort")
    scene.settle()
    scene.bench.viewing.set_workspace("cohort")
    scene.settle()
    return scene.window


def palette(scene: Scene) -> QWidget:
    scene.demo()
    return scene.dialog("help.find")


def settings(scene: Scene) -> QWidget:
    scene.demo()
    return scene.dialog("edit.settings")


def chooser(scene: Scene) -> QWidget:
    scene.demo()
    scene.bench.opening.open(scene.cases(form="dicom"))
    scene.settle()
    return next(each for each in scene.window.findChildren(QDialog) if each.isVisible())


def lesson(scene: Scene) -> QWidget:
    scene.demo()
    teaching = scene.bench.teaching
    teaching.begin_here()
    scene.settle()
    teaching.count(0, 5)
    teaching.count(1, 11)
    scene.settle()
    return scene.window


def decoy(scene: Scene) -> QWidget:
    lesson(scene)
    scene.bench.teaching.reveal()
    scene.settle()
    scene.bench.viewing.peak()
    scene.settle()
    scene.bench.teaching.decoys.ask("brightness")
    scene.settle()
    return scene.window


TAKEN: dict[str, Callable[[Scene], QWidget]] = {
    each.__name__: each
    for each in (
        *(window, boxes, importance, checks, lrp, compare, inputs, marker, layers, volume, palette, settings),
        *(chooser, lesson, decoy, cohort),
    )
}


def main(names: list[str]) -> int:
    """Take the pictures of these names, all by default."""
    app = QApplication([])
    theme.apply(app, "dark", Settings().text_size)
    runner = QtRunner()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["WHYSLICE_HOME"] = str(Path(folder) / "home")
        shown = MainWindow(Workbench(runner, Settings()))
        shown.resize(*_SIZE)
        shown.show()
        scene = Scene(app, runner, shown, Path(folder))
        for name in names or list(TAKEN):
            image = picture_of(TAKEN[name](scene))
            path = PICTURES / f"{name}.png"
            if not image.save(str(path), "PNG"):
                print(f"{path} could not be written", file=sys.stderr)
                return 1
            print(
                f"{path.name}: {image.width()} x {image.height()}, {path.stat().st_size // 1024} KB",
                flush=True,
            )
            scene.close()
        shown.close()
        runner.shutdown()
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

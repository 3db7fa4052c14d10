"""Words on the command line: exit codes, sentences, and nothing but the answer on stdout."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Say
from viewer.cli import main as cli_main
from viewer.cli import terminal as terminal_module
from viewer.cli.commands import COMMANDS
from viewer.cli.terminal import Terminal
from viewer.cli.view_options import ViewOptions
from viewer.foundation.errors import Cancelled

CONTRACT = [
    "view",
    "inspect",
    "convert",
    "models",
    "layers",
    "explainers",
    "plugins",
    "predict",
    "explain",
    "check",
    "evaluate",
    "generate",
    "train",
    "add-model",
    "export",
    "self-test",
]


def test_the_commands_are_those_of_the_contract() -> None:
    assert [command.name for command in COMMANDS] == CONTRACT


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["modles"], "nearest: models"),
        (["models", "--jsn"], "nearest: --json"),
        (["models", "extra"], "'extra'"),
        (["--json", "models"], "whyslice models --json"),
        (["inspect"], "PATH"),
        (["predict", "x.nii"], "--model"),
        (["predict", "x.nii", "--model", "m", "--crop", "--no-crop"], "--no-crop"),
        (["predict", "x.nii", "--model", "m", "--mc-samples", "few"], "whole number"),
        (["predict", "x.nii", "--model", "m", "--mc-samples", "-1"], "less than 0"),
        (["predict", "x.nii", "--model", "m", "--device", "gpu"], "nearest: "),
        (["predict", "x.nii", "--model", "m", "--crop-rule", "brian"], "nearest: brain"),
        (["explain", "x.nii", "--model", "m", "--explainer", "gradcam", "--out", "o"], "nearest: grad-cam"),
        (["explain", "x.nii", "--model", "m", "--explainer", "grad-cam"], "--out"),
        (
            ["explain", "x", "--model", "m", "--explainer", "grad-cam", "--out", "o", "--score", "logits"],
            "nearest: logit",
        ),
        (["explain", "x", "--model", "m", "--explainer", "grad-cam", "--out", "o", "--slice", "-1"], "-1"),
        (["explain", "x", "--model", "m", "--explainer", "grad-cam", "--out", "o", "--slice", "many"], "all"),
        (
            ["explain", "x", "--model", "m", "--explainer", "grad-cam", "--out", "o", "--set", "a"],
            "name=value",
        ),
        (
            ["explain", "x", "--model", "m", "--explainer", "grad-cam", "--out", "o", "--set", "a=1"],
            "parameter 'a'",
        ),
        (["generate", "stroke-dwi", "--out", "o", "--count", "0"], "less than 1"),
        (["view", "--overlay", "maybe"], "on, off"),
        (["view", "--exit"], "--screenshot"),
        (["view", "--volume", "1"], "name it too"),
        (["convert", "x.nii", "o.nii", "--spacing", "5,1"], "5,0.5,0.5"),
        (["view", "--explainer", "grad-cm"], "grad-cam"),
    ],
)
def test_bad_usage_is_one_sentence_and_2(say: Say, words: list[str], hint: str) -> None:
    told = say(*words)
    assert told.code == 2
    assert told.out == ""
    assert hint in told.sentence
    assert told.sentence.endswith(".")


def test_a_path_alone_gets_the_right_words(say: Say, nifti: Path) -> None:
    told = say(nifti)
    assert told.code == 2
    assert f"whyslice view {nifti}" in told.sentence


def test_help_and_version(say: Say) -> None:
    told = say("--help")
    assert told.code == 0
    for command in CONTRACT:
        assert command in told.out
    assert say("explain", "--help").code == 0
    told = say("--version")
    assert told.code == 0
    assert told.out.startswith("whyslice ")


def test_a_defect_is_admitted_without_a_traceback(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise ZeroDivisionError("boom")

    monkeypatch.setattr("viewer.controllers.catalogue.models", broken)
    told = say("models")
    assert told.code == 1
    assert "defect" in told.sentence
    told = say("models", "--debug")
    assert told.code == 1
    assert "Traceback" in told.err
    assert "ZeroDivisionError: boom" in told.err


@pytest.mark.parametrize("stop", [KeyboardInterrupt, Cancelled])
def test_stopping_is_130(say: Say, monkeypatch: pytest.MonkeyPatch, stop: type[BaseException]) -> None:
    def stopped() -> None:
        raise stop

    monkeypatch.setattr("viewer.controllers.catalogue.models", stopped)
    told = say("models", "--json")
    assert told.code == 130
    assert told.out == ""
    assert told.sentence == "cancelled."


def test_what_a_library_prints_is_not_the_answer(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    def chatty() -> list[dict[str, object]]:
        print("hello from a plugin")
        return []

    monkeypatch.setattr("viewer.controllers.catalogue.explainers", chatty)
    told = say("explainers", "--json")
    assert told.document == []
    assert "hello" in told.err


class _Screen(list[str]):
    """A terminal that remembers."""

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.append(text)
        return len(text)

    def flush(self) -> None:
        pass


def test_progress_is_drawn_on_a_terminal_only() -> None:
    screen = _Screen()
    terminal = Terminal(screen)  # type: ignore[arg-type]
    terminal.progress.report(1, 1, "predicting")
    terminal.progress.report(4, 4, "predicting")
    terminal.warn("done.")
    drawn = "".join(screen)
    assert "predicting 4/4" in drawn
    assert drawn.endswith("whyslice: done.\n")
    deaf = _Screen()
    deaf.isatty = lambda: False  # type: ignore[method-assign]
    Terminal(deaf).progress.report(1, 2, "predicting")  # type: ignore[arg-type]
    assert deaf == []


def test_long_work_says_where_it_is_in_a_file_too(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(terminal_module.time, "monotonic", lambda: now[0])
    file = _Screen()
    file.isatty = lambda: False  # type: ignore[method-assign]
    terminal = Terminal(file)  # type: ignore[arg-type]
    with terminal.stoppable():
        for second in range(25):
            now[0] = 100.0 + second
            terminal.progress.report(second, 25, "images of the cohort")
    assert "".join(file).splitlines() == [
        "whyslice: images of the cohort 10/25",
        "whyslice: images of the cohort 20/25",
    ]
    now[0] = 200.0
    terminal.progress.report(1, 2, "afterwards")
    assert "afterwards" not in "".join(file)


def test_the_window_gets_its_options(capsys: pytest.CaptureFixture[str]) -> None:
    asked: list[ViewOptions] = []

    def window(options: ViewOptions) -> int:
        asked.append(options)
        print("a library talks")
        return 0

    line = (
        "view a.nii b --series s2 --volume 4 --spacing 5,0.5,.25 --resample "
        "--model m --explainer grad-cam --layer relu5 --class stroke --slice 3 --device cpu "
        "--truth t.json --overlay off --workspace volume --screenshot s.png --exit --safe-mode --debug --json"
    )
    assert cli_main.run(line.split(), window) == 0
    assert asked == [
        ViewOptions(
            paths=(Path("a.nii"), Path("b")),
            series="s2",
            volume=4,
            spacing=(5, 0.5, 0.25),
            resample=True,
            model="m",
            explainer="grad-cam",
            layer="relu5",
            target="stroke",
            slice=3,
            device="cpu",
            truth=Path("t.json"),
            overlay=False,
            workspace="volume",
            screenshot=Path("s.png"),
            exit=True,
            debug=True,
            safe_mode=True,
            width=1440,
            height=980,
        )
    ]
    assert json.loads(capsys.readouterr().out) == {"screenshot": "s.png"}
    assert cli_main.run([], window) == 0
    assert asked[1] == ViewOptions()
    line = "view --explainer brightness --set quantile=0.25"
    assert cli_main.run(line.split(), window) == 0, "a plugin brings it"
    assert (asked[2].explainer, asked[2].parameters) == ("brightness", (("quantile", "0.25"),))


def test_the_window_fails_with_its_own_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli_main.run(["view", "--json"], lambda _: 1) == 1
    assert capsys.readouterr().out == ""


LOADED = "import sys; print([m for m in ('torch', 'PySide6', 'matplotlib') if m in sys.modules])"


@pytest.mark.parametrize(
    ("code", "allowed"),
    [
        ("import viewer.app", {"PySide6"}),
        ("import viewer.api", set()),
        ("from viewer.__main__ import main; main(['models'])", set()),
        ("import viewer.explainers.declaration", set()),
        ("from viewer.__main__ import main; main(['inspect', 'nothing-here'])", set()),
    ],
)
def test_torch_is_not_loaded_before_it_is_needed(code: str, allowed: set[str], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{LOADED}"],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "WHYSLICE_HOME": str(tmp_path)},
    )
    assert set(json.loads(done.stdout.splitlines()[-1].replace("'", '"'))) <= allowed


def test_ctrl_c_stops_training_after_a_step() -> None:
    """The first Ctrl-C is a wish that long work hears at its next report, the second is an order."""
    screen = _Screen()
    terminal = Terminal(screen)  # type: ignore[arg-type]
    before = signal.getsignal(signal.SIGINT)
    with terminal.stoppable():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(Cancelled):
            terminal.progress.report(1, 2, "epoch 1")
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before

"""``whyslice view --explainer NAME --set NAME=VALUE``: the window begins with the explanation that was asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tiny import bright_spot, write_tiny_model
from viewer.app import run_window
from viewer.cli import main as cli_main
from viewer.cli.view_options import ViewOptions
from viewer.imaging.writing import write_nifti
from viewer.ui.main_window import MainWindow


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> list[MainWindow]:
    made: list[MainWindow] = []
    real = MainWindow.__init__

    def noted(self: MainWindow, *arguments: object, **keywords: object) -> None:
        real(self, *arguments, **keywords)
        made.append(self)

    monkeypatch.setattr(MainWindow, "__init__", noted)
    return made


@pytest.fixture
def nifti(tmp_path: Path, user_folder: Path) -> Path:
    write_tiny_model(user_folder)
    image = bright_spot(3)
    write_nifti(tmp_path / "head.nii.gz", image.voxels, image.geometry)
    return tmp_path / "head.nii.gz"


def options(path: Path, explainer: str, *parameters: tuple[str, str]) -> ViewOptions:
    return ViewOptions(
        paths=(path,),
        model="tiny",
        explainer=explainer,
        parameters=parameters,
        screenshot=path.with_name("picture.png"),
        exit=True,
    )


def test_parameters_go_from_the_command_line_to_the_picture(
    qapp, nifti: Path, windows: list[MainWindow], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "viewer.controllers.asking_on_demand.AT_ONCE", -1.0
    )  # asked for by hand: it does not wait
    assert run_window(options(nifti, "smoothgrad", ("samples", "20"), ("noise", "0.2"))) == 0
    session = windows[0].bench.session
    assert session.choice.parameters == {"smoothgrad": {"samples": 20, "noise": 0.2}}
    assert session.asking is None
    assert windows[0].screen_.map is not None
    assert nifti.with_name("picture.png").exists()


@pytest.mark.parametrize(
    ("explainer", "parameters", "code", "word"),
    [
        ("smoothgrad", (("samples", "0"),), 2, "from 2 to 1000"),
        ("smoothgrad", (("sample", "3"),), 2, "no parameter 'sample'"),
        ("seg-grad-cam", (), 1, "no segmentation network"),
    ],
)
def test_what_cannot_be_shown_is_one_sentence(
    qapp,
    nifti: Path,
    capsys: pytest.CaptureFixture[str],
    explainer: str,
    parameters: tuple[tuple[str, str], ...],
    code: int,
    word: str,
) -> None:
    assert run_window(options(nifti, explainer, *parameters)) == code
    assert word in capsys.readouterr().err
    assert not nifti.with_name("picture.png").exists()


def test_set_belongs_to_an_explainer(capsys: pytest.CaptureFixture[str]) -> None:
    asked: list[ViewOptions] = []
    line = ["view", "--explainer", "smoothgrad", "--set", "samples=20", "--set", "noise=0.2"]
    assert cli_main.run(line, lambda options: asked.append(options) or 0) == 0
    assert asked[0].parameters == (("samples", "20"), ("noise", "0.2"))
    assert cli_main.run(["view", "--set", "samples=20"], lambda _: 0) == 2
    assert "--explainer" in capsys.readouterr().err
    wrong = ["view", "--explainer", "smoothgrad", "--set", "samples=0"]
    assert cli_main.run(wrong, lambda _: pytest.fail("the window was opened")) == 2
    assert "from 2 to 1000" in capsys.readouterr().err

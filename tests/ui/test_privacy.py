"""Nothing that names the patient is left behind by a window in which a named file was opened."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

from viewer.ui.privacy import name_of, without_names

SECRETS = ("Zwetschge", "Quirina", "PAT-4711", "19370213", "20240229", "1937-02-13")


def named_series(folder: Path) -> Path:
    """Three slices of a person, in a folder that is called like her."""
    home = folder / "Zwetschge_Quirina"
    home.mkdir()
    series, study, frame = generate_uid(), generate_uid(), generate_uid()
    rng = np.random.default_rng(0)
    for index in range(3):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = MRImageStorage
        meta.MediaStorageSOPInstanceUID = generate_uid()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        path = home / f"Zwetschge_{index}.dcm"
        data = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
        data.SOPClassUID, data.SOPInstanceUID = MRImageStorage, meta.MediaStorageSOPInstanceUID
        data.PatientName, data.PatientID = "Zwetschge^Quirina", "PAT-4711"
        data.PatientBirthDate, data.PatientSex, data.StudyDate = "19370213", "F", "20240229"
        data.Modality, data.SeriesDescription = "MR", "T2"
        data.SeriesInstanceUID, data.StudyInstanceUID, data.FrameOfReferenceUID = series, study, frame
        data.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        data.ImagePositionPatient = [0, 0, 5.0 * index]
        data.PixelSpacing, data.InstanceNumber = [1, 1], index + 1
        data.Rows = data.Columns = 32
        data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
        data.BitsAllocated = data.BitsStored = 16
        data.HighBit, data.PixelRepresentation = 15, 0
        data.PixelData = rng.integers(0, 900, (32, 32), dtype=np.uint16).tobytes()
        data.save_as(path, enforce_file_format=True)
    (home / "Zwetschge_notes.dcm").write_text("not an image")
    return home


def test_logs_settings_and_recent_files_hold_nothing(tmp_path: Path) -> None:
    """Even where the patient is shown on screen."""
    home, user = named_series(tmp_path), tmp_path / "user"
    picture = tmp_path / "picture.png"
    words = ["view", str(home), "--screenshot", str(picture), "--exit", "--debug", "--show-phi"]
    ran = subprocess.run(
        [sys.executable, "-m", "viewer", *words],
        env={**os.environ, "WHYSLICE_HOME": str(user), "QT_QPA_PLATFORM": "offscreen", "HOME": str(user)},
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr.decode()
    assert picture.stat().st_size > 10_000
    written = [path for path in user.rglob("*") if path.is_file()]
    assert any(path.name == "whyslice.log" for path in written)
    left = {path.name: path.read_bytes() for path in written}
    left |= {"stdout": ran.stdout, "stderr": ran.stderr, "picture": picture.read_bytes()}
    for name, content in left.items():
        for secret in SECRETS:
            assert secret.encode() not in content, f"{secret} in {name}"
    assert not any(secret in str(path.relative_to(user)) for path in written for secret in SECRETS)


def test_the_picture_shows_the_patient_only_when_asked_to(qtbot, tmp_path: Path) -> None:
    from viewer.app import picture_of
    from viewer.controllers.workbench import Workbench
    from viewer.foundation.job_runner import InlineRunner
    from viewer.ui.main_window import MainWindow

    window = MainWindow(Workbench(InlineRunner()))
    window.resize(1300, 900)
    qtbot.addWidget(window)
    window.show()
    window.bench.opening.open(named_series(tmp_path))
    qtbot.waitUntil(lambda: window.settled)
    block = window.case_panel._patient
    hidden = picture_of(window)
    assert not block.isVisible()
    window.bench.viewing.toggle_phi()
    qtbot.waitUntil(lambda: window.settled)
    assert "Zwetschge" in block.text()
    assert picture_of(window) != hidden
    window.bench.viewing.toggle_phi()
    qtbot.waitUntil(lambda: window.settled)
    assert block.text() == ""
    assert not block.isVisible()


@pytest.mark.parametrize(
    ("sentence", "hidden"),
    [
        ("'Doe_Jane.dcm' is empty.", "The file is empty."),
        ("'O'Brien.dcm' is empty.", "The file is empty."),
        ("'a b.nii' points to 'c.raw'.", "The file points to the file."),
        ("There is no file or folder 'Doe'.", "There is no such file or folder."),
        ("The folder 'Doe' is empty.", "The folder is empty."),
        (
            "The truth 'Doe.json' does not exist. Look at 'Doe.nii'.",
            "The truth does not exist. Look at the file.",
        ),
        ("The slices of the series of 'Doe.dcm' differ.", "The slices of the series of the file differ."),
        (
            "The file is PNG although its name ends in '.dcm'.",
            "The file is PNG although its name ends in '.dcm'.",
        ),
        ("The network's answer isn't known.", "The network's answer isn't known."),
        ("Saved 'Doe.png'.", "Saved the file."),
    ],
)
def test_sentences_lose_the_names_of_files(sentence: str, hidden: str) -> None:
    assert without_names(sentence) == hidden


def test_a_known_name_goes_whatever_it_holds() -> None:
    assert without_names("'it' is 'Doe.dcm' is empty.", ["it' is 'Doe.dcm"]) == "The file is empty."


def test_a_notice_in_a_picture_of_the_window_names_no_file(qtbot, tmp_path: Path) -> None:
    from viewer.controllers.workbench import Workbench
    from viewer.foundation.job_runner import InlineRunner
    from viewer.ui.main_window import MainWindow

    window = MainWindow(Workbench(InlineRunner()))
    qtbot.addWidget(window)
    window.show()
    home = named_series(tmp_path)
    window.bench.opening.open(home / "Zwetschge_notes.dcm")
    qtbot.waitUntil(lambda: window.settled)
    assert window.notice.isVisible()
    for words in (window.notice.sentence.text(), window.notice.accessibleDescription()):
        assert "Zwetschge" not in words
    window.bench.viewing.toggle_phi()
    qtbot.waitUntil(lambda: window.settled)
    assert "Zwetschge_notes.dcm" in window.notice.sentence.text()


@pytest.mark.parametrize(
    ("stated", "written"),
    [
        ("Doe^Jane", "Doe, Jane"),
        ("Doe^Jane^Q^Dr", "Doe, Jane Q Dr"),
        ("Doe", "Doe"),
        ("", ""),
        ("Yamada^Tarou=山田^太郎", "Yamada, Tarou"),
    ],
)
def test_names_are_written_as_people_write_them(stated: str, written: str) -> None:
    assert name_of(stated) == written

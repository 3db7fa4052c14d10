"""The study's own layout, and a cohort with masks, to train on: what is read, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from plugins.stroke_dwi.generator import generate
from plugins.stroke_dwi.own_patients import OwnPatient, has_contrast, own_patients
from plugins.stroke_dwi.own_slices import OwnSlices, own_slices, split
from plugins.stroke_dwi.patient_table import PatientRow, find_table, read_patients
from plugins.stroke_dwi.preparation import PLAIN, Preparation
from plugins.stroke_dwi.settings import StrokeSettings
from plugins.stroke_dwi.slices import Slices
from plugins.stroke_dwi.training import build
from viewer.api import SILENT, WhySliceError

SLICES = 9


def study(path: Path, patients: int = 8, **changes: Any) -> Path:
    """The study's file: every second patient has a stroke, on the slices 3 to 5."""
    rng = np.random.default_rng(1)
    n = patients * SLICES
    pictures = rng.integers(20, 200, (n, 24, 24, 3)).astype(np.uint8)
    owners = np.repeat(np.arange(100, 100 + patients), SLICES)
    labels = np.array([(k // SLICES) % 2 * (3 <= k % SLICES <= 5) for k in range(n)])
    columns = {"X": pictures, "Y": labels, "pat": owners, **changes}
    with h5py.File(path, "w") as file:
        for name, values in columns.items():
            if values is not None:
                file[name] = values
    return path


def table(
    path: Path, rows: list[tuple[Any, ...]], head: tuple[str, ...] = ("p_id", "stroke", "mrs_3months")
) -> Path:
    if path.suffix == ".xlsx":
        book = Workbook()
        book.active.append(head)
        for row in rows:
            book.active.append(row)
        book.save(path)
    else:
        path.write_text("\n".join(",".join(map(str, row)) for row in [head, *rows]), encoding="utf-8")
    return path


def taken(data: Path) -> tuple[list[OwnPatient], list[str]]:
    found = list(own_patients(data, SILENT))
    return [each for each in found if not isinstance(each, str)], [
        each for each in found if isinstance(each, str)
    ]


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_the_studys_file_and_its_table_go_together(tmp_path: Path, ending: str) -> None:
    file = study(tmp_path / "dicom.hdf5")
    table(
        tmp_path / f"patients.{ending}",
        [(100 + k, k % 2, 4 if k == 1 else 1) for k in range(8)] + [(999, 0, 0)],
    )
    patients, notes = taken(file)
    assert [each.key for each in patients] == [str(100 + k) for k in range(8)]
    with h5py.File(file) as source:
        assert np.array_equal(patients[1].pictures, source["X"][SLICES : 2 * SLICES, ..., 1])
    assert np.flatnonzero(patients[1].positive).tolist() == [3, 4, 5]
    assert [each.outcome for each in patients[:3]] == [1, 2, 1]
    assert notes == [f"1 patients have a row but no images in 'patients.{ending}': 999."]
    assert taken(tmp_path)[0][0].key == "100"


def test_rows_of_one_patient_may_be_apart(tmp_path: Path) -> None:
    owners = np.tile(np.arange(8), SLICES)
    file = study(tmp_path / "mixed.h5", pat=owners)
    patients, _ = taken(file)
    with h5py.File(file) as source:
        assert np.array_equal(patients[2].pictures, source["X"][:][owners == 2][..., 1])


def test_black_slices_are_dropped_and_odd_stacks_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    pictures = rng.integers(20, 200, (SLICES + 3, 24, 24)).astype(np.uint8)
    pictures[0] = 7
    file = study(tmp_path / "a.h5", X=pictures, Y=np.zeros(SLICES + 3), pat=[1] * SLICES + [2] * 3)
    patients, notes = taken(file)
    assert len(patients) == 1
    assert len(patients[0].pictures) == SLICES - 1
    assert notes == ["2: 3 slices are no stack of axial slices of a head; left out."]


@given(st.integers(0, 255))
def test_a_flat_slice_has_no_contrast(value: int) -> None:
    assert not has_contrast(np.full((8, 8), value, dtype=np.uint8))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"Y": None}, "has no dataset 'Y'"),
        ({"pat": np.zeros(3)}, "differ in length"),
        ({"Y": np.full(8 * SLICES, 3)}, "the label 3 in Y"),
    ],
)
def test_a_study_file_that_does_not_fit_together_is_named(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(WhySliceError, match=words):
        taken(study(tmp_path / "odd.hdf5", **changes))


@pytest.mark.parametrize(
    ("rows", "head", "words"),
    [
        ([(1, 1, 9)], ("p_id", "stroke", "mrs_3months"), "outcome '9' in row 2"),
        ([(1, "maybe", 1)], ("p_id", "stroke", "mrs_3months"), "label 'maybe' in row 2"),
        ([(1, 1, 1), (1, 1, 2)], ("p_id", "stroke", "mrs_3months"), "one patient twice, again in row 3"),
        ([(1, 1)], ("who", "stroke"), "no column of patients"),
        ([], ("p_id", "stroke"), "has no rows"),
    ],
)
def test_a_table_out_of_range_is_named_with_its_row(
    tmp_path: Path, rows: list[tuple[Any, ...]], head: tuple[str, ...], words: str
) -> None:
    with pytest.raises(WhySliceError, match=words):
        read_patients(table(tmp_path / "t.csv", rows, head))


def test_tables_as_people_write_them(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes("\ufeffPatient;Group;mRS\nA-1;stroke;2\nB-2;TIA;\n".encode())
    assert read_patients(path) == {"A-1": PatientRow(True, 2), "B-2": PatientRow(False, None)}
    (tmp_path / "t.xlsx").write_bytes(b"no workbook")
    with pytest.raises(WhySliceError, match="not an Excel file"):
        read_patients(tmp_path / "t.xlsx")
    with pytest.raises(WhySliceError, match="several tables"):
        find_table(tmp_path)


def test_ids_that_match_nothing_are_said_with_an_example(tmp_path: Path) -> None:
    study(tmp_path / "dicom.hdf5")
    table(tmp_path / "patients.csv", [("pat_1", 1, 1)])
    with pytest.raises(WhySliceError, match="the table has 'pat_1' where the images have '100'"):
        taken(tmp_path / "dicom.hdf5")


def test_a_generated_cohort_is_data_too(tmp_path: Path) -> None:
    generate(tmp_path / "cohort", 2, 3, SILENT)
    (tmp_path / "cohort" / "case-0002" / "mask.nii.gz").unlink()
    patients, notes = taken(tmp_path / "cohort")
    assert [each.key for each in patients] == ["case-0001"]
    assert notes[0].startswith("case-0002: ")
    assert patients[0].split == "test"
    own = own_slices(tmp_path / "cohort", PLAIN, tmp_path / "work", SILENT)
    assert own.slices.outlined
    assert own.splits == ("test",)
    again = own_slices(tmp_path / "cohort", PLAIN, tmp_path / "work", SILENT)
    assert np.array_equal(again.slices.pixels, own.slices.pixels)


def test_the_card_names_no_patient(tmp_path: Path) -> None:
    study(tmp_path / "dicom.hdf5")
    table(tmp_path / "patients.csv", [(100 + k, k % 2, 1) for k in range(8)] + [("secret-7", 0, 0)])
    settings = StrokeSettings(architecture="shallow", supervision=False, epochs=1)
    task = build(settings, data=tmp_path / "dicom.hdf5", work=tmp_path / "work", progress=SILENT)
    words = str(task.card())
    assert "secret-7" not in words
    assert "1 findings about the data" in words
    (note,) = (tmp_path / "work").glob("own-*.json")
    assert "secret-7" in note.read_text(encoding="utf-8")


def test_a_cohort_reads_nothing_outside_its_folder(tmp_path: Path) -> None:
    generate(tmp_path / "elsewhere", 1, 3, SILENT)
    (tmp_path / "cohort").mkdir()
    line = "path,case,label,mask\n../elsewhere/case-0001/image.nii.gz,a,no stroke,\n"
    (tmp_path / "cohort" / "cohort.csv").write_text(line, encoding="utf-8")
    patients, notes = taken(tmp_path / "cohort")
    assert patients == []
    assert notes == ["a: 'image.nii.gz' lies outside the cohort's folder"]


def test_nothing_to_train_on_is_said(tmp_path: Path) -> None:
    with pytest.raises(WhySliceError, match="nothing to train on"):
        list(own_patients(tmp_path, SILENT))


@given(st.integers(3, 40), st.integers(0, 5))
def test_no_patient_is_in_two_parts(patients: int, seed: int) -> None:
    owners = np.repeat(np.arange(patients), 4)
    areas = np.tile([0, 9, 9, 0], patients)
    empty = np.zeros((len(owners), 1, 1), np.uint8)
    own = OwnSlices(Slices(empty, empty, owners, areas, areas * 0), ("",) * patients, ())
    parts = split(own, "patient", seed)
    sets = [set(owners[rows]) for rows in parts]
    assert not sets[0] & sets[1]
    assert not sets[1] & sets[2]
    assert not sets[0] & sets[2]
    assert sum(map(len, parts)) == len(owners)
    assert min(map(len, sets)) >= 1


def test_what_the_data_say_of_a_patients_use_is_kept() -> None:
    owners = np.repeat(np.arange(4), 2)
    empty = np.zeros((8, 1, 1), np.uint8)
    slices = Slices(empty, empty, owners, np.tile([0, 9], 4), owners * 0)
    parts = split(OwnSlices(slices, ("test", "train", "validation", "train"), ()), "patient", 0)
    assert [sorted(set(owners[rows])) for rows in parts] == [[1, 3], [2], [0]]


@pytest.mark.parametrize("normalise", ["tissue-median", "zscore", "range"])
def test_own_data_train_a_network_as_its_card_says(tmp_path: Path, normalise: str) -> None:
    study(tmp_path / "dicom.hdf5")
    settings = StrokeSettings(
        architecture="shallow", supervision=False, normalise=normalise, crop="percentile", small_epochs=0,
        epochs=1, slices_per_epoch=8, batch=4, augmentation="published",
    )  # fmt: skip
    task = build(settings, data=tmp_path / "dicom.hdf5", work=tmp_path / "work", progress=SILENT)
    batches = list(task.batches(0))
    assert {int(label) for batch in batches for label in batch["label"]} == {0, 1}
    assert float(task.training_loss(batches[0])["loss"].detach()) > 0
    card = task.card()
    assert card["input"]["crop"] == "percentile"
    assert card["input"]["normalise"]["name"] == normalise
    assert card["training"]["split"] == "by patient"
    assert "user's own" in card["training"]["data"]
    assert "masks" not in task.held_out()


def test_masks_and_outcomes_that_are_missing_are_asked_for(tmp_path: Path) -> None:
    study(tmp_path / "dicom.hdf5")
    for settings, words in (
        (StrokeSettings(), "supervision=false"),
        (StrokeSettings(architecture="mrs", supervision=False), "needs the outcome"),
        (StrokeSettings(architecture="3d"), "synthetic volumes only"),
        (StrokeSettings(supervision=False, neighbours=1, split="slice"), "Split by patient"),
        (StrokeSettings(supervision=False, leave_out="coil"), "synthetic patients"),
    ):
        with pytest.raises(WhySliceError, match=words):
            build(settings, data=tmp_path / "dicom.hdf5", work=tmp_path / "work", progress=SILENT)


def test_the_network_sees_in_training_what_the_viewer_will_show_it() -> None:
    from viewer.api import InputView

    preparation = Preparation("range", "brain")
    rows, columns = np.mgrid[:60, :80]
    picture = np.where(np.hypot(rows - 30, columns - 40) < 20, 100.0 + rows, 1.0).astype(np.float32)
    kept, mask = preparation.kept(picture, picture > 120, (1.0, 1.0))
    seen = InputView.of_picture(preparation.rule, picture).network_input(picture)[0]
    assert np.abs(kept / 255.0 * 2 - 1 - seen).max() < 0.01
    assert 0 < mask.mean() < 0.5

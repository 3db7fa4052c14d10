"""A patient read as a patient: which slices are called, where their maps lie, which others are worth a second look."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from tests.tiny import bright_spot
from viewer import api
from viewer.controllers.experiments.order import ExperimentOrder
from viewer.controllers.experiments.patient_pages import patient_pages, told
from viewer.controllers.experiments.patient_reading import drawn_ml, place_of, read_patient
from viewer.controllers.experiments.patient_to_file import patient_to_file
from viewer.foundation.errors import ExportError, UsageError
from viewer.foundation.progress import ProgressToken
from viewer.imaging.diagnoses import Diagnosis
from viewer.imaging.geometry import Geometry
from viewer.imaging.image import PatientInfo
from viewer.reporting import page as drawing
from viewer.reporting.page_content import PageCurve, PageRow, PageTable


@pytest.fixture
def reading(order):
    return read_patient(order, passes=3)


def test_progress_is_one_count_that_never_goes_back(order):
    told = []
    read_patient(order, ProgressToken(lambda done, total, text: told.append((done, total, text))), passes=3)
    counts = [done for done, _, _ in told]
    assert {total for _, total, _ in told} == {100}
    assert counts == sorted(counts)
    assert len({done for done, _, text in told if text == "dropout passes"}) > 1 or not any(
        text == "dropout passes" for _, _, text in told
    )
    assert counts[-1] > 75


def head(affine=None):
    """A disc of tissue of 24 mm radius in 64 x 64 pixels of 1 mm, 5 slices of 4 mm."""
    rows, columns = np.mgrid[:64, :64]
    disc = (rows - 31.5) ** 2 + (columns - 31.5) ** 2 < 24**2
    voxels = np.repeat(disc[None].astype(np.float32), 5, axis=0)
    return replace(
        bright_spot(),
        voxels=voxels,
        geometry=Geometry(np.diag([1.0, 1.0, 4.0, 1.0]) if affine is None else affine, voxels.shape),
    )


def test_the_numbers_are_those_of_the_prediction(order, reading):
    found = api.predict(api.load_model(order.model), order.image)
    assert reading.probability == pytest.approx(found.case[1], abs=1e-5)
    assert [each.probability for each in reading.slices] == pytest.approx(
        [each.probabilities[1] for each in found.slices], abs=1e-5
    )
    assert [each.index for each in reading.called] == [2]
    assert reading.rule == found.rule
    assert reading.passes == 0  # the tiny network has no dropout, and says so
    assert "no dropout" in " ".join(told(reading))


def test_another_class_has_its_probability_on_the_slice_that_stands_for_the_patient(order):
    found = read_patient(replace(order, target="no stroke"), passes=0)
    prediction = api.predict(api.load_model(order.model), order.image)
    assert found.probability == pytest.approx(prediction.case[0], abs=1e-5)
    assert found.peak == prediction.peak == 2
    assert "highest probability of stroke, which is slice 3 of 5" in told(found)[0]


def test_of_a_model_that_was_not_made_for_the_image_the_refusal_comes_first_and_nobody_is_called(order):
    found = read_patient(replace(order, image=replace(order.image, modality="CT")), passes=0)
    assert told(found)[0].startswith("Do not read this: the model was not made for this image (modality CT")
    words = " ".join(told(found))
    assert "called" not in words
    assert " ml" not in words
    assert "second look" not in words
    (first, *_) = patient_pages(found)
    assert first.blocks[0].level == "stop"
    assert first.blocks[0].lines == (told(found)[0],)
    assert "second look" not in str([getattr(block, "heading", "") for block in first.blocks])


@pytest.mark.parametrize(
    ("column", "side", "off"), [(50, "left", 18.5), (10, "right", 21.5), (33, "middle", 1.5)]
)
def test_a_place_has_a_side_from_the_middle_of_the_body(column, side, off):
    drawn = np.zeros((64, 64), np.float32)
    drawn[30, column] = 1
    place = place_of(head(), 2, drawn)
    assert place.side == side
    assert place.off_middle_mm == pytest.approx(off, abs=1.0)
    assert place.lps_mm == pytest.approx((column, 30, 8))


def test_the_side_is_the_patients_whatever_the_file_runs_like():
    """A file whose columns run to the patient's right is shown the other way round; the place stays his left."""
    affine = np.diag([-1.0, 1.0, 4.0, 1.0])
    affine[0, 3] = 63
    image = head(affine)
    drawn = np.zeros((64, 64), np.float32)
    drawn[30, 50] = 1  # on the picture, whose columns run to the left of the patient in both
    assert place_of(image, 2, drawn).side == "left"
    assert place_of(image, 2, drawn).lps_mm == pytest.approx(place_of(head(), 2, drawn).lps_mm)


def test_without_an_orientation_the_side_is_unknown_and_without_sizes_the_volume(order):
    image = bright_spot()
    flat = replace(image, geometry=Geometry.unoriented(image.voxels.shape))
    found = read_patient(replace(order, image=flat), passes=0)
    assert found.called[0].place.words == "side unknown"
    assert "does not say which side" in " ".join(told(found))
    drawn = np.ones((64, 64), np.float32)
    assert drawn_ml(head(), drawn, 0.5) == pytest.approx(64 * 64 * 4 / 1000)
    unknown = replace(head(), diagnoses=(Diagnosis("no-spacing", "note", "No sizes.", ""),))
    assert drawn_ml(unknown, drawn, 0.5) is None


def test_a_slice_that_is_not_called_with_a_small_focus_is_worth_a_second_look(order):
    image = bright_spot()
    voxels = image.voxels.copy()
    voxels[0, 20:22, 6:8] = 4.0  # too small to be called, yet bright
    found = read_patient(replace(order, image=replace(image, voxels=voxels)), passes=0)
    assert [each.index for each in found.called] == [2]
    assert 0 in [each.index for each in found.focused]
    assert all(not each.called and each.probability >= 0.05 for each in found.focused)


def test_pages_hold_table_curve_and_every_slice(reading):
    first, second = patient_pages(reading)
    kinds = {type(block) for block in first.blocks}
    assert {PageTable, PageCurve, PageRow} <= kinds
    (table,) = [block for block in first.blocks if isinstance(block, PageTable)]
    assert [row[0] for row in table.rows] == ["3"]
    assert sum(len(block.panels) for block in second.blocks if isinstance(block, PageRow)) == 5
    assert first.person == second.person == ""


def test_a_network_of_volumes_has_one_probability(volumes):
    found = read_patient(ExperimentOrder(str(volumes), bright_spot(), explainers=("grad-cam",)), passes=2)
    assert found.called == ()
    assert found.interval is not None
    assert found.passes == 2
    assert "the volume as a whole" in " ".join(told(found))
    first, _ = patient_pages(found)
    (table,) = [block for block in first.blocks if isinstance(block, PageTable)]
    assert "3" in [row[0] for row in table.rows]


def test_the_file_names_the_patient_only_when_it_may(order, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(drawing, "save_pages", lambda path, pages: drawn.append(pages))
    who = replace(order.image, patient=PatientInfo(name="Miller^Anna", identifier="4711"))
    document = patient_to_file(replace(order, image=who), tmp_path / "a.pdf", passes=0)
    patient_to_file(replace(order, image=who), tmp_path / "b.pdf", passes=0, show_phi=True)
    hidden, shown = drawn
    assert all(not page.person for page in hidden)
    assert all("Miller^Anna" in page.person for page in shown)
    record = (tmp_path / "a.provenance.json").read_text()
    assert "Miller" not in record + json.dumps(document)
    assert "4711" not in record
    assert "Miller" not in (tmp_path / "b.provenance.json").read_text()


def test_a_pdf_is_a_pdf_and_anything_else_is_refused(order, tmp_path):
    patient_to_file(order, tmp_path / "new" / "patient.pdf", passes=0)
    data = (tmp_path / "new" / "patient.pdf").read_bytes()
    assert data.startswith(b"%PDF")
    assert len(re.findall(rb"/Type /Page\b", data)) == 2
    assert b"CreationDate" not in data
    with pytest.raises(UsageError, match=r"neither \.pdf nor \.png"):
        patient_to_file(order, tmp_path / "patient.docx", passes=0)
    (tmp_path / "file").write_text("")
    with pytest.raises(ExportError, match="not a folder"):
        patient_to_file(order, tmp_path / "file" / "patient.pdf", passes=0)

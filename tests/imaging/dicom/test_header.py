"""Headers: what each vendor writes, what is wrong with them, and how large a pixel is."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from viewer.foundation.errors import ReadError
from viewer.imaging.dicom.csa import csa_numbers, csa_values
from viewer.imaging.dicom.diffusion import Diffusion, diffusion_of
from viewer.imaging.dicom.header import DicomFile, read_header
from viewer.imaging.dicom.mosaic import mosaic_of
from viewer.imaging.dicom.orientation import directions_of
from viewer.imaging.reading import inspect_path, read_image

WriteDicom = Callable[..., Path]
PIXELS = np.zeros((4, 5), dtype=np.int16)


def csa(version: int = 2, **entries: list[str]) -> bytes:
    """A CSA header as Siemens writes it."""
    head = b"SV10\x04\x03\x02\x01" if version == 2 else b""
    parts = [head, struct.pack("<II", len(entries), 77)]
    for name, values in entries.items():
        parts.append(struct.pack("<64sI4sIII", name.encode(), 1, b"FD\0\0", 0, len(values), 77))
        first = len(values[0]) + 1 if values else 0
        for value in values:
            data = value.encode() + b"\0"
            size = len(data) if version == 2 else len(data) + first
            if version == 1:
                # The lengths of the first version count from that of the first item of all.
                size = len(data)
            parts.append(struct.pack("<4I", size, len(data), 77, 0))
            parts.append(data + b"\0" * (-len(data) % 4))
    return b"".join(parts)


def private(group: int, creator: str, **elements: Any) -> Dataset:
    dataset = Dataset()
    block = dataset.private_block(group, creator, create=True)
    for name, (vr, value) in elements.items():
        block.add_new(int(name.removeprefix("x"), 16), vr, value)
    return dataset


def with_facts(dataset: Dataset, **facts: Any) -> Dataset:
    for keyword, value in facts.items():
        setattr(dataset, keyword, value)
    return dataset


GE = "GEMS_PARM_01"
CSA_DWI = csa(
    B_value=["1000"], DiffusionGradientDirection=["0.6", "0", "0.8"], DiffusionDirectionality=["DIRECTIONAL"]
)


@pytest.mark.parametrize(
    ("dataset", "expected"),
    [
        (with_facts(Dataset(), DiffusionBValue=800.0), Diffusion(800)),
        (
            with_facts(Dataset(), DiffusionBValue=800.0, DiffusionGradientOrientation=[0.0, 1.0, 0.0]),
            Diffusion(800, (0, 1, 0)),
        ),
        (
            with_facts(Dataset(), DiffusionBValue=800.0, DiffusionDirectionality="ISOTROPIC"),
            Diffusion(800, None, trace=True),
        ),
        (
            with_facts(Dataset(), DiffusionBValue=0.0, DiffusionGradientOrientation=[0.0, 0.0, 0.0]),
            Diffusion(0),
        ),
        (
            private(0x19, "SIEMENS MR HEADER", x0C=("IS", 1000), x0E=("FD", [0.6, 0.0, 0.8])),
            Diffusion(1000, (0.6, 0, 0.8)),
        ),
        (private(0x29, "SIEMENS CSA HEADER", x10=("OB", CSA_DWI)), Diffusion(1000, (0.6, 0, 0.8))),
        (with_facts(Dataset(), SequenceName="*ep_b1000t"), Diffusion(1000, None, trace=True)),
        (with_facts(Dataset(), SequenceName="*ep_b50#3"), Diffusion(50)),
        (private(0x2001, "Philips Imaging DD 001", x03=("FL", 1000.0)), Diffusion(1000)),
        (
            private(0x2001, "Philips Imaging DD 001", x03=("FL", 1000.0), x04=("CS", "I")),
            Diffusion(1000, None, trace=True),
        ),
        (private(0x43, GE, x39=("IS", [1_000_000_800, 8, 0, 0])), Diffusion(800)),
        (
            with_facts(private(0x43, GE, x39=("IS", [800, 8, 0, 0])), Modality="MR", SeriesDescription="DWI"),
            Diffusion(800),
        ),
        (
            with_facts(
                private(0x43, GE, x39=("IS", [800, 8, 0, 0])), Modality="MR", SeriesDescription="fMRI"
            ),
            Diffusion(),
        ),
        (
            private(0x65, "Image Private Header", x09=("FD", 700.0), x37=("FD", [0.0, 0.0, 0.0])),
            Diffusion(700, None, trace=True),
        ),
        (
            with_facts(Dataset(), Manufacturer="CANON_MEC", ImageComments="b=1500(0.445,0.000,0.895)"),
            Diffusion(1500, (0.445, 0, 0.895)),
        ),
        (with_facts(Dataset(), Manufacturer="Other", ImageComments="b=1500(0.445,0.000,0.895)"), Diffusion()),
        (
            with_facts(Dataset(), DiffusionBValue=1000.0, ImageType=["D", "P", "D", "TRACEW"]),
            Diffusion(1000, None, trace=True),
        ),
    ],
)
def test_each_vendor_states_diffusion_in_its_own_way(dataset: Dataset, expected: Diffusion) -> None:
    assert diffusion_of(dataset) == expected


def test_functional_groups_state_diffusion_per_frame() -> None:
    frame, item = (
        Dataset(),
        with_facts(Dataset(), DiffusionBValue=2500.0, DiffusionDirectionality="ISOTROPIC"),
    )
    frame.MRDiffusionSequence = Sequence([item])
    assert diffusion_of(Dataset(), (frame, None), Diffusion()) == Diffusion(2500, None, trace=True)
    assert diffusion_of(Dataset(), (Dataset(), None), Diffusion(7)) == Diffusion(7)


def test_csa_headers_are_read_and_broken_ones_are_empty() -> None:
    header = csa(One=["1.5"], Three=["1", "2", "3"])
    assert csa_numbers(header, "Three") == (1, 2, 3)
    assert csa_values(header, "Absent") == []
    for end in range(len(header)):
        csa_values(header[:end], "Three")
    assert csa_values(b"SV10" + b"\xff" * 200, "One") == []


def test_a_grid_of_another_vendor_has_its_own_positions() -> None:
    dataset = with_facts(Dataset(), ImageType=["ORIGINAL", "PRIMARY", "VFRAME"])
    places = [with_facts(Dataset(), ImagePositionPatient=[0, 0, 5 * n]) for n in range(5)]
    block = dataset.private_block(0x65, "Image Private Header", create=True)
    block.add_new(0x50, "DS", 5)
    block.add_new(0x51, "SQ", Sequence(places))
    mosaic = mosaic_of(dataset, 8, 12)  # 2 x 3 tiles of 4 x 4, one of them empty
    assert mosaic is not None
    assert [(tile.row, tile.column) for tile in mosaic.tiles] == [(0, 0), (0, 4), (0, 8), (4, 0), (4, 4)]
    assert [position[2] for position in mosaic.positions if position] == [0, 5, 10, 15, 20]


def mosaic_file(write_dicom: WriteDicom, normal: list[str]) -> Path:
    """Five slices of 2 x 2 in a mosaic of 3 x 3 tiles, each holding its number."""
    pixels = np.zeros((6, 6), dtype=np.int16)
    for number in range(5):
        row, column = divmod(number, 3)
        pixels[row * 2 : row * 2 + 2, column * 2 : column * 2 + 2] = number + 1
    path = write_dicom(
        "mosaic.dcm",
        pixels,
        (-6.0, -8.0, 10.0),
        ImageType=["ORIGINAL", "PRIMARY", "M", "MOSAIC"],
        SpacingBetweenSlices=4,
    )
    dataset = pydicom.dcmread(path)
    header = csa(NumberOfImagesInMosaic=["5"], SliceNormalVector=normal)
    dataset.private_block(0x29, "SIEMENS CSA HEADER", create=True).add_new(0x10, "OB", header)
    dataset.save_as(path)
    return path


def test_a_mosaic_becomes_slices_in_their_places(write_dicom: WriteDicom) -> None:
    image = read_image(mosaic_file(write_dicom, ["0", "0", "1"]))
    assert image.voxels[:, 0, 0].tolist() == [1, 2, 3, 4, 5]
    # Half of the mosaic less half a tile: two pixels of 1.5 mm along a row, of 2 mm along a column.
    np.testing.assert_allclose(image.geometry.to_patient(np.zeros(3)), (-3, -4, 10))
    assert image.geometry.spacing_mm == (4, 2, 1.5)


def test_slices_that_were_taken_out_of_a_mosaic_are_slices(write_dicom: WriteDicom) -> None:
    """Whoever takes a mosaic apart often leaves the word and the vendor's header in each slice."""
    for number in range(5):
        path = write_dicom(
            f"slices/{number}.dcm",
            np.full((6, 6), number, np.int16),
            (0, 0, 4 * number),
            ImageType=["ORIGINAL", "PRIMARY", "M", "MOSAIC"],
            AcquisitionMatrix=[6, 0, 0, 6],
        )
        dataset = pydicom.dcmread(path)
        header = csa(NumberOfImagesInMosaic=["5"])
        dataset.private_block(0x29, "SIEMENS CSA HEADER", create=True).add_new(0x10, "OB", header)
        dataset.save_as(path)
    image = read_image(path.parent)
    assert image.voxels.shape == (5, 6, 6)
    assert image.voxels[:, 0, 0].tolist() == [0, 1, 2, 3, 4]
    assert not image.diagnoses


def test_the_normal_in_the_header_says_which_way_tiles_go(write_dicom: WriteDicom) -> None:
    image = read_image(mosaic_file(write_dicom, ["0", "0", "-1"]))
    assert image.voxels[:, 0, 0].tolist() == [5, 4, 3, 2, 1]
    np.testing.assert_allclose(image.geometry.to_patient(np.array([4.0, 0, 0])), (-3, -4, 10))


def codes(file: DicomFile) -> set[str]:
    return {diagnosis.code for diagnosis in file.diagnoses}


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"NumberOfFrames": 0}, "frame-count"),
        ({"PixelData": bytes(400)}, "pixel-data-too-long"),
        ({"BurnedInAnnotation": "YES"}, "burned-in"),
        ({"Modality": "US"}, "burned-in-unknown"),
        ({"LossyImageCompression": "01", "LossyImageCompressionRatio": 12.5}, "lossy-compression"),
        ({"Modality": "DX", "PixelSpacing": None, "ImagerPixelSpacing": [0.2, 0.2]}, "size-at-detector"),
    ],
)
def test_what_is_odd_about_a_header_is_said(
    write_dicom: WriteDicom, facts: dict[str, Any], code: str
) -> None:
    assert codes(read_header(write_dicom("a.dcm", PIXELS, **facts))) == {code} | (
        {"burned-in-unknown"} if facts.get("Modality") == "US" else set()
    )
    assert codes(read_header(write_dicom("b.dcm", PIXELS))) == set()


def test_an_unknown_character_set_gives_one_notice(write_dicom: WriteDicom, tmp_path: Path) -> None:
    for number in range(3):
        path = write_dicom(f"names/{number}.dcm", PIXELS, (0, 0, number), SpecificCharacterSet="ISO_IR 100")
        path.write_bytes(path.read_bytes().replace(b"ISO_IR 100", b"ISO_IR 999"))
    image = read_image(tmp_path / "names")
    assert [each.code for each in image.diagnoses].count("unknown-character-set") == 1


def test_an_unknown_value_representation_names_its_tag(write_dicom: WriteDicom) -> None:
    path = write_dicom("a.dcm", PIXELS, PatientComments="abcd")
    raw = path.read_bytes()
    stated, odd = b"\x10\x00\x00\x40LT", b"\x10\x00\x00\x40ZZ"
    assert raw.count(stated) == 1
    path.write_bytes(raw.replace(stated, odd))
    [finding] = read_header(path).diagnoses
    assert finding.code == "unknown-vr"
    assert "(0010,4000)" in finding.sentence
    assert read_image(path).voxels.shape == (1, 4, 5)


def test_words_where_a_number_belongs_are_named_by_tag_and_reach_no_log(
    shared_data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = read_header(shared_data / "pydicom/src/pydicom/data/test_files/badVR.dcm")
    [finding] = [each for each in file.diagnoses if each.code == "unreadable-value"]
    assert "(0028,0008)" in finding.sentence
    assert "1A" not in finding.sentence
    assert caplog.text == ""


def test_sequences_nested_without_end_are_too_deep(write_dicom: WriteDicom) -> None:
    path = write_dicom("a.dcm", PIXELS)
    raw = path.read_bytes()
    deep = b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff" * 5000
    place = raw.index(b"\x08\x00\x60\x00CS")
    path.write_bytes(raw[:place] + deep + raw[place:])
    with pytest.raises(ReadError, match="too deep") as caught:
        read_header(path)
    assert caught.value.code == "too-deep"


def test_a_deflated_bomb_meets_a_limit(write_dicom: WriteDicom) -> None:
    path = write_dicom("a.dcm", PIXELS)
    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    dataset.save_as(path)
    raw = path.read_bytes()
    start = 128 + 16 + int.from_bytes(raw[140:144], "little")
    element = b"\x08\x00\x05\x00UT\0\0" + struct.pack("<I", 0x7FFFFFF0)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = (
        packer.compress(element)
        + b"".join(packer.compress(bytes(1 << 20)) for _ in range(300))
        + packer.flush()
    )
    path.write_bytes(raw[:start] + bomb)
    with pytest.raises(ReadError, match=r"'a\.dcm'"):
        read_header(path)


def test_an_element_that_overruns_the_file_leaves_no_image(write_dicom: WriteDicom) -> None:
    path = write_dicom("a.dcm", PIXELS, PatientComments="abcd")
    raw = bytearray(path.read_bytes())
    place = raw.index(b"\x10\x00\x00\x40LT")
    raw[place + 6 : place + 8] = b"\xff\xff"
    path.write_bytes(raw)
    with pytest.raises(ReadError, match=r"'a\.dcm'"):
        read_header(path)


def test_an_unknown_transfer_syntax_is_named(write_dicom: WriteDicom) -> None:
    path = write_dicom("a.dcm", PIXELS)
    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = "1.2.3.4"
    dataset.save_as(path, implicit_vr=False, little_endian=True)
    with pytest.raises(ReadError, match=r"1\.2\.3\.4"):
        read_header(path)


def test_a_bad_file_does_not_stop_the_folder(write_stack: Callable[..., Path]) -> None:
    folder = write_stack([0, 5, 10])
    (folder / "empty.dcm").write_bytes(b"")
    (folder / "text.dcm").write_text("not an image")
    whole = (folder / "001.dcm").read_bytes()
    (folder / "short.dcm").write_bytes(whole[:-12])
    inspection = inspect_path(folder)
    assert inspection.series[0].shape == (3, 4, 5)
    assert {entry.path.name: entry.code for entry in inspection.unreadable} == {
        "empty.dcm": "empty-file",
        "text.dcm": "not-an-image",
        "short.dcm": "truncated",
    }


@pytest.mark.parametrize(
    ("facts", "spacing", "place"),
    [
        ({"PixelSpacing": [0.5, 0.5]}, (0.5, 0.5), "patient"),
        ({"Modality": "DX", "PixelSpacing": None, "ImagerPixelSpacing": [0.2, 0.1]}, (0.2, 0.1), "detector"),
        (
            {"Modality": "CR", "PixelSpacing": [0.2, 0.2], "ImagerPixelSpacing": [0.2, 0.2]},
            (0.2, 0.2),
            "detector",
        ),
        (
            {"Modality": "CR", "PixelSpacing": [0.1, 0.1], "ImagerPixelSpacing": [0.2, 0.2]},
            (0.1, 0.1),
            "patient",
        ),
        (
            {"Modality": "DX", "PixelSpacing": [0.2, 0.2], "PixelSpacingCalibrationType": "FIDUCIAL"},
            (0.2, 0.2),
            "patient",
        ),
        (
            {
                "Modality": "DX",
                "PixelSpacing": None,
                "ImagerPixelSpacing": [0.3, 0.3],
                "EstimatedRadiographicMagnificationFactor": 1.5,
            },
            (0.2, 0.2),
            "estimated",
        ),
        ({"PixelSpacing": None}, None, "patient"),
    ],
)
def test_pixels_have_the_size_that_holds_in_the_patient(
    write_dicom: WriteDicom, facts: dict[str, Any], spacing: tuple[float, float] | None, place: str
) -> None:
    size = read_header(write_dicom("a.dcm", PIXELS, **facts)).frames[0].size
    assert size.spacing == (None if spacing is None else pytest.approx(spacing))
    assert size.place == place


def test_regions_of_ultrasound_state_centimetres(write_dicom: WriteDicom) -> None:
    region = with_facts(
        Dataset(),
        RegionSpatialFormat=1,
        PhysicalUnitsXDirection=3,
        PhysicalUnitsYDirection=3,
        PhysicalDeltaX=0.02,
        PhysicalDeltaY=0.05,
    )
    facts = {"Modality": "US", "PixelSpacing": None, "SequenceOfUltrasoundRegions": Sequence([region])}
    size = read_header(write_dicom("a.dcm", PIXELS, **facts)).frames[0].size
    assert size.spacing == pytest.approx((0.5, 0.2))


@pytest.mark.parametrize(
    ("letters", "row", "column"),
    [
        (["L", "F"], (1, 0, 0), (0, 0, -1)),
        (["A", "H"], (0, -1, 0), (0, 0, 1)),
        (["LA", "F"], (0.894, -0.447, 0), (0, 0, -1)),
        (["L", "R"], None, None),
        (["L"], None, None),
        (["X", "F"], None, None),
        (None, None, None),
    ],
)
def test_letters_of_a_film_become_directions(
    letters: Any, row: tuple[float, ...] | None, column: tuple[float, ...] | None
) -> None:
    six = directions_of(letters)
    if row is None or column is None:
        assert six is None
    else:
        assert six == pytest.approx((*row, *column), abs=1e-3)


@pytest.mark.parametrize(
    ("letters", "edges"), [(["L", "F"], ("R", "L", "S", "I")), (["R", "F"], ("L", "R", "S", "I"))]
)
def test_a_film_shows_its_letters_and_hangs_as_stored(
    write_dicom: WriteDicom, letters: list[str], edges: tuple[str, ...]
) -> None:
    pixels = np.arange(20, dtype=np.int16).reshape(4, 5)
    image = read_image(
        write_dicom(
            "a.dcm", pixels, None, Modality="DX", ImageOrientationPatient=None, PatientOrientation=letters
        )
    )
    assert image.plane.edge_letters(image.geometry) == edges
    np.testing.assert_array_equal(image.plane.picture(image.voxels, 0), pixels)
    assert image.plane.as_stored
    assert image.plane.position_mm(image.geometry, 0) is None
    assert "no-orientation" not in {each.code for each in image.diagnoses}


@pytest.mark.parametrize(("offsets", "depths"), [([0, 4, 9], [10, 14, 19]), ([10, 14, 19], [10, 14, 19])])
def test_planes_of_a_dose_lie_at_their_offsets(
    write_dicom: WriteDicom, offsets: list[float], depths: list[float]
) -> None:
    pixels = np.stack([np.full((4, 5), n, dtype=np.uint16) for n in (1, 2, 3)])
    path = write_dicom(
        "dose.dcm",
        pixels[0],
        (0, 0, 10),
        Modality="RTDOSE",
        NumberOfFrames=3,
        GridFrameOffsetVector=offsets,
        DoseGridScaling=0.5,
        DoseUnits="GY",
        PixelData=pixels.tobytes(),
    )
    image = read_image(path)
    places = [image.geometry.to_patient(np.array([n, 0.0, 0.0]))[2] for n in range(3)]
    np.testing.assert_allclose(places, depths)
    assert image.voxels[:, 0, 0].tolist() == [0.5, 1, 1.5]
    assert image.intensity.unit == "Gy"


def test_nuclear_slices_lie_where_their_detector_says(write_dicom: WriteDicom) -> None:
    pixels = np.stack([np.full((4, 5), n, dtype=np.uint16) for n in (1, 2, 3)])
    detector = with_facts(
        Dataset(), ImagePositionPatient=[0, 0, 100], ImageOrientationPatient=[1, 0, 0, 0, 1, 0]
    )
    path = write_dicom(
        "nm.dcm",
        pixels[0],
        None,
        Modality="NM",
        ImageOrientationPatient=None,
        ImageType=["ORIGINAL", "PRIMARY", "RECON TOMO", "EMISSION"],
        NumberOfFrames=3,
        SpacingBetweenSlices=-5,
        DetectorInformationSequence=Sequence([detector]),
        PixelData=pixels.tobytes(),
    )
    image = read_image(path)
    assert image.voxels[:, 0, 0].tolist() == [3, 2, 1]
    np.testing.assert_allclose(image.geometry.to_patient(np.zeros(3)), (0, 0, 90))

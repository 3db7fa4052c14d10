"""DICOM against NIfTI references, SimpleITK and pydicom, and stacks that are not what they seem."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pydicom
import pytest
import SimpleITK
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from viewer.foundation.errors import ReadError
from viewer.imaging.contents import Contents
from viewer.imaging.dicom.codestream import codestream_size
from viewer.imaging.image import MedicalImage
from viewer.imaging.reading import inspect_path, read_image
from viewer.imaging.windows import default_window, grey_levels

nib: Any = nibabel
sitk: Any = SimpleITK
WriteDicom = Callable[..., Path]


def codes(image: MedicalImage) -> list[str]:
    return [diagnosis.code for diagnosis in image.diagnoses]


def assert_same_place_same_value(image: MedicalImage, reference: Any) -> None:
    """Every voxel of a NIfTI reference lies, through both affines, on a voxel of the image with the same value."""
    values = np.asarray(reference.dataobj)
    values = values[..., 0] if values.ndim == 4 else values
    if values.dtype.names:
        values = np.stack([values[name] for name in "RGB"], axis=-1)
    grid = np.stack(np.meshgrid(*(np.arange(n) for n in values.shape[:3]), indexing="ij"), axis=-1)
    lps = (grid @ reference.affine[:3, :3].T + reference.affine[:3, 3]) * (-1, -1, 1)
    voxel = image.geometry.to_voxel(lps)
    nearest = np.rint(voxel).astype(int)
    millimetres = np.abs(voxel - nearest) * image.geometry.spacing_mm
    assert millimetres.max() < 1e-4
    np.testing.assert_array_equal(image.voxels[tuple(np.moveaxis(nearest, -1, 0))], values)


@pytest.mark.parametrize("number", [19, 20, 22, 24])
def test_enhanced_multi_frame_equals_its_nifti(shared_data: Path, number: int) -> None:
    image = read_image(shared_data / f"dcm_qa_xa30/In/{number}_DWI_dir80_AP")
    assert_same_place_same_value(image, nib.load(shared_data / f"dcm_qa_xa30/Ref/{number}_DWI_dir80_AP.nii"))


def test_enhanced_multi_frame_says_what_it_is(shared_data: Path) -> None:
    trace = read_image(shared_data / "dcm_qa_xa30/In/20_DWI_dir80_AP")
    assert (trace.modality, trace.sequence, trace.b_value, trace.body_part) == ("MR", "DWI", 2500, "brain")
    assert trace.plane.edge_letters(trace.geometry) == ("R", "L", "A", "P")
    adc = read_image(shared_data / "dcm_qa_xa30/In/19_DWI_dir80_AP")
    assert (adc.sequence, adc.intensity.unit) == ("ADC", "10^-6 mm2/s")
    colour = read_image(shared_data / "dcm_qa_xa30/In/22_DWI_dir80_AP")
    assert colour.voxels.shape == (39, 72, 72, 3)
    assert colour.colour


def test_a_time_series_shows_its_first_volume(shared_data: Path) -> None:
    image = read_image(shared_data / "dcm_qa_nih/In/20180918GE/mr_0004")
    assert_same_place_same_value(
        image, nib.load(shared_data / "dcm_qa_nih/Ref/DCM2NIIX_regression_test_4.nii")
    )
    assert "15 of 150 images" in next(d.sentence for d in image.diagnoses if d.code == "several-volumes")


def test_a_plain_series_equals_simpleitk(shared_data: Path) -> None:
    folder = shared_data / "torchio/tests/image_data/dicom"
    image = read_image(folder)
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    other = reader.Execute()
    np.testing.assert_array_equal(image.voxels, sitk.GetArrayFromImage(other))
    assert image.geometry.spacing_mm == pytest.approx(tuple(other.GetSpacing())[::-1], abs=1e-4)
    np.testing.assert_allclose(image.geometry.affine_lps[:3, 3], other.GetOrigin(), atol=1e-4)
    assert image.voxels.dtype == np.int16
    assert image.plane.edge_letters(image.geometry) == ("R", "L", "A", "P")


def test_gantry_tilt_and_uneven_gaps_of_a_real_head_are_said(shared_data: Path) -> None:
    image = read_image(shared_data / "dcm_qa_ct/In/GE")
    assert "uneven-spacing" in codes(image)
    tilt = next(d for d in image.diagnoses if d.code == "gantry-tilt")
    assert "18.5 degrees" in tilt.sentence
    assert image.voxels.dtype == np.int16


def test_the_monochrome1_twin_is_the_negative_of_its_original(shared_data: Path) -> None:
    """The twin holds the same bytes under the label MONOCHROME1, so it has to look like the negative."""
    folder = shared_data / "torchxrayvision/tests"
    plain = read_image(next(folder.glob("1.2*.dcm")))
    twin = read_image(folder / "Fake_MONOHR1.dcm")
    np.testing.assert_array_equal(plain.voxels, twin.voxels)
    assert twin.intensity.inverted
    shown, negative = (
        grey_levels(image.voxels[0], default_window(image), inverted=image.intensity.inverted)
        for image in (plain, twin)
    )
    np.testing.assert_allclose(shown, 1 - negative, atol=1e-6)
    assert np.corrcoef(plain.grey(plain.voxels[0]).ravel(), twin.grey(twin.voxels[0]).ravel())[0, 1] < -0.999


@pytest.mark.parametrize(
    "name",
    [
        "pydicom/src/pydicom/data/test_files/" + name
        for name in (
            "CT_small.dcm",
            "MR_small_RLE.dcm",
            "MR_small_bigendian.dcm",
            "JPGExtended.dcm",
            "image_dfl.dcm",
            "MR_small_jp2klossless.dcm",
            "GDCMJ2K_TextGBR.dcm",
            "MR_small_jpeg_ls_lossless.dcm",
            "SC_ybr_full_422_uncompressed.dcm",
            "examples_palette.dcm",
        )
    ]
    + [
        "pydicom-data/data_store/data/JPGLosslessP14SV1_1s_1f_8b.dcm",
        "pydicom-data/data_store/data/HTJ2K_08_RGB.dcm",
    ],
)
def test_decoded_pixels_equal_those_of_gdcm(
    shared_data: Path, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    image = read_image(shared_data / name)
    assert capfd.readouterr().err == ""
    other = sitk.GetArrayFromImage(sitk.ReadImage(str(shared_data / name), imageIO="GDCMImageIO"))
    np.testing.assert_array_equal(image.voxels, other.reshape(image.voxels.shape))


@pytest.mark.parametrize("folder", ["pydicom", "pydicom-data"])
def test_no_odd_file_raises_anything_but_a_read_error(shared_data: Path, folder: str) -> None:
    files = [path for path in sorted((shared_data / folder).rglob("*")) if path.is_file()]
    assert len(files) > 30
    refused: list[tuple[Path, str]] = []
    for path in files:
        inspection = inspect_path(path)
        refused.extend((path, entry.sentence) for entry in inspection.unreadable)
        for info in inspection.series:
            try:
                read_image(path, info.id)
            except ReadError as error:
                refused.append((path, error.sentence))
    assert [path.name for path, sentence in refused if path.name not in sentence] == []
    assert len(refused) < len(files) / 3


def test_slices_are_sorted_by_position_not_by_name_or_number(write_stack: Callable[..., Path]) -> None:
    image = read_image(write_stack([30.0, -5.0, 12.5, -22.5]))
    assert image.voxels[:, 0, 0].tolist() == [-225, -50, 125, 300]
    assert image.geometry.spacing_mm == (17.5, 2.0, 1.5)
    np.testing.assert_allclose(image.geometry.to_patient(np.array([3.0, 1.0, 2.0])), (3.0, 2.0, 30.0))


def test_a_stack_along_minus_z_grows_along_its_normal(write_stack: Callable[..., Path]) -> None:
    image = read_image(write_stack([0, 5, 10], ImageOrientationPatient=[1, 0, 0, 0, -1, 0]))
    assert image.voxels[:, 0, 0].tolist() == [100, 50, 0]
    assert np.linalg.det(image.geometry.affine_lps) > 0


@pytest.mark.parametrize(
    ("depths", "code", "words"),
    [
        ([0, 5, 10, 20, 25], "missing-slice", "1 slice is missing after slice 3 of 5"),
        ([0, 5, 10, 17.3, 22], "uneven-spacing", "from 4.70 to 7.30 mm"),
        ([0, 5, 5, 10], "slices-at-one-position", "1 slice lies where another"),
    ],
)
def test_gaps_are_said(write_stack: Callable[..., Path], depths: list[float], code: str, words: str) -> None:
    found = {d.code: d.sentence for d in read_image(write_stack(depths)).diagnoses}
    assert words in found[code]


def test_tilt_is_in_the_affine(write_stack: Callable[..., Path]) -> None:
    image = read_image(write_stack([0, 5, 10], place=lambda depth: (0, depth * 0.2, depth)))
    assert "gantry-tilt" in codes(image)
    np.testing.assert_allclose(image.geometry.to_patient(np.array([2.0, 0, 0])), (0, 2, 10))


@pytest.mark.parametrize(
    ("stated", "facts", "said"),
    [
        (15, {}, True),
        (-15, {}, True),
        (0, {}, False),
        (15, {"Modality": "MR"}, False),
        (15, {"ImageType": ["DERIVED", "SECONDARY", "AXIAL"]}, False),
        (15, {"ImageOrientationPatient": [1, 0, 0, 0, 0.96592583, -0.25881905]}, False),
        (15, {"place": lambda depth: (0, 0.26794919 * depth, depth)}, False),
    ],
)
def test_a_tilt_that_is_stated_and_not_shown_is_said(
    write_stack: Callable[..., Path], stated: float, facts: dict[str, Any], said: bool
) -> None:
    """Slices that say themselves which way they lie, or are made from others, are believed."""
    both = {"Modality": "CT", "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"], "GantryDetectorTilt": stated}
    assert ("tilt-not-shown" in codes(read_image(write_stack([0, 5, 10], **both | facts)))) == said


def test_even_stacks_have_nothing_to_say(write_stack: Callable[..., Path]) -> None:
    assert read_image(write_stack([0, 5, 10, 15])).diagnoses == ()


def test_pictures_at_one_place_are_a_sequence_in_time(write_stack: Callable[..., Path]) -> None:
    image = read_image(write_stack([5, 5, 5]))
    assert image.voxels.shape[0] == 3
    assert "one-place" in codes(image)


def test_a_slice_without_position_is_left_out_and_said(
    write_stack: Callable[..., Path], write_dicom: WriteDicom
) -> None:
    folder = write_stack([0, 5, 10])
    write_dicom("stack/odd.dcm", np.zeros((4, 5), dtype=np.int16), None)
    image = read_image(folder)
    assert image.voxels.shape[0] == 3
    assert "slice-without-position" in codes(image)


def test_localizer_and_other_sizes_are_split_off(
    write_stack: Callable[..., Path], write_dicom: WriteDicom
) -> None:
    folder = write_stack([0, 5, 10])
    write_dicom(
        "stack/localizer.dcm", np.zeros((4, 5), dtype=np.int16), ImageOrientationPatient=[0, 1, 0, 0, 0, -1]
    )
    write_dicom("stack/small.dcm", np.zeros((2, 2), dtype=np.int16), (0, 0, 5))
    assert sorted(info.shape for info in inspect_path(folder).series) == [(1, 2, 2), (1, 4, 5), (3, 4, 5)]


def test_two_patients_are_never_merged(write_stack: Callable[..., Path]) -> None:
    write_stack([0, 5], "both/a", PatientID="P1")
    folder = write_stack([10, 15], "both/b", PatientID="P2").parent
    one, other = inspect_path(folder).series
    assert (one.shape[0], other.shape[0]) == (2, 2)
    assert one.patient_key != other.patient_key
    assert "P1" not in one.patient_key + other.patient_key
    with pytest.raises(ReadError, match="holds 2 series") as caught:
        read_image(folder)
    assert caught.value.code == "several-series"


def test_a_series_is_named_by_id_or_uid(write_stack: Callable[..., Path]) -> None:
    uid = pydicom.uid.generate_uid()
    write_stack([0, 5], "both/a", SeriesNumber=1)
    folder = write_stack([10, 15, 20], "both/b", SeriesNumber=2, SeriesInstanceUID=uid).parent
    assert read_image(folder, "s1").voxels.shape[0] == 2
    assert read_image(folder, "s2").source.series_uid == uid
    np.testing.assert_array_equal(read_image(folder, "s2").voxels, read_image(folder, uid).voxels)


def test_of_a_diffusion_series_the_highest_trace_is_shown(write_stack: Callable[..., Path]) -> None:
    write_stack([0, 5], "dwi/b0", DiffusionBValue=0.0)
    write_stack([0, 5], "dwi/b1000x", DiffusionBValue=1000.0, DiffusionGradientOrientation=[1.0, 0, 0])
    write_stack(
        [0, 5],
        "dwi/b1000t",
        DiffusionBValue=1000.0,
        DiffusionDirectionality="ISOTROPIC",
        RescaleSlope=3,
        RescaleIntercept=1,
    )
    write_stack([0, 5], "dwi/adc", ImageType=["DERIVED", "PRIMARY", "DIFFUSION", "ADC"])
    folder = write_stack([0, 5], "dwi/b500", DiffusionBValue=500.0).parent
    series = inspect_path(folder).series
    assert sorted(info.b_values for info in series) == [(), (0, 500, 1000)]
    image = read_image(folder)
    assert (image.b_value, image.sequence) == (1000, "DWI")
    assert image.voxels[:, 0, 0].tolist() == [1, 151]
    notes = [d.sentence for d in image.diagnoses]
    assert any("2 of 8 images are shown: volume 2 of 4 (b 1000, trace" in note for note in notes)
    assert any("2 of 10 images are shown" in note for note in notes)


@pytest.mark.parametrize(
    ("group", "creator", "element", "vr", "value"),
    [
        (0x0019, "SIEMENS MR HEADER", 0x0C, "IS", 800),
        (0x2001, "Philips Imaging DD 001", 0x03, "FL", 800.0),
        (0x0043, "GEMS_PARM_01", 0x39, "IS", [1000000800, 8, 0, 0]),
    ],
)
def test_vendors_b_values_are_understood(
    write_dicom: WriteDicom, group: int, creator: str, element: int, vr: str, value: Any
) -> None:
    path = write_dicom("a.dcm", np.zeros((4, 5), dtype=np.int16), SeriesDescription="ax DWI")
    dataset = pydicom.dcmread(path)
    dataset.private_block(group, creator, create=True).add_new(element, vr, value)
    dataset.save_as(path)
    assert read_image(path).b_value == 800


@pytest.mark.parametrize(
    ("slope", "intercept", "dtype", "expected"),
    [
        (1, -1024, np.uint16, np.int16),
        (-1, 0, np.int16, np.int16),
        (2, 40000, np.int16, np.uint16),
        (1000, 0, np.int16, np.int32),
        (0.5, 0, np.int16, np.float32),
    ],
)
def test_the_rescale_keeps_the_smallest_type(
    write_dicom: WriteDicom, slope: float, intercept: float, dtype: type, expected: type
) -> None:
    pixels = np.arange(20, dtype=dtype).reshape(4, 5) * 50
    image = read_image(write_dicom("a.dcm", pixels, RescaleSlope=slope, RescaleIntercept=intercept))
    assert image.voxels.dtype == expected
    np.testing.assert_array_equal(image.voxels[0], pixels.astype(float) * slope + intercept)


@pytest.mark.parametrize("slope", [0, float("nan")])
def test_a_senseless_rescale_leaves_raw_values_and_says_so(write_dicom: WriteDicom, slope: float) -> None:
    pixels = np.arange(20, dtype=np.int16).reshape(4, 5)
    path = write_dicom("a.dcm", pixels, RescaleIntercept=5)
    dataset = pydicom.dcmread(path)
    dataset.add_new("RescaleSlope", "DS", "0" if slope == 0 else "1")
    if slope != 0:
        dataset["RescaleSlope"]._value = "nan"
    dataset.save_as(path)
    image = read_image(path)
    np.testing.assert_array_equal(image.voxels[0], pixels)
    assert "bad-rescale" in codes(image)


def enhanced(pixels: NDArray[np.uint16], depths: list[float], slopes: list[float]) -> Dataset:
    """Functional groups of an enhanced object with a rescale per frame."""
    dataset = Dataset()
    shared = Dataset()
    shared.PixelMeasuresSequence = Sequence([Dataset()])
    shared.PixelMeasuresSequence[0].PixelSpacing = [2.0, 1.5]
    shared.PlaneOrientationSequence = Sequence([Dataset()])
    shared.PlaneOrientationSequence[0].ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.SharedFunctionalGroupsSequence = Sequence([shared])
    frames = []
    for depth, slope in zip(depths, slopes, strict=True):
        frame = Dataset()
        frame.PlanePositionSequence = Sequence([Dataset()])
        frame.PlanePositionSequence[0].ImagePositionPatient = [0, 0, depth]
        frame.PixelValueTransformationSequence = Sequence([Dataset()])
        frame.PixelValueTransformationSequence[0].RescaleSlope = slope
        frame.PixelValueTransformationSequence[0].RescaleIntercept = 0
        frames.append(frame)
    dataset.PerFrameFunctionalGroupsSequence = Sequence(frames)
    dataset.NumberOfFrames, dataset.PixelData = len(frames), pixels.tobytes()
    return dataset


def test_every_frame_has_its_own_place_and_rescale(write_dicom: WriteDicom) -> None:
    pixels = np.stack([np.full((4, 5), n, dtype=np.uint16) for n in (10, 20, 30)])
    groups = enhanced(pixels, [8.0, 0.0, 4.0], [1.0, 2.0, 0.5])
    facts = {element.keyword: element.value for element in groups}
    path = write_dicom("a.dcm", pixels[0], None, ImageOrientationPatient=None, PixelSpacing=None, **facts)
    image = read_image(path)
    assert image.voxels[:, 0, 0].tolist() == [40, 15, 10]
    assert image.geometry.spacing_mm == (4, 2, 1.5)


def test_frames_of_spin_labelling_are_told_apart_by_their_context(write_dicom: WriteDicom) -> None:
    """Control and label of one time share everything else, and lie in any order."""
    depths = [0.0, 0.0, 4.0, 4.0, 8.0, 8.0]
    contexts = ["LABEL", "CONTROL", "CONTROL", "LABEL", "LABEL", "CONTROL"]
    pixels = np.stack(
        [
            np.full((4, 5), 10 * (name == "LABEL") + z, np.uint16)
            for z, name in zip(depths, contexts, strict=True)
        ]
    )
    groups = enhanced(pixels, depths, [1.0] * 6)
    for frame, context in zip(groups.PerFrameFunctionalGroupsSequence, contexts, strict=True):
        item = Dataset()
        item.ASLContext = context
        frame.MRArterialSpinLabelingSequence = Sequence([item])
    facts = {element.keyword: element.value for element in groups}
    path = write_dicom("a.dcm", pixels[0], None, ImageOrientationPatient=None, PixelSpacing=None, **facts)
    contents = Contents.of(path)
    labels = [volume.label for volume in contents.inspection.series[0].volumes]
    assert sorted(labels) == ["control", "label"]
    assert contents.load(volume=labels.index("label")).voxels[:, 0, 0].tolist() == [10, 14, 18]
    assert contents.load(volume=labels.index("control")).voxels[:, 0, 0].tolist() == [0, 4, 8]


def test_colour_is_interleaved_whatever_the_file_does(write_dicom: WriteDicom) -> None:
    colour = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    path = write_dicom(
        "a.dcm",
        colour[..., 0],
        SamplesPerPixel=3,
        PhotometricInterpretation="RGB",
        PlanarConfiguration=1,
        PixelData=np.moveaxis(colour, -1, 0).tobytes(),
    )
    image = read_image(path)
    np.testing.assert_array_equal(image.voxels[0], colour)
    assert image.intensity.photometric == "RGB"


def test_windows_of_the_file_come_with_their_names(write_dicom: WriteDicom) -> None:
    path = write_dicom(
        "a.dcm",
        np.zeros((4, 5), dtype=np.int16),
        WindowCenter=[40, 600],
        WindowWidth=[80, 2800],
        WindowCenterWidthExplanation=["BRAIN", "BONE"],
    )
    assert [(w.name, w.centre, w.width) for w in read_image(path).intensity.windows] == [
        ("brain", 40, 80),
        ("bone", 600, 2800),
    ]


def cut(path: Path, keep: int) -> Path:
    path.write_bytes(path.read_bytes()[:keep])
    return path


def test_cut_off_and_impossible_files_are_refused_by_name(write_dicom: WriteDicom) -> None:
    pixels = np.zeros((64, 64), dtype=np.int16)
    whole = write_dicom("whole.dcm", pixels).stat().st_size
    cases = {
        "truncated": cut(write_dicom("short.dcm", pixels), whole - 4000),
        "incomplete": cut(write_dicom("header.dcm", pixels), whole - 64 * 64 * 2 - 12),
        "no-pixel-data": write_dicom("empty.dcm", pixels, Rows=None, PixelData=None),
        "bits-stored": write_dicom("bits.dcm", pixels, BitsStored=24),
        "photometric": write_dicom("colour.dcm", pixels, PhotometricInterpretation="TASTE"),
        "frame-count": write_dicom("frames.dcm", pixels, NumberOfFrames=10**6),
    }
    for code, path in cases.items():
        with pytest.raises(ReadError, match=path.name) as caught:
            read_image(path)
        assert caught.value.code == code
        assert caught.value.sentence.count(". ") == 0


def test_no_frames_at_all_is_read_as_one(write_dicom: WriteDicom) -> None:
    assert "frame-count" in codes(
        read_image(write_dicom("a.dcm", np.ones((4, 5), dtype=np.int16), NumberOfFrames=0))
    )


def test_without_a_preamble_it_is_read_with_a_note(write_dicom: WriteDicom) -> None:
    path = write_dicom("a.dcm", np.full((4, 5), 7, dtype=np.int16))
    path.write_bytes(path.read_bytes()[132:])
    image = read_image(path)
    assert image.voxels.max() == 7
    assert "no-preamble" in codes(image)


def test_a_preamble_of_a_program_is_warned_of(write_dicom: WriteDicom) -> None:
    path = write_dicom("a.dcm", np.zeros((4, 5), dtype=np.int16))
    path.write_bytes(b"MZ" + path.read_bytes()[2:])
    assert "program-preamble" in codes(read_image(path))


def test_too_many_pixels_meet_the_budget(write_dicom: WriteDicom) -> None:
    path = write_dicom("a.dcm", np.zeros((4, 5), dtype=np.int16))
    dataset = pydicom.dcmread(path)
    dataset.Rows = dataset.Columns = 60000
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.JPEG2000Lossless
    dataset.PixelData = pydicom.encaps.encapsulate([b"\xff\x4f\xff\x51" + bytes(60)])
    dataset["PixelData"].is_undefined_length = True
    dataset.save_as(path)
    with pytest.raises(ReadError, match="more than the 4 GB allowed"):
        read_image(path)


def test_a_codestream_larger_than_its_header_is_refused(shared_data: Path, tmp_path: Path) -> None:
    """A damaged JPEG of 256 x 256 once made a decoder work for 46 seconds on 65,280 x 65,280 pixels."""
    name = "pydicom/src/pydicom/data/test_files/SC_rgb_jpeg.dcm"
    raw = bytearray((shared_data / name).read_bytes())
    sof = raw.index(b"\xff\xc0\x00\x11")
    assert codestream_size(bytes(raw[raw.index(b"\xff\xd8") :])) == (256, 256)
    raw[sof + 5 : sof + 9] = b"\xff\x00\xff\x00"
    (tmp_path / "a.dcm").write_bytes(raw)
    with pytest.raises(ReadError, match="announces 256 x 256 pixels") as caught:
        read_image(tmp_path / "a.dcm")
    assert caught.value.code == "size-mismatch"


def test_a_patient_is_in_no_sentence_and_no_repr(write_dicom: WriteDicom) -> None:
    image = read_image(write_dicom("a.dcm", np.zeros((4, 5), dtype=np.int16)))
    assert image.patient.name == "Nobody^Nemo"
    assert "Nemo" not in repr(image)
    assert "Nemo" not in repr(image.patient)

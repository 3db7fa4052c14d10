"""Volumes of one series: points in time, weightings, echoes, and pictures that are missing among them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest

from tests.imaging.dicom.listing import codes, only
from viewer.imaging.contents import Contents

WriteDicom = Callable[..., Path]
WriteStack = Callable[..., Path]


def test_time_points_are_sorted_by_what_the_files_say_of_time(write_stack: WriteStack) -> None:
    for time in (2, 10, 1):
        folder = write_stack(
            [0, 5, 10],
            f"time/{99 - time}",
            TemporalPositionIdentifier=time,
            RescaleSlope=1,
            RescaleIntercept=time,
        ).parent
    info = only(folder)
    assert [volume.label for volume in info.volumes] == ["time 1", "time 2", "time 3"]
    assert (info.frames, info.shape) == (9, (3, 4, 5))
    first = [int(Contents.of(folder).load(volume=number).voxels[0, 0, 0]) for number in range(3)]
    assert first == [1, 2, 10]


def test_echoes_are_volumes_with_their_times(write_stack: WriteStack) -> None:
    write_stack([0, 5], "echoes/1", EchoNumbers=1, EchoTime=23.5)
    folder = write_stack([0, 5], "echoes/2", EchoNumbers=2, EchoTime=92).parent
    assert [volume.label for volume in only(folder).volumes] == ["echo 1 (TE 23.5 ms)", "echo 2 (TE 92 ms)"]


def test_phases_of_a_heart_are_volumes(write_stack: WriteStack) -> None:
    for delay in (0, 40, 80):
        folder = write_stack([0, 8], f"heart/{delay}", TriggerTime=delay).parent
    assert [volume.label for volume in only(folder).volumes] == ["phase 1", "phase 2", "phase 3"]


def test_directions_are_counted_and_the_trace_comes_first(write_stack: WriteStack) -> None:
    write_stack([0, 5], "dwi/0", DiffusionBValue=0.0)
    for place, direction in enumerate(([1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0])):
        write_stack([0, 5], f"dwi/1{place}", DiffusionBValue=1000.0, DiffusionGradientOrientation=direction)
    folder = write_stack([0, 5], "dwi/2", DiffusionBValue=1000.0, DiffusionDirectionality="ISOTROPIC").parent
    info = only(folder)
    assert [volume.label for volume in info.volumes] == [
        "b 0",
        "b 1000, direction 1",
        "b 1000, direction 2",
        "b 1000, direction 3",
        "b 1000, trace",
    ]
    assert info.volume == 4
    image = Contents.of(folder).load()
    assert (image.volume, image.b_value, len(image.volumes)) == (4, 1000, 5)
    assert "2 of 10 images are shown" in next(
        d.sentence for d in image.diagnoses if d.code == "several-volumes"
    )
    other = Contents.of(folder).load(volume=0)
    assert (other.volume, other.b_value) == (0, 0)


def test_an_aborted_time_series_keeps_its_whole_volumes(write_stack: WriteStack) -> None:
    for time in (1, 2):
        write_stack([0, 5, 10], f"epi/{time}", TemporalPositionIdentifier=time)
    folder = write_stack([0, 5], "epi/3", TemporalPositionIdentifier=3).parent
    info = only(folder)
    assert [volume.slices for volume in info.volumes] == [3, 3, 2]
    assert info.shape[0] == 3
    assert Contents.of(folder).load(volume=2).voxels.shape == (2, 4, 5)


@pytest.mark.parametrize("slice_by_slice", [False, True])
@pytest.mark.parametrize("missing", [1, 2, 4, 6, 7, 12])
def test_a_missing_picture_never_mixes_points_in_time(
    write_dicom: WriteDicom, tmp_path: Path, missing: int, slice_by_slice: bool
) -> None:
    """Four slices at three times, told apart by nothing but their numbers."""
    for place in range(4):
        for time in range(3):
            number = (3 * place + time if slice_by_slice else 4 * time + place) + 1
            if number != missing:
                pixels = np.full((4, 5), time + 1, dtype=np.int16)
                write_dicom(f"a/{number:02d}.dcm", pixels, (0, 0, 5.0 * place), InstanceNumber=number)
    short = (missing - 1) % 3 if slice_by_slice else (missing - 1) // 4
    contents = Contents.of(tmp_path / "a")
    images = [contents.load(volume=number) for number in range(3)]
    assert [np.unique(image.voxels).tolist() for image in images] == [[1], [2], [3]]
    assert [image.voxels.shape[0] for image in images] == [3 if n == short else 4 for n in range(3)]
    assert contents.load().volume == (1 if short == 0 else 0)
    [finding] = [each for each in contents.load().diagnoses if each.code == "incomplete-volume"]
    assert finding.sentence == f"Time {short + 1} lacks 1 of 4 slices."
    assert "slices-at-one-position" not in codes(images[0])


def test_a_real_time_series_without_one_of_its_files(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "dcm_qa_nih/In/20180918GE/mr_0004"
    for path in folder.glob("*.dcm"):
        if not path.name.endswith("00078.dcm"):
            (tmp_path / path.name).write_bytes(path.read_bytes())
    whole, lacking = Contents.of(folder), Contents.of(tmp_path)
    assert [v.label for v in only(tmp_path).volumes] == [f"time {n}" for n in range(1, 11)]
    assert "Time 6 lacks 1 of 15 slices." in {d.sentence for d in lacking.load().diagnoses}
    assert "missing-slice" not in codes(lacking.load())
    for number in (4, 6, 9):
        np.testing.assert_array_equal(lacking.load(volume=number).voxels, whole.load(volume=number).voxels)
    short, full = lacking.load(volume=5), whole.load(volume=5)
    assert short.geometry.origins is not None
    assert "missing-slice" in codes(short)
    for place in range(14):
        there = full.geometry.to_voxel(short.geometry.to_patient(np.array([place, 0.0, 0.0])))
        np.testing.assert_array_equal(short.voxels[place], full.voxels[round(float(there[0]))])


def test_every_place_may_lack_a_time_of_its_own(write_stack: WriteStack) -> None:
    depths = [0, 5, 10, 15]
    for time in range(4):
        folder = write_stack(
            [depth for depth in depths if depth != depths[time]], f"t/{time}", TemporalPositionIdentifier=time
        ).parent
    assert [(v.label, v.slices) for v in only(folder).volumes] == [(f"time {n}", 3) for n in (1, 2, 3, 4)]


def test_two_acquisitions_that_overlap_are_told_apart(write_stack: WriteStack) -> None:
    write_stack([0, 5, 10, 15], "ct/a", AcquisitionNumber=1)
    folder = write_stack([10, 15, 20], "ct/b", AcquisitionNumber=2).parent
    info = only(folder)
    assert [(v.label, v.slices) for v in info.volumes] == [("acquisition 1", 4), ("acquisition 2", 3)]
    assert "slices-at-one-position" not in codes(info)


def test_interleaved_acquisitions_are_told_apart(write_stack: WriteStack) -> None:
    """Two even stacks, shifted against each other, would make one uneven stack."""
    write_stack([0, 5, 10, 15], "ct/a", AcquisitionNumber=1)
    folder = write_stack([1, 6, 11, 16], "ct/b", AcquisitionNumber=2).parent
    info = only(folder)
    assert [volume.slices for volume in info.volumes] == [4, 4]
    assert not codes(info) & {"uneven-spacing", "missing-slice"}


def test_points_in_time_that_the_scanner_moved_are_told_apart(write_stack: WriteStack) -> None:
    """Some of them lie where others do, the rest between their slices: sorted together they would be mixed."""
    for number, shift in enumerate([0, 0, 0.3, 0.3, 0.7]):
        folder = write_stack(
            [shift + 3 * step for step in range(6)], f"mr/{number}", AcquisitionNumber=number
        )
    info = only(folder.parent)
    assert [volume.slices for volume in info.volumes] == [6] * 5
    assert not codes(info) & {"uneven-spacing", "slices-at-one-position"}
    for number, shift in enumerate([0, 0, 0.3, 0.3, 0.7]):
        image = Contents.of(folder.parent).load(volume=number)
        np.testing.assert_array_equal(image.voxels[:, 0, 0], np.rint(10 * (shift + 3 * np.arange(6))))
        assert image.geometry.affine_lps[2, 3] == pytest.approx(shift)


def test_weightings_that_the_scanner_moved_keep_their_names(write_stack: WriteStack) -> None:
    for number, (shift, b) in enumerate([(0, 0.0), (0, 1000.0), (0.4, 1000.0)]):
        folder = write_stack(
            [shift + 3 * step for step in range(5)],
            f"mr/{number}",
            AcquisitionNumber=number,
            DiffusionBValue=b,
            DiffusionGradientOrientation=[float(number == 1), float(number == 2), 0.0],
        )
    info = only(folder.parent)
    assert [volume.label for volume in info.volumes] == ["b 0", "b 1000, direction 1", "b 1000, direction 2"]
    assert info.volume == 1


@pytest.mark.parametrize("noise", [0.002, 0.02])
def test_noise_of_positions_mixes_no_volumes(write_stack: WriteStack, noise: float) -> None:
    """Some scanners round, some move the table again for each volume and arrive almost where they were."""
    shaken = np.random.default_rng(1).uniform(-noise, noise, (4, 6))
    for number in range(4):
        folder = write_stack(
            list(3.0 * np.arange(6) + shaken[number]),
            f"mr/{number}",
            AcquisitionNumber=number,
            SliceThickness=3,
        )
    info = only(folder.parent)
    assert [volume.slices for volume in info.volumes] == [6] * 4
    assert codes(info) <= {"several-volumes"}


def test_repetitions_of_a_weighting_follow_the_vendors_own_numbers(
    write_dicom: WriteDicom, tmp_path: Path
) -> None:
    """Philips numbers its pictures as it likes, and says in elements of its own to which weighting each belongs."""
    shuffled = np.random.default_rng(3).permutation(4 * 5)
    for number in range(4 * 5):
        volume, place = divmod(number, 5)
        path = write_dicom(
            f"{number:02d}.dcm",
            np.full((4, 5), 10 * volume + place, np.int16),
            (0, 0, 3.0 * place),
            InstanceNumber=int(shuffled[number]) + 1,
            DiffusionBValue=0.0 if volume < 3 else 1000.0,
        )
        dataset = pydicom.dcmread(path)
        block = dataset.private_block(0x2005, "Philips MR Imaging DD 005", create=True)
        block.add_new(0x12, "IS", 1 + volume)
        block.add_new(0x13, "IS", 1)
        dataset.save_as(path)
    contents = Contents.of(tmp_path)
    [info] = contents.inspection.series
    assert sorted(volume.label for volume in info.volumes) == [
        *(f"b 0, image {n}" for n in (1, 2, 3)),
        "b 1000",
    ]
    for number in range(4):
        values = contents.load(volume=number).voxels[:, 0, 0]
        np.testing.assert_array_equal(values - values[0], np.arange(5))


def test_label_and_control_images_are_named(write_dicom: WriteDicom, tmp_path: Path) -> None:
    for number in range(2 * 2 * 4):
        time, rest = divmod(number, 8)
        label, place = divmod(rest, 4)
        path = write_dicom(
            f"{number:02d}.dcm",
            np.full((4, 5), 100 * time + 10 * label + place, np.int16),
            (0, 0, 3.0 * place),
            TemporalPositionIdentifier=time + 1,
        )
        dataset = pydicom.dcmread(path)
        block = dataset.private_block(0x2005, "Philips MR Imaging DD 005", create=True)
        block.add_new(0x29, "CS", ("CONTROL", "LABEL")[label])
        dataset.save_as(path)
    contents = Contents.of(tmp_path)
    [info] = contents.inspection.series
    assert [volume.label for volume in info.volumes] == [
        "control, time 1",
        "control, time 2",
        "label, time 1",
        "label, time 2",
    ]
    assert contents.load(volume=3).voxels[:, 0, 0].tolist() == [110, 111, 112, 113]

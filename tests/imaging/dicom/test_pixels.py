"""Decoded pixels against pydicom and GDCM, and data that are damaged, greedy or in a syntax of their own."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import SimpleITK
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, encapsulate_extended
from pydicom.pixels import pixel_array
from pydicom.uid import UID, ExplicitVRLittleEndian, RLELossless

from viewer.foundation.errors import ReadError
from viewer.imaging.contents import Contents
from viewer.imaging.decoding import door as decoding
from viewer.imaging.dicom import codecs as dicom_codecs
from viewer.imaging.dicom.encapsulation import Fragment, frames_of_fragments
from viewer.imaging.dicom.pixel_element import read_pixel_element
from viewer.imaging.dicom.pixels import PixelFile, pictures
from viewer.imaging.reading import read_image

sitk: Any = SimpleITK
WriteDicom = Callable[..., Path]
FOLDERS = ("pydicom", "pydicom-data", "highdicom")
UNREADABLE = {
    "MR_truncated.dcm": "not-decodable",  # its pixel data end too soon
    "JPEG2000-embedded-sequence-delimiter.dcm": "not-decodable",  # its stream's header is overwritten; nobody reads it
}
DIFFERENT = {
    "mlut_18.dcm": "the modality table is applied here; tested below",
}


def files(shared_data: Path) -> list[Path]:
    """Every file with a picture."""
    found = []
    for folder in FOLDERS:
        for path in sorted((shared_data / folder).rglob("*")):
            if path.is_file() and path.suffix != ".py":
                try:
                    dataset = pydicom.dcmread(path, force=True, stop_before_pixels=True)
                except Exception:
                    continue
                if "Rows" in dataset and "BitsAllocated" in dataset:
                    found.append(path)
    return found


def count_of(path: Path) -> int:
    try:
        return max(
            1, int(pydicom.dcmread(path, force=True, stop_before_pixels=True).get("NumberOfFrames") or 1)
        )
    except ValueError:
        return 1


def decode(path: Path, indices: list[int], *, palette: bool) -> list[NDArray[Any]]:
    return list(pictures(path, indices, palette=palette))


def opened(path: Path) -> PixelFile:
    return PixelFile(path, read_pixel_element(path), palette=False)


def by_pydicom(path: Path) -> NDArray[Any] | None:
    try:
        return np.asarray(pixel_array(pydicom.dcmread(path, force=True)))
    except Exception:
        return None


def by_gdcm(path: Path) -> NDArray[Any] | None:
    """Stored values: GDCM's rescale of integers is taken back."""
    try:
        array = np.asarray(sitk.GetArrayFromImage(sitk.ReadImage(str(path), imageIO="GDCMImageIO")))
    except RuntimeError:
        return None
    dataset = pydicom.dcmread(path, force=True, stop_before_pixels=True)
    slope, intercept = float(dataset.get("RescaleSlope", 1)), float(dataset.get("RescaleIntercept", 0))
    return (array - intercept) / slope if (slope, intercept) != (1, 0) else array


@pytest.mark.filterwarnings("ignore")
def test_every_file_equals_what_others_decode(shared_data: Path, capfd: pytest.CaptureFixture[str]) -> None:
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    wrong, compared, refused = [], 0, {}
    for path in files(shared_data):
        try:
            ours = np.stack(decode(path, list(range(count_of(path))), palette=False))
        except ReadError as error:
            refused[path.name] = error.code
            continue
        theirs = by_pydicom(path)
        if theirs is None:
            theirs = by_gdcm(path)
            if theirs is not None and theirs.size == 3 * ours.size:
                ours = np.stack(decode(path, list(range(count_of(path))), palette=True))
        if theirs is None or path.name in DIFFERENT:
            continue
        compared += 1
        if theirs.size != ours.size or not np.array_equal(theirs.reshape(ours.shape), ours):
            wrong.append(path.name)
    assert wrong == []
    assert refused == UNREADABLE
    assert compared > 95


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("liver_deflate.dcm", "liver.dcm"),
        ("liver_rle.dcm", "liver.dcm"),
        ("liver_nonbyte_aligned_deflate.dcm", "liver_nonbyte_aligned.dcm"),
        ("liver_nonbyte_aligned_rle.dcm", "liver_nonbyte_aligned.dcm"),
    ],
)
def test_syntaxes_that_hardly_anybody_reads_equal_their_twins(
    shared_data: Path, name: str, plain: str
) -> None:
    folder = shared_data / "pydicom-data/data_store/data"
    count = count_of(folder / plain)
    ours, twin = (decode(folder / file, list(range(count)), palette=False) for file in (name, plain))
    np.testing.assert_array_equal(ours, twin)


@pytest.mark.parametrize(
    "name",
    [
        "pydicom-data/data_store/data/RG3_J2KI.dcm",
        "pydicom/src/pydicom/data/test_files/MR_small_jp2klossless.dcm",
        "pydicom-data/data_store/data/emri_small_jpeg_ls_lossless.dcm",
        "pydicom/src/pydicom/data/test_files/SC_rgb_jpeg_gdcm.dcm",
    ],
)
def test_the_other_decoder_gives_the_same_stored_values(shared_data: Path, name: str) -> None:
    """GDCM by itself inverts MONOCHROME1 and applies one rescale to all frames; as a fallback it must not."""
    file = opened(shared_data / name)
    usual = file.frame(0)
    other = dicom_codecs.with_gdcm(file._wrapped(0), file.syntax, file._element.form)
    file.close()
    np.testing.assert_array_equal(usual, other)
    assert usual.dtype == other.dtype


def test_any_order_from_one_opening(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = shared_data / "pydicom-data/data_store/data/emri_small_RLE.dcm"
    opened = []
    usual = pydicom.dcmread
    monkeypatch.setattr(pydicom, "dcmread", lambda *a, **k: (opened.append(1), usual(*a, **k))[1])
    frames = list(pictures(path, [9, 0, 4, 9], palette=False))
    assert len(opened) == 1
    monkeypatch.undo()
    theirs = pixel_array(path)
    np.testing.assert_array_equal(frames, theirs[[9, 0, 4, 9]])
    assert all(frame.flags.owndata and frame.flags.writeable for frame in frames)


def test_plain_pixels_need_no_worker(write_dicom: WriteDicom) -> None:
    decoding.close()
    pixels = np.arange(20, dtype=np.int16).reshape(4, 5) - 9
    (frame,) = decode(write_dicom("a.dcm", pixels), [0], palette=False)
    np.testing.assert_array_equal(frame, pixels)
    assert frame.dtype == np.int16
    assert decoding._worker is None


# --- colours and tables -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["examples_palette.dcm", "OBXXXX1A_rle.dcm", "OT-PAL-8-face.dcm"])
@pytest.mark.filterwarnings("ignore")
def test_palette_colours_equal_those_of_gdcm(shared_data: Path, name: str) -> None:
    path = next((shared_data).glob(f"pydicom*/**/{name}"))
    (frame,) = decode(path, [0], palette=True)
    theirs = np.asarray(by_gdcm(path))[0]
    assert frame.dtype == np.uint8
    np.testing.assert_array_equal(frame, theirs >> 8 if theirs.max() > 255 else theirs)


def palette(bits: int, words: list[int], segmented: bool) -> dict[str, Any]:
    """A palette of 8 entries, equal for red and green, without blue."""
    kind = "SegmentedRed" if segmented else "Red"
    found: dict[str, Any] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for colour, values in (("Red", words), ("Green", words), ("Blue", None)):
        found[f"{colour}PaletteColorLookupTableDescriptor"] = [8, 2, bits]
        data = values or ([0, 8] if segmented else []) + [0] * 8
        name = f"{kind.replace('Red', colour)}PaletteColorLookupTableData"
        found[name] = struct.pack(f"<{len(data)}H", *data)
    return found


@pytest.mark.parametrize("segmented", [False, True])
def test_a_palette_of_16_bits_may_be_segmented(write_dicom: WriteDicom, segmented: bool) -> None:
    """Two entries stored, then a straight line to the last: what segments are for. Entries begin at value 2."""
    plain = [0, 256 * 10, 256 * 20, 256 * 30, 256 * 40, 256 * 50, 256 * 60, 256 * 70]
    words = [0, 2, 0, 256 * 10, 1, 6, 256 * 70] if segmented else plain
    stored = np.array([[0, 2, 3, 4], [5, 8, 9, 200]], dtype=np.uint8)
    path = write_dicom("a.dcm", stored, **palette(16, words, segmented))
    (frame,) = decode(path, [0], palette=True)
    assert frame[..., 0].tolist() == [[0, 0, 10, 20], [30, 60, 70, 70]]
    assert not frame[..., 2].any()


def test_a_modality_table_is_applied(shared_data: Path) -> None:
    path = shared_data / "pydicom-data/data_store/data/mlut_18.dcm"
    dataset = pydicom.dcmread(path)
    (frame,) = decode(path, [0], palette=False)
    item = dataset.ModalityLUTSequence[0]
    table = np.asarray(item.LUTData)
    stored = np.clip(dataset.pixel_array.astype(int) - int(item.LUTDescriptor[1]), 0, len(table) - 1)
    np.testing.assert_array_equal(frame, table[stored])


def test_partial_range_colours(write_dicom: WriteDicom) -> None:
    """Black, white, and the strongest blue of ITU-R BT.601 in its studio range: two pixels share their chroma."""
    data = bytes([16, 235, 128, 128, 41, 41, 240, 110])
    path = write_dicom(
        "a.dcm",
        np.zeros((1, 4), dtype=np.uint8),
        SamplesPerPixel=3,
        PlanarConfiguration=0,
        PhotometricInterpretation="YBR_PARTIAL_422",
        PixelData=data,
    )
    (frame,) = decode(path, [0], palette=False)
    expected = [[0, 0, 0], [255, 255, 255], [0, 0, 255], [0, 0, 255]]
    assert np.abs(frame[0].astype(int) - expected).max() <= 1


@pytest.mark.parametrize("photometric", ["YBR_FULL", "RGB"])
def test_planes_of_colour(write_dicom: WriteDicom, photometric: str) -> None:
    picture = np.random.default_rng(1).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    facts: dict[str, Any] = {"SamplesPerPixel": 3, "PhotometricInterpretation": photometric}
    by_plane, by_pixel = (
        write_dicom(
            f"{planar}.dcm", picture[..., 0], **facts, PlanarConfiguration=planar, PixelData=data.tobytes()
        )
        for planar, data in ((1, np.moveaxis(picture, -1, 0)), (0, picture))
    )
    one, other = (decode(path, [0], palette=False)[0] for path in (by_plane, by_pixel))
    np.testing.assert_array_equal(one, other)
    assert np.array_equal(one, picture) == (photometric == "RGB")


# --- frames in a file -------------------------------------------------------------------------------------------------


def encapsulated(write_dicom: WriteDicom, data: bytes, syntax: str, count: int, **facts: Any) -> Path:
    pixels = np.zeros((4, 6), dtype=np.uint8)
    path = write_dicom("plain.dcm", pixels, NumberOfFrames=count, **facts)
    dataset = pydicom.dcmread(path)
    stand_in = "1.2.840.10008.1.2.1.98"  # pydicom writes no syntax that it does not know
    dataset.file_meta.TransferSyntaxUID = stand_in
    dataset.PixelData = data
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    path = path.with_name("wrapped.dcm")
    dataset.save_as(path)
    raw = path.read_bytes()
    path.write_bytes(raw.replace(stand_in.encode(), syntax.encode().ljust(len(stand_in), b"\0"), 1))
    return path


def test_encapsulated_uncompressed_frames(write_dicom: WriteDicom) -> None:
    frames = [bytes([value] * 24) for value in (1, 2, 3)]
    path = encapsulated(write_dicom, encapsulate(frames), "1.2.840.10008.1.2.1.98", 3)
    assert [frame[0, 0] for frame in decode(path, [2, 0, 1], palette=False)] == [3, 1, 2]


def test_deflated_frames_inflate_no_further_than_announced(write_dicom: WriteDicom) -> None:
    """A bomb of 100 MB in a frame of 24 bytes: the picture is read, and the rest is never made."""
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    bomb = packer.compress(bytes([7]) * (100 << 20)) + packer.flush()
    path = encapsulated(
        write_dicom, encapsulate([bomb + b"\0" * (len(bomb) % 2)]), "1.2.840.10008.1.2.8.1", 1
    )
    assert decode(path, [0], palette=False)[0].tolist() == [[7] * 6] * 4


def test_a_frame_that_is_too_short_is_said(write_dicom: WriteDicom) -> None:
    path = encapsulated(write_dicom, encapsulate([bytes(24), bytes(10)]), "1.2.840.10008.1.2.1.98", 3)
    assert decode(path, [0], palette=False)[0].shape == (4, 6)
    for index, words in ((1, "a frame needs 24 bytes and has 10"), (2, "announces 3 frames and holds 2")):
        with pytest.raises(ReadError, match=words) as caught:
            decode(path, [index], palette=False)
        assert caught.value.code == "truncated"


JPEG, MORE = b"\xff\xd8\xff\xe0" + b"a" * 16, b"b" * 20


@pytest.mark.parametrize(
    ("data", "count", "expected"),
    [
        (encapsulate([JPEG, MORE], has_bot=True), 2, [JPEG, MORE]),
        (encapsulate([JPEG, MORE], has_bot=False), 2, [JPEG, MORE]),
        (encapsulate([JPEG + MORE, MORE], fragments_per_frame=2, has_bot=True), 2, [JPEG + MORE, MORE]),
        (encapsulate([JPEG + MORE, JPEG + MORE], fragments_per_frame=2, has_bot=False), 2, [JPEG + MORE] * 2),
        (encapsulate([JPEG + MORE], fragments_per_frame=2, has_bot=False), 1, [JPEG + MORE]),
        (b"", 1, []),
        (b"\xfe\xff\x00\xe0\x00\x00\x00\x00", 1, []),
    ],
)
def test_fragments_are_put_together(tmp_path: Path, data: bytes, count: int, expected: list[bytes]) -> None:
    (tmp_path / "a").write_bytes(b"head" + data)
    with (tmp_path / "a").open("rb") as stream:
        frames = frames_of_fragments(stream, 4, count)
        found = []
        for fragments in frames:
            part = b""
            for fragment in fragments:
                stream.seek(fragment.start)
                part += stream.read(fragment.length)
            found.append(part)
    assert found == expected


def test_the_extended_offset_table_is_believed(tmp_path: Path) -> None:
    data, offsets, lengths = encapsulate_extended([JPEG, MORE, JPEG])
    (tmp_path / "a").write_bytes(data)
    with (tmp_path / "a").open("rb") as stream:
        frames = frames_of_fragments(stream, 0, 3, (offsets, lengths))
    assert frames == [[Fragment(16, 20)], [Fragment(44, 20)], [Fragment(72, 20)]]


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("syntax", "words"),
    [
        (
            "1.2.840.10008.1.2.4.94",
            r"JPIP Referenced \(1\.2\.840\.10008\.1\.2\.4\.94\), for which there is no decoder",
        ),
        ("1.2.3.4.5", "the unknown transfer syntax 1.2.3.4.5"),
    ],
)
def test_a_missing_codec_is_named(write_dicom: WriteDicom, syntax: str, words: str) -> None:
    path = encapsulated(write_dicom, encapsulate([JPEG]), syntax, 1)
    with pytest.raises(ReadError, match=words) as caught:
        decode(path, [0], palette=False)
    assert caught.value.code == "no-codec"


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, RLELossless])
def test_values_in_the_upper_bits_of_their_words(write_dicom: WriteDicom, signed: bool, syntax: UID) -> None:
    """Twelve bits of sixteen: at the top where the file keeps them there, at the bottom where it only says so."""
    kind = np.int16 if signed else np.uint16
    low, high = (-2048, 2048) if signed else (0, 4096)
    values = np.random.default_rng(0).integers(low, high, (4, 6)).astype(kind)
    for name, stored in (
        ("top", values << 4),
        ("bottom", values & 0x0FFF),
        ("filled", values | np.array(0xF000).astype(kind) if not signed else values),
    ):
        path = write_dicom(f"{name}.dcm", stored.astype(kind), BitsStored=12, HighBit=15, Modality="CT")
        if syntax == RLELossless:
            dataset = pydicom.dcmread(path)
            dataset.compress(RLELossless)
            dataset.save_as(path)
        image = read_image(path)
        np.testing.assert_array_equal(image.voxels[0], values)
        assert [each.code for each in image.diagnoses] == ["high-bit"]


@pytest.mark.parametrize("signed", [False, True])
def test_bits_above_the_stored_ones_are_no_part_of_a_value(write_dicom: WriteDicom, signed: bool) -> None:
    words = np.array([[0x0F0F, 0xFFFF, 0x8123], [0x0800, 0xF7FF, 0x0000]], np.uint16)
    expected = (
        [[-241, -1, 0x123], [-2048, 0x7FF, 0]] if signed else [[0x0F0F, 0x0FFF, 0x123], [0x800, 0x7FF, 0]]
    )
    path = write_dicom("a.dcm", words.view(np.int16 if signed else np.uint16), BitsStored=12, HighBit=11)
    image = read_image(path)
    assert image.voxels[0].tolist() == expected
    assert not image.diagnoses


def test_odd_bits_are_named(write_dicom: WriteDicom) -> None:
    with pytest.raises(ReadError, match="voxels of 12 bits") as caught:
        decode(write_dicom("a.dcm", np.zeros((4, 6), np.int16), BitsAllocated=12), [0], palette=False)
    assert caught.value.code == "bits-allocated"


def test_damage_inside_a_compressed_frame_is_one_sentence(shared_data: Path, tmp_path: Path) -> None:
    raw = (shared_data / "pydicom/src/pydicom/data/test_files/MR_small_RLE.dcm").read_bytes()
    (tmp_path / "a.dcm").write_bytes(raw[:-3000])
    with pytest.raises(ReadError, match=r"'a.dcm' cannot be decoded \(RLE Lossless; \w+\)") as caught:
        decode(tmp_path / "a.dcm", [0], palette=False)
    assert caught.value.code == "not-decodable"


def test_a_worker_that_dies_names_the_file(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = shared_data / "pydicom/src/pydicom/data/test_files/MR_small_RLE.dcm"
    usual = decoding.run
    monkeypatch.setattr(
        decoding, "run", lambda work, _, **k: usual("tests.imaging.decoding.test_door:crash", {}, **k)
    )
    with pytest.raises(ReadError, match=r"crashed on 'MR_small_RLE\.dcm'"):
        decode(path, [0], palette=False)
    monkeypatch.undo()
    assert decode(path, [0], palette=False)[0].shape == (64, 64)


def deflated(path: Path, dataset: Dataset, bomb: int) -> Path:
    """A deflated file whose last element is followed by so many zeros."""
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    dataset.save_as(path, enforce_file_format=True)
    raw = path.read_bytes()
    start = 144 + int.from_bytes(raw[140:144], "little")
    uid = b"1.2.840.10008.1.2.1.99"
    head = raw[:start].replace(b"1.2.840.10008.1.2.1\0", uid)
    grown = len(head) - start
    head = head.replace(b"\x02\x00\x10\x00UI\x14\x00", b"\x02\x00\x10\x00UI\x16\x00")
    head = head[:140] + (int.from_bytes(head[140:144], "little") + grown).to_bytes(4, "little") + head[144:]
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    path.write_bytes(head + packer.compress(raw[start:]) + packer.compress(bytes(bomb)) + packer.flush())
    return path


def test_a_deflated_file_is_inflated_as_far_as_it_is_read(write_dicom: WriteDicom, tmp_path: Path) -> None:
    pixels = np.arange(24, dtype=np.uint16).reshape(4, 6)
    dataset = pydicom.dcmread(write_dicom("a.dcm", pixels))
    path = deflated(tmp_path / "b.dcm", dataset, 200 << 20)
    file = opened(path)
    np.testing.assert_array_equal(file.frame(0), pixels)
    assert file._stream.getbuffer().nbytes < 1 << 20  # type: ignore[attr-defined]
    file.close()


def test_a_deflated_header_cannot_be_a_bomb(
    write_dicom: WriteDicom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("viewer.imaging.dicom.stream._HEADER_LIMIT", 1 << 20)
    dataset = pydicom.dcmread(write_dicom("a.dcm", np.zeros((4, 6), np.uint8)))
    dataset.add_new(0x00091001, "UN", bytes(5 << 20))
    path = deflated(tmp_path / "b.dcm", dataset, 0)
    with pytest.raises(ReadError, match="inflates to more than") as caught:
        decode(path, [0], palette=False)
    assert caught.value.code == "over-budget"


def test_a_file_replaced_since_its_header_was_read_is_not_misread(
    write_dicom: Callable[..., Path], tmp_path: Path
) -> None:
    path = write_dicom("a.dcm", np.full((4, 6), 7, np.int16))
    contents = Contents.of(path)
    write_dicom("a.dcm", np.full((5, 8), 9, np.int16))
    with pytest.raises(ReadError) as caught:
        contents.load()
    assert caught.value.code == "changed"
    path.unlink()
    with pytest.raises(ReadError) as caught:
        contents.load()
    assert caught.value.code == "missing"


def test_the_header_is_read_once(write_stack: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    contents = Contents.of(write_stack([0, 5, 10]))

    def again(*_: object, **__: object) -> None:
        raise AssertionError("the header is read again")

    monkeypatch.setattr(pydicom, "dcmread", again)
    assert contents.load().voxels.shape[0] == 3

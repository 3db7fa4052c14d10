"""The thirty bad inputs of the field, and the sentence that each one gets.

``python -m tests.imaging.bad_inputs`` writes the table of docs/bad_inputs.md from what the readers say;
test_bad_inputs.py holds the readers to their codes and the page to the readers.
"""

from __future__ import annotations

import gzip
import struct
import tempfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pydicom
from PIL import Image
from pydicom.uid import RLELossless

from tests.imaging.fuzz.seeds import archive, dicom, metaimage, nifti, nrrd, picture, saved
from viewer.foundation.errors import ReadError
from viewer.imaging.contents import Contents

nib: Any = nibabel  # it ships no types
PAGE = Path(__file__).resolve().parents[2] / "docs" / "bad_inputs.md"
GOOD = "good.mha"
_MEGABYTE = 1 << 20


@dataclass(frozen=True)
class BadInput:
    """One bad input and its right answer.

    Attributes
    ----------
    number : in the field notes; several kinds of one have a letter too.
    what : in words.
    code : of the answer.
    words : what the sentence must name.
    make : writes it into a folder.
    image : whether there is a picture all the same.
    alone : whether a good file in the same folder would be in the way.
    """

    number: str
    what: str
    code: str
    words: tuple[str, ...]
    make: Callable[[Path], None]
    image: bool = False
    alone: bool = False


@dataclass(frozen=True)
class Answer:
    """What was said of an input."""

    code: str
    severity: str
    sentence: str
    action: str


def answers(folder: Path) -> tuple[list[Answer], int]:
    """Everything that is said of a folder when all of it is opened, and how many images it gave."""
    contents = Contents.of(folder)
    said = [Answer(entry.code, "refused", entry.sentence, "") for entry in contents.inspection.unreadable]
    images = 0
    for info in contents.inspection.series:
        said += [Answer(d.code, d.severity, d.sentence, d.action) for d in info.diagnoses]
        try:
            image = contents.load(info.id)
        except ReadError as error:
            said.append(Answer(error.code, "refused", error.sentence, error.action))
            continue
        images += 1
        said += [Answer(d.code, d.severity, d.sentence, d.action) for d in image.diagnoses]
    try:
        contents.load()
    except ReadError as error:
        said.append(Answer(error.code, "choice", error.sentence, error.action))
    return list(dict.fromkeys(said)), images


# --- how each is made ----------------------------------------------------------------------------------------------


def _bytes(name: str, data: Callable[[], bytes]) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        (folder / name).write_bytes(data())

    return make


def _with_length(data: bytes, tag: bytes, length: int) -> bytes:
    """An explicit, short element of a data set with another length than it has."""
    at = data.index(tag) + 6
    return data[:at] + struct.pack("<H", length) + data[at + 2 :]


def _wrong_syntax() -> bytes:
    return dicom().replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.99.1.2.3.4\0\0")


def _unknown_vr() -> bytes:
    data = dicom()
    at = data.index(b"\x10\x00\x20\x00LO")
    return data[: at + 4] + b"ZZ" + data[at + 6 :]


def _nested() -> bytes:
    """5,000 sequences inside each other, all of undefined length."""
    data = dicom()
    at = data.index(b"\x28\x00\x02\x00US")
    sequence = b"\x18\x00\x11\x92SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    return data[:at] + sequence * 5000 + data[at:]


def _cut_in_its_header() -> bytes:
    data = dicom()
    return data[: data.index(b"\x28\x00\x10\x00US") + 30]


def _huge_dicom() -> bytes:
    """7 GB in the numbers of the header; compressed, so that the length of the file does not give it away."""
    dataset = pydicom.dcmread(BytesIO(dicom(RLELossless)))
    dataset.Rows, dataset.Columns = 62500, 62500
    stream = BytesIO()
    pydicom.dcmwrite(stream, dataset, enforce_file_format=True)
    return stream.getvalue()


def _huge_nifti() -> bytes:
    """A header that asks for 7 GB, in a few bytes."""
    header = bytearray(nifti(4, 4, 4)[:352])
    struct.pack_into("<8h", header, 40, 3, 1500, 1500, 1600, 1, 1, 1, 1)
    return gzip.compress(bytes(header) + bytes(4 * _MEGABYTE), mtime=0)


def _deflated_bomb() -> bytes:
    """Half a gigabyte of one element in some hundred kilobytes."""
    dataset = pydicom.dcmread(
        BytesIO(dicom(pydicom.uid.DeflatedExplicitVRLittleEndian)), stop_before_pixels=True
    )
    stream = BytesIO()
    pydicom.dcmwrite(stream, dataset, enforce_file_format=True)
    packed = stream.getvalue()
    start = 144 + int.from_bytes(packed[140:144], "little")
    plain = zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed[start:])
    at = plain.index(b"\x10\x00\x10\x00PN")
    blocks, size = 32, 16 * _MEGABYTE
    element = b"\x09\x00\x10\x10OB\0\0" + struct.pack("<I", blocks * size)
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    head = squeeze.compress(plain[:at] + element) + squeeze.flush(zlib.Z_FULL_FLUSH)
    zeros = squeeze.compress(bytes(size)) + squeeze.flush(zlib.Z_FULL_FLUSH)
    tail = squeeze.compress(plain[at:]) + squeeze.flush()
    return packed[:start] + head + zeros * blocks + tail


def _png_bomb() -> bytes:
    """A picture of 60,000 x 60,000 pixels in its header, and next to nothing in it."""
    data = bytearray(saved(Image.fromarray(picture(20, 24)), "PNG"))
    struct.pack_into(">II", data, 16, 60000, 60000)
    struct.pack_into(">I", data, 29, zlib.crc32(bytes(data[12:29])))
    return bytes(data)


def _series(places: list[tuple[float, float, float]], **facts: Any) -> Callable[[Path], None]:
    """Single slices at these positions, named against their order."""

    def make(folder: Path) -> None:
        for number, place in enumerate(places):
            _slice(folder, number, ImagePositionPatient=[f"{value:.6g}" for value in place], **facts)

    return make


def _slice(folder: Path, number: int, **facts: Any) -> None:
    chosen = {"SOPInstanceUID": f"1.2.3.4.{number}", "InstanceNumber": number, **facts}
    data = dicom(**{keyword: value for keyword, value in chosen.items() if value is not None})
    missing = [keyword for keyword, value in facts.items() if value is None]
    if missing:
        dataset = pydicom.dcmread(BytesIO(data))
        for keyword in missing:
            delattr(dataset, keyword)
        stream = BytesIO()
        pydicom.dcmwrite(stream, dataset, enforce_file_format=True)
        data = stream.getvalue()
    (folder / f"{number:02d}.dcm").write_bytes(data)


def _localizer(folder: Path) -> None:
    _series([(0, 0, depth) for depth in (0, 5, 10, 15)])(folder)
    _slice(
        folder,
        9,
        ImageOrientationPatient=["0", "1", "0", "0", "0", "-1"],
        ImagePositionPatient=["0", "0", "0"],
    )


def _another_size(folder: Path) -> None:
    _series([(0, 0, depth) for depth in (0, 5, 10, 15)])(folder)
    _slice(folder, 9, Rows=20, Columns=72, ImagePositionPatient=["0", "0", "20"])


def _no_position(folder: Path) -> None:
    _series([(0, 0, depth) for depth in (0, 5, 10, 15)])(folder)
    _slice(folder, 9, ImagePositionPatient=None)


def _two_patients(folder: Path) -> None:
    for number, name in enumerate(("One", "Two")):
        _slice(
            folder, number, PatientID=name, PatientName=name, ImagePositionPatient=["0", "0", str(5 * number)]
        )


def _not_numbers() -> bytes:
    voxels = picture(10, 12, 3, kind=np.float32)
    voxels[2, 3, 1], voxels[4, 5, 0] = np.nan, np.inf
    return bytes(nib.Nifti1Image(voxels, np.eye(4)).to_bytes())


def _sheared() -> bytes:
    affine = np.diag([1.0, 1.0, 4.0, 1.0])
    affine[0, 2] = 2.0
    image = nib.Nifti1Image(picture(10, 12, 3, kind=np.int16), affine)
    image.set_sform(affine, 1)
    return bytes(image.to_bytes())


def _no_spacing() -> bytes:
    header = bytearray(nifti(10, 12, 3))
    struct.pack_into("<2h", header, 252, 0, 0)
    struct.pack_into("<3f", header, 80, 0.0, float("nan"), 1.0)
    return bytes(header)


def _nrrd_outside() -> bytes:
    return nrrd().split(b"\n\n")[0] + b"\ndata file: ../secret.raw\n\n"


def _metaimage_outside() -> bytes:
    return metaimage().split(b"LOCAL\n")[0] + b"/etc/hostname\n"


def _link(folder: Path) -> None:
    """A plain name that leads out all the same."""
    outside = Path(tempfile.mkdtemp(dir=folder.parent)) / "voxels.raw"
    outside.write_bytes(bytes(720))
    (folder / "voxels.raw").symlink_to(outside)
    head = nrrd().split(b"\n\n")[0] + b"\ndata file: voxels.raw\n\n"
    (folder / "linked.nrrd").write_bytes(head)


def _tilted() -> Callable[[Path], None]:
    return _series([(0, 1.7 * step, 5.0 * step) for step in range(5)])


# --- the thirty ----------------------------------------------------------------------------------------------------

BAD_INPUTS: tuple[BadInput, ...] = (
    BadInput("1a", "empty file", "empty-file", ("'empty.dcm'", "empty"), _bytes("empty.dcm", lambda: b"")),
    BadInput(
        "1b",
        "text file named .dcm",
        "not-an-image",
        ("'letter.dcm'", "its name says DICOM", "plain text"),
        _bytes("letter.dcm", lambda: b"Dear colleague, the scan is normal."),
    ),
    BadInput(
        "2",
        "header cut short",
        "incomplete",
        ("'cut.dcm'", "incomplete"),
        _bytes("cut.dcm", _cut_in_its_header),
    ),
    BadInput(
        "3",
        "pixel data too short",
        "truncated",
        ("'short.dcm'", "2,880 bytes", "2,780"),
        _bytes("short.dcm", lambda: dicom()[:-100]),
    ),
    BadInput(
        "4",
        "pixel data too long",
        "pixel-data-too-long",
        ("8,640 bytes", "2,880", "3 frames would fit"),
        _bytes("long.dcm", lambda: dicom(frames=3, NumberOfFrames=1)),
        image=True,
    ),
    BadInput(
        "5",
        "no preamble",
        "no-preamble",
        ("mark at its start",),
        _bytes("bare.dcm", lambda: dicom()[132:]),
        image=True,
    ),
    BadInput(
        "6",
        "preamble of a program (MZ, ELF)",
        "program-preamble",
        ("run as a program",),
        _bytes("program.dcm", lambda: b"MZ" + dicom()[2:]),
        image=True,
    ),
    BadInput(
        "7",
        "unknown transfer syntax",
        "no-codec",
        ("'odd.dcm'", "1.2.840.99.1.2.3.4", "no decoder"),
        _bytes("odd.dcm", _wrong_syntax),
    ),
    BadInput("8", "unknown VR", "unknown-vr", ("(0010,0020)",), _bytes("vr.dcm", _unknown_vr), image=True),
    BadInput(
        "9",
        "element longer than the file",
        "incomplete",
        ("'overrun.dcm'", "incomplete"),
        _bytes("overrun.dcm", lambda: _with_length(dicom(), b"\x28\x00\x30\x00DS", 60000)),
    ),
    BadInput(
        "10",
        "5,000 nested sequences",
        "too-deep",
        ("'deep.dcm'", "too deep"),
        _bytes("deep.dcm", _nested),
    ),
    BadInput(
        "11",
        "header that asks for 7 GB",
        "over-budget",
        ("'huge.dcm'", "7.3 GB", "4 GB"),
        _bytes("huge.dcm", _huge_dicom),
    ),
    BadInput(
        "12a",
        "NumberOfFrames 1,000,000",
        "frame-count",
        ("'frames.dcm'", "1,000,000 frames"),
        _bytes("frames.dcm", lambda: dicom(NumberOfFrames=1_000_000)),
    ),
    BadInput(
        "12b",
        "NumberOfFrames 0",
        "frame-count",
        ("0 frames", "one is read"),
        _bytes("none.dcm", lambda: dicom(NumberOfFrames=0)),
        image=True,
    ),
    BadInput(
        "13a",
        "BitsStored > BitsAllocated",
        "bits-stored",
        ("'bits.dcm'", "17 bits", "16 bits"),
        _bytes("bits.dcm", lambda: dicom(BitsStored=17)),
    ),
    BadInput(
        "13b",
        "unknown photometric interpretation",
        "photometric",
        ("'colour.dcm'", "OCTARINE"),
        _bytes("colour.dcm", lambda: dicom(PhotometricInterpretation="OCTARINE")),
    ),
    BadInput(
        "14",
        "deflated bomb",
        "over-budget",
        ("'bomb.dcm'",),
        _bytes("bomb.dcm", _deflated_bomb),
    ),
    BadInput(
        "15",
        "unknown character set",
        "unknown-character-set",
        ("character set",),
        _bytes("charset.dcm", lambda: dicom().replace(b"ISO_IR 192", b"ISO_IR 999")),
        image=True,
    ),
    BadInput(
        "16",
        "missing slice",
        "missing-slice",
        ("1 slice is missing after slice 3 of 5",),
        _series([(0, 0, depth) for depth in (0, 5, 10, 20, 25)]),
        image=True,
    ),
    BadInput(
        "17",
        "irregular spacing",
        "uneven-spacing",
        ("from 3.00 to 6.50 mm",),
        _series([(0, 0, depth) for depth in (0, 5, 8, 14.5, 19.5)]),
        image=True,
    ),
    BadInput("18", "gantry tilt", "gantry-tilt", ("18.8 degrees",), _tilted(), image=True),
    BadInput(
        "19",
        "two slices at one position",
        "slices-at-one-position",
        ("1 slice lies where another",),
        _series([(0, 0, depth) for depth in (0, 5, 5, 10, 15)]),
        image=True,
    ),
    BadInput(
        "20",
        "localizer in the series",
        "split-series",
        ("1 of 5 pictures", "lies another way", "series of its own"),
        _localizer,
        image=True,
    ),
    BadInput(
        "21",
        "one slice of another size",
        "split-series",
        ("1 of 5 pictures", "of another size", "series of its own"),
        _another_size,
        image=True,
    ),
    BadInput(
        "22",
        "slice without position",
        "slice-without-position",
        ("1 of 5 slices",),
        _no_position,
        image=True,
    ),
    BadInput(
        "23",
        "all slices at one place",
        "one-place",
        ("All 5 pictures", "sequence in time"),
        _series([(0, 0, 5)] * 5),
        image=True,
    ),
    BadInput(
        "24",
        "several patients in a folder",
        "several-series",
        ("2 series of 2 patients",),
        _two_patients,
        image=True,
        alone=True,
    ),
    BadInput(
        "25a",
        "rescale slope 0",
        "bad-rescale",
        ("rescale",),
        _bytes("slope.dcm", lambda: dicom(RescaleSlope="0")),
        image=True,
    ),
    BadInput(
        "25b",
        "rescale slope that is no number",
        "bad-rescale",
        ("rescale",),
        _bytes("slope.dcm", lambda: dicom(RescaleSlope="12345678").replace(b"12345678", b"NaN     ")),
        image=True,
    ),
    BadInput(
        "26",
        "voxels that are NaN or infinite",
        "not-finite",
        ("2 of 360 voxels",),
        _bytes("nan.nii", _not_numbers),
        image=True,
    ),
    BadInput(
        "27",
        "truncated NIfTI",
        "truncated",
        ("'cut.nii'", "1,072 bytes", "1,000"),
        _bytes("cut.nii", lambda: nifti(10, 12, 3)[:1000]),
    ),
    BadInput("28a", "sheared sform", "sheared", ("sheared",), _bytes("sheared.nii", _sheared), image=True),
    BadInput(
        "28b",
        "spacing of zero or NaN",
        "no-spacing",
        ("does not say how large", "1 mm is assumed"),
        _bytes("flat.nii", _no_spacing),
        image=True,
    ),
    BadInput(
        "29a",
        ".nii.gz bomb",
        "over-budget",
        ("'bomb.nii.gz'", "6.7 GB", "4 GB"),
        _bytes("bomb.nii.gz", _huge_nifti),
    ),
    BadInput("29b", "PNG bomb", "over-budget", ("'bomb.png'",), _bytes("bomb.png", _png_bomb)),
    BadInput(
        "30a",
        "NRRD whose voxels lie elsewhere",
        "outside-path",
        ("'out.nrrd'", "outside"),
        _bytes("out.nrrd", _nrrd_outside),
    ),
    BadInput(
        "30b",
        "MetaImage whose voxels lie elsewhere",
        "outside-path",
        ("'out.mha'", "outside"),
        _bytes("out.mha", _metaimage_outside),
    ),
    BadInput("30c", "voxels behind a link", "outside-path", ("'linked.nrrd'", "outside"), _link),
    BadInput(
        "30d",
        "zip that unpacks elsewhere",
        "outside-path",
        ("'up.dcm'", "outside"),
        _bytes("all.zip", lambda: archive({"../up.dcm": dicom(), "in/good.dcm": dicom()})),
        image=True,
        alone=True,
    ),
)


def placed(bad: BadInput, folder: Path) -> Path:
    """Make the input, with a good file beside it unless it must be alone; returns what is to be opened."""
    bad.make(folder)
    if not bad.alone:
        (folder / GOOD).write_bytes(metaimage())
    archives = sorted(folder.glob("*.zip"))
    return archives[0] if archives else folder


def answer_to(bad: BadInput, folder: Path) -> tuple[Answer | None, list[Answer], int]:
    """The answer with the right code, all answers, and the number of images."""
    said, images = answers(placed(bad, folder))
    return next((each for each in said if each.code == bad.code), None), said, images


def _rows() -> Iterator[str]:
    for bad in BAD_INPUTS:
        with tempfile.TemporaryDirectory() as home:
            folder = Path(home) / "folder"
            folder.mkdir()
            answer, _, _ = answer_to(bad, folder)
        sentence = "**no answer**" if answer is None else f"{answer.sentence} {answer.action}".strip()
        severity = "" if answer is None else answer.severity
        yield f"| {bad.number} | {bad.what} | `{bad.code}` | {severity} | {sentence.replace('|', '/')} |"


def page() -> str:
    """The whole page, as the readers of this checkout answer."""
    return "\n".join(
        [
            "# Bad input, and what is said of it",
            "",
            "Made by `python -m tests.imaging.bad_inputs` from what the readers answer; do not edit. *Refused* means",
            "that there is no picture; everything else is read, and the finding shown on the case, in",
            "`whyslice inspect` and in every export. *Choice* is asked before anything is opened. A bad file never",
            "stops its folder.",
            "",
            "| # | input | code | | answer |",
            "|---|---|---|---|---|",
            *_rows(),
            "",
        ]
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

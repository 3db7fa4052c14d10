"""What the DICOM readers take notice of, found in their own code: ``python -m tests.imaging.conformance`` writes it.

Tables come from constants and from the source: an attribute is read when a reader names its keyword. What cannot be
found in code is said in words here, and test_conformance.py holds the words to the code where it can.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from pydicom import charset
from pydicom.datadict import dictionary_description, tag_for_keyword
from pydicom.tag import Tag
from pydicom.uid import UID

from viewer.imaging.budget import BUDGET
from viewer.imaging.dicom import findings as dicom_findings
from viewer.imaging.dicom import stream as dicom_stream
from viewer.imaging.dicom import syntaxes as dicom_syntaxes

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "dicom_conformance.md"
_ROOM = ROOT / "viewer" / "imaging" / "dicom"
_WRITERS = {"writing"}
_ABOUT_DECODING = {"codecs", "codestream", "encapsulation", "openjpeg_plugin"}

PRIVATE = {
    ("SIEMENS MR HEADER", 0x0A): "number of slices in a mosaic",
    ("SIEMENS MR HEADER", 0x0C): "b-value",
    ("SIEMENS MR HEADER", 0x0D): "kind of diffusion weighting: directional, trace, none",
    ("SIEMENS MR HEADER", 0x0E): "diffusion direction",
    (
        "SIEMENS CSA HEADER",
        0x10,
    ): "mosaic: number and normal of slices; b-value and direction of older scanners",
    ("Image Private Header", 0x09): "b-value (United Imaging)",
    ("Image Private Header", 0x14): "normal of the slices of a mosaic (United Imaging)",
    ("Image Private Header", 0x37): "diffusion direction (United Imaging)",
    ("Image Private Header", 0x50): "number of slices in a mosaic (United Imaging)",
    ("Image Private Header", 0x51): "position of every slice of a mosaic (United Imaging)",
    ("Philips Imaging DD 001", 0x03): "b-value",
    ("Philips Imaging DD 001", 0x04): "diffusion direction by name: I is the isotropic mean",
    ("Philips MR Imaging DD 001", 0xB0): "diffusion direction, right-left",
    ("Philips MR Imaging DD 001", 0xB1): "diffusion direction, anterior-posterior",
    ("Philips MR Imaging DD 001", 0xB2): "diffusion direction, feet-head",
    ("Philips MR Imaging DD 005", 0x12): "number of the b-value",
    ("Philips MR Imaging DD 005", 0x13): "number of the diffusion direction",
    ("Philips MR Imaging DD 005", 0x29): "label or control image of spin labelling",
    ("GEMS_PARM_01", 0x2F): "magnitude, phase, real or imaginary part",
    ("GEMS_PARM_01", 0x39): "b-value",
    ("GEMS_ACQU_01", 0x9C): "name of the pulse sequence",
    ("GEMS_ACQU_01", 0xBB): "diffusion direction, x",
    ("GEMS_ACQU_01", 0xBC): "diffusion direction, y",
    ("GEMS_ACQU_01", 0xBD): "diffusion direction, z",
}
SPECIAL = (
    (
        "classic single-frame images (CT, MR, PET, NM...)",
        "sorted by position along their normal; never by name or number",
        "ImagePositionPatient",
    ),
    (
        "enhanced multi-frame CT, MR, PET",
        "shared and per-frame functional groups, rescale and window per frame",
        "PerFrameFunctionalGroupsSequence",
    ),
    (
        "CR, DX, MG and other projections",
        "each file a picture of its own; calibrated pixel size, else that at the detector, which is said",
        "ImagerPixelSpacing",
    ),
    ("Ultrasound", "size from the regions where there is one", "SequenceOfUltrasoundRegions"),
    ("Nuclear medicine", "slices from the detector's first position and the slice vector", "SliceVector"),
    ("RT Dose", "planes from the grid's offsets, values scaled to dose", "GridFrameOffsetVector"),
    ("Segmentation", "one volume per segment, by the segment's name", "ReferencedSegmentNumber"),
    ("Siemens and United Imaging mosaics", "taken apart into their slices", "SliceThickness"),
    (
        "Media Storage Directory (DICOMDIR)",
        "the files that it lists inside its own folder",
        "DirectoryRecordSequence",
    ),
)
IGNORED = (
    ("overlays (60xx)", "OverlayData"),
    ("graphic annotations and presentation states", "GraphicAnnotationSequence"),
    ("display shutters", "ShutterShape"),
    (
        "presentation LUT sequences (the shape, which repeats what MONOCHROME1 says, too)",
        "PresentationLUTSequence",
    ),
    ("ICC profiles", "ICCProfile"),
    ("pixel aspect ratio", "PixelAspectRatio"),
    ("real world value maps", "RealWorldValueMappingSequence"),
    ("waveforms", "WaveformSequence"),
    ("RT contours", "ROIContourSequence"),
    ("structured reports", "ContentSequence"),
    ("encapsulated documents", "EncapsulatedDocument"),
    ("whole slide images: total matrix and pyramid", "TotalPixelMatrixColumns"),
    ("digital signatures", "DigitalSignaturesSequence"),
)


def sources() -> list[Path]:
    """The modules that read DICOM."""
    return sorted(path for path in _ROOM.glob("*.py") if path.stem not in _WRITERS)


def attributes() -> dict[str, set[str]]:
    """Keyword of every attribute that a reader names -> the modules that do."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in sources():
        if path.stem in _ABOUT_DECODING:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            word = node.value if isinstance(node, ast.Constant) else getattr(node, "attr", None)
            if isinstance(word, str) and word and tag_for_keyword(word) is not None:
                found[word].add(path.stem)
    return dict(found)


def private_elements() -> set[tuple[int, str, int]]:
    """(group, creator, element) of every vendor's element that a reader asks for."""
    found = set()
    for path in sources():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        loops = {
            id(call): generator.iter
            for node in ast.walk(tree)
            if isinstance(node, ast.ListComp)
            for generator in node.generators
            for call in ast.walk(node.elt)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "private":
                group, creator, element = node.args[1:]
                values = ast.literal_eval(loops[id(node)] if isinstance(element, ast.Name) else element)
                for value in values if isinstance(values, tuple) else (values,):
                    found.add((ast.literal_eval(group), ast.literal_eval(creator), value))
    return found


def _syntaxes() -> Iterator[str]:
    kinds = (
        (dicom_syntaxes.PLAIN, "read as it is"),
        (dicom_syntaxes.WRAPPED, "frames taken out of their wrapping one by one"),
        (dicom_syntaxes.COMPRESSED, "decoded in a process of its own, with limits of time and memory"),
    )
    for uids, how in kinds:
        for uid in uids:
            name = UID(uid).name
            yield f"| {name if name != uid else 'Deflated Image Frame Compression'} | {uid} | {how} |"


def _photometric(name: str) -> str:
    if name == "PALETTE COLOR":
        return "colours of its tables, shown as RGB"
    if name.startswith("YBR"):
        return "converted to RGB"
    return {
        "MONOCHROME1": "kept as stored, shown inverted, and inverted for a network",
        "MONOCHROME2": "as it is",
        "RGB": "as it is",
    }[name]


def _sets() -> str:
    return ", ".join(
        sorted(name for name in charset.python_encoding if (name and "_" in name) or " " in name)
    )


def page() -> str:
    """The whole page."""
    read = attributes()
    lines = [
        "# DICOM conformance",
        "",
        "Made by `python -m tests.imaging.conformance` from the code of the readers; do not edit. For research use:",
        "this describes what is read, and is no conformance statement in the sense of PS3.2.",
        "",
        "## Objects",
        "",
        "A file is read when it holds an image (Rows, Columns and pixel data), whatever its SOP class is; without",
        "a preamble or file meta information too. Anything else is refused with the name of its SOP class. Objects",
        "that are treated in a way of their own:",
        "",
        "| object | how |",
        "|---|---|",
        *(f"| {what} | {how} |" for what, how, _ in SPECIAL),
        "",
        "Images of one patient, study, series, size, colour, echo, kind of map and orientation become one series;",
        "images at the same positions are its volumes (b-values, directions, points in time). Patients are",
        "never merged.",
        "",
        "## Transfer syntaxes",
        "",
        "| name | UID | |",
        "|---|---|---|",
        *_syntaxes(),
        "",
        "Any other is refused by its name and UID.",
        "",
        "## Photometric interpretations",
        "",
        "| value | shown |",
        "|---|---|",
        *(f"| {name} | {_photometric(name)} |" for name in dicom_findings._PHOTOMETRIC),
        "",
        "## Character sets",
        "",
        f"{_sets()}, and the default repertoire. Text in an unknown one is read as well as can be, and a note says so.",
        "",
        "## Limits",
        "",
        f"- {BUDGET.limit / 2**30:g} GB for the voxels of one image, checked before any is read;",
        f"- {dicom_findings._TOO_MANY_FRAMES:,} frames in a file;",
        f"- {dicom_stream._HEADER_LIMIT / 2**20:g} MB of inflated header in a deflated file.",
        "",
        "## Vendors' elements",
        "",
        "| tag | private creator | what for |",
        "|---|---|---|",
        *(
            f"| ({group:04X},xx{element:02X}) | {creator} | {PRIVATE.get((creator, element), '?')} |"
            for group, creator, element in sorted(private_elements())
        ),
        "",
        "A creator is known by the beginning of its name, in whatever block it lies.",
        "",
        "## Attributes read",
        "",
        f"{len(read)} attributes; patients' are kept apart and never logged.",
        "",
        "| tag | attribute |",
        "|---|---|",
        *(f"| {_tag(word)} | {_words(word)} |" for word in sorted(read, key=lambda word: Tag(word))),
        "",
        "## Ignored",
        "",
        "What is not in the table above changes nothing. Among it, as somebody may look for it:",
        "",
        *(f"- {what};" for what, _ in IGNORED[:-1]),
        f"- {IGNORED[-1][0]}.",
        "",
    ]
    return "\n".join(lines)


def _tag(keyword: str) -> str:
    tag = Tag(keyword)
    return f"({tag.group:04X},{tag.element:04X})"


def _words(keyword: str) -> str:
    return dictionary_description(Tag(keyword))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

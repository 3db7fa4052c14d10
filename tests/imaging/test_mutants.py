"""Headers that somebody, or something, has changed: whatever they say, the answer is an image or one sentence."""

from __future__ import annotations

import contextlib
import gzip
import io
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from viewer.foundation.errors import ReadError
from viewer.imaging.budget import MemoryBudget
from viewer.imaging.geometry import Geometry
from viewer.imaging.reading import inspect_path, read_image
from viewer.imaging.writing import write_nifti

nib: Any = nibabel
VOXELS = np.arange(60, dtype=np.int16).reshape(3, 4, 5)


def nifti(folder: Path) -> bytes:
    write_nifti(folder / "seed.nii", VOXELS, Geometry(np.diag([1.0, 2.0, 3.0, 1.0]), (3, 4, 5)))
    return (folder / "seed.nii").read_bytes()


def nifti2(_: Path) -> bytes:
    image = nib.Nifti2Image(VOXELS.T, np.eye(4))
    image.set_qform(np.eye(4), 1)
    return bytes(image.to_bytes())


def mgh(_: Path) -> bytes:
    return bytes(nib.MGHImage(VOXELS.T, np.eye(4)).to_bytes())


def mgz(folder: Path) -> bytes:
    return gzip.compress(mgh(folder), mtime=0)


def nrrd(_: Path) -> bytes:
    head = (
        "NRRD0005\ntype: short\ndimension: 4\nspace: left-posterior-superior\nsizes: 5 4 3 1\n"
        "space directions: (1,0,0) (0,1,0) (0,0,1) none\nspace origin: (1,2,3)\nkinds: domain domain domain list\n"
        "endian: little\nencoding: raw\nbyte skip: 0\nmodality:=DWMRI\nDWMRI_b-value:=1000\n\n"
    )
    return head.encode() + VOXELS.tobytes()


def nrrd_packed(folder: Path) -> bytes:
    head, _, body = nrrd(folder).partition(b"\n\n")
    return head.replace(b": raw", b": gzip") + b"\n\n" + gzip.compress(body, mtime=0)


def metaimage(_: Path) -> bytes:
    head = (
        "ObjectType = Image\nNDims = 3\nBinaryData = True\nCompressedData = True\nTransformMatrix = 1 0 0 0 1 0 0 0 1\n"
        "Offset = 0 0 0\nElementSpacing = 1 1 1\nDimSize = 5 4 3\nElementType = MET_SHORT\nHeaderSize = 0\n"
        "ElementNumberOfChannels = 1\nElementDataFile = LOCAL\n"
    )
    return head.encode() + zlib.compress(VOXELS.tobytes())


def archive(folder: Path) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("folder/scan.nii", nifti(folder))
        packed.writestr("readme.txt", b"hello")
    return out.getvalue()


SEEDS: tuple[tuple[str, Callable[[Path], bytes]], ...] = (
    ("a.nii", nifti),
    ("a.nii", nifti2),
    ("a.mgh", mgh),
    ("a.mgz", mgz),
    ("a.nrrd", nrrd),
    ("a.nrrd", nrrd_packed),
    ("a.mha", metaimage),
    ("a.zip", archive),
)
WORDS = (
    b"-1",
    b"0",
    b"nan",
    b"inf",
    b"1e300",
    b"99999999999999999999",
    b"..",
    b"/etc/passwd",
    b"\0",
    b"\n",
    b"%",
    b"",
)


@st.composite
def mutations(draw: st.DrawFn) -> list[tuple[str, int, bytes]]:
    """Bytes overwritten, words put in, ends cut off; positions in thousandths of the header."""
    one = st.tuples(
        st.sampled_from(["overwrite", "insert", "cut", "word"]),
        st.integers(0, 999),
        st.one_of(st.binary(min_size=1, max_size=8), st.sampled_from(WORDS)),
    )
    return draw(st.lists(one, min_size=1, max_size=4))


def mutated(data: bytes, changes: list[tuple[str, int, bytes]]) -> bytes:
    for how, place, content in changes:
        at = place * min(len(data), 560) // 1000
        if how == "overwrite":
            data = data[:at] + content + data[at + len(content) :]
        elif how == "insert":
            data = data[:at] + content + data[at:]
        elif how == "cut":
            data = data[: len(data) * place // 1000]
        else:
            # A whole word of a text header gives way to another.
            end = next((i for i in range(at, min(at + 40, len(data))) if data[i : i + 1] in b" \n"), at)
            data = data[:at] + content + data[end:]
    return data


@pytest.mark.parametrize(("name", "make"), SEEDS, ids=[make.__name__ for _, make in SEEDS])
@given(changes=mutations())
@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_a_changed_header_is_an_image_or_one_sentence(
    tmp_path: Path, name: str, make: Callable[[Path], bytes], changes: list[tuple[str, int, bytes]]
) -> None:
    path = tmp_path / name
    path.write_bytes(mutated(make(tmp_path), changes))
    inspection = inspect_path(path)
    for entry in inspection.unreadable:
        assert entry.sentence.endswith(".")
        assert entry.code != "unreadable", entry.sentence
    for info in inspection.series:
        with contextlib.suppress(ReadError):  # the voxels may be what was changed
            image = read_image(path, info.id)
            assert image.geometry.shape == info.shape
            assert image.voxels.nbytes <= MemoryBudget().limit
            assert np.isfinite(image.geometry.affine_lps).all()

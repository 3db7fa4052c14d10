"""The command line in this process, a tiny model on the shelf and small images on disk."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from tests.tiny import bright_spot, write_tiny_model
from viewer.__main__ import main
from viewer.imaging.image import MedicalImage
from viewer.imaging.writing import write_nifti


class Told(NamedTuple):
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)

    @property
    def sentence(self) -> str:
        """The one line on stderr, without the program's name."""
        lines = self.err.strip().splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("whyslice: ")
        assert "Traceback" not in self.err
        return lines[0].removeprefix("whyslice: ")


Say = Callable[..., Told]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Run a command line in this process."""

    def run(*words: object) -> Told:
        capsys.readouterr()
        code = main([str(word) for word in words])
        out, err = capsys.readouterr()
        return Told(code, out, err)

    return run


@pytest.fixture
def tiny(user_folder: Path) -> str:
    """Id of a model on the shelf: bright means stroke."""
    write_tiny_model(user_folder)
    return "tiny"


@pytest.fixture
def head() -> MedicalImage:
    """Five axial slices; a bright square on slice 2 at row 8, column 20, on the patient's left."""
    return bright_spot()


@pytest.fixture
def nifti(tmp_path: Path, head: MedicalImage) -> Path:
    path = tmp_path / "head.nii.gz"
    write_nifti(path, head.voxels, head.geometry)
    return path


@pytest.fixture
def png(tmp_path: Path) -> Path:
    path = tmp_path / "film.png"
    Image.fromarray(np.arange(40 * 50, dtype=np.uint8).reshape(40, 50)).save(path)
    return path


def voxels_of(path: Path | str) -> np.ndarray:
    """A NIfTI in the axes (slice, row, column), read by another library than ours."""
    return np.asarray(nib.load(path).dataobj).transpose(2, 1, 0)

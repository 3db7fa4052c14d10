"""Reading scans: the first slice, the whole series, the memory it takes, against SimpleITK alone and pydicom + numpy.

The scans are written here. Each reader runs in a fresh process, its libraries loaded before the clock starts; what it
takes is the process's high-water mark beyond what it held by then. Files have just been written, so no disk is timed.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measuring import Agreement, Report, Row

_REPEATS = 3
_FIRST_GOAL = 1000.0
"""Milliseconds to the first slice of a 300-slice series."""
_OVER = 1.3
"""A series may take its voxels and 30% beyond the idle program."""
_READERS = ("whyslice", "SimpleITK", "pydicom")


# --- the scans -----------------------------------------------------------------------------------------------------


def _write(folder: Path, number: int, pixels: Any, series: int, place: float, **facts: Any) -> None:
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    uid = f"1.2.826.0.1.3680043.8.498.1.{series}"
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"{uid}.{number + 1}"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.826.0.1.3680043.8.498.1", uid
    dataset.PatientID, dataset.PatientName, dataset.Modality = "B1", "Bench^Mark", "CT"
    dataset.SeriesNumber, dataset.InstanceNumber, dataset.SeriesDescription = (
        series,
        number + 1,
        f"series {series}",
    )
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 1
    dataset.PixelSpacing, dataset.SliceThickness = ["0.5", "0.5"], "1"
    dataset.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
    dataset.ImagePositionPatient = ["0", "0", f"{place:g}"]
    dataset.RescaleSlope, dataset.RescaleIntercept = "1", "0"
    for keyword, value in facts.items():
        setattr(dataset, keyword, value)
    dataset.PixelData = pixels.tobytes()
    # Names say nothing of the order, as on a disc from a hospital.
    name = hashlib.sha256(f"{series}/{number}".encode()).hexdigest()[:16]
    dataset.save_as(folder / name, enforce_file_format=True)


def _pixels(size: int, seed: int) -> Any:
    return np.random.default_rng(seed).integers(-1000, 3000, (size, size)).astype(np.int16)


def write_ct(folder: Path) -> None:
    """300 slices of 512 x 512."""
    base = _pixels(512, 0)
    for number in range(300):
        _write(folder, number, np.roll(base, number), 1, float(number))


def write_dwi(folder: Path) -> None:
    """60 volumes of 30 slices of 128 x 128: one without diffusion weighting, 59 directions of b = 1000."""
    base = _pixels(128, 1)
    for number in range(60 * 30):
        volume, place = divmod(number, 30)
        angle = 2 * np.pi * volume / 60
        facts: dict[str, Any] = {"Modality": "MR", "DiffusionBValue": 1000.0 if volume else 0.0}
        if volume:
            facts["DiffusionGradientOrientation"] = [float(np.cos(angle)), float(np.sin(angle)), 0.0]
        _write(folder, number, np.roll(base, number), 1, 4.0 * place, **facts)


def write_mixed(folder: Path) -> None:
    """2,000 files: 20 series of 100 slices of 64 x 64."""
    base = _pixels(64, 2)
    for series in range(20):
        for number in range(100):
            _write(folder, number, np.roll(base, series * 100 + number), series + 1, 2.0 * number)


SCANS: dict[str, tuple[Callable[[Path], None], int]] = {
    "ct": (write_ct, 300 * 512 * 512 * 2),
    "dwi": (write_dwi, 60 * 30 * 128 * 128 * 2),
    "mixed": (write_mixed, 100 * 64 * 64 * 2),
}


# --- the readers, each in a process of its own ---------------------------------------------------------------------


def _with_whyslice(scan: str, folder: Path, clock: _Clock) -> Any:
    from viewer.imaging.contents import Contents

    clock.start()
    contents = Contents.of(folder)
    clock.lap("listed")
    if scan == "dwi":
        info = contents.inspection.series[0]
        volumes = [contents.load(info.id).voxels]
        clock.lap("default")
        volumes = [contents.load(info.id, volume=volume).voxels for volume in range(len(info.volumes))]
        clock.lap("whole")
        return np.concatenate(volumes)
    image = contents.load("s1", arriving=lambda _: clock.lap("first"))
    clock.lap("whole")
    return image.voxels


def _with_simpleitk(scan: str, folder: Path, clock: _Clock) -> Any:
    import SimpleITK

    sitk: Any = SimpleITK
    clock.start()
    ids = sorted(sitk.ImageSeriesReader.GetGDCMSeriesIDs(str(folder)))
    names = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder), ids[0])
    clock.lap("listed")
    if scan != "dwi":
        sitk.GetArrayFromImage(sitk.ReadImage(names[0]))
        clock.lap("first")
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(names)
    voxels = sitk.GetArrayViewFromImage(image := reader.Execute())
    clock.lap("whole")
    clock.keep = image
    return voxels


def _with_pydicom(scan: str, folder: Path, clock: _Clock) -> Any:
    import pydicom
    from pydicom.pixels import pixel_array

    clock.start()
    heads = [(pydicom.dcmread(path, stop_before_pixels=True), path) for path in folder.iterdir()]
    groups: dict[str, list[Any]] = {}
    for head, path in heads:
        groups.setdefault(str(head.SeriesInstanceUID), []).append((head, path))
    chosen = groups[min(groups)]
    weights = {id(head): float(head.get("DiffusionBValue", 0)) for head, _ in chosen}
    numbers = {id(head): int(head.InstanceNumber) for head, _ in chosen}
    # By volume, then by position, as the DWI was written: by the number of the image.
    chosen.sort(
        key=lambda pair: (numbers[id(pair[0])] if weights else 0, float(pair[0].ImagePositionPatient[2]))
    )
    clock.lap("listed")
    if scan != "dwi":
        pixel_array(chosen[0][1])
        clock.lap("first")
    first = chosen[0][0]
    voxels = np.empty((len(chosen), int(first.Rows), int(first.Columns)), np.int16)
    for place, (_, path) in enumerate(chosen):
        voxels[place] = pydicom.dcmread(path).pixel_array
    clock.lap("whole")
    return voxels


class _Clock:
    """Times since the start, and the memory held by then."""

    def __init__(self) -> None:
        self.begun = self.idle = 0.0
        self.times: dict[str, float] = {}
        self.keep: object = None

    def start(self) -> None:
        self.idle = _memory("VmRSS")
        self.begun = time.perf_counter()

    def lap(self, name: str) -> None:
        self.times[name] = (time.perf_counter() - self.begun) * 1000


def _memory(what: str) -> float:
    """Bytes by the kernel's account of this process."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(what):
            return float(line.split()[1]) * 1024
    raise RuntimeError("memory is measured on Linux")


def _child(reader: str, scan: str, folder: Path) -> None:
    clock = _Clock()
    read = {"whyslice": _with_whyslice, "SimpleITK": _with_simpleitk, "pydicom": _with_pydicom}[reader]
    voxels = read(scan, folder, clock)
    peak = _memory("VmHWM")
    found = hashlib.sha256()
    # In the order of positions, whichever end a reader begins at; volumes of the DWI in any order.
    slices = sorted(
        hashlib.sha256(np.ascontiguousarray(plane, np.int16).tobytes()).digest() for plane in voxels
    )
    for each in slices:
        found.update(each)
    print(
        json.dumps(
            {**clock.times, "memory": peak - clock.idle, "idle": clock.idle, "hash": found.hexdigest()}
        )
    )


# --- side by side --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Measured:
    """The best of some runs of every reader."""

    best: dict[str, dict[str, float]]
    same: dict[str, bool]

    def row(self, what: str, key: str, peer: str, **goal: Any) -> Row:
        return Row(what, self.best["whyslice"][key], peer, self.best[peer].get(key), **goal)


def _measured(scan: str) -> _Measured:
    write, _ = SCANS[scan]
    runs: dict[str, list[dict[str, Any]]] = {reader: [] for reader in _READERS}
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        write(folder)
        for _ in range(_REPEATS):
            for reader in _READERS:
                done = subprocess.run(
                    [sys.executable, "-m", "benchmarks.reading", reader, scan, str(folder)],
                    capture_output=True,
                    text=True,
                    check=True,
                    cwd=Path(__file__).resolve().parents[1],
                    env={**os.environ, "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": "1"},
                )
                runs[reader].append(json.loads(done.stdout.splitlines()[-1]))
    hashes = {reader: each[0]["hash"] for reader, each in runs.items()}
    best = {
        reader: {key: min(run[key] for run in each) for key in each[0] if key != "hash"}
        for reader, each in runs.items()
    }
    return _Measured(best, {peer: hashes[peer] == hashes["whyslice"] for peer in _READERS[1:]})


def _report(scan: str, rows: Callable[[_Measured, str], list[Row]]) -> Report:
    found = _measured(scan)
    agreements = tuple(
        Agreement(f"every voxel of {scan} against {peer}", 0.0 if same else 1.0, 0.0)
        for peer, same in found.same.items()
    )
    return Report(agreements, tuple(row for peer in _READERS[1:] for row in rows(found, peer)))


def _memory_row(found: _Measured, scan: str, peer: str) -> Row:
    _, size = SCANS[scan]
    limit = size * _OVER
    ours = found.best["whyslice"]["memory"]
    what = f"memory beyond the idle program, for {size / 2**20:.0f} MB of voxels"
    return found.row(what, "memory", peer, goal=f"<= {limit / 2**20:.0f} MB", met=ours <= limit, unit="bytes")


def ct() -> Report:
    """A CT of 300 slices of 512 x 512, 157 MB."""

    def rows(found: _Measured, peer: str) -> list[Row]:
        met = found.best["whyslice"]["first"] <= _FIRST_GOAL
        return [
            found.row("to the first slice", "first", peer, goal=f"<= {_FIRST_GOAL:g} ms", met=met),
            found.row("to the whole series", "whole", peer),
            _memory_row(found, "ct", peer),
        ]

    return _report("ct", rows)


def dwi() -> Report:
    """A 4D DWI: 1,800 files, 60 volumes."""

    def rows(found: _Measured, peer: str) -> list[Row]:
        default = Row("to the volume shown by default", found.best["whyslice"]["default"])
        return [
            *([default] if peer == _READERS[1] else []),
            found.row("to all volumes (a peer: all slices in one pile)", "whole", peer),
        ]

    return _report("dwi", rows)


def mixed() -> Report:
    """A folder of 2,000 files, 20 series."""

    def rows(found: _Measured, peer: str) -> list[Row]:
        return [
            found.row("to the list of the series", "listed", peer),
            found.row("to the first slice of one series", "first", peer),
            found.row("to the whole of that series", "whole", peer),
        ]

    return _report("mixed", rows)


BENCHMARKS = {"reading-ct": ct, "reading-dwi": dwi, "reading-mixed-folder": mixed}

if __name__ == "__main__":
    _child(sys.argv[1], sys.argv[2], Path(sys.argv[3]))

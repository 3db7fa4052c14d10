"""From a path to the series in it: a file, a folder with its subfolders, an archive, the directory of a disc.

Headers only. A bad file is reported and never stops the others.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from viewer.foundation.errors import Cancelled, ReadError
from viewer.foundation.progress import SILENT, Progress
from viewer.imaging.diagnoses import Diagnosis
from viewer.imaging.formats.numbered_pictures import STACK, stacks
from viewer.imaging.formats.private_folder import PrivateFolder
from viewer.imaging.formats.sidecar import sidecar_files
from viewer.imaging.image import MedicalImage
from viewer.imaging.series import Candidate, Unreadable, Wish
from viewer.imaging.sniffing import PICTURES, Kind, contradicts_extension, kind_of

_PACKED_ANYWAY = (Kind.NIFTI, Kind.MGH)
"""Formats that are read from gzip files as they are."""


def search(path: Path, progress: Progress = SILENT) -> tuple[list[Candidate], list[Unreadable]]:
    """The series in a file or folder in reading order, and the files that are not images.

    Raises
    ------
    ReadError
        When the path does not exist or may not be read.
    """
    if path.is_dir():
        looked = _Search(progress)
        looked.at(_files_below(path))
    elif path.is_file():
        looked = _Search(progress, alone=True)
        looked.at([path])
    elif path.exists():
        raise ReadError(f"'{path.name}' is neither a file nor a folder.", code="not-an-image")
    else:
        raise ReadError(f"There is no file or folder '{path.name}'.", code="missing")
    return looked.result()


@dataclass
class _Search:
    """What has been found so far.

    Attributes
    ----------
    alone : whether one file was named; an archive in a folder is not unpacked without being asked for.
    nested : whether these files come out of an archive; there archives are not unpacked.
    folder : where packed files of this search were unpacked, None until there is one.
    parts : files that belong to another one: sidecars, the voxels of a detached header.
    pictures : the candidates that are files of pictures, which may make a stack.
    shown : the place by which a file is called: that of the packed file, or within the archive, where it was unpacked.
    """

    progress: Progress
    alone: bool = False
    nested: bool = False
    folder: PrivateFolder | None = None
    candidates: list[Candidate] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    dicom: list[Path] = field(default_factory=list)
    directories: list[Path] = field(default_factory=list)
    parts: set[Path] = field(default_factory=set)
    shown: Callable[[Path], Path] | None = None
    packed: dict[Path, Path] = field(default_factory=dict)
    pictures: list[Candidate] = field(default_factory=list)

    def at(self, files: Iterable[Path]) -> None:
        """Look at some files."""
        for file in files:
            try:
                self._file(file)
            except ReadError as error:
                self.unreadable.append(Unreadable.because(file, error))
            except (Cancelled, MemoryError):
                raise
            except Exception as error:  # noqa: BLE001 whatever a broken file does to a library, the others are read
                self.unreadable.append(
                    Unreadable(
                        file,
                        "unreadable",
                        f"'{file.name}' could not be read: its header makes no sense ({type(error).__name__}).",
                    )
                )
        if self.directories and (self.alone or not (self.candidates or self.dicom)):
            for directory in self.directories:
                self._directory(directory)

    def result(self) -> tuple[list[Candidate], list[Unreadable]]:
        """Everything, in order and with names; stacks of pictures, which have names already, come last."""
        if self.dicom:
            from viewer.imaging.dicom import candidates as dicom

            found, broken = dicom.candidates(self.dicom, self.progress)
            self.unreadable.extend(broken)
            self.candidates += [_with_name_checked(each.info.path, Kind.DICOM, each) for each in found]
        voxels = {
            file.resolve() for each in self.candidates for file in each.info.files[1:] if each.order == ()
        }
        found = [each for each in self.candidates if each.info.path.resolve() not in voxels]
        stacked = stacks(self.pictures)
        # Sidecars and voxel files of detached headers are no images of their own, and nothing is wrong with them.
        parts = self.parts | voxels
        unreadable = [entry for entry in self.unreadable if entry.path.resolve() not in parts]
        if self.folder is not None:
            shown = self.shown or (lambda path: self.packed.get(path, path))
            found = [_kept(each, self.folder, shown(each.info.path)) for each in found]
            stacked = [_kept(each, self.folder, shown(each.info.path)) for each in stacked]
            unreadable = [replace(each, path=shown(each.path)) for each in unreadable]
        found.sort(key=lambda candidate: (candidate.order, str(candidate.info.path)))
        unreadable.sort(key=lambda entry: str(entry.path))
        # Those of an archive have names already.
        stacked = [each for each in found if each.info.id.startswith(STACK)] + stacked
        single = [each for each in found if not each.info.id.startswith(STACK)]
        return [each.named(number) for number, each in enumerate(single, start=1)] + stacked, unreadable

    def _file(self, file: Path) -> None:
        kind, packed = kind_of(file)
        if kind is Kind.ZIP:
            self._archive(file, packed)
            return
        if packed and kind not in _PACKED_ANYWAY:
            if self.folder is None:
                self.folder = PrivateFolder()
            inner = self.folder.unpack_gzip(file)
            self.packed |= {inner: file, inner.parent: file.parent}
            file = inner
        if kind is Kind.DICOM:
            self.dicom.append(file)
        elif kind is Kind.DICOMDIR:
            self.directories.append(file)
        elif kind is Kind.HDF5:
            from viewer.imaging.formats.picture_table import read_table

            self.candidates += [_with_name_checked(file, kind, each) for each in read_table(file)]
        else:
            if kind in (Kind.NRRD, Kind.METAIMAGE):
                self.parts.update(_voxel_files(file, kind))
            if kind is Kind.NIFTI:
                self.parts.update(each.resolve() for each in sidecar_files(file))
            self.candidates.append(_with_name_checked(file, kind, _candidate(kind, file)))
            if kind in PICTURES:
                self.pictures.append(self.candidates[-1])

    def _directory(self, path: Path) -> None:
        from viewer.imaging.dicom.directory import listed_files

        try:
            files, notes = listed_files(path)
        except ReadError as error:
            self.unreadable.append(Unreadable.because(path, error))
            return
        self.unreadable.extend(notes)
        inner = _Search(self.progress, nested=True)
        inner.at(files)
        self.dicom += inner.dicom
        self.unreadable += inner.unreadable
        if not files and not notes:
            self.unreadable.append(
                Unreadable(path, "no-images", f"'{path.name}' is a DICOM directory that lists no images.")
            )

    def _archive(self, path: Path, packed: bool) -> None:
        if self.nested:
            raise ReadError(
                f"'{path.name}' is an archive inside an archive, which is not unpacked.",
                code="nested-archive",
                action="Unpack the outer one yourself and open the inner one.",
            )
        if not self.alone or packed:
            raise ReadError(
                f"'{path.name}' is a zip archive; it is only unpacked when it is opened by itself.",
                code="archive",
            )
        folder = PrivateFolder()
        try:
            refused = folder.unpack_zip(path, self.progress)
            files = _files_below(folder.path)
            shown = partial(_within, folder.path, path)
            inner = _Search(self.progress, nested=True, folder=folder, unreadable=refused, shown=shown)
            inner.at(files)
            found, unreadable = inner.result()
        except BaseException:
            folder.remove()
            raise
        if not found and not unreadable:
            raise ReadError(f"The archive '{path.name}' holds no files.", code="no-images")
        self.candidates += found
        self.unreadable += unreadable


def _within(home: Path, archive: Path, path: Path) -> Path:
    """An unpacked file by its place in the archive: the archive's path with the member's name behind it."""
    try:
        inner = path.relative_to(home).parts
    except ValueError:
        return path
    return archive.joinpath(*inner[1:])


def _kept(candidate: Candidate, folder: PrivateFolder, where: Path) -> Candidate:
    """A candidate whose unpacked files stay as long as it, or an image of it, is there; called by its place `where`."""

    def kept(image: MedicalImage) -> MedicalImage:
        return replace(image, source=replace(image.source, path=where, keeper=folder))

    def load(wish: Wish) -> MedicalImage:
        arriving = wish.arriving
        if arriving is not None:
            tell = arriving
            wish = replace(wish, arriving=lambda image: tell(kept(image)))
        return kept(candidate.load(wish))

    peek = candidate.peek
    return replace(
        candidate,
        info=replace(candidate.info, path=where),
        load=load,
        peek=None if peek is None else lambda: kept(peek()),
    )


# The libraries behind a format take a tenth of a second each to load; nobody waits for those that are not needed.


def _candidate(kind: Kind, file: Path) -> Candidate:
    """The image in a file of any format but DICOM, whose files are looked at together."""
    if kind in PICTURES:
        from viewer.imaging.formats.pictures import read_picture

        return read_picture(file)
    if kind is Kind.NIFTI:
        from viewer.imaging.formats.nifti import read_grid
    elif kind is Kind.MGH:
        from viewer.imaging.formats.mgh import read_grid
    elif kind is Kind.NRRD:
        from viewer.imaging.formats.nrrd import read_grid
    else:
        from viewer.imaging.formats.metaimage import read_grid
    return read_grid(file).candidate()


def _voxel_files(file: Path, kind: Kind) -> set[Path]:
    """Voxel files that a detached header names, whether or not all else in the header is sound."""
    from viewer.imaging.formats.text_header import named_voxel_file

    named = named_voxel_file(file, ":" if kind is Kind.NRRD else "=")
    return set() if named is None else {named.resolve()}


def _files_below(folder: Path) -> list[Path]:
    """Visible files below a folder in a stable order; links to folders are not followed."""
    problem: list[OSError] = []
    files: list[Path] = []
    for root, folders, names in os.walk(folder, onerror=problem.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        files.extend(Path(root) / name for name in sorted(names) if not name.startswith("."))
    if problem and not files:
        words = (problem[0].strerror or "unknown reason").lower()
        raise ReadError(f"The folder '{folder.name}' could not be opened: {words}.", code="no-access")
    return [file for file in files if file.is_file()]


def _with_name_checked(path: Path, kind: Kind, candidate: Candidate) -> Candidate:
    """Add a note where the name promises another format."""
    if not contradicts_extension(path, kind):
        return candidate
    note = Diagnosis(
        "wrong-extension",
        "note",
        f"The file is {kind.value} although its name ends in '{path.suffix}'; it was read as {kind.value}.",
    )
    return _noted(candidate, note)


def _noted(candidate: Candidate, note: Diagnosis) -> Candidate:
    def load(wish: Wish) -> MedicalImage:
        image = candidate.load(wish)
        return replace(image, diagnoses=(*image.diagnoses, note))

    info = replace(candidate.info, diagnoses=(*candidate.info.diagnoses, note))
    return replace(candidate, info=info, load=load)

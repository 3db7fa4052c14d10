"""A folder for what had to be unpacked: nobody else may look into it, and it is gone when nothing needs it any more.

Scans are patient data. The folder is made with the rights of its owner alone, and is removed when the last image and
the last look at the archive are released, at the latest when the program ends.
"""

from __future__ import annotations

import errno
import shutil
import tempfile
import weakref
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from stat import S_ISLNK

from viewer.foundation.errors import ReadError
from viewer.foundation.progress import SILENT, Progress
from viewer.imaging.budget import BUDGET
from viewer.imaging.file_stamp import unreachable
from viewer.imaging.formats.unpacking import PIECE, UnpackedPieces
from viewer.imaging.series import Unreadable

_MEMBERS = 20_000
_DIRECTORY = 16 << 20
"""Longest list of members, bytes: it is read as a whole before anything can be counted."""
_END, _END_LENGTH = b"PK\x05\x06", 22
_SAID = 40
"""Characters of a member's name that a sentence repeats."""
_NO_NAME = (errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ)
"""What a system answers to a name that it cannot give a file."""


class PrivateFolder:
    """The unpacked content of one archive, or of the packed files of one folder.

    Attributes
    ----------
    path : exists as long as this object does.
    """

    def __init__(self) -> None:
        try:
            self.path = Path(tempfile.mkdtemp(prefix="whyslice-"))
        except OSError as error:
            why = (error.strerror or type(error).__name__).lower()
            raise ReadError(
                f"There is no place to unpack to: the temporary folder cannot be written ({why}).",
                code="no-room",
            ) from None
        self._left = BUDGET.limit
        self._files = 0
        # Not `TemporaryDirectory`: it warns when nobody closes it, and letting go is how this one is closed.
        self._remove = weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)

    def remove(self) -> None:
        """Remove it now."""
        self._remove()

    def unpack_gzip(self, path: Path) -> Path:
        """The content of a gzip file, in a file named like it without its ending.

        Raises
        ------
        ReadError
            ``over-budget`` when it grows beyond what is left of the budget, ``truncated`` when it is damaged.
        """
        self._files += 1
        target = self.path / str(self._files) / (path.name.removesuffix(".gz") or path.name)
        try:
            target.parent.mkdir(mode=0o700)
            with path.open("rb") as source:
                self._write(path, target, UnpackedPieces(source, "gzip"))
        except (EOFError, zlib.error):
            raise ReadError(
                f"'{path.name}' is damaged: it does not decompress to the end.", code="truncated"
            ) from None
        except OSError as error:
            raise _no_room(path, error) from None
        return target

    def unpack_zip(self, path: Path, progress: Progress = SILENT) -> list[Unreadable]:
        """The members of a zip archive below `path`; a member that is refused is named and left out.

        Raises
        ------
        ReadError
            When it is no archive, or asks for too much: too many members, or more bytes than the budget allows.
        """
        home = self.path / (path.stem or "archive")
        home.mkdir(mode=0o700)
        refused: list[Unreadable] = []
        try:
            _check_directory(path)
            with zipfile.ZipFile(path) as archive:
                members = [member for member in archive.infolist() if _wanted(member)]
                self._check(path, members)
                for done, member in enumerate(members):
                    progress.report(done, len(members), "unpacking")
                    try:
                        self._member(path, archive, member, home)
                    except ReadError as error:
                        refused.append(Unreadable.because(home / _plain(member.filename), error))
        except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError):
            raise ReadError(f"'{path.name}' is a damaged zip archive.", code="damaged-zip") from None
        except OSError as error:
            raise _no_room(path, error) from None
        return refused

    def _check(self, path: Path, members: list[zipfile.ZipInfo]) -> None:
        if len(members) > _MEMBERS:
            raise ReadError(
                f"'{path.name}' holds {len(members):,} files, more than the {_MEMBERS:,} that are unpacked.",
                code="over-budget",
                action="Unpack it yourself and open the folder.",
            )
        total = sum(member.file_size for member in members)
        BUDGET.check(path.name, total)
        free = shutil.disk_usage(self.path).free
        if total > free:
            raise ReadError(
                f"There is no room to unpack '{path.name}': it needs {total / 2**30:.1f} GB and {free / 2**30:.1f} GB "
                "are free.",
                code="no-room",
            )

    def _member(self, path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo, home: Path) -> None:
        """Unpack one member, or say why not."""
        name = member.filename.replace("\\", "/")
        where = PurePosixPath(name)
        said = f"'{(where.name or name)[:_SAID]}' in '{path.name}'"
        if not name or "\0" in name:
            raise _bad_name(said)
        if where.is_absolute() or ":" in name or ".." in where.parts or not where.parts:
            raise ReadError(
                f"{said} is to be unpacked outside its own folder, which is refused.", code="outside-path"
            )
        if S_ISLNK(member.external_attr >> 16):
            raise ReadError(f"{said} is a link to another file, which is refused.", code="outside-path")
        if member.flag_bits & 0x1:
            raise ReadError(
                f"{said} is encrypted.", code="encrypted", action="Unpack it yourself and open the folder."
            )
        target = home / where
        try:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with archive.open(member) as source:
                self._write(path, target, iter(lambda: source.read(PIECE), b""))
        except (zipfile.BadZipFile, zlib.error, EOFError):
            raise ReadError(f"{said} is damaged.", code="truncated") from None
        except (NotImplementedError, RuntimeError):
            raise ReadError(
                f"{said} is packed in a way that is not supported.",
                code="unsupported-packing",
                action="Unpack it yourself and open the folder.",
            ) from None
        except FileExistsError:
            raise ReadError(f"{said} is there twice; the first one is used.", code="duplicate") from None
        except OSError as error:
            raise (_bad_name(said) if error.errno in _NO_NAME else _no_room(path, error)) from None

    def _write(self, path: Path, target: Path, pieces: Iterable[bytes]) -> None:
        out = target.open("xb")
        try:
            with out:
                for piece in pieces:
                    self._left -= len(piece)
                    if self._left < 0:
                        raise ReadError(
                            f"'{path.name}' unpacks to more than the {BUDGET.limit / 2**30:.3g} GB allowed.",
                            code="over-budget",
                        )
                    out.write(piece)
        except BaseException:
            # Half a file is no file.
            target.unlink(missing_ok=True)
            raise


def _plain(name: str) -> str:
    """The last part of a member's name, for a list of what was refused."""
    return PurePosixPath(name.replace("\0", "")).name[:_SAID] or "(no name)"


def _wanted(member: zipfile.ZipInfo) -> bool:
    """Whether a member is a file that somebody put there; hidden files are left out as they are in folders."""
    name = member.filename.replace("\\", "/")
    parts = PurePosixPath(name).parts
    hidden = any(part.startswith(".") and part not in (".", "..") for part in parts)
    return not name.endswith("/") and not hidden and parts[:1] != ("__MACOSX",)


def _check_directory(path: Path) -> None:
    """Refuse a list of members that is too long to be read at once, by what the end of the archive says of it."""
    with path.open("rb") as stream:
        length = stream.seek(0, 2)
        stream.seek(max(0, length - _END_LENGTH - 0xFFFF))
        tail = stream.read()
    place = tail.rfind(_END)
    if place < 0 or len(tail) < place + _END_LENGTH:
        raise zipfile.BadZipFile
    if int.from_bytes(tail[place + 12 : place + 16], "little") > _DIRECTORY:
        raise ReadError(
            f"'{path.name}' holds more files than are unpacked.",
            code="over-budget",
            action="Unpack it yourself and open the folder.",
        )


def _bad_name(said: str) -> ReadError:
    return ReadError(
        f"{said} has a name that no file can have here.",
        code="bad-name",
        action="Unpack it yourself under another name and open the folder.",
    )


def _no_room(path: Path, error: OSError) -> ReadError:
    if isinstance(error, FileNotFoundError):
        return unreachable(path, error)
    why = (error.strerror or type(error).__name__).lower()
    return ReadError(f"'{path.name}' could not be unpacked: {why}.", code="no-room")

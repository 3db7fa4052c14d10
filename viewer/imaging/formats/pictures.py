"""PNG, JPEG, TIFF, BMP, GIF and WebP: pictures without a place in the patient.

Their resolution (dots per inch) is a wish of a printer, not a size in the patient: spacing is unknown. Pillow decodes
them in the worker process, after their announced size has met the budget.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from viewer.foundation.errors import ReadError
from viewer.foundation.provenance import sha256_of
from viewer.imaging.budget import BUDGET
from viewer.imaging.decoding import door as decoding
from viewer.imaging.diagnoses import Diagnosis, no_orientation, no_spacing
from viewer.imaging.file_stamp import Stamp, check_unchanged, stamp_of, unreachable
from viewer.imaging.geometry import Geometry
from viewer.imaging.image import Intensity, MedicalImage, Source
from viewer.imaging.series import Candidate, SeriesInfo, Wish
from viewer.imaging.sniffing import Kind, kind_of
from viewer.imaging.voxel_types import value_findings

_WORKER = "viewer.imaging.formats.picture_decoding"
_PILLOW = {Kind.WEBP: "WEBP"}
_ROTATED = (5, 6, 7, 8)


@dataclass(frozen=True)
class _Picture:
    """A file of one or several pages of one size.

    Attributes
    ----------
    kind : Pillow's name of the format.
    pages : numbers of the pages that make up the stack.
    stamp : see `stamp_of`.
    """

    path: Path
    kind: str
    pages: tuple[int, ...]
    geometry: Geometry
    colour: bool
    item: int
    inverted: bool
    diagnoses: tuple[Diagnosis, ...]
    stamp: Stamp

    @property
    def photometric(self) -> str:
        if self.colour:
            return "RGB"
        return "MONOCHROME1" if self.inverted else "MONOCHROME2"

    def candidate(self) -> Candidate:
        info = SeriesInfo.of(
            self.geometry,
            self.path,
            frames=len(self.pages),
            photometric=self.photometric,
            diagnoses=self.diagnoses,
            files=(self.path,),
        )
        return Candidate(info, self.load, self.peek if len(self.pages) > 1 else None)

    def load(self, wish: Wish) -> MedicalImage:
        """All pages."""
        wish.progress.report(0, 1, "reading")
        image = self._image(self.pages)
        wish.progress.report(1, 1)
        return image

    def peek(self) -> MedicalImage:
        """The middle page."""
        return self._image((self.pages[len(self.pages) // 2],))

    def _image(self, pages: tuple[int, ...]) -> MedicalImage:
        check_unchanged(self.path, self.stamp)
        rows, columns = self.geometry.shape[1:]
        answer = decoding.run(
            f"{_WORKER}:decode",
            {"path": str(self.path), "kind": self.kind, "pages": list(pages), "colour": self.colour},
            name=self.path.name,
            size=len(pages) * rows * columns * self.item * (3 if self.colour else 1),
        )
        (voxels,) = answer.arrays
        geometry = Geometry.unoriented((len(pages), rows, columns))
        if voxels.shape[:3] != geometry.shape:
            raise ReadError(f"'{self.path.name}' is a cut-off or damaged picture.", code="truncated")
        found: tuple[Diagnosis, ...] = ()
        if answer.facts["transparent"]:
            found = (
                Diagnosis(
                    "transparent", "note", "Parts of the picture are transparent; transparency is ignored."
                ),
            )
        try:
            digest = sha256_of(self.path)
        except OSError as error:
            raise unreachable(self.path, error) from None
        return MedicalImage(
            voxels=voxels,
            geometry=geometry,
            intensity=Intensity(photometric=self.photometric),
            source=Source(self.path, (self.path,), sha256=digest),
            diagnoses=self.diagnoses + found + value_findings(voxels),
        )


def read_picture(path: Path) -> Candidate:
    """The picture, or the stack of equal pages, in a file.

    Raises
    ------
    ReadError
        When the header is damaged or announces more pixels than the budget allows.
    """
    (kind, _), stamp = kind_of(path), stamp_of(path)
    pillow = _PILLOW.get(kind, kind.value)
    facts = decoding.run(f"{_WORKER}:look", {"path": str(path), "kind": pillow}, name=path.name, size=0).facts
    columns, rows, pages = facts["columns"], facts["rows"], tuple(facts["pages"])
    BUDGET.check(path.name, rows * columns * len(pages) * facts["item"] * (3 if facts["colour"] else 1))
    diagnoses = [no_spacing(), no_orientation()]
    if facts["turn"] in _ROTATED:
        rows, columns = columns, rows
    if facts["turn"] != 1:
        diagnoses.append(Diagnosis("turned", "note", "The picture was turned as its camera data ask."))
    if facts["others"]:
        diagnoses.append(
            Diagnosis(
                "left-out",
                "warning",
                f"{facts['others']} of {facts['others'] + len(pages)} pages are of another size or kind and are left "
                "out.",
                "Save them as files of their own to see them.",
            )
        )
    if facts["reduced"]:
        diagnoses.append(
            Diagnosis("reduced", "note", f"The colours of {facts['reduced']} bits were reduced to 8 bits.")
        )
    geometry = Geometry.unoriented((len(pages), rows, columns))
    return _Picture(
        path,
        pillow,
        pages,
        geometry,
        facts["colour"],
        facts["item"],
        facts["inverted"],
        tuple(diagnoses),
        stamp,
    ).candidate()

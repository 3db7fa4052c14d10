"""Words and pictures of a series for lists: the case panel and the chooser say the same things."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QIcon, QImage, QPainter, QPainterPath, QPen, QPixmap

from viewer.imaging.image import PatientInfo
from viewer.imaging.series import SeriesInfo
from viewer.state.display import Convention
from viewer.state.opened import WITHOUT_PATIENT, Opened, Peeked, SeriesEntry
from viewer.state.thumbnail import Thumbnail
from viewer.ui import theme
from viewer.ui.canvas.colours import image_of
from viewer.ui.privacy import name_of, without_names


def picture(
    thumbnail: Thumbnail | None,
    side: int,
    ratio: float,
    convention: Convention = "radiological",
    *,
    failed: bool = False,
) -> QPixmap:
    """A square picture on dark ground, in the right proportions.

    Parameters
    ----------
    side : in logical pixels.
    ratio : device pixels for a logical one.
    convention : which way round patients are shown; a small picture lies as the large one does.
    failed : nothing can be shown of the series: a cross stands for it.
    """
    pixmap = QPixmap(round(side * ratio), round(side * ratio))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(QColor(0, 0, 0, 0))
    painter = QPainter(pixmap)
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
    ground = QRectF(0, 0, side, side)
    clip = QPainterPath()
    clip.addRoundedRect(ground, 4, 4)
    painter.setClipPath(clip)
    painter.fillRect(ground, theme.colour("canvas"))
    if thumbnail is not None:
        place = QRectF(0, 0, side * min(thumbnail.ratio, 1), side / max(thumbnail.ratio, 1))
        place.moveCenter(ground.center())
        turned = convention == "neurological" and thumbnail.has_sides
        pixels = thumbnail.pixels[:, ::-1] if turned else thumbnail.pixels
        painter.drawImage(place, _scaled(image_of(pixels), place.size() * ratio))
    elif failed:
        painter.setPen(QPen(theme.DARK_MUTED, 1.5))
        middle, arm = ground.center(), side / 7
        for sign in (1, -1):
            painter.drawLine(middle - QPointF(arm, sign * arm), middle + QPointF(arm, sign * arm))
    painter.end()
    return pixmap


def _scaled(image: QImage, size: QSizeF) -> QImage:
    return image.scaled(
        size.toSize(), Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
    )


def icon(peeked: Peeked | None, side: int, ratio: float, convention: Convention = "radiological") -> QIcon:
    """The small picture of a series, as far as it is known."""
    if peeked is None:
        return _unknown(side, ratio)
    thumbnail = peeked.thumbnail
    shown = picture(thumbnail, side, ratio, convention, failed=thumbnail is None)
    found = QIcon(shown)
    found.addPixmap(shown, QIcon.Mode.Selected)  # a chosen row must not tint the patient
    return found


@lru_cache(maxsize=8)
def _unknown(side: int, ratio: float) -> QIcon:
    """Stands for a series that has not been looked at; one for all of them."""
    return QIcon(picture(None, side, ratio))


def size_of(info: SeriesInfo) -> str:
    """``28 × 512 × 512``."""
    return " × ".join(str(n) for n in (info.shape if info.shape[0] > 1 else info.shape[1:]))


def spacing_of(info: SeriesInfo) -> str:
    """``5.63 × 0.49 × 0.49 mm``; pixels are as wide as high in most files."""
    if any(finding.code == "no-spacing" for finding in info.diagnoses):
        return "unknown"
    steps = info.spacing_mm if info.shape[0] > 1 else info.spacing_mm[1:]
    return " × ".join(f"{step:.3g}" for step in steps) + " mm"


def parts_of(info: SeriesInfo) -> str:
    """b-values, and how many volumes: ``b 0, 1000 · 65 volumes``."""
    values = info.b_values
    words = []
    if len(values) > 4:
        words.append(f"b {values[0]:g} to {values[-1]:g}")
    elif values:
        words.append("b " + ", ".join(f"{value:g}" for value in values))
    if len(info.volumes) > 1:
        words.append(f"{len(info.volumes)} volumes")
    return " · ".join(words)


def severity_of(info: SeriesInfo, peeked: Peeked | None = None) -> str:
    """The worst that is known of a series: ``error``, ``warning``, ``note`` or nothing."""
    if peeked is not None and peeked.thumbnail is None:
        return "error"
    found = {finding.severity for finding in info.diagnoses}
    return next((each for each in ("error", "warning", "note") if each in found), "")


def findings_of(info: SeriesInfo, peeked: Peeked | None, *, hidden: bool) -> str:
    """Sentences about a series, one a line; names of files may be the patient's."""
    lines = [f"{finding.sentence} {finding.action}".strip() for finding in info.diagnoses]
    if peeked is not None and peeked.sentence:
        lines.insert(0, peeked.sentence)
    return "\n".join(without_names(line, [info.path.name]) if hidden else line for line in lines)


def patient_words(opened: Opened, patient: int, peeked: dict[SeriesEntry, Peeked], *, hidden: bool) -> str:
    """``Patient 2``, with name and number where patient data is shown and known."""
    if patient == WITHOUT_PATIENT:
        return "Patient not stated"
    words = f"Patient {patient}"
    if hidden:
        return words
    known = next(
        (peeked[e].patient for e in opened.of_patient(patient) if e in peeked and _named(peeked[e].patient)),
        PatientInfo(),
    )
    return " · ".join(
        word for word in (words, name_of(known.name), known.identifier, date_of(known.birth_date)) if word
    )


def _named(patient: PatientInfo) -> bool:
    return bool(patient.name or patient.identifier)


def date_of(text: str) -> str:
    """``2018-09-18`` for a DICOM date; anything else as it is."""
    return f"{text[:4]}-{text[4:6]}-{text[6:]}" if len(text) == 8 and text.isdigit() else text


def age_of(text: str) -> str:
    """``34 years`` for a DICOM age; anything else as it is."""
    units = {"Y": "years", "M": "months", "W": "weeks", "D": "days"}
    if len(text) == 4 and text[:3].isdigit() and text[3] in units:
        return f"{int(text[:3])} {units[text[3]]}"
    return text

"""Who a patient is, in words, for pages that may say so."""

from __future__ import annotations

from viewer.imaging.image import PatientInfo


def person_words(patient: PatientInfo) -> str:
    """Name, number, date of birth and of the study, as far as they are known."""
    return "  \u00b7  ".join(
        word for word in (patient.name, patient.identifier, patient.birth_date, patient.study_date) if word
    )

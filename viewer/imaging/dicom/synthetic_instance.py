"""The part of a DICOM file that is the same for everything synthetic: who, what and by which identifiers."""

from __future__ import annotations

from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid


def synthetic_instance(kind: UID, modality: str, patient: str, number: int, index: int) -> FileDataset:
    """One file of a series without its picture; the same arguments give the same identifiers.

    Parameters
    ----------
    kind : SOP class.
    patient : name and identifier; what belongs to one patient belongs to one study.
    number : of the series.
    index : of the file in it, from 0.
    """
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = kind
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[patient, str(number), str(index)])
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID = meta.MediaStorageSOPClassUID
    dataset.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    dataset.StudyInstanceUID = generate_uid(entropy_srcs=[patient, "study"])
    dataset.SeriesInstanceUID = generate_uid(entropy_srcs=[patient, str(number)])
    dataset.Modality = modality
    dataset.PatientName = dataset.PatientID = patient
    dataset.PatientBirthDate = dataset.PatientSex = dataset.StudyID = dataset.AccessionNumber = ""
    dataset.StudyDate = dataset.StudyTime = dataset.ReferringPhysicianName = ""
    dataset.Manufacturer = "WhySlice (synthetic)"
    dataset.SeriesNumber, dataset.InstanceNumber = number, index + 1
    dataset.BurnedInAnnotation = "NO"
    return dataset

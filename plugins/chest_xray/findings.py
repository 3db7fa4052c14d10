"""The study's classes: names, numbers in its table, and the sets that it trained on."""

AORTA = "Aortic enlargement"
HEART = "Cardiomegaly"
OPACITY = "Lung opacity"
EFFUSION = "Pleural effusion"
THICKENING = "Pleural thickening"
FIBROSIS = "Pulmonary fibrosis"
NO_FINDING = "No finding"

SYNTHETIC = (AORTA, HEART, OPACITY, EFFUSION, THICKENING, FIBROSIS)
"""What the generator draws."""

NUMBERS = {
    AORTA: 0,
    "Atelectasis": 1,
    "Calcification": 2,
    HEART: 3,
    "Consolidation": 4,
    "ILD": 5,
    "Infiltration": 6,
    OPACITY: 7,
    "Nodule/Mass": 8,
    "Other lesion": 9,
    EFFUSION: 10,
    THICKENING: 11,
    "Pneumothorax": 12,
    FIBROSIS: 13,
    NO_FINDING: 14,
}
"""Class -> ``class_id`` of the study's table."""

CLASS_SETS = {
    "3": (AORTA, HEART, NO_FINDING),
    # The paper says five and names these four.
    "5": (AORTA, HEART, THICKENING, NO_FINDING),
    "7": (*SYNTHETIC, NO_FINDING),
    "15": tuple(NUMBERS),
}
"""Name of a configuration -> its classes in the order of the network's outputs."""

"""Tells the viewer what this plugin provides."""

from viewer.api import (
    Generator,
    LayoutReader,
    Recipe,
    register_architecture,
    register_generator,
    register_reader,
    register_recipe,
)

from .generator import FORMATS, generate
from .networks import (
    stroke_3d,
    stroke_baseline,
    stroke_dense,
    stroke_flat,
    stroke_gap,
    stroke_mrs,
    stroke_shallow,
)
from .settings import StrokeSettings
from .study_folders import cohort_rows, is_study
from .training import build

register_architecture("stroke-baseline", stroke_baseline)
register_architecture("stroke-dense", stroke_dense)
register_architecture("stroke-flat", stroke_flat)
register_architecture("stroke-gap", stroke_gap)
register_architecture("stroke-shallow", stroke_shallow)
register_architecture("stroke-mrs", stroke_mrs)
register_architecture("stroke-3d", stroke_3d)
register_generator(
    Generator(
        id="stroke-dwi",
        summary="Synthetic axial head DWI (b 0, b 1000, ADC) with and without acute infarcts.",
        generate=generate,
        formats=FORMATS,
    )
)
register_recipe(
    Recipe(
        id="stroke-dwi",
        description="Trains the seven networks of the stroke study on synthetic DWI, with help from the lesion masks.",
        settings=StrokeSettings,
        build=build,
    )
)
register_reader(
    LayoutReader(
        id="stroke-folders",
        summary="A table of patients beside a folder of slices, or a volume, for each of them.",
        recognises=is_study,
        cohort=cohort_rows,
    )
)

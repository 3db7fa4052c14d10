"""Tells the viewer what this plugin provides."""

from viewer.api import Generator, Recipe, register_architecture, register_generator, register_recipe

from .generator import FORMATS, generate, generate_with_shortcut
from .networks import chest_resnet18, chest_resnet50
from .settings import ChestSettings
from .training import build

register_architecture("chest-resnet18", chest_resnet18)
register_architecture("chest-resnet50", chest_resnet50)

register_generator(
    Generator(
        id="chest-xray",
        summary="Synthetic PA chest films with six findings, three readers' boxes and burned-in markers.",
        generate=generate,
        formats=FORMATS,
    )
)
register_generator(
    Generator(
        id="chest-xray-shortcut",
        summary="The same films with markers that give the healthy ones away, to see whether a network reads them.",
        generate=generate_with_shortcut,
        formats=FORMATS,
    )
)
register_recipe(
    Recipe(
        id="chest-xray",
        description="Trains the chest study's networks of several findings on synthetic films or on your own.",
        settings=ChestSettings,
        build=build,
    )
)

"""Tells the viewer what this plugin provides."""

from viewer.api import Generator, register_generator

from .generator import FORMATS, generate, generate_with_shortcut

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

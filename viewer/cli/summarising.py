"""``export --format pdf``: the summary of a patient as pages."""

from __future__ import annotations

from argparse import Namespace

from viewer.cli.answer import Answer
from viewer.cli.asking import wish_of
from viewer.cli.experimenting import crop_of, facts_of
from viewer.cli.reading import asked_image, was_resampled
from viewer.cli.terminal import Terminal
from viewer.controllers.experiments.order import ExperimentOrder
from viewer.controllers.experiments.patient_to_file import patient_to_file
from viewer.controllers.explain_order import ExplainOrder
from viewer.controllers.looking import is_demo
from viewer.foundation.errors import UsageError

_USUAL = "grad-cam"


def patient_summary(options: Namespace, terminal: Terminal) -> Answer:
    """Read one patient and write the pages.

    Raises
    ------
    UsageError
        For several images.
    """
    if len(options.paths) != 1:
        raise UsageError("A summary is of one patient: name one file or folder.")
    options.path = options.paths[0]
    explainer = options.explainer or _USUAL
    ExplainOrder(options.model, (explainer,), options.out).check()
    image = asked_image(options, terminal)
    terminal.warn_of(image.diagnoses)
    order = ExperimentOrder(
        options.model,
        image,
        target=options.target or "",
        explainers=(explainer,),
        layer=options.layer or "",
        mirror=options.mirror,
        crop=crop_of(wish_of(options), options.model, options.device),
        device=options.device,
        facts=facts_of(options.cohort, image, terminal),
        synthetic=is_demo(image),
    )
    found = patient_to_file(
        order,
        options.out,
        terminal.progress,
        passes=options.mc_samples,
        seed=options.seed,
        show_phi=options.show_phi,
    )
    refused = found["applicability"]["verdict"] == "does_not_apply"
    if refused:
        reasons = "; ".join(found["applicability"]["reasons"])
        terminal.warn(f"The model was not made for this image: {reasons}.")
    document = {**found, "format": options.format, "resampled": was_resampled(image)}
    called = "called" if found["called"] else "not called"
    slices = f"{len(found['called_slices'])} of {len(found['slices'])} slices called"
    said = "which is no finding" if refused else f"{called}; {slices}"
    text = f"{found['class']}: {found['probability']:.3f} ({found['rule']}), {said}\n{found['path']}"
    return Answer(document, text)

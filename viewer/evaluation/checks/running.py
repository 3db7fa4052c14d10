"""From the name of a check to what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from viewer.evaluation.checks.comparisons import class_overlap, method_agreement
from viewer.evaluation.checks.content import brightness_likeness, edge_likeness, outside_body
from viewer.evaluation.checks.declaration import CHECKS
from viewer.evaluation.checks.finding import Finding, undefined
from viewer.evaluation.checks.input_changes import crop, input_invariance, mirror, stability
from viewer.evaluation.checks.normalisation import NAME as NORMALISATION
from viewer.evaluation.checks.normalisation import normalisation
from viewer.evaluation.checks.subject import Subject, subject_of
from viewer.evaluation.checks.weights import weight_randomisation
from viewer.explainers.asking import Region
from viewer.foundation.errors import ExplainError, ModelError
from viewer.foundation.progress import SILENT, Progress
from viewer.imaging.image import MedicalImage
from viewer.models.card import Crop, ScoreType
from viewer.models.classifier import Classifier

_FUNCTIONS: Mapping[str, Callable[[Subject, Progress], Finding]] = {
    "outside-body": outside_body,
    "edge-likeness": edge_likeness,
    "brightness-likeness": brightness_likeness,
    NORMALISATION: normalisation,
    "class-overlap": class_overlap,
    "mirror": mirror,
    "crop": crop,
    "input-invariance": input_invariance,
    "method-agreement": method_agreement,
    "stability": stability,
    "weight-randomisation": weight_randomisation,
}
_EMPTY = "The map shows nothing for {}, so there is nothing to check."


def one_finding(subject: Subject, name: str, progress: Progress = SILENT) -> Finding:
    """Make one check; where it has no meaning the finding says why.

    Raises
    ------
    UsageError
        When there is no such check; the nearest are offered.
    Cancelled
        When the progress says so; nothing is left behind.
    """
    CHECKS.find(name)
    # Of a network that gets the wrong input the map may well be empty.
    if name != NORMALISATION and not subject.base(progress).shown.any():
        return undefined(name, _EMPTY.format(subject.class_name))
    try:
        return _FUNCTIONS[name](subject, progress)
    except (ExplainError, ModelError) as error:
        return undefined(name, error.sentence)


def findings(
    subject: Subject, names: Sequence[str] | None = None, progress: Progress = SILENT
) -> Iterator[Finding]:
    """Make several checks, in the order of `CHECKS`.

    Parameters
    ----------
    names : None for all.

    Raises
    ------
    UsageError, Cancelled
        As `one_finding`.
    """
    for name in names or ():
        CHECKS.find(name)
    for name in CHECKS:
        if names is None or name in names:
            yield one_finding(subject, name, progress)


def check(
    classifier: Classifier,
    image: MedicalImage | NDArray,
    *,
    explainer: str = "grad-cam",
    layer: str | None = None,
    target: int | str | None = None,
    slice: int | None = None,
    mirror: bool = False,
    crop: Crop | None = None,
    score: ScoreType = "logit",
    region: Region | None = None,
    checks: Sequence[str] | None = None,
    progress: Progress = SILENT,
    **parameters: Any,
) -> list[Finding]:
    """Ask the trust checks of one map: each a number, small pictures and a sentence.

    Parameters
    ----------
    image, explainer, layer, target, slice, mirror, crop, score, region, **parameters : as of `explain`.
    checks : names in `CHECKS`; None for all.

    Returns
    -------
    list of Finding
        In the order of `CHECKS`; a check that has no meaning here has the value None and says why.

    Raises
    ------
    UsageError, ExplainError, ModelError
        As `explain`; `UsageError` for a check that does not exist too.
    """
    for name in checks or ():
        CHECKS.find(name)
    subject = subject_of(
        classifier,
        image,
        explainer=explainer,
        layer=layer,
        target=target,
        slice=slice,
        mirror=mirror,
        crop=crop,
        score=score,
        region=region,
        parameters=parameters,
        progress=progress,
    )
    return list(findings(subject, checks, progress))

"""An explainer in thirty lines: how bright the image is. It asks the network nothing, so no map may do worse."""

from collections.abc import Iterator

from viewer.api import Answer, ExplainerInfo, Parameter, Question, answer, register_explainer


def brightness(question: Question) -> Iterator[Answer]:
    """Yield how far each voxel lies above a quantile of the input, the mean over the channels."""
    grey = question.batch[0].mean(0)
    yield answer(grey - grey.flatten().float().quantile(float(question.parameters["quantile"])))


QUANTILE = Parameter(
    "quantile",
    "float",
    0.5,
    0.0,
    1.0,
    "share of the voxels",
    "Voxels above this quantile of the input are shown.",
)
register_explainer(
    ExplainerInfo(
        name="brightness",
        title="Brightness",
        family="baseline",
        needs_layer=False,
        dims=(2, 3),
        summary="How bright the image is: no explanation, but a baseline, since lesions may be bright.",
        formula="mean over channels of x, less its quantile",
        source="Adebayo et al., Sanity checks for saliency maps, NeurIPS 2018: edges of the image as a baseline",
        parameters=(QUANTILE,),
        class_free=True,
        warning="This is how bright the image is: the network is asked nothing, so it is a baseline, no explanation.",
        passes=0.0,
    ),
    brightness,
)

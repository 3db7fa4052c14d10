"""Which checks there are, with their thresholds and why these. No torch here: lists and panels are made from this."""

from __future__ import annotations

from dataclasses import dataclass

from viewer.foundation.registry import Registry


@dataclass(frozen=True)
class CheckInfo:
    """A check as the user meets it.

    Attributes
    ----------
    name : on the command line and in JSON.
    title : in the window.
    question : what it asks, one sentence.
    measure : what its number is.
    doubtful, fails : thresholds; a check whose `fails` is the smaller one is better the higher its number. None for a
        verdict that it never gives.
    reason : where the thresholds come from.
    source : the publication.
    maps, volume_maps : maps that have to be made, beside the checked one; of a slice and of a volume.
    """

    name: str
    title: str
    question: str
    measure: str
    doubtful: float
    fails: float | None
    reason: str
    source: str
    maps: int
    volume_maps: int

    def cost(self, dims: int) -> int:
        """Maps that have to be made for a network of so many dimensions."""
        return self.maps if dims == 2 else self.volume_maps


CHECKS: Registry[CheckInfo] = Registry("check")
"""Every check by name, in the order in which they are made: what costs nothing first."""

_R2 = "a correlation of 0.7 leaves half of the variance unexplained (r squared), one of 0.3 nine tenths"
_RHO = "a rank correlation of 0.7 explains half of the variance of the ranks, one of 0.5 a quarter"

for _info in (
    CheckInfo(
        "outside-body", "Outside the body", "How much of the map lies where there is no patient?",
        "share of the map's mass outside the body, 0 to 1", 0.1, 0.5,
        "from half on the map says more about air than about the patient; a tenth is what a smooth map spills over the "
        "outline",
        "Avci 2021, cropping experiment", 0, 0,
    ),
    CheckInfo(
        "edge-likeness", "Like the edges", "Is the map what an edge filter shows without any network?",
        "rank correlation with the Sobel magnitude of the image, in the body", 0.5, 0.7, _RHO,
        "Adebayo et al., Sanity checks for saliency maps, NeurIPS 2018", 0, 0,
    ),
    CheckInfo(
        "brightness-likeness", "Like the brightness", "Is the map the image's own brightness?",
        "rank correlation with the brightness of the image, in the body", 0.5, None,
        f"{_RHO}; never more than doubtful, because what is looked for may itself be what is bright",
        "baseline of this program", 0, 0,
    ),
    CheckInfo(
        "normalisation", "Scale of the input", "Is the input on the scale that the network was trained on?",
        "divergence of the input from the training images at the first batch norm, in nats; without one, how far the "
        "probability moves with other usual normalisations",
        0.3, 0.6,
        "an image of the training is seldom further than 0.3 from the mean of all, but a film of another kind on the "
        "right scale often is: below 1.5 it is doubtful, from 0.6 on fails, only where another usual scale fits three "
        "times better. Small networks trained on eight scales, asked about twelve real films: it warned of 96% of "
        "wrong scales and of 6% of right ones",
        "Kullback-Leibler divergence of normal distributions", 0, 0,
    ),
    CheckInfo(
        "class-overlap", "Class overlap", "Does the map tell the class from its strongest opponent?",
        "sum of minima over sum of maxima of the two maps, 0 disjoint to 1 equal", 0.5, 0.8,
        "from half on more of the two maps is common than is not; from 0.8 on four fifths are",
        "Avci 2021, class comparison; Ruzicka similarity", 1, 1,
    ),
    CheckInfo(
        "mirror", "Mirrored input", "Does the map go with the patient when the input is mirrored?",
        "correlation with the map of the mirrored input, mirrored back", 0.7, 0.3, _R2,
        "Avci 2021, mirroring experiment", 1, 1,
    ),
    CheckInfo(
        "crop", "Cropped input", "Does the map stay when the background is cut away, or comes back?",
        "correlation with the map of the other crop, where the network saw both", 0.7, 0.3, _R2,
        "Avci 2021, cropping experiment", 1, 1,
    ),
    CheckInfo(
        "input-invariance", "Constant shift",
        "Does the map stay when a constant is added to the input and the first layer takes it away again?",
        "norm of the map's change over the norm of the map", 0.05, 0.1,
        "both networks compute the same, so the change should be 0; rounding that switches a ReLU moved the "
        "gradient of a ResNet-18 by 0.004",
        "Kindermans et al., The (un)reliability of saliency methods, 2017", 1, 1,
    ),
    CheckInfo(
        "method-agreement", "Other methods", "Do other methods call the same places important?",
        "median rank correlation with the other methods of its kind", 0.3, None,
        "one of 0.3 explains less than a tenth of the variance of the ranks; agreement proves nothing and disagreement "
        "does not say who is wrong, so it never fails",
        "Krishna et al., The disagreement problem in explainable machine learning, 2022", 6, 6,
    ),
    CheckInfo(
        "stability", "Stability under noise", "Does noise that nobody sees move the map?",
        "max-sensitivity: largest norm of the map's change over its norm, noise within 2% of the input's range",
        0.5, 1.0,
        "from 1 on the change is as large as the map",
        "Yeh et al., On the (in)fidelity and sensitivity of explanations, NeurIPS 2019", 10, 3,
    ),
    CheckInfo(
        "weight-randomisation", "Random weights", "Does the map depend on what the network has learned?",
        "mean rank correlation with the maps of networks that are random from the output down", 0.35, 0.5,
        "0 forgets the map as the weights go, 1 ignores the weights; guided backpropagation, which is known to ignore "
        "them, keeps 0.7 on the bundled model, Guided Grad-CAM, which multiplies it, 0.36, all others less than 0.3",
        "Adebayo et al., Sanity checks for saliency maps, NeurIPS 2018", 24, 6,
    ),
):  # fmt: skip
    CHECKS.add(_info.name, _info)

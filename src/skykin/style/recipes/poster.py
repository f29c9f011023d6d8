"""Style as the original experiment measures it (DeLoach et al., a research poster)."""

from skykin.style.recipe import Recipe
from skykin.style.statistics.gram import gram

RECIPE = Recipe(
    name="poster",
    title="Gram matrices, as in the original experiment",
    description=(
        "The recipe of the original experiment (DeLoach et al., a research poster). Two pictures are "
        "similar if the same channels of the network answer together, wherever in the picture: the Gram "
        "matrix of each of five layers holds these correlations. Layer by layer, the cosine between the "
        "matrices of a tile and of the reference is taken; the largest of the five is the score, and from "
        "0.90 on a tile matches. Layers and preparation of the picture are those of the TensorFlow "
        "tutorial on style transfer. Where the poster is silent, the tutorial is followed: zeros stand "
        "beyond the border and are measured with the rest, means are not subtracted, and each position "
        "counts the same, so that masked pixels count with the colour that was filled in. No entry of "
        "these matrices is negative, so any two pictures have a positive cosine: on a dark sky even a "
        "black picture scores high. Compare the score with those of the control images, or use another "
        "recipe."
    ),
    statistic=gram,
    weighted=False,
    padding="zero",
    standardised=False,
    combine="max",
    threshold=0.90,
    literal=True,
    suits="the original experiment",
)

"""The poster's way to measure style."""

from skykin.style.recipe import Recipe
from skykin.style.statistics.gram import gram

RECIPE = Recipe(
    name="poster",
    title="Gram matrices, as on the poster",
    description=(
        "Two pictures are alike where the network's channels light up together as often, wherever in the "
        "picture they do: the Gram matrix of each of five layers holds these correlations. Layer by layer, "
        "the cosine between the matrices of a tile and of the reference is taken; the largest of the five is "
        "the score, and from 0.90 on a tile matches. Layers and preparation of the picture are those of the "
        "TensorFlow tutorial on style transfer. Where the poster is silent we chose what that tutorial does: "
        "zeros stand beyond the border and are measured with the rest, means are not removed, and each "
        "position counts the same, so that masked pixels count with the colour that was filled in. No entry "
        "of these matrices is negative, so every picture is somewhat alike: beside a dark sky even a black "
        "picture scores high. Read the score next to its confounders, or use another recipe."
    ),
    statistic=gram,
    weighted=False,
    padding="zero",
    standardised=False,
    combine="max",
    threshold=0.90,
    literal=True,
)

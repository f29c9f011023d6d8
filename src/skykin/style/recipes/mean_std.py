"""Style as mean and spread of each channel, against the survey's own average."""

from skykin.style.recipe import Recipe
from skykin.style.statistics.mean_std import mean_std

RECIPE = Recipe(
    name="mean-std",
    title="Means and spreads, relative to the survey",
    description=(
        "The smallest description: for each channel of five layers, how strongly it answers on average and "
        "how much that varies over the tile; how channels go together is left out. Every number is taken "
        "relative to the survey: minus its mean over the tiles, divided by its spread. An average tile "
        "scores about 0, the reference itself 1, an opposite tile less than 0. Masked pixels do not count, "
        "the frame of the picture is not measured, and five layers weigh the same. It is quick, but "
        "brightness stays part of it. Such a score has no natural threshold: a tile matches at a false "
        "discovery rate of 0.10 or less among tiles of the same brightness, latitude and coverage."
    ),
    statistic=mean_std,
    max_q=0.10,
    suits="textures: fields, turbulence; the smallest and quickest",
)

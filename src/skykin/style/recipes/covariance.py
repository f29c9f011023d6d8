"""Style as the covariance of channels, against the survey's own average."""

from skykin.style.recipe import Recipe
from skykin.style.statistics.covariance import covariance

RECIPE = Recipe(
    name="covariance",
    title="Covariances, relative to the survey",
    description=(
        "Like the recipe poster, but the mean of each channel is subtracted first: a tile is described by "
        "how its structures vary together, and the level of its background does not count. Every number is "
        "then taken relative to the survey: minus its mean over the tiles, divided by its spread. An "
        "average tile scores about 0, the reference itself 1, an opposite tile less than 0. Masked pixels "
        "do not count, the frame of the picture is not measured, and five layers weigh the same. Such a "
        "score has no natural threshold: a tile matches at a false discovery rate of 0.10 or less among "
        "tiles of the same brightness, latitude and coverage."
    ),
    statistic=covariance,
    max_q=0.10,
    suits="textures: fields, turbulence; the most detailed",
)

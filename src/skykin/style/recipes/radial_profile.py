"""Style as a profile of a tile from its centre outwards."""

from skykin.core.views import MANY_VIEWS
from skykin.style.recipe import Recipe
from skykin.style.statistics.radial_profile import radial_profile

RECIPE = Recipe(
    name="radial-profile",
    title="What a tile shows from its centre outwards",
    description=(
        "For each channel of two layers, how much stronger or weaker it answers in the middle quarter of "
        "a tile and in three rings around it than in the whole tile, and how much it varies within the "
        "tile. So it sees what is there and how far from the centre: rings, shells, knots, filaments. "
        "What a tile has in common with its surroundings, such as the brightness of the diffuse sky, does"
        " not count. Every number is then taken relative to the survey: minus its mean over the tiles, "
        "divided by its spread. An average tile scores about 0, the reference itself 1, an opposite tile "
        "less than 0. Masked pixels do not count, the frame of the picture is not measured, and both "
        "layers weigh the same. Such a score has no natural threshold: a tile matches at a false "
        "discovery rate of 0.10 or less among tiles of the same brightness, latitude and coverage; where "
        "nothing does, the best 1 % of the sky is shown."
    ),
    statistic=radial_profile,
    directions=128,
    layers=("block3_conv4", "block4_conv1"),
    max_q=0.10,
    top_fraction=0.01,
    tile_deg=6.0,
    pixels=64,
    spacing=0.125,
    views=MANY_VIEWS,
    suits="objects of a shape: rings, shells, filaments, knots",
)

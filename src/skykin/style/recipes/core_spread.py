"""Style as the difference of a tile's core from its surroundings, and how much the tile varies."""

from skykin.core.views import MANY_VIEWS
from skykin.style.recipe import Recipe
from skykin.style.statistics.core_spread import core_spread

RECIPE = Recipe(
    name="core-spread",
    title="What sets the core of a tile apart, and how much the tile varies",
    description=(
        "For each channel of two layers, how much stronger it answers in the middle quarter of a tile than "
        "in the whole tile, and how much it varies within the tile. What a core has in common with its "
        "surroundings does not count; how rich the tile is in structure does. Every number is then taken "
        "relative to the survey: minus its mean over the tiles, divided by its spread; on a survey of the "
        "whole sky, over the tiles of its row of |b|, 4° wide. An average tile scores about 0, the "
        "reference itself 1, an opposite tile less than 0. Masked pixels do not count, the frame of the "
        "picture is not measured, and both layers weigh the same. Such a score has no natural threshold: "
        "the best 1 % of the sky is shown, and q tells which of it stands out of tiles of the same "
        "brightness, latitude and coverage."
    ),
    statistic=core_spread,
    layers=("block3_conv4", "block4_conv1"),
    rows_deg=4.0,
    top_fraction=0.01,
    tile_deg=4.0,
    pixels=64,
    spacing=0.125,
    views=MANY_VIEWS,
    suits="clouds and complexes of the whole sky, where the survey resolves structure",
)

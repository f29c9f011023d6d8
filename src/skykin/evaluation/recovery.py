"""How many known regions a score finds, and how many simple baselines find."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from astropy import units as u
from astropy.table import QTable

from skykin.catalogue.regions import known_regions
from skykin.core.errors import DataQualityError, UsageError
from skykin.core.footprint import Footprint
from skykin.core.shapes import Degrees, Numbers
from skykin.core.sphere import separation_deg
from skykin.evaluation.ranking import sky_fraction_above, sky_share, within

#: Shares of the sky at which recoveries are reported besides the threshold's own.
SKY_FRACTIONS = (0.05, 0.10, 0.20)
#: What tiles are ranked by; the first is evaluated, the others are its baselines.
RANKINGS = ("score", "brightness", "latitude")
#: What the columns of `recovery` mean, beyond those of the table of regions.
_DESCRIPTIONS = {
    "reference_distance_deg": "angular distance from the nearest reference",
    "tile": "index of the tile whose centre is nearest; -1 if the region lies off the scored sky",
    "tile_distance_deg": "angular distance from that centre",
    "score": "score of that tile",
    "score_sky_share": "share of the sky that scores at least as high",
    "brightness_sky_share": "share of the sky that is at least as bright",
    "latitude_sky_share": "share of the sky that is at least as near to the Galactic plane",
    "recovered": "whether that tile matches",
    "counted": "whether the region enters the counts",
    "why_not_counted": "empty for counted regions",
}


@dataclass(frozen=True, eq=False)
class ScoredTiles:
    """Tiles on the sky, with all that a ranking needs.

    Parameters
    ----------
    lon_deg, lat_deg : array (tiles,)
        Galactic positions of the centres, degrees.
    score : array (tiles,)
        The score that is evaluated; NaN where a tile could not be scored.
    mean_intensity : array (tiles,)
        Mean brightness; NaN where unknown.
    weight : array (tiles,), optional
        Sky that each tile stands for, in any unit: equal by default, cos b for a plate carrée.

    Raises
    ------
    DataQualityError
        If there are no tiles.
    UsageError
        If the arrays differ in length, a position is not finite, or a weight is not positive.
    """

    lon_deg: Degrees
    lat_deg: Degrees
    score: Numbers
    mean_intensity: Numbers
    weight: Numbers | None = None

    def __post_init__(self) -> None:
        if self.weight is None:
            object.__setattr__(self, "weight", np.ones(len(self.lon_deg)))
        for name in ("lon_deg", "lat_deg", "score", "mean_intensity", "weight"):
            values = np.asarray(getattr(self, name), dtype=np.float64)
            if values.shape != (len(self.lon_deg),):
                raise UsageError(f"{name} has shape {values.shape}, but there are {len(self.lon_deg)} tiles")
            object.__setattr__(self, name, values)
        if not len(self.lon_deg):
            raise DataQualityError("there are no tiles to rank; choose a larger area of the sky")
        if not (np.isfinite(self.lon_deg).all() and np.isfinite(self.lat_deg).all()):
            raise UsageError("every tile needs a finite position, but some centres are NaN or infinite")
        weight = np.asarray(self.weight)
        if not (np.isfinite(weight).all() and (weight > 0).all()):
            raise UsageError("every tile stands for some sky, but some weights are not above 0")

    def ranked_by(self, ranking: str) -> Numbers:
        """Values of one of `RANKINGS`, larger meaning better."""
        values = {
            "score": self.score,
            "brightness": self.mean_intensity,
            "latitude": -np.abs(self.lat_deg),
        }
        return values[ranking]


@dataclass(frozen=True)
class Recovery:
    """How many of the counted regions each ranking recovers.

    Parameters
    ----------
    n_regions : int
        Regions counted.
    sky_fractions : tuple of float
        Shares of the sky: first the share that matches, then `SKY_FRACTIONS`.
    by_ranking : Mapping of str to tuple of int
        For each of `RANKINGS` (score, mean brightness, −|b|), the regions recovered within each share.
    """

    n_regions: int
    sky_fractions: tuple[float, ...]
    by_ranking: Mapping[str, tuple[int, ...]]


def nearest_tiles(
    lon_deg: Degrees, lat_deg: Degrees, region_lon_deg: Degrees, region_lat_deg: Degrees
) -> tuple[Numbers, Degrees]:
    """Find the tile whose centre is nearest to each region, and its angular distance in degrees.

    Among tiles at the same distance the southernmost is taken, then the one of smallest longitude, so
    that the order of the tiles does not matter.
    """
    order = np.lexsort((lon_deg, lat_deg))
    index, nearest_deg = [], []
    # One region at a time: all at once would take gigabytes for a million tiles.
    for region_lon, region_lat in zip(region_lon_deg, region_lat_deg, strict=True):
        distance_deg = separation_deg(lon_deg[order], lat_deg[order], region_lon, region_lat)
        # Rounding must not decide between tiles that are equally far.
        nearest = np.argmax(distance_deg <= distance_deg.min() + 1e-9)
        index.append(order[nearest])
        nearest_deg.append(distance_deg[nearest])
    return np.array(index, dtype=np.intp), np.array(nearest_deg, dtype=np.float64)


def recovery(
    tiles: ScoredTiles,
    references: Sequence[Footprint],
    *,
    threshold: float | None = None,
    match: np.ndarray | None = None,
    farthest_deg: float,
    exclude_deg: float = 12.0,
    regions: QTable | None = None,
    mask: Sequence[bool] | np.ndarray | None = None,
) -> QTable:
    """Look up each known region in the ranked sky.

    A region has the score of the tile whose centre is nearest to the region's centre.

    Parameters
    ----------
    tiles : ScoredTiles
        The whole scored sky; shares of the sky are shares of these tiles.
    references : sequence of Footprint
        Where the references lie; empty if it lies nowhere on this sky.
    threshold : float, optional
        Score from which a tile is a match.
    match : bool array (tiles,), optional
        Instead: which tiles match.
    farthest_deg : float
        A region whose nearest tile centre is farther than this lies off the scored sky.
    exclude_deg : float
        Regions nearer to a reference than this are listed but not counted: they are found by construction.
    regions : QTable, optional
        Rows as from `known_regions`; by default its rows with ``annotate``.
    mask : array of bool (regions,), optional
        Regions that the survey can show; by default the column ``in_wham``.

    Returns
    -------
    QTable
        One row per region: where it is, its tile and score, for each ranking the share of the sky at
        least as high, whether it is recovered at the threshold, whether it is counted, and why not.
        ``meta["threshold_sky_fraction"]`` is the share of the sky that matches.

    Raises
    ------
    UsageError
        If `mask` and `regions` differ in length, or not exactly one of `threshold` and `match` is given.
    """
    if (threshold is None) == (match is None):
        raise UsageError(
            f"a region is recovered by a threshold or by matches; give one, not {threshold} and {match}"
        )
    if regions is None:
        regions = known_regions()
        regions = regions[regions["annotate"]]
    visible = np.asarray(regions["in_wham"] if mask is None else mask, dtype=bool)
    if visible.shape != (len(regions),):
        raise UsageError(f"the mask has shape {visible.shape}, but there are {len(regions)} regions")
    lon_deg, lat_deg = regions["lon_deg"].to_value(u.deg), regions["lat_deg"].to_value(u.deg)
    index, distance_deg = nearest_tiles(tiles.lon_deg, tiles.lat_deg, lon_deg, lat_deg)
    on_sky = distance_deg <= farthest_deg
    from_reference_deg = np.full(len(regions), np.nan)
    for place in references:
        away_deg = separation_deg(place.lon_deg, place.lat_deg, lon_deg, lat_deg)
        from_reference_deg = np.fmin(from_reference_deg, away_deg)
    why_not = np.select(
        [~visible, ~on_sky, from_reference_deg < exclude_deg],
        ["not shown by this survey", "off the scored sky", "near the reference"],
        "",
    )
    table = regions["name", "kind", "lon_deg", "lat_deg", "diameter_deg"]
    table["reference_distance_deg"] = from_reference_deg * u.deg
    table["tile"] = np.where(on_sky, index, -1)
    table["tile_distance_deg"] = np.where(on_sky, distance_deg, np.nan) * u.deg
    table["score"] = np.where(on_sky, tiles.score[index], np.nan)
    for ranking in RANKINGS:
        share = sky_share(tiles.ranked_by(ranking), tiles.weight)[index]
        table[f"{ranking}_sky_share"] = np.where(on_sky, share, np.nan)
    matching = tiles.score >= threshold if match is None else np.asarray(match, dtype=bool)
    table["recovered"] = on_sky & matching[index]
    table["counted"] = why_not == ""
    table["why_not_counted"] = why_not
    for name, description in _DESCRIPTIONS.items():
        table[name].info.description = description
    table.meta = {"threshold_sky_fraction": sky_fraction_above(matching, 1, tiles.weight)}
    return table


def summarise(table: QTable) -> Recovery:
    """Count what the table of `recovery` recovers: in the matches, in as much sky, and beyond.

    The first number of the ranking ``score`` is that of the regions in matching tiles.
    """
    counted = table[np.asarray(table["counted"])]
    fractions = (float(table.meta["threshold_sky_fraction"]), *SKY_FRACTIONS)
    found = {
        ranking: tuple(within(counted[f"{ranking}_sky_share"], fractions).sum(axis=-1).tolist())
        for ranking in RANKINGS
    }
    found["score"] = (int(np.sum(counted["recovered"])), *found["score"][1:])
    return Recovery(len(counted), fractions, found)

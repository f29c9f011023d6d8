"""What a person chooses before a map is made."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from astropy import units as u
from astropy.coordinates import SkyCoord

from skykin.core.area import Areas, SkyBox
from skykin.core.errors import UsageError, shown
from skykin.core.protocols import Survey

if TYPE_CHECKING:
    from skykin.core.survey_options import SurveyOptions

StretchKind = Literal["linear", "asinh", "log", "symmetric"]
GridKind = Literal["healpix", "plate-carree"]
EngineKind = Literal["tiles", "shared"]
Band = tuple[float, float]

#: Receding gas is red, approaching gas is blue; ±60 km/s is where 98 % of the WHAM spectra are complete.
DEFAULT_BANDS_KM_S: tuple[Band, Band, Band] = ((20.0, 60.0), (-20.0, 20.0), (-60.0, -20.0))
#: The poster's tiles, for surveys of the whole sky, where a recipe asks for no others.
DEFAULT_TILE_DEG = 15.0
DEFAULT_PIXELS = 128
FEWEST_PIXELS, MOST_PIXELS = 32, 2048
MOST_DRAWS = 1000


@dataclass(frozen=True, kw_only=True)
class MapSettings:
    """Settings of one map; every one has a default; ``recipe="poster"`` alone is the poster's experiment.

    Parameters
    ----------
    survey : str, Path or Survey
        Name of a survey (``wham``), what `open_survey` opens, or an object that is one.
    survey_options : SurveyOptions, optional
        What the survey's file does not say itself.
    reference : str or SkyCoord, or a sequence of these
        What is looked for: a name of `known_regions`, ``"l,b"`` in Galactic degrees, any position text
        that `~astropy.coordinates.SkyCoord` reads, or ``set:NAME`` for one of `reference_sets`.
    combine : {"max", "mean"}, optional
        Whether a tile should be like any of several references, or like all of them; if left out, as a named
        set says, and otherwise ``max``.
    tile_size : Quantity or float, optional
        Side of a tile on the sky; bare numbers are degrees.  If left out, what suits the recipe on a
        survey of the whole sky, and a sixth of its diameter on a smaller one.
    spacing : Quantity or float, optional
        Largest distance between neighbouring tile centres; what suits the recipe if left out.
    pixels : int, optional
        Pixels on a side of a tile; what suits the recipe if left out.
    grid : {"healpix", "plate-carree"}
        Gnomonic tiles centred on HEALPix pixels, or the poster's rectangles of the plate carrée.
    bands_km_s : three pairs of float, optional
        Velocity bands (LSR, km/s) shown as red, green and blue; the survey's own if left out.
    stretch : {"asinh", "linear", "log"}
        How intensity becomes brightness, with limits measured once over the survey.
    stretch_per_tile : bool
        Measure the limits on each tile instead: finds faint structure, forgets brightness.
    recipe : str
        How style is measured; see `recipes`.
    threshold : float, optional
        Score above which a tile matches; the recipe's own if left out.
    top_fraction : float, optional
        Instead of a threshold: the share of the sky that matches.
    max_q : float, optional
        Instead of both: the false discovery rate up to which a tile matches, among tiles of its brightness,
        latitude and coverage.
    area : SkyBox or str, optional
        Only tiles centred here, ``"lon_min,lon_max,lat_min,lat_max"`` in Galactic degrees; all sky if left
        out.
    csls : bool
        Measure how unusual a tile is by its score scaled locally (CSLS): what it has in common with all sky
        is taken off.
    surrogates : int
        Phase-randomised pictures that each of the most unusual tiles is compared with, besides its p-value;
        none by default, otherwise 2 or more.
    noise_draws : int
        Times that these tiles are measured with new noise of the survey's own size, for an interval of
        their scores; none by default, otherwise 2 or more.
    seed : int
        Seed of surrogates and noise.
    engine : {"tiles", "shared"}, optional
        ``tiles``: the network runs over every tile by itself.  ``shared``: it runs once over large facets
        of the sky, and every overlapping tile is read from sums, in its true context; the tiles then lie on
        the facets' own grid.  If left out: ``tiles`` where recipe, grid or stretch ask for it, or ``shared``.
    dense : bool
        Tiles as close as the shared engine can read them: every 8 pixels, or 16 where the recipe measures
        block 5; `spacing` is then not used.
    fast : bool
        The shared engine runs the network in bfloat16 (extra ``fast``): cosines differ by up to 0.002.
    min_coverage : float
        Tiles with a smaller share of observed pixels are left out and counted.
    jobs : int, optional
        Threads that compute; all available cores if left out.  Does not change the scores.

    Raises
    ------
    UsageError
        Naming the setting, its value, its range and its default.
    """

    survey: str | Path | Survey = "wham"
    survey_options: SurveyOptions | None = None
    reference: str | SkyCoord | Sequence[str | SkyCoord] = "orion"
    combine: Literal["max", "mean"] | None = None
    tile_size: float | u.Quantity | None = None
    spacing: float | u.Quantity | None = None
    pixels: int | None = None
    grid: GridKind = "healpix"
    bands_km_s: tuple[Band, Band, Band] | None = None
    stretch: StretchKind = "asinh"
    stretch_per_tile: bool = False
    recipe: str = "core-contrast"
    threshold: float | None = None
    top_fraction: float | None = None
    max_q: float | None = None
    csls: bool = False
    surrogates: int = 0
    noise_draws: int = 0
    seed: int = 0
    area: SkyBox | Areas | str | None = None
    engine: EngineKind | None = None
    dense: bool = False
    fast: bool = False
    min_coverage: float = 0.5
    jobs: int | None = None

    def __post_init__(self) -> None:
        if isinstance(self.reference, list):
            self._set("reference", tuple(self.reference))
        self._check(
            "combine", self.combine, self.combine in (None, "max", "mean"), "max or mean, or left out"
        )
        if self.tile_size is not None:
            self._set("tile_size", _degrees("tile_size", self.tile_size))
        if self.spacing is not None:
            self._set("spacing", _degrees("spacing", self.spacing))
        self._check(
            "tile_size",
            self.tile_size,
            self.tile_size is None or 0 < self.tile_size <= 90,
            "above 0° and at most 90°",
        )
        self._check(
            "spacing",
            self.spacing,
            self.spacing is None or 0 < self.spacing <= self.tile_size_deg,
            "above 0° and at most the tile size",
        )
        self._check(
            "pixels",
            self.pixels,
            self.pixels is None
            or (isinstance(self.pixels, int) and FEWEST_PIXELS <= self.pixels <= MOST_PIXELS),
            f"a whole number from {FEWEST_PIXELS} to {MOST_PIXELS}",
        )
        self._check("min_coverage", self.min_coverage, 0 < self.min_coverage <= 1, "above 0 and at most 1")
        self._check(
            "jobs",
            self.jobs,
            self.jobs is None or (isinstance(self.jobs, int) and 1 <= self.jobs <= 1024),
            "a whole number from 1 to 1024",
        )
        self._check(
            "stretch", self.stretch, self.stretch in get_args(StretchKind), "linear, asinh, log or symmetric"
        )
        self._check("grid", self.grid, self.grid in get_args(GridKind), "healpix or plate-carree")
        self._check(
            "engine",
            self.engine,
            self.engine in (None, *get_args(EngineKind)),
            "tiles or shared, or left out",
        )
        self._check_engine()
        self._check_cut()
        for name in ("surrogates", "noise_draws"):
            count = getattr(self, name)
            good = isinstance(count, int) and (count == 0 or 2 <= count <= MOST_DRAWS)
            self._check(name, count, good, f"0 or a whole number from 2 to {MOST_DRAWS}")
        self._check("seed", self.seed, isinstance(self.seed, int) and self.seed >= 0, "a whole number from 0")
        if isinstance(self.area, str):
            self._set("area", SkyBox.parse(self.area))

    @property
    def tile_size_deg(self) -> float:
        """Side of a tile, degrees."""
        return DEFAULT_TILE_DEG if self.tile_size is None else float(self.tile_size)

    @property
    def side_pixels(self) -> int:
        """Pixels on a side of a tile."""
        return DEFAULT_PIXELS if self.pixels is None else self.pixels

    @property
    def spacing_deg(self) -> float:
        """Largest distance between neighbouring tile centres, degrees."""
        return self.tile_size_deg / 4 if self.spacing is None else float(self.spacing)

    @property
    def workers(self) -> int:
        """Threads that compute."""
        if self.jobs is not None:
            return self.jobs
        if hasattr(os, "sched_getaffinity"):
            return len(os.sched_getaffinity(0))
        return os.cpu_count() or 1

    @property
    def tiles_only(self) -> str | None:
        """Which setting, if any, only tile by tile can fulfil."""
        if self.grid != "healpix":
            return f"grid={self.grid}"
        return "stretch_per_tile" if self.stretch_per_tile else None

    def _check_engine(self) -> None:
        if self.fast and (self.engine == "tiles" or self.tiles_only):
            other = self.tiles_only or "engine=tiles"
            raise UsageError(f"only the shared engine runs the fast network; leave out {other} or fast")
        if self.engine == "shared" and self.tiles_only:
            raise UsageError(
                f"the shared engine reads its tiles from facets, which {self.tiles_only} contradicts; leave "
                "it out, or use engine=tiles"
            )
        if self.dense and (self.engine == "tiles" or self.tiles_only or self.spacing is not None):
            other = self.tiles_only or ("engine=tiles" if self.engine == "tiles" else "a spacing")
            raise UsageError(
                f"a dense map is read by the shared engine at its own spacing; leave out {other}"
            )

    def _check_cut(self) -> None:
        lines = {name: getattr(self, name) for name in ("threshold", "top_fraction", "max_q")}
        given = [f"{name}={value:g}" for name, value in lines.items() if value is not None]
        if len(given) > 1:
            raise UsageError(f"{' and '.join(given)} contradict each other; give one of them")
        self._check(
            "threshold",
            self.threshold,
            self.threshold is None or -1 <= self.threshold <= 1,
            "a cosine from −1 to 1",
        )
        self._check(
            "top_fraction",
            self.top_fraction,
            self.top_fraction is None or 0 < self.top_fraction < 1,
            "a share of the sky between 0 and 1",
        )
        self._check(
            "max_q",
            self.max_q,
            self.max_q is None or 0 < self.max_q < 1,
            "a false discovery rate between 0 and 1",
        )

    def _check(self, name: str, value: object, good: bool, allowed: str) -> None:
        if good:
            return
        default = next(field.default for field in fields(self) if field.name == name)
        told = "chosen for you" if default is None else default
        raise UsageError(f"{name} is {shown(value)}, but it must be {allowed}; the default is {told}")

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)


def _degrees(name: str, value: Any) -> float:
    try:
        degrees = float(value.to_value(u.deg) if isinstance(value, u.Quantity) else value)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"{name} is {shown(value)}, but it must be an angle such as 15 or 15*u.deg"
        ) from error
    if not math.isfinite(degrees):
        raise UsageError(f"{name} is {shown(value)}, but it must be a finite angle such as 15 or 15*u.deg")
    return degrees

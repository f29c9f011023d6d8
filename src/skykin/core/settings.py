"""What a person chooses before a map is made."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args

from astropy import units as u

from skykin.core.area import AreaLike, SkyArea, read_area
from skykin.core.checked import (
    FLAG,
    Checked,
    Rule,
    above,
    check_names,
    degrees,
    listed,
    nested,
    one_of,
    path_text,
    whole,
    words,
)
from skykin.core.criterion import MatchCriterion
from skykin.core.errors import UsageError, shown
from skykin.core.protocols import Survey
from skykin.core.robustness import Robustness
from skykin.core.survey_options import BANDS, BandsLike, SurveyOptions

StretchKind = Literal["linear", "asinh", "log", "symmetric", "identity"]
GridKind = Literal["healpix", "plate-carree"]
EngineKind = Literal["tiles", "shared"]
DeviceKind = Literal["cpu", "cuda", "auto"]
PrecisionKind = Literal["float32", "tf32"]

#: The poster's tiles, for surveys of the whole sky, where a recipe asks for no others.
DEFAULT_TILE_DEG = 15.0
DEFAULT_PIXELS = 128
FEWEST_PIXELS, MOST_PIXELS = 32, 2048
SUCH_AS = "such as 15 or 15*u.deg"


def _survey(value: Any) -> str | tuple[str, ...] | Survey:
    if isinstance(value, Mapping) and {*value} == {"in_memory"}:
        raise UsageError(
            f"the survey {shown(value['in_memory'])} was an object in memory, which settings cannot bring "
            "back; give it again as survey"
        )
    if isinstance(value, str | os.PathLike):
        return path_text(value)
    if isinstance(value, list | tuple):
        return tuple(listed(path_text, 3)(value))
    if not isinstance(value, Survey):
        raise TypeError
    return value


def _precision(value: Any) -> str:
    if value in ("float16", "half"):
        raise UsageError(
            "--precision float16 is refused, because the squares of features overflow in it; use tf32, or "
            "--fast for bfloat16"
        )
    return str(one_of(*get_args(PrecisionKind))(value))


@dataclass(frozen=True, kw_only=True)
class MapSettings(Checked):
    """How a map is made; every setting has a default; ``recipe="poster"`` alone is the original experiment.

    Parameters
    ----------
    survey : str, Path or Survey, optional
        Name of a survey (``wham``), what `open_survey` opens, or an object that is one.  If left out,
        ``far-infrared``, or ``wham`` where velocity bands or the recipe ``poster`` are requested.
    survey_option : SurveyOptions or dict, optional
        What the survey's file does not say itself.
    tile_size : Quantity or float, optional
        Side of a tile on the sky; bare numbers are degrees.  If left out, what suits the recipe on a
        survey of the whole sky; on a smaller one, so that about 42 lie side by side.
    spacing : Quantity or float, optional
        Largest distance between neighbouring tile centres; what suits the recipe if left out.
    pixels : int, optional
        Pixels on a side of a tile; what suits the recipe if left out.
    grid : {"healpix", "plate-carree"}
        Gnomonic tiles centred on HEALPix pixels, or the poster's rectangles of the plate carrée.
    bands : three pairs of float or Quantity, or str, optional
        Velocity bands (LSR, km/s) shown as red, green and blue, as pairs or as text such as
        ``"20..60,-20..20,-60..-20"``; the survey's own if left out.
    stretch : {"asinh", "linear", "log", "symmetric", "identity"}, optional
        How intensity becomes brightness, with limits measured once over the survey; ``identity`` shows the
        colours of a picture as they are.  If left out, ``identity`` for pictures of 8 bits, else ``asinh``.
    stretch_per_tile : bool
        Measure the limits on each tile instead: enhances faint structure; absolute brightness is lost.
    recipe : str, optional
        How style is measured; see `recipes`.  If left out, ``core-spread`` on a survey of the whole sky that
        resolves clouds, ``core-contrast`` on others, ``radial-profile`` on images.
    criterion : MatchCriterion or dict
        Which tiles match: from a score, a fraction of the sky, or up to a false discovery rate; the recipe's
        own if none is given.
    robustness : Robustness or dict
        Further tests of the scores: local scaling, surrogates, noise; none by default.
    area : str, sequence of four, MOC or sky region, optional
        Only tiles centred here: ``"lon_min,lon_max,lat_min,lat_max"`` in Galactic degrees, the same as
        numbers or Quantities, a `~mocpy.MOC`, or a region of the package regions.  The whole survey if left
        out.
    engine : {"tiles", "shared"}, optional
        ``tiles``: the network runs over every tile by itself.  ``shared``: it runs once over large facets
        of the sky, and every overlapping tile is read from sums, in its true context; the tiles then lie on
        the facets' own grid.  If left out: ``tiles`` where recipe, grid or stretch request it, or ``shared``.
    dense : bool
        Tiles as close as the shared engine can read them: every 8 pixels, or 16 where the recipe measures
        block 5; `spacing` is then not used.
    fast : bool
        The shared engine runs the network in bfloat16: cosines differ by up to 0.002 on the processor, where
        it needs the extra ``fast`` (OpenVINO), and by up to 0.0014 by PyTorch.
    device : {"cpu", "cuda", "auto"}
        Where the network runs: on the processor, on a graphics card by PyTorch (extra ``gpu``), or there if
        there is one.
    precision : {"float32", "tf32"}, optional
        Of the network on a graphics card; ``tf32`` multiplies numbers of 11 bits, with cosines that differ by
        up to 0.00005, and is several times as fast.  If left out, ``tf32``.
    min_coverage : float
        Tiles with a smaller fraction of observed pixels are left out and counted.
    jobs : int, optional
        Threads that compute; all available cores if left out.  Does not change the scores.

    Raises
    ------
    UsageError
        Naming the setting, its value, its range and its default.

    Examples
    --------
    >>> settings = skykin.MapSettings(recipe="mean-std", tile_size=12)
    >>> settings.tile_size, settings.grid
    (12.0, 'healpix')
    >>> skykin.MapSettings(tile_size=-1)
    Traceback (most recent call last):
        ...
    skykin.core.errors.UsageError: tile_size is '-1', but it must be above 0° and at most 90°, ...
    """

    survey: str | Path | Sequence[str | Path] | Survey | None = None
    survey_option: SurveyOptions | None = None
    tile_size: float | u.Quantity | None = None
    spacing: float | u.Quantity | None = None
    pixels: int | None = None
    grid: GridKind = "healpix"
    bands: BandsLike | None = None
    stretch: StretchKind | None = None
    stretch_per_tile: bool = False
    recipe: str | None = None
    criterion: MatchCriterion = MatchCriterion()  # noqa: RUF009 - frozen
    robustness: Robustness = Robustness()  # noqa: RUF009 - frozen
    area: SkyArea | AreaLike | None = None
    engine: EngineKind | None = None
    dense: bool = False
    fast: bool = False
    device: DeviceKind = "cpu"
    precision: PrecisionKind | None = None
    min_coverage: float = 0.5
    jobs: int | None = None

    RULES: ClassVar[Mapping[str, Rule]] = {
        "survey": Rule(
            _survey,
            "a name, a file or address, three of these, or an open survey",
            "far-infrared, or wham for velocity bands and the recipe poster",
        ),
        "survey_option": Rule(nested(SurveyOptions), "SurveyOptions or their plain values", "the file's own"),
        "tile_size": Rule(above(0, 90, degrees), f"above 0° and at most 90°, {SUCH_AS}"),
        "spacing": Rule(above(0, 90, degrees), f"above 0° and at most the tile size, {SUCH_AS}"),
        "pixels": Rule(
            whole(FEWEST_PIXELS, MOST_PIXELS), f"a whole number from {FEWEST_PIXELS} to {MOST_PIXELS}"
        ),
        "grid": Rule(one_of(*get_args(GridKind)), "healpix or plate-carree"),
        "bands": BANDS,
        "stretch": Rule(
            one_of(*get_args(StretchKind)),
            "linear, asinh, log, symmetric or identity",
            "identity for pictures of 8 bits, else asinh",
        ),
        "stretch_per_tile": FLAG,
        "recipe": Rule(words, "the name of a recipe", "what suits the survey"),
        "criterion": Rule(nested(MatchCriterion), "a MatchCriterion or its plain values", "the recipe's own"),
        "robustness": Rule(nested(Robustness), "a Robustness or its plain values", "none"),
        "area": Rule(
            read_area,
            "lon_min,lon_max,lat_min,lat_max in Galactic degrees (text, four numbers or Quantities), a MOC "
            "or a sky region",
            "the whole survey",
        ),
        "engine": Rule(one_of(*get_args(EngineKind)), "tiles or shared, or left out"),
        "dense": FLAG,
        "fast": FLAG,
        "device": Rule(one_of(*get_args(DeviceKind)), "cpu, cuda or auto"),
        "precision": Rule(_precision, "float32 or tf32", "tf32 on a graphics card, float32 elsewhere"),
        "min_coverage": Rule(above(0, 1), "above 0 and at most 1"),
        "jobs": Rule(whole(1, 1024), "a whole number from 1 to 1024"),
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.spacing is not None and self.spacing > self.tile_size_deg:
            raise self.refusal("spacing", self.spacing)
        self._check_engine()

    def to_dict(self) -> dict[str, Any]:
        """Plain values of all fields, ready for JSON; a survey in memory is only named."""
        if isinstance(self.survey, Survey):
            return {**replace(self, survey=None).to_dict(), "survey": {"in_memory": self.survey.name}}
        return super().to_dict()

    def told(self) -> dict[str, Any]:
        """Plain values for provenance: files without their folders, and no number of threads.

        The number of threads does not change the scores, and a report must not tell where a user keeps files.
        What a graphics card made can be made again without one, too: the name of the network tells both.
        """
        facts = self.to_dict() | {"jobs": None, "device": "cpu" if self.device == "cpu" else "auto"}
        if isinstance(facts["survey"], str) and "://" not in facts["survey"]:
            facts["survey"] = ",".join(Path(each).name for each in facts["survey"].split(","))
        options = facts["survey_option"]
        if options and options["mask"]:
            facts["survey_option"] = options | {"mask": Path(options["mask"]).name}
        return facts

    def changed(self, **changes: Any) -> MapSettings:
        """Return these settings with some fields changed, those of `criterion` and `robustness` among them.

        Raises
        ------
        UsageError
            If a name is not known or a value is refused.
        """
        parts = {"criterion": self.criterion, "robustness": self.robustness}
        names = {part: [each.name for each in fields(value)] for part, value in parts.items()}
        own = [each.name for each in fields(self)]
        check_names(self.KIND, changes, own + names["criterion"] + names["robustness"])
        for part, value in parts.items():
            inner = {name: changes.pop(name) for name in names[part] if name in changes}
            if inner:
                changes[part] = replace(changes.get(part, value), **inner)
        return replace(self, **changes)

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
            return f"--grid {self.grid}"
        return "--stretch-per-tile" if self.stretch_per_tile else None

    def _check_engine(self) -> None:
        if self.fast and (self.engine == "tiles" or self.tiles_only):
            other = self.tiles_only or "--engine tiles"
            raise UsageError(f"only the shared engine runs the fast network; leave out {other} or --fast")
        if self.engine == "shared" and self.tiles_only:
            raise UsageError(
                f"the shared engine reads its tiles from facets, which {self.tiles_only} contradicts; leave "
                "it out, or use --engine tiles"
            )
        if self.dense and (self.engine == "tiles" or self.tiles_only or self.spacing is not None):
            other = self.tiles_only or ("--engine tiles" if self.engine == "tiles" else "--spacing")
            raise UsageError(
                f"a dense map is read by the shared engine at its own spacing; leave out {other}"
            )


#: Settings where nothing is requested.
DEFAULTS = MapSettings()

"""A recipe says how style is measured."""

from __future__ import annotations

import hashlib
import json
import pkgutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import Any, Literal, Self, get_args

from skykin.core.errors import UnknownNameError, UsageError, shown
from skykin.core.plugins import with_plugins
from skykin.core.shapes import Chroma, Coverage, Degrees
from skykin.core.views import ONE_VIEW, Views
from skykin.style.network.architecture import LAYERS, SMALLEST_PIXELS, STYLE_LAYERS, Padding, step_of
from skykin.style.signature import Signature, Standardisation, Vector, flattened
from skykin.style.statistics.statistic import TILE_CELLS, Statistic, position_weights

#: How the cosines of the layers become one score.
Combine = Literal["max", "mean"]
#: Entry points in which other packages name a `Recipe`.
GROUP = "skykin.recipes"
#: Recipes where none is requested: on a whole sky that resolves clouds, on one that does not, and on images
#: of a part of the sky.
RESOLVED, COARSE, SHAPES = "core-spread", "core-contrast", "radial-profile"
#: What a recipe says of itself, and how it is asked; nothing that is measured depends on it.
BESIDE = ("title", "description", "suits", "views")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How style is measured, from the network's answer to a score.

    Two recipes that differ in title, description, what they suit and views alone are equal.

    Parameters
    ----------
    name : str
        What a person types, such as ``mean-std``.
    title, description : str
        What it is, for a heading and for a paragraph.
    suits : str
        What it is good for, in a few words.
    statistic : Statistic
        Measures one layer: `gram`, `covariance`, `mean_std`, `core_contrast`, or one of your own.
    layers : tuple of str
        Layers of the network that are measured.
    weighted : bool
        Whether masks reach the statistic: positions count as far as they are covered.
    padding : {"zero", "edge"}
        What the network sees beyond the border of a picture.
    standardised : bool
        Whether signatures are compared as deviations from the survey's mean in units of its spread.
    directions : int or None
        Leading directions of the survey's tiles along which standardised numbers are compared, of each part
        of the statistic; all numbers as they are if None.
    rows_deg : float or None
        Width of the rows of Galactic latitude within which tiles are standardised on a survey of the whole
        sky; over the whole survey if None.
    combine : {"max", "mean"}
        How the cosines of the layers become one score; all layers weigh the same.
    threshold : float or None
        Score from which a tile matches.
    top_fraction : float or None
        Instead: share of the sky that matches, best first.
    max_q : float or None
        Instead: false discovery rate up to which a tile matches.  With `top_fraction` beside it, that share
        of the sky matches where no tile away from the reference reaches the rate.
    tile_deg : float
        Side of a tile that suits the recipe, on a survey of the whole sky, degrees.
    pixels : int
        Pixels on a side of such a tile.
    spacing : float
        Distance between neighbouring tiles that suits the recipe, in sides of a tile.
    literal : bool
        Whether tiles are measured one by one unless the shared engine is requested.
    views : Views
        In which views a reference is looked at unless a query says so.

    Raises
    ------
    UsageError
        If a setting is unknown or out of range, or if of `threshold`, `top_fraction` and `max_q` none is
        set, or the first beside another.

    Examples
    --------
    >>> spread = skykin.recipe("core-spread")
    >>> spread.tile_deg, spread.layers
    (4.0, ('block3_conv4', 'block4_conv1'))
    >>> skykin.Recipe.from_dict(spread.to_dict()) == spread
    True
    """

    name: str
    title: str = field(compare=False)
    description: str = field(compare=False)
    statistic: Statistic
    layers: tuple[str, ...] = STYLE_LAYERS
    weighted: bool = True
    padding: Padding = "edge"
    standardised: bool = True
    directions: int | None = None
    rows_deg: float | None = None
    combine: Combine = "mean"
    threshold: float | None = None
    top_fraction: float | None = None
    max_q: float | None = None
    tile_deg: float = 15.0
    pixels: int = 128
    spacing: float = 0.25
    literal: bool = False
    views: Views = field(default=ONE_VIEW, compare=False)
    suits: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.statistic, Statistic):
            raise self._refusal(
                f"measures {shown(self.statistic)}; give an object of a class derived from Statistic"
            )
        if not getattr(self.statistic, "name", ""):
            raise self._refusal(
                f"measures a {type(self.statistic).__name__} without a name; give its class one"
            )
        unknown = [layer for layer in self.layers if layer not in LAYERS]
        if unknown or not self.layers:
            named = ", ".join(shown(layer) for layer in unknown) or "no layer"
            raise self._refusal(f"measures {named}; choose among {', '.join(LAYERS)}")
        for what, value, known in (
            ("padding", self.padding, get_args(Padding)),
            ("combine", self.combine, get_args(Combine)),
        ):
            if value not in known:
                raise self._refusal(f"has {what} {shown(value)}; choose {' or '.join(known)}")
        lines = {name: getattr(self, name) for name in ("threshold", "top_fraction", "max_q")}
        drawn = [name for name, value in lines.items() if value is not None]
        if not drawn or ("threshold" in drawn and len(drawn) > 1):
            told = ", ".join(f"{name} {value}" for name, value in lines.items())
            raise self._refusal(f"has {told}; set the threshold, or one of the others or both")
        if self.threshold is not None and not -1 <= self.threshold <= 1:
            raise self._refusal(f"has threshold {self.threshold}; a cosine lies between −1 and 1")
        if self.top_fraction is not None and not 0 < self.top_fraction <= 1:
            raise self._refusal(f"has top_fraction {self.top_fraction}; use more than 0 and at most 1")
        if self.max_q is not None and not 0 < self.max_q < 1:
            raise self._refusal(f"has max_q {self.max_q}; use a rate between 0 and 1")
        self._check_directions()
        self._check_rows()
        for what in ("tile_deg", "pixels", "spacing"):
            if not getattr(self, what) > 0:
                raise self._refusal(f"has {what} {getattr(self, what)}; use more than 0")

    def _check_directions(self) -> None:
        if self.directions is None:
            return
        if not (self.standardised and self.directions > 0):
            raise self._refusal(
                f"has directions {self.directions}; use a number above 0, and compare relative to the survey"
            )
        if self.statistic.index_code not in ("sums", "spreads"):
            raise self._refusal(f"has directions, which {self.statistic.name} has not; leave them out")

    def _check_rows(self) -> None:
        if self.rows_deg is None:
            return
        if not (self.standardised and 0 < self.rows_deg < 90):
            raise self._refusal(
                f"has rows_deg {self.rows_deg}; use more than 0 and less than 90, and compare relative "
                "to the survey"
            )
        if self.directions is not None or self.statistic.index_code not in ("sums", "spreads"):
            raise self._refusal(
                f"has rows_deg, which {self.statistic.name} has not; leave it out"
                if self.directions is None
                else "has both directions and rows_deg; leave one of them out"
            )

    def _refusal(self, reason: str) -> UsageError:
        return UsageError(f"recipe {shown(self.name)} {reason}")

    @property
    def step(self) -> int:
        """Pixels of which the shared engine makes tiles and spacings, 8, or 16 where block 5 is measured."""
        return step_of(self.layers)

    @property
    def picture_step(self) -> int:
        """Pixels of which a picture that is measured by itself has a multiple on each side."""
        return TILE_CELLS * self.step if self.statistic.has_core else SMALLEST_PIXELS

    def to_dict(self) -> dict[str, Any]:
        """All settings as plain values, ready for JSON; `from_dict` reads them back.

        The statistic stands there by its name.  Title, description, what it suits and views are left out.
        """
        values = {each.name: getattr(self, each.name) for each in fields(self) if each.name not in BESIDE}
        return {**values, "statistic": self.statistic.name, "layers": list(self.layers)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read what `to_dict` gave; the rest is as in the known recipe of the name, if there is one.

        Raises
        ------
        UsageError
            If a setting is missing or unknown, or cannot be used.
        UnknownNameError
            If no known recipe has a statistic of that name.
        """
        names = [each.name for each in fields(cls) if each.name not in BESIDE]
        missing, unknown = [n for n in names if n not in values], [n for n in values if n not in names]
        if missing or unknown:
            what = [f"no {name}" for name in missing] + [f"an unknown {shown(name)}" for name in unknown]
            raise UsageError(f"a recipe has {', '.join(what)}; it has {', '.join(names)}")
        known = {each.statistic.name: each.statistic for each in recipes().values()}
        if values["statistic"] not in known:
            raise UnknownNameError(
                f"no statistic is called {shown(values['statistic'])}; the known recipes have "
                f"{', '.join(sorted(known))}"
            )
        same = recipes().get(values["name"])
        nothing = {"title": "", "description": "", "suits": "", "views": ONE_VIEW}
        words = nothing if same is None else {name: getattr(same, name) for name in BESIDE}
        made = {"statistic": known[values["statistic"]], "layers": tuple(values["layers"])}
        return cls(**{**values, **words, **made})

    def key(self) -> str:
        """Stable hash of all that decides a score: 16 hexadecimal digits.

        The name does not count, nor where the line is drawn among the scores.
        """
        measured = ("layers", "statistic", "weighted", "padding", "standardised", "combine")
        values = {name: value for name, value in self.to_dict().items() if name in measured}
        if self.directions is not None:
            values["directions"] = self.directions
        if self.rows_deg is not None:
            values["rows_deg"] = self.rows_deg
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]

    def standard(self, sample: Iterable[Signature], lat_deg: Degrees | None = None) -> Standardisation:
        """Measure what is usual in a survey on a sample of raw signatures.

        Within rows of latitude, where the recipe asks for them and the Galactic latitudes of the sample are
        given.

        Raises
        ------
        DataQualityError
            As `Standardisation.fit`.
        """
        if lat_deg is not None and self.rows_deg is not None:
            kept = list(sample)
            return Standardisation.fit(kept).in_rows(kept, lat_deg, self.rows_deg)
        if self.directions is None:
            return Standardisation.fit(sample)
        kept = list(sample)
        return Standardisation.fit(kept).whitened(kept, self.statistic.blocks, self.directions)

    def signature(self, answer: Mapping[str, Chroma], coverage: Coverage) -> Signature:
        """Measure the style of one picture.

        Parameters
        ----------
        answer : Mapping of str to array (channels, y, x)
            What the encoder said to the picture.
        coverage : array (rows, columns)
            Share of good data behind each of its pixels.

        Returns
        -------
        Signature
            One vector per layer; NaN if the recipe is weighted and nothing is covered.
        """
        return Signature({layer: self._vector(answer[layer], coverage) for layer in self.layers})

    def _vector(self, features: Chroma, coverage: Coverage) -> Vector:
        _, y, x = features.shape
        weights = position_weights(coverage, (y, x)) if self.weighted else None
        return flattened(self.statistic(features, weights))


@cache
def recipes() -> Mapping[str, Recipe]:
    """All recipes by name.

    Each module of `skykin.style.recipes` holds one, called ``RECIPE``; other packages name theirs in the
    entry point group ``skykin.recipes``.

    Examples
    --------
    >>> list(skykin.recipes())
    ['core-contrast', 'core-spread', 'covariance', 'mean-std', 'poster', 'radial-profile']
    """
    from skykin.style import recipes as folder  # noqa: PLC0415 - each recipe there imports this module

    modules = (module.name for module in pkgutil.iter_modules(folder.__path__))
    own = [import_module(f"{folder.__name__}.{module}").RECIPE for module in modules]
    return MappingProxyType(with_plugins(own, Recipe, GROUP))


def recipe(name: str) -> Recipe:
    """Give the recipe of that name.

    Raises
    ------
    UnknownNameError
        If there is none; the sentence names those with a similar name.

    Examples
    --------
    >>> skykin.recipe("mean-std").layers
    ('block1_conv1', 'block2_conv1', 'block3_conv1', 'block4_conv1', 'block5_conv1')
    """
    known = recipes()
    if name in known:
        return known[name]
    near = get_close_matches(name.lower().replace("_", "-"), known, n=2, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(known)}"
    raise UnknownNameError(f"no recipe is called {shown(name)}; {hint}")

"""Try recipes of style on a survey and write what each finds, a row each.

The survey is rendered at every scale and stretch, the network runs over it once, and features are averaged
at the positions of a HEALPix map.  Styles are made of them in several ways, compared with references, and
evaluated by the lists of objects that ship with Skykin.  Features are kept in the cache: a second run, or one
that was stopped, measures only what is missing.  How to read the table: docs/explain/recipes.md.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from recipe_trials.choice import Trials
from recipe_trials.discs import Brightness, Discs
from recipe_trials.evaluation import MEASURES, ListEvaluation
from recipe_trials.features import FeatureBank, Pooled
from recipe_trials.variants import LEAST_COVERAGE, combined, likenesses, variants
from threadpoolctl import threadpool_limits

import skykin
from skykin.core.atomic import whole_file
from skykin.core.errors import UsageError
from skykin.core.protocols import Survey
from skykin.core.shapes import Numbers
from skykin.evaluation.tile_centres import TileCentres
from skykin.survey.render import RenderedSurvey, measure_stretch

#: Galactic longitude and latitude of the references, degrees.
REFERENCES = {
    "orion": (209.0, -19.0),
    "carina": (287.6, -0.7),
    "cygnus x": (80.0, 0.5),
    "rosette": (206.3, -2.1),
    "rho oph": (354.0, 16.5),
    "orion nebula": (209.01, -19.38),
    "california": (160.6, -12.1),
    "north america": (85.1, -0.6),
    "ngc 6334": (352.3, 0.8),
}
#: Sets of references, and how their likenesses become one score.
SETS = {
    "orion": (("orion",), ""),
    "quad": (("orion nebula", "california", "north america", "ngc 6334"), "mean"),
    "five": (("orion", "carina", "cygnus x", "rosette", "rho oph"), "max"),
}
LAYERS = ("block2_conv1", "block3_conv1", "block3_conv4", "block4_conv1", "block4_conv4", "block5_conv1")
#: Layers whose likenesses are added, beside each layer alone.
TOGETHER = ("21+31", "31+41", "21+31+41", "34+44", "34+41", "21+34", "31+44", "31+34+41+44", "31+41+51")
COLUMNS = ("rendering", "radius_deg", "statistic", "variant", "layers", "reference", "combination", *MEASURES)


class Scored(NamedTuple):
    """A recipe, the set of references, and the score of every position."""

    recipe: tuple[str, ...]
    reference: str
    score: Numbers


def options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read what is requested."""
    parser = argparse.ArgumentParser(prog="recipe_grid.py", description=__doc__)
    add = parser.add_argument
    add("output", type=Path, help="the table, a CSV file")
    add("--cache", type=Path, required=True, help="folder in which features are kept")
    add("--survey", default="wham", help="a name or file, as `skykin map --survey` (default %(default)s)")
    add("--stretch", nargs="+", default=["asinh"], choices=("asinh", "log", "linear"))
    add("--pixels-per-degree", nargs="+", type=float, default=[8.0], metavar="N", help="scales (default 8)")
    add("--layers", nargs="+", default=LAYERS, metavar="LAYER", help=f"(default {' '.join(LAYERS)})")
    add("--radius", nargs="+", type=float, default=[0.4, 1.25], metavar="DEG", help="of the core or tile")
    add("--statistic", nargs="+", default=["m"], choices=("m", "ms"), help="means, or means and spreads")
    add("--around", nargs="+", type=float, default=[1.25, 2.5, 5.0], metavar="DEG", help="radii around cores")
    add("--references", nargs="+", default=list(SETS), choices=SETS, help="sets of references (default all)")
    add("--finalists", type=int, default=3, metavar="N", help="best recipes that are given intervals")
    add("--nside", type=int, default=64, help="of the map of positions (default %(default)s)")
    return parser.parse_args(arguments)


def short(layer: str) -> str:
    """``block3_conv1`` as ``31``."""
    return layer.removeprefix("block").replace("_conv", "")


def banks(
    survey: Survey, asked: argparse.Namespace, places: TileCentres
) -> Iterator[tuple[str, FeatureBank]]:
    """Name and fill the features of every rendering."""
    for kind in asked.stretch:
        stretch = measure_stretch(survey, kind)
        for scale in asked.pixels_per_degree:
            job = {"skykin": skykin.__version__, "survey": survey.to_dict(), "stretch": stretch.to_dict()}
            bank = FeatureBank.of(asked.cache, job, places, scale, survey.extent)
            name = f"{kind}{scale:g}".replace(".", "")
            print(f"{name}: {len(bank.pieces)} facets, kept in {bank.store.folder}", flush=True)
            bank.fill(RenderedSurvey(survey, stretch), asked.layers)
            yield name, bank


def compared(
    layer: Pooled, brightness: Brightness, radius_deg: float, statistic: str, around_deg: Sequence[float]
) -> dict[tuple[str, str], Numbers]:
    """Likeness (references, positions) of a layer by every variant and likeness."""
    at = brightness.discs.places.nearest(*np.array(list(REFERENCES.values())).T)
    known = layer.weight > LEAST_COVERAGE
    return {
        (variant, kind): likeness
        for variant, style in variants(layer, brightness, radius_deg, statistic, around_deg)
        for kind, likeness in likenesses(style, at, known).items()
    }


def scores(
    name: str, bank: FeatureBank, brightness: Brightness, asked: argparse.Namespace
) -> Iterator[Scored]:
    """Every recipe that can be made of one rendering."""
    ids = list(REFERENCES)
    for radius in asked.radius:
        for statistic in asked.statistic:
            found = {
                short(layer): compared(bank.read(layer), brightness, radius, statistic, asked.around)
                for layer in asked.layers
            }
            sums = [*found, *(each for each in TOGETHER if set(each.split("+")) <= set(found))]
            for variant, kind in next(iter(found.values())):
                for layers in sums:
                    for reference in asked.references:
                        members, how = SETS[reference]
                        rows = [ids.index(member) for member in members]
                        parts = [found[each][variant, kind][rows] for each in layers.split("+")]
                        recipe = (name, str(radius), statistic, f"{variant}.{kind}", layers)
                        yield Scored(recipe, reference, brightness.known(combined(parts, kind, how)))


def seen(name: str, brightness: Brightness) -> list[tuple[float, float]]:
    """Positions of a set of references.

    Raises
    ------
    UsageError
        If the survey did not see one of them.
    """
    places = [REFERENCES[member] for member in SETS[name][0]]
    at = brightness.discs.places.nearest(*np.array(places).T)
    known = np.isfinite(brightness.known(np.zeros(len(brightness.coverage)))[at])
    for member, has_data in zip(SETS[name][0], known, strict=True):
        if not has_data:
            raise UsageError(f"the survey has no data at {member}; leave {name} out of --references")
    return places


def run(survey: Survey, asked: argparse.Namespace) -> list[str]:
    """Try all recipes, write the table, and give the numbers of the chosen ones elsewhere."""
    brightness = Brightness.of(survey, Discs(TileCentres.healpix(asked.nside)))
    evaluations = {
        name: ListEvaluation.away_from(seen(name, brightness), brightness) for name in asked.references
    }
    rows, shares = [], {name: {} for name in evaluations}
    for name, bank in banks(survey, asked, brightness.discs.places):
        for recipe, reference, score in scores(name, bank, brightness, asked):
            numbers = [f"{value:.3f}" for value in evaluations[reference].row(score)]
            rows.append((*recipe, reference, SETS[reference][1], *numbers))
            shares[reference][" ".join(recipe)] = evaluations[reference].per_object(score)
        print(f"{name}: {len(rows)} runs so far", flush=True)
        write(asked.output, rows)
    lines = []
    for name, evaluation in evaluations.items():
        lines += [f"reference: {name}", *Trials.of(evaluation, shares[name]).report(asked.finalists)]
    return lines


def write(path: Path, rows: Sequence[Sequence[str]]) -> None:
    """Write the table."""
    with whole_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerows([COLUMNS, *rows])


def main() -> None:
    """Run from the shell."""
    asked = options()
    with threadpool_limits(limits=1):
        try:
            print("\n".join(run(skykin.open_survey(asked.survey), asked)))
        except skykin.SkykinError as error:
            sys.exit(f"recipe_grid.py: {error}")


if __name__ == "__main__":
    main()

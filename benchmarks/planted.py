"""Find planted objects by one of them: every recipe, in one view and in many, beside simple rankings.

    python benchmarks/planted.py [--seeds 5] [--references 6] [--sets easy hard ...] [--recipes NAME ...]
                                 [--jobs 2] [--output docs/explain]

Each image holds 64 cells of 256 pixels with objects of known kinds, sizes and angles (`skykin.evaluation
.planted`).  Tiles of 160 pixels are shown in 64 and lie 20 apart.  The network runs once over an image (and
once before, for the average tile), in true context, and every statistic is taken from its answers.
Each of some objects of a kind is looked for; the others of its kind are to be found.  P@k is the share of
these among the best k of all other cells, where k is how many there are; AP the average precision.  A match
is the best of overlapping tiles of q 0.1 or less away from the reference; it is false if no object of the
kind lies in it.  Intervals are 95 %, by bootstrap over images and kinds.

Beside the recipes: "template", the largest normalised cross-correlation with the middle of the reference
(also turned and scaled as the views); "contrast", how near the contrast of a tile's core is to that of the
reference; "random".  It writes planted.csv and planted.png.
"""

import argparse
import csv
import os
import sys
import time
from dataclasses import replace
from functools import cache, cached_property
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # before NumPy is loaded

import numpy as np
from astropy import units as u
from astropy.table import QTable
from scipy.fft import irfft2, rfft2
from scipy.ndimage import maximum_filter, uniform_filter

import skykin
from skykin.core.footprint import Footprint
from skykin.core.views import AS_IT_IS, MANY_VIEWS
from skykin.evaluation.planted import EASY, HARD, PIXEL_DEG, average_precision, planted, precision_at
from skykin.jobs.examples import cut_in_context
from skykin.scale.local import ordered_map
from skykin.significance.tile_scores import TileScores
from skykin.style.engine.cells import CellReader, Lattice
from skykin.style.engine.shared import CosineTaker, SharedMeter, VectorTaker
from skykin.style.engine.stream import CoverageRows, PlaneSource, stream
from skykin.style.network.blocks import block_network
from skykin.style.recipe import recipe, recipes
from skykin.style.signature import Signature, Standardisation
from skykin.style.similarity import QueryStyle
from skykin.style.statistics.statistic import middle_quarter
from skykin.survey.render import RenderedSurvey, measure_stretch

#: Side of a tile in pixels of the image and of the network, and the spacing of tiles in the latter.
TILE, SHOWN, SPACING = 160, 64, 8
ZOOM = TILE / SHOWN
CORE = SHOWN // 4
#: Textures among shapes.
TEXTURED = {"grains": 12, "ridges": 12, "ring": 12, "blob": 12}
#: Name, what is planted, kinds that are looked for, noise, sizes, whether objects are dark.
SETS = {
    "easy": (EASY, ("ring", "filaments", "blob"), 0.15, (0.9, 1.1), False),
    "easy, noise 1.5": (EASY, ("ring", "filaments", "blob"), 1.5, (0.9, 1.1), False),
    "three sizes": (EASY, ("ring", "filaments", "blob"), 0.15, (2 / 3, 1.0, 1.5), False),
    "dark": (EASY, ("ring", "filaments", "blob"), 0.15, (0.9, 1.1), True),
    "textures": (TEXTURED, ("grains", "ridges"), 0.15, (0.9, 1.1), False),
    "hard": (HARD, tuple(list(HARD)[:7]), 0.3, (0.7, 1.5), False),
    "hard, noise 1.2": (HARD, tuple(list(HARD)[:7]), 1.2, (0.7, 1.5), False),
}
VARIANTS = {"1 view": None, "24 views, maximum": "max", "24 views, mean": "mean"}


@cache
def network(layers):
    """One network a set of layers."""
    return block_network(layers)


class Image:
    """A planted image as the network sees it, and the lattice of its tiles."""

    def __init__(self, name, seed, jobs):
        counts, self.kinds, noise, sizes, dark = SETS[name]
        self.planted = planted(counts, seed, noise=noise, sizes=sizes, dark=dark)
        survey = skykin.open_survey((self.planted.image, self.planted.wcs))
        self.sky, self.jobs = RenderedSurvey(survey, measure_stretch(survey, "linear")), jobs
        rows, columns = (int(side / ZOOM) // SPACING * SPACING for side in self.planted.image.shape)
        across, down = ((np.arange(count) + 0.5) * ZOOM - 0.5 for count in (columns, rows))
        # Pictures have north above, the image below.
        x, y = np.meshgrid(across, self.planted.image.shape[0] - 1 - down)
        self.rgb, _ = self.sky.colours(*self.planted.wcs.wcs_pix2world(x, y, 0))
        self.source = PlaneSource(np.ascontiguousarray(self.rgb, np.float32))
        self.lattice = Lattice(self.source.height, self.source.width, SHOWN, SPACING)
        self.corners = [
            (row * SPACING, column * SPACING)
            for row in range(self.lattice.rows)
            for column in range(self.lattice.columns)
        ]
        middle = np.array(self.corners) + SHOWN / 2
        self.x = middle[:, 1] * ZOOM - 0.5
        self.y = self.planted.image.shape[0] - 1 - (middle[:, 0] * ZOOM - 0.5)
        self.lon, self.lat = self.planted.wcs.wcs_pix2world(self.x, self.y, 0)

    @cached_property
    def footprints(self):
        """Where the tiles lie; one object for all queries, so that they are matched once."""
        side = TILE * PIXEL_DEG
        return tuple(
            Footprint(float(lon), float(lat), side) for lon, lat in zip(self.lon, self.lat, strict=True)
        )

    def footprint(self, row):
        """Tile about an object."""
        lon, lat = self.planted.sky()
        return Footprint(float(lon[row]), float(lat[row]), TILE * PIXEL_DEG)

    def views_of(self, row, chosen, views):
        """Raw signatures of an object in views: a list per recipe."""
        run = network(layers_of(chosen))

        def measured(view):
            picture = cut_in_context(self.sky, self.footprint(row), SHOWN, run.halo, view)
            source = PlaneSource(picture.rgb, None, run.halo, run.halo, SHOWN, SHOWN)
            pieces = {each.layer: each for each in stream(run, source) if not isinstance(each, CoverageRows)}
            features = {layer: piece.features.copy() for layer, piece in pieces.items()}
            return [each.signature(features, np.ones((SHOWN, SHOWN), np.float32)) for each in chosen]

        rows = list(ordered_map(measured, views, self.jobs))
        return {each.name: [one[number] for one in rows] for number, each in enumerate(chosen)}

    def standards(self, chosen):
        """Average tile of the image, per recipe that asks for one, of tiles side by side."""
        wanted = [each for each in chosen if each.standardised]
        lattice = Lattice(self.source.height, self.source.width, SHOWN, SHOWN)
        lattice = replace(lattice, height=lattice.rows * SHOWN, width=lattice.columns * SHOWN)
        source = replace(self.source, height=lattice.height, width=lattice.width)
        meters = {each.name: SharedMeter(each, network(layers_of(chosen))) for each in wanted}
        takers = {
            (name, layer): VectorTaker(lattice, meter.form(layer), meter.unit(layer))
            for name, meter in meters.items()
            for layer in meter.recipe.layers
        }
        read(chosen, source, lattice, meters, takers)
        found = {}
        for name, meter in meters.items():
            vectors = {layer: takers[name, layer].vectors() for layer in meter.recipe.layers}
            found[name] = Standardisation.fit(
                Signature({layer: values[place] for layer, values in vectors.items()})
                for place in np.ndindex(lattice.rows, lattice.columns)
            )
        return found

    def cosines(self, chosen, styles, standards):
        """Cosines (tiles, styles, layers) of every tile, per recipe."""
        meters = {each.name: SharedMeter(each, network(layers_of(chosen))) for each in chosen}
        takers = {}
        for each in chosen:
            standard = standards.get(each.name)
            for layer in each.layers:
                own = None if standard is None else (standard.mean[layer], standard.spread[layer])
                stacked = np.stack([style[layer] for style in styles[each.name]]).astype(float)
                stacked /= np.linalg.norm(stacked, axis=1)[:, None]
                meter = meters[each.name]
                takers[each.name, layer] = CosineTaker(
                    self.lattice, meter.form(layer), stacked.astype(np.float32), meter.unit(layer), own
                )
        read(chosen, self.source, self.lattice, meters, takers)
        found = {}
        for each in chosen:
            cosines = np.stack([takers[each.name, layer].cosines() for layer in each.layers], axis=-1)
            found[each.name] = cosines.reshape(len(self.x), -1, len(each.layers))
        return found

    def scores(self, chosen, rows):
        """Score of every tile for each object (row), by each recipe and variant, and by what is simpler."""
        standards = self.standards(chosen)
        many = [each for each in chosen if each.views.several]
        styles = {each.name: [] for each in chosen}
        for row in rows:
            looked = self.views_of(row, chosen, (AS_IT_IS,))
            turned = self.views_of(row, many, MANY_VIEWS.each[1:]) if many else {}
            for each in chosen:
                raw, standard = looked[each.name] + turned.get(each.name, []), standards.get(each.name)
                styles[each.name] += raw if standard is None else [standard.apply(one) for one in raw]
        cosines = self.cosines(chosen, styles, standards)
        for number, row in enumerate(rows):
            found = {}
            for each in chosen:
                views = MANY_VIEWS.each if each.views.several else (AS_IT_IS,)
                first = number * len(views)
                for variant, by in VARIANTS.items():
                    if by is None or each.views.several:
                        seen = views if by else views[:1]
                        own = slice(first, first + len(seen))
                        likes, by_layer = tuple(styles[each.name][own]), cosines[each.name][:, own]
                        query = QueryStyle(each, likes, views=(seen,), over=by or "max")
                        found[f"{each.name}, {variant}"] = query.score(query.joined(by_layer))
            yield row, found | self.simple(row)

    def simple(self, row):
        """Template matching, contrast, and chance."""
        found = {}
        for name, views in (("template, 1 view", (AS_IT_IS,)), ("template, 24 views", MANY_VIEWS.each)):
            found[name] = np.max([self._template(row, view) for view in views], axis=0)
        own = cut_in_context(self.sky, self.footprint(row), SHOWN, 0).rgb[..., 0]
        found["contrast"] = -np.abs(self.boxes(CORE) - self.boxes(SHOWN) - contrast(own))
        found["random"] = np.random.default_rng(row).random(len(self.x))
        return found

    def boxes(self, side):
        """Mean brightness in a square about the middle of every tile."""
        sums = np.pad(self.rgb[..., 0].astype(float).cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
        top, left = np.array(self.corners).T + (SHOWN - side) // 2
        low, right = top + side, left + side
        return (sums[low, right] - sums[top, right] - sums[low, left] + sums[top, left]) / side**2

    @cached_property
    def spectrum(self):
        """Fourier transform of the picture, and its spread within a template."""
        grey, inside = self.rgb[..., 0].astype(float), SHOWN * 3 // 4
        spread2 = uniform_filter(grey**2, inside) - uniform_filter(grey, inside) ** 2
        return rfft2(grey), np.sqrt(np.maximum(spread2, 1e-9))

    def _template(self, row, view):
        """Largest normalised cross-correlation with the middle of an object near each tile's centre."""
        (waves, spread), inside = self.spectrum, SHOWN * 3 // 4
        picture = cut_in_context(self.sky, self.footprint(row), SHOWN, 0, view)
        edge = (SHOWN - inside) // 2
        middle = picture.rgb[edge : edge + inside, edge : edge + inside, 0].astype(float)
        middle -= middle.mean()
        padded = np.zeros(self.rgb.shape[:2])
        padded[:inside, :inside] = middle
        padded = np.roll(padded, (-(inside // 2), -(inside // 2)), axis=(0, 1))
        product = irfft2(waves * np.conj(rfft2(padded)), padded.shape)
        score = maximum_filter(product / (spread * inside * np.linalg.norm(middle)), SPACING)
        top, left = np.array(self.corners).T + SHOWN // 2
        return score[top, left]

    def table(self, score):
        """Tiles as the significance of a map takes them."""
        width = np.full(len(self.x), TILE * PIXEL_DEG)
        tiles = QTable(
            {
                "lon": self.lon * u.deg, "lat": self.lat * u.deg, "width": width * u.deg,
                "height": width * u.deg, "score": score, "coverage": np.ones(len(width)),
                "mean_intensity": self.boxes(SHOWN) * u.one, "area": np.full(len(width), 1e-6),
            }
        )  # fmt: skip
        return TileScores(tiles, self.footprints, (), TILE * PIXEL_DEG, SPACING * ZOOM * PIXEL_DEG)


def layers_of(chosen):
    """Layers that some recipes measure."""
    return tuple(dict.fromkeys(layer for each in chosen for layer in each.layers))


def read(chosen, source, lattice, meters, takers):
    """Run the network once, and give every recipe's takers what it answers."""
    run, readers = network(layers_of(chosen)), {}
    strides = {tap: block.stride for block in run.blocks for tap in block.taps}
    for (name, layer), taker in takers.items():
        reader = CellReader(lattice, layer, strides[layer], meters[name].form(layer), taker)
        readers.setdefault(layer, []).append(reader)
    for piece in stream(run, source):
        if not isinstance(piece, CoverageRows):
            for reader in readers.get(piece.layer, ()):
                reader.add(piece, None)


def contrast(grey):
    """How much brighter the middle quarter of a tile is than all of it."""
    rows, columns = (middle_quarter(side) for side in grey.shape)
    return grey[rows, columns].mean() - grey.mean()


def judged(image, kind, row, score, *, calibrated):
    """P@k, AP, and how many matches are false."""
    objects = image.planted
    others = np.arange(len(objects.objects)) != row
    best = objects.scored(image.x, image.y, score)[others]
    good = np.isin(np.flatnonzero(others), objects.rows(kind))
    found = {"precision": precision_at(best, good, int(good.sum())), "ap": average_precision(best, good)}
    if calibrated:
        where = objects.objects[row]
        near = np.maximum(np.abs(image.x - where["x"]), np.abs(image.y - where["y"])) < TILE
        q = image.table(score).significance(near).q
        match = (q <= 0.1) & ~near
        best = grouped(image, score, match)
        shown = np.maximum(
            np.abs(image.x[best, None] - np.asarray(objects.objects["x"])[objects.rows(kind)]),
            np.abs(image.y[best, None] - np.asarray(objects.objects["y"])[objects.rows(kind)]),
        )
        inside = (shown <= TILE / 2).any(axis=1)
        found |= {"matches": len(best), "false": int((~inside).sum())}
    return found


def grouped(image, score, match):
    """Give the best tile of each group of overlapping matches."""
    best = []
    for tile in np.argsort(-score, kind="stable"):
        away = np.maximum(np.abs(image.x[best] - image.x[tile]), np.abs(image.y[best] - image.y[tile]))
        if match[tile] and (away >= TILE).all():
            best.append(int(tile))
    return best


def measured(name, seed, chosen, references, jobs):
    """All rows of one image."""
    image = Image(name, seed, jobs)
    wanted = {int(row): kind for kind in image.kinds for row in image.planted.rows(kind)[:references]}
    rows = []
    for row, found in image.scores(chosen, list(wanted)):
        for ranking, score in found.items():
            made = ranking.split(",")[0] in {each.name for each in chosen}
            told = judged(image, wanted[row], row, score, calibrated=made)
            rows.append({"set": name, "seed": seed, "kind": wanted[row], "ranking": ranking, **told})
    return rows


def interval(blocks, seed=0):
    """Mean of blocks, and its 95 % interval by bootstrap."""
    random = np.random.default_rng(seed)
    draws = random.choice(blocks, (2000, len(blocks))).mean(axis=1)
    return float(np.mean(blocks)), *np.quantile(draws, (0.025, 0.975)).tolist()


def summarised(rows):
    """One row per set and ranking: means over images, kinds and references."""
    table = []
    for name in dict.fromkeys(row["set"] for row in rows):
        for ranking in dict.fromkeys(row["ranking"] for row in rows):
            own = [row for row in rows if (row["set"], row["ranking"]) == (name, ranking)]
            if not own:
                continue
            groups = {}
            for row in own:
                groups.setdefault((row["seed"], row["kind"]), []).append(row)
            line = {"set": name, "ranking": ranking, "images": len({row["seed"] for row in own})}
            for measure in ("precision", "ap"):
                blocks = [np.mean([row[measure] for row in group]) for group in groups.values()]
                values = interval(np.array(blocks))
                line |= dict(zip((measure, f"{measure}_low", f"{measure}_high"), values, strict=True))
            kinds = {}
            for row in own:
                kinds.setdefault(row["kind"], []).append(row["precision"])
            line["kinds"] = "; ".join(f"{kind} {np.mean(values):.2f}" for kind, values in kinds.items())
            if "matches" in own[0]:
                matches, false = (sum(row[each] for row in own) for each in ("matches", "false"))
                line |= {"matches": matches, "false_share": false / matches if matches else np.nan}
            table.append({key: round(v, 3) if isinstance(v, float) else v for key, v in line.items()})
    return table


def drawn(table, path):
    """Bars of P@k with their intervals, set by set."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib.figure import Figure

    sets = list(dict.fromkeys(row["set"] for row in table))
    figure = Figure(figsize=(10, 1.2 + 0.27 * len(table)), layout="constrained")
    axes = figure.subplots(len(sets), 1, sharex=True, squeeze=False)[:, 0]
    for each, name in zip(axes, sets, strict=True):
        own = [row for row in table if row["set"] == name]
        places = np.arange(len(own))
        value = np.array([row["precision"] for row in own])
        edges = np.array([[row["precision_low"], row["precision_high"]] for row in own]).T
        network_made = [row["ranking"].split(",")[0] in recipes() for row in own]
        colours = ["#D55E00" if made else "0.6" for made in network_made]
        each.barh(places, value, color=colours, height=0.7)
        each.errorbar(value, places, xerr=np.abs(edges - value), fmt="none", ecolor="black", capsize=2)
        each.plot(
            [row["ap"] for row in own], places, "|", color="#0072B2", markersize=12, markeredgewidth=2.5
        )
        each.set_yticks(places, [row["ranking"] for row in own], fontsize=9)
        each.invert_yaxis()
        each.set_xlim(0, 1)
        each.set_title(name, fontsize=10, loc="left")
    axes[-1].set_xlabel("bar: precision among as many as there are to find (95 %); blue: average precision")
    figure.savefig(path, dpi=110)


def main():
    """Measure, print, write."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--seeds", type=int, default=5)
    ask.add_argument("--references", type=int, default=6)
    ask.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    ask.add_argument("--recipes", nargs="+", default=list(recipes()))
    ask.add_argument("--jobs", type=int, default=os.cpu_count())
    ask.add_argument("--output", type=Path)
    asked = ask.parse_args()
    chosen, rows = [recipe(name) for name in asked.recipes], []
    for name in asked.sets:
        for seed in range(1, asked.seeds + 1):
            began = time.perf_counter()
            rows += measured(name, seed, chosen, asked.references, asked.jobs)
            print(f"{name}, image {seed}: {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
            table = summarised(rows)
            if asked.output:
                written(table, asked.output)
    columns = columns_of(table)
    for row in table:
        print("  ".join(f"{row.get(column, '')!s}" for column in columns))


def columns_of(table):
    """Columns of all rows, in order."""
    return list(dict.fromkeys(key for row in table for key in row))


def written(table, folder):
    """Write what is known so far."""
    with (folder / "planted.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns_of(table))
        writer.writeheader()
        writer.writerows(table)
    drawn(table, folder / "planted.png")


if __name__ == "__main__":
    main()

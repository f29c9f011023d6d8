"""Find planted objects by one of them: every recipe, in one view and in many, beside simple rankings.

    python benchmarks/planted.py FOLDER [--seeds 1 2 3 4 5] [--rounds 0] [--sets easy hard ...]
                                 [--parts profiles simple ...] [--jobs 2] [--output FOLDER]

Each image holds 64 cells of 256 pixels with objects of known kinds, sizes and angles (`skykin.evaluation
.planted`).  Tiles of 160 pixels are shown in 64 and lie 20 apart (40 where block 5 is measured).  The network
runs once over an image (and once before, for the average tile), in true context, and every statistic is taken
from its answers.  Each of some objects of a kind is looked for; the others of its kind are to be found.  P@k
is the share of these among the best k of all other cells, where k is how many there are; AP the average
precision.  A target is the best of overlapping tiles of q 0.1 or less away from the reference; it is false if
no object of the kind lies in it.  Intervals are 95 %, by bootstrap over images and kinds.

Beside the recipes: "template", the largest normalised cross-correlation with the middle of the reference
(also turned and scaled as the views); "contrast", how near the contrast of a tile's core is to that of the
reference; "random".  A round measures one or two references of each kind (`SETS`).  The scores of all tiles
are kept in FOLDER, so that a stopped run goes on, and judged (with no parts: only judged); planted.csv and
planted.png are written to the output.
"""

import argparse
import csv
import json
import os
import sys
import time
from dataclasses import replace
from functools import cache, cached_property
from itertools import product
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
from skykin.core.sphere import SPHERE_DEG2
from skykin.core.views import AS_IT_IS, MANY_VIEWS
from skykin.evaluation.planted import CELL, EASY, HARD, PIXEL_DEG, average_precision, planted, precision_at
from skykin.jobs.examples import cut_in_context
from skykin.jobs.views import LOSS
from skykin.scale.local import ordered_map
from skykin.significance.tile_scores import TileScores
from skykin.style.engine.cells import CellReader, Lattice
from skykin.style.engine.shared import CosineTaker, SharedMeter, VectorTaker
from skykin.style.engine.stream import CoverageRows, PlaneSource, stream
from skykin.style.network.blocks import block_network
from skykin.style.recipe import recipe, recipes
from skykin.style.signature import Signature
from skykin.style.similarity import less_unlike
from skykin.survey.render import RenderedSurvey, measure_stretch

#: Side of a tile in pixels of the image and of the network.
TILE, SHOWN = 160, 64
ZOOM = TILE / SHOWN
CORE = SHOWN // 4
#: Textures among shapes.
TEXTURED = {"grains": 12, "ridges": 12, "ring": 12, "blob": 12}
SEVEN = tuple(HARD)[:7]
THREE = ("ring", "filaments", "blob")
#: Name: what is planted, kinds that are looked for, noise, sizes, whether objects are dark; and how many
#: references of each kind are measured at a time.
SETS = {
    "hard": (HARD, SEVEN, 0.3, (0.7, 1.5), False, 1),
    "hard, noise 1.2": (HARD, SEVEN, 1.2, (0.7, 1.5), False, 1),
    "easy": (EASY, THREE, 0.15, (0.9, 1.1), False, 2),
    "easy, noise 1.5": (EASY, THREE, 1.5, (0.9, 1.1), False, 2),
    "three sizes": (EASY, THREE, 0.15, (2 / 3, 1.0, 1.5), False, 2),
    "dark": (EASY, THREE, 0.15, (0.9, 1.1), True, 2),
    "textures": (TEXTURED, ("grains", "ridges"), 0.15, (0.9, 1.1), False, 2),
}
#: What is measured together: recipes of the same layers, and the spacing of tiles in pixels of the network.
PARTS = {
    "profiles": (("core-contrast", "core-spread", "radial-profile"), 8),
    "simple": ((), 8),
    "textures": (("covariance", "mean-std"), 16),
    "poster": (("poster",), 16),
}
#: Scores of the views, the plain one first, to one.
VARIANTS = {
    "1 view": lambda each, views: each[0],
    "8 views, maximum": lambda each, views: each[[view.scale == 1 for view in views]].max(axis=0),
    "24 views, maximum": lambda each, views: each.max(axis=0),
    "24 views, mean": lambda each, views: each.mean(axis=0),
    "24 views, smooth maximum": lambda each, views: np.log(np.exp(20 * each).mean(axis=0)) / 20,
}
#: Rankings whose targets are judged, and counter-examples.
CALIBRATED = ("core-contrast, 24 views, maximum", "radial-profile, 24 views, maximum")


@cache
def network(layers):
    """One network a set of layers."""
    return block_network(layers)


class Image:
    """A planted image as the network sees it, and the lattice of its tiles."""

    def __init__(self, name, seed, spacing, jobs=1):
        counts, self.kinds, noise, sizes, dark, self.together = SETS[name]
        self.planted = planted(counts, seed, noise=noise, sizes=sizes, dark=dark)
        survey = skykin.open_survey((self.planted.image, self.planted.wcs))
        self.sky, self.jobs = RenderedSurvey(survey, measure_stretch(survey, "linear")), jobs
        rows, columns = (int(side / ZOOM) // 16 * 16 for side in self.planted.image.shape)
        across, down = ((np.arange(count) + 0.5) * ZOOM - 0.5 for count in (columns, rows))
        # Pictures have north above, the image below.
        x, y = np.meshgrid(across, self.planted.image.shape[0] - 1 - down)
        self.rgb, _ = self.sky.colours(*self.planted.wcs.wcs_pix2world(x, y, 0))
        self.source = PlaneSource(np.ascontiguousarray(self.rgb, np.float32))
        self.spacing = spacing
        self.lattice = Lattice(self.source.height, self.source.width, SHOWN, spacing)
        self.corners = np.stack(
            np.meshgrid(*(np.arange(n) * spacing for n in (self.lattice.rows, self.lattice.columns)),
                        indexing="ij"), axis=-1
        ).reshape(-1, 2)  # fmt: skip
        middle = self.corners + SHOWN / 2
        self.x = middle[:, 1] * ZOOM - 0.5
        self.y = self.planted.image.shape[0] - 1 - (middle[:, 0] * ZOOM - 0.5)
        self.lon, self.lat = self.planted.wcs.wcs_pix2world(self.x, self.y, 0)

    def wanted(self, number):
        """Rows of the objects that are looked for in a round, some of each kind."""
        found = [self.planted.rows(kind) for kind in self.kinds]
        sizes = np.asarray(self.planted.objects["size"])
        if len(set(sizes.tolist())) <= 3:  # One of several sizes is looked for by the middle one.
            found = [rows[sizes[rows] == 1] for rows in found]
        own = slice(number * self.together, (number + 1) * self.together)
        return [int(row) for rows in found for row in rows[own]]

    def footprint(self, row):
        """Tile about an object."""
        lon, lat = self.planted.sky()
        return Footprint(float(lon[row]), float(lat[row]), TILE * PIXEL_DEG)

    def views_of(self, row, chosen, views):
        """Raw signatures of an object in those views that the image covers, recipe by recipe."""
        run = network(chosen[0].layers)

        def measured(view):
            picture = cut_in_context(self.sky, self.footprint(row), SHOWN, run.halo, view)
            own = slice(run.halo, run.halo + SHOWN)
            covered = picture.coverage[own, own].mean()
            source = PlaneSource(picture.rgb, None, run.halo, run.halo, SHOWN, SHOWN)
            pieces = {each.layer: each for each in stream(run, source) if not isinstance(each, CoverageRows)}
            features = {layer: piece.features.copy() for layer, piece in pieces.items()}
            return covered, [each.signature(features, np.ones((SHOWN, SHOWN), np.float32)) for each in chosen]

        found = list(ordered_map(measured, views, self.jobs))
        full = found[0][0] - LOSS
        kept = [(view, each) for view, (covered, each) in zip(views, found, strict=True) if covered >= full]
        return [view for view, _ in kept], [list(each) for each in zip(*(e for _, e in kept), strict=True)]

    def read(self, chosen, lattice, source, made):
        """Run the network once, and give every recipe's takers what it answers."""
        run, readers = network(chosen[0].layers), {}
        for each in chosen:
            meter = SharedMeter(each, run)
            for layer, stride in meter.strides():
                taker = made(each, meter, layer)
                reader = CellReader(lattice, layer, stride, meter.form(layer), taker)
                readers.setdefault(layer, []).append(reader)
        SharedMeter(chosen[0], run).read(source, {layer: Together(each) for layer, each in readers.items()})

    def standards(self, chosen):
        """Average tile of the image, per recipe, of tiles side by side."""
        lattice = Lattice(self.source.height, self.source.width, SHOWN, SHOWN)
        lattice = replace(lattice, height=lattice.rows * SHOWN, width=lattice.columns * SHOWN)
        source = replace(self.source, height=lattice.height, width=lattice.width)
        takers = {}

        def made(each, meter, layer):
            taker = takers[each.name, layer] = VectorTaker(lattice, meter.form(layer), meter.unit(layer))
            return taker

        self.read(chosen, lattice, source, made)
        found = {}
        for each in chosen:
            vectors = {layer: takers[each.name, layer].vectors() for layer in each.layers}
            sample = [
                Signature({layer: values[place] for layer, values in vectors.items()})
                for place in np.ndindex(lattice.rows, lattice.columns)
            ]
            found[each.name] = each.standard(sample)
        return found

    def scores(self, chosen, rows):
        """Scores (tiles, rows) of each recipe and variant for objects."""
        standards = self.standards(chosen) if chosen[0].standardised else {}
        looked = [self.views_of(row, chosen, MANY_VIEWS.each if chosen[0].views.several else (AS_IT_IS,))
                  for row in rows]  # fmt: skip
        stacked, takers = {}, {}
        for number, each in enumerate(chosen):
            raw = [one for _, found in looked for one in found[number]]
            own = standards.get(each.name)
            styles = raw if own is None else [own.apply(one) for one in raw]
            for layer in each.layers:
                vectors = np.stack([style[layer] for style in styles]).astype(float)
                vectors /= np.linalg.norm(vectors, axis=1)[:, None]
                stacked[each.name, layer] = vectors.astype(np.float32)

        def made(each, meter, layer):
            taker = takers[each.name, layer] = CosineTaker(
                self.lattice, meter.form(layer), stacked[each.name, layer], meter.unit(layer),
                standard=standards.get(each.name), layer=layer,
            )  # fmt: skip
            return taker

        if chosen[0].statistic.plain_products:
            vectors = {layer: stacked[chosen[0].name, layer] for layer in chosen[0].layers}
            run = SharedMeter(chosen[0], network(chosen[0].layers))
            cosines = {chosen[0].name: run.cosines(self.source, self.lattice, vectors)}
        else:
            self.read(chosen, self.lattice, self.source, made)
            cosines = {each.name: np.stack([takers[each.name, layer].cosines() for layer in each.layers], -1)
                       for each in chosen}  # fmt: skip
        found = {}
        for each in chosen:
            joined = cosines[each.name].max(-1) if each.combine == "max" else cosines[each.name].mean(-1)
            joined = joined.reshape(len(self.x), -1).T
            first = 0
            for views, _ in looked:
                own = joined[first : first + len(views)]
                first += len(views)
                for name, variant in VARIANTS.items():
                    if name == "1 view" or each.views.several:
                        found.setdefault(f"{each.name}, {name}", []).append(variant(own, views))
        return found

    def simple(self, rows):
        """Template matching, contrast, and chance."""
        found = {}
        for row in rows:
            whole = cut_in_context(self.sky, self.footprint(row), SHOWN, 0).coverage.mean()
            each, views = [], []
            for view in MANY_VIEWS.each:
                picture = cut_in_context(self.sky, self.footprint(row), SHOWN, 0, view)
                if picture.coverage.mean() >= whole - LOSS:
                    each.append(self._template(picture))
                    views.append(view)
            for name in ("1 view", "24 views, maximum"):
                found.setdefault(f"template, {name}", []).append(VARIANTS[name](np.stack(each), views))
            own = cut_in_context(self.sky, self.footprint(row), SHOWN, 0).rgb[..., 0]
            alike = -np.abs(self.boxes(CORE) - self.boxes(SHOWN) - contrast(own))
            found.setdefault("contrast", []).append(alike)
            found.setdefault("random", []).append(np.random.default_rng(row).random(len(self.x)))
        return found

    def boxes(self, side):
        """Mean brightness in a square about the middle of every tile."""
        sums = np.pad(self.rgb[..., 0].astype(float).cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
        top, left = self.corners.T + (SHOWN - side) // 2
        low, right = top + side, left + side
        return (sums[low, right] - sums[top, right] - sums[low, left] + sums[top, left]) / side**2

    @cached_property
    def spectrum(self):
        """Fourier transform of the picture, and its spread within a template."""
        grey, inside = self.rgb[..., 0].astype(float), SHOWN * 3 // 4
        spread2 = uniform_filter(grey**2, inside) - uniform_filter(grey, inside) ** 2
        return rfft2(grey.astype(np.float32)), np.sqrt(np.maximum(spread2, 1e-9)).astype(np.float32)

    def _template(self, picture):
        """Largest normalised cross-correlation with the middle of a picture near each tile's centre."""
        (waves, spread), inside = self.spectrum, SHOWN * 3 // 4
        edge = (SHOWN - inside) // 2
        middle = picture.rgb[edge : edge + inside, edge : edge + inside, 0].astype(np.float32)
        middle -= middle.mean()
        padded = np.zeros(self.rgb.shape[:2], np.float32)
        padded[:inside, :inside] = middle
        padded = np.roll(padded, (-(inside // 2), -(inside // 2)), axis=(0, 1))
        product = irfft2(waves * np.conj(rfft2(padded)), padded.shape)
        score = maximum_filter(product / (spread * inside * np.linalg.norm(middle)), self.spacing)
        top, left = self.corners.T + SHOWN // 2
        return score[top, left]


class Together:
    """Several readers of one layer."""

    def __init__(self, readers):
        self.readers = readers

    def add(self, piece, weights):
        """Give each what the network answers."""
        for reader in self.readers:
            reader.add(piece, weights)


def contrast(grey):
    """How much brighter the middle quarter of a tile is than all of it."""
    edge = (len(grey) - CORE) // 2
    return grey[edge : edge + CORE, edge : edge + CORE].mean() - grey.mean()


def kept(folder, name, seed, part, number):
    """File of the scores of some references."""
    return folder / f"{name.replace(', ', '_').replace(' ', '-')}_{seed}_{part}_{number}.npz"


def measured(folder, what, jobs):
    """Score all tiles for some references of an image, unless that was done before."""
    number, seed, name, part = what
    path = kept(folder, name, seed, part, number)
    if path.exists():
        return False
    names, spacing = PARTS[part]
    image = Image(name, seed, spacing, jobs)
    rows, chosen = image.wanted(number), [recipe(each) for each in names]
    found = {}
    if rows:
        found = image.scores(chosen, rows) if chosen else image.simple(rows)
    arrays = {ranking: np.stack(each).astype(np.float32) for ranking, each in found.items()}
    own = {"x": image.x, "y": image.y, "brightness": image.boxes(SHOWN), "rows": np.array(rows, int)}
    unfinished = path.with_suffix(".tmp")
    with unfinished.open("wb") as file:
        np.savez(file, **{f"score {ranking}": each for ranking, each in arrays.items()}, **own)
    unfinished.replace(path)
    return True


class Judge:
    """What was planted in an image, and the stored scores of its tiles for some references."""

    def __init__(self, path, name, seed):
        counts, _, noise, sizes, dark, _ = SETS[name]
        self.planted, stored = planted(counts, seed, noise=noise, sizes=sizes, dark=dark), np.load(path)
        self.x, self.y, self.brightness, self.rows = (stored[key] for key in ("x", "y", "brightness", "rows"))
        self.scores = {key[6:]: stored[key] for key in stored.files if key.startswith("score ")}
        self.lon, self.lat = self.planted.wcs.wcs_pix2world(self.x, self.y, 0)
        self.side = TILE * PIXEL_DEG
        places = zip(self.lon.tolist(), self.lat.tolist(), strict=True)
        # One object for all queries, so that tiles are matched once.
        self.footprints = tuple(Footprint(*place, self.side) for place in places)
        self.kinds = np.asarray(self.planted.objects["kind"])

    def away(self, x, y):
        """Distances (tiles, objects) along the axis where tile and object lie farther apart."""
        across = np.abs(np.asarray(x)[:, None] - np.asarray(self.planted.objects["x"]))
        return np.maximum(across, np.abs(np.asarray(y)[:, None] - np.asarray(self.planted.objects["y"])))

    def ranked(self, row, score):
        """P@k and AP."""
        others = np.arange(len(self.kinds)) != row
        best = self.planted.scored(self.x, self.y, score)[others]
        good = (self.kinds == self.kinds[row])[others]
        return {"precision": precision_at(best, good, int(good.sum())), "ap": average_precision(best, good)}

    def less_unlike(self, ranking, number):
        """P@k and AP with and without the best false match, of those measured here, as counter-example."""
        row, every = int(self.rows[number]), self.scores[ranking].astype(float)
        best = self.planted.scored(self.x, self.y, every[number])
        false = [i for i, other in enumerate(self.rows) if self.kinds[other] != self.kinds[row]]
        worst = max(false, key=lambda i: best[self.rows[i]])
        kept_objects = ~np.isin(np.arange(len(self.kinds)), (row, self.rows[worst]))
        found = []
        for score in (every[number], less_unlike(every[number], every[worst])):
            objects = self.planted.scored(self.x, self.y, score)[kept_objects]
            good = (self.kinds == self.kinds[row])[kept_objects]
            found += [precision_at(objects, good, int(good.sum())), average_precision(objects, good)]
        return found

    def targets(self, row, score):
        """Count targets with q 0.1 or less, and the true ones among them."""
        near = self.away(self.x, self.y)[:, row] < TILE
        found = self.table(score).significance(near)
        match, best = (found.q <= 0.1) & ~near, []
        for tile in np.argsort(-score, kind="stable"):
            away = np.maximum(np.abs(self.x[best] - self.x[tile]), np.abs(self.y[best] - self.y[tile]))
            if match[tile] and (away >= TILE).all():
                best.append(int(tile))
        own = self.away(self.x[best], self.y[best])[:, self.kinds == self.kinds[row]]
        return {"targets": len(best), "true": int((own <= TILE / 2).any(axis=1).sum())}

    def table(self, score):
        """Tiles as the significance of a map takes them."""
        side, count = np.full(len(self.x), self.side) * u.deg, len(self.x)
        area = np.full(count, (CELL * 8 * PIXEL_DEG) ** 2 / SPHERE_DEG2 / count)
        columns = {
            "lon": self.lon * u.deg, "lat": self.lat * u.deg, "width": side, "height": side, "score": score,
            "coverage": np.ones(count), "mean_intensity": self.brightness * u.one, "area": area,
        }  # fmt: skip
        return TileScores(QTable(columns), self.footprints, (), self.side, self.side / 8)


def judged(folder, chosen):
    """One row per set, image, reference and ranking; those of a file are kept beside it."""
    rows = []
    stems = {kept(folder, name, 1, "", 0).name.split("_1_")[0]: name for name in SETS}
    for path in sorted(folder.glob("*.npz")):
        stem, seed, _, _ = path.stem.rsplit("_", 3)
        told = path.with_suffix(".json")
        if not told.exists():
            judge, own = Judge(path, stems[stem], int(seed)), []
            for ranking, scores in judge.scores.items():
                for number, row in enumerate(judge.rows.tolist()):
                    line = {"set": stems[stem], "seed": int(seed), "kind": str(judge.kinds[row]),
                            "row": row, "ranking": ranking, **judge.ranked(row, scores[number])}  # fmt: skip
                    if ranking in CALIBRATED:
                        line |= judge.targets(row, scores[number].astype(float))
                    if ranking in CALIBRATED and len(set(judge.kinds[judge.rows].tolist())) > 1:
                        line["unlike"] = judge.less_unlike(ranking, number)
                    own.append(line)
            told.write_text(json.dumps(own))
        if stems[stem] in chosen:
            rows += json.loads(told.read_text())
    return rows


def interval(blocks, seed=0):
    """Mean of blocks, and its 95 % interval by bootstrap."""
    random = np.random.default_rng(seed)
    draws = random.choice(blocks, (2000, len(blocks))).mean(axis=1)
    return float(np.mean(blocks)), *np.quantile(draws, (0.025, 0.975)).tolist()


def blocked(own, measure):
    """Mean of a measure within each image and kind."""
    groups = {}
    for row in own:
        groups.setdefault((row["seed"], row["kind"]), []).append(row[measure])
    return np.array([np.mean(group) for group in groups.values()])


def summarised(rows):
    """One line per set and ranking: means over images, kinds and references."""
    table = []
    for name in [each for each in SETS if any(row["set"] == each for row in rows)]:
        for ranking in dict.fromkeys(row["ranking"] for row in rows):
            own = [row for row in rows if (row["set"], row["ranking"]) == (name, ranking)]
            if not own:
                continue
            line = {"set": name, "ranking": ranking, "images": len({row["seed"] for row in own}),
                    "references": len(own)}  # fmt: skip
            for measure in ("precision", "ap"):
                values = interval(blocked(own, measure))
                line |= dict(zip((measure, f"{measure}_low", f"{measure}_high"), values, strict=True))
            kinds = {}
            for row in own:
                kinds.setdefault(row["kind"], []).append(row["precision"])
            line["kinds"] = "; ".join(f"{kind} {np.mean(values):.2f}" for kind, values in kinds.items())
            if "targets" in own[0]:
                targets, true = (sum(row[each] for row in own) for each in ("targets", "true"))
                line |= {"targets": targets, "true": true}
                line["false_share"] = 1 - true / targets if targets else np.nan
                shares = [1 - row["true"] / row["targets"] if row["targets"] else 0.0 for row in own]
                line["false_discovery_rate"] = float(np.mean(shares))
            if unlike := [row["unlike"] for row in own if "unlike" in row]:
                names = ("precision_without", "ap_without", "precision_unlike", "ap_unlike")
                line |= dict(zip(names, np.mean(unlike, axis=0).tolist(), strict=True))
            table.append({key: round(v, 3) if isinstance(v, float) else v for key, v in line.items()})
    return table


def drawn(table, path):
    """Bars of P@k with their intervals, set by set, without the variants of views that the table has."""
    table = [row for row in table if row["ranking"].partition(", ")[2] in ("", "1 view", "24 views, maximum")]
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib.figure import Figure

    sets = list(dict.fromkeys(row["set"] for row in table))
    order = sorted(
        {row["ranking"] for row in table}, key=lambda each: (each.split(",")[0] not in recipes(), each)
    )
    figure = Figure(figsize=(11, 2 + 0.13 * len(table)), layout="constrained")
    columns = [sets[: (len(sets) + 1) // 2], sets[(len(sets) + 1) // 2 :]]
    for place, part in enumerate(figure.subfigures(1, 2)):
        counts = [sum(row["set"] == name for row in table) for name in columns[place]]
        every = part.subplots(len(counts), 1, sharex=True, squeeze=False, height_ratios=counts)[:, 0]
        for axes, name in zip(every, columns[place], strict=True):
            own = [row for each in order for row in table if (row["set"], row["ranking"]) == (name, each)]
            at = np.arange(len(own))
            value = np.array([row["precision"] for row in own])
            edges = np.array([[row["precision_low"], row["precision_high"]] for row in own]).T
            made = [row["ranking"].split(",")[0] in recipes() for row in own]
            axes.barh(at, value, color=["#D55E00" if each else "0.6" for each in made], height=0.7)
            axes.errorbar(value, at, xerr=np.abs(edges - value), fmt="none", ecolor="black", capsize=2)
            ap = [row["ap"] for row in own]
            axes.plot(ap, at, "|", color="#0072B2", markersize=9, markeredgewidth=2.5)
            axes.set_yticks(at, [row["ranking"] for row in own], fontsize=7.5)
            axes.invert_yaxis()
            axes.set_xlim(0, 1)
            axes.set_title(name, fontsize=10, loc="left")
        every[-1].set_xlabel("bar: P@k, with its 95 % interval; blue: average precision", fontsize=8)
    figure.savefig(path, dpi=110)


def written(table, folder):
    """Write table and figure."""
    columns = list(dict.fromkeys(key for row in table for key in row))
    with (folder / "planted.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(table)
    drawn(table, folder / "planted.png")


def main():
    """Measure, judge, write."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("folder", type=Path)
    ask.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    ask.add_argument("--rounds", type=int, nargs="+", default=[0])
    ask.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    ask.add_argument("--parts", nargs="*", default=list(PARTS), choices=list(PARTS))
    ask.add_argument("--jobs", type=int, default=os.cpu_count())
    ask.add_argument("--output", type=Path)
    asked = ask.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    for each in product(asked.rounds, asked.seeds, asked.sets, asked.parts):
        began = time.perf_counter()
        if measured(asked.folder, each, asked.jobs):
            print(*each, f"{time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    table = summarised(judged(asked.folder, asked.sets))
    for row in table:
        print(*(f"{key} {value}" for key, value in row.items()), sep="  ")
    if asked.output:
        written(table, asked.output)


if __name__ == "__main__":
    main()

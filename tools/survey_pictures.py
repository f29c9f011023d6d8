"""Draw the pictures of docs/explain/other-surveys.md: one sky in several surveys, Orion's style in two.

Usage: python tools/survey_pictures.py FOLDER

Needs the extras wham, milkyway and dust.  The comparison maps two surveys, a few minutes each.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
from PIL import Image
from scipy.stats import spearmanr

import skykin
from skykin.core.footprint import Footprint
from skykin.core.protocols import Survey
from skykin.survey.render import RenderedSurvey, measure_stretch
from skykin.tiling.grid import cut

mpl.use("Agg")
from matplotlib import pyplot as plt

ORION = Footprint(209.0, -19.4, 24.0)
SHOWN = ("wham", "planck-dust", "hi4pi", "far-infrared", "gaia")
TOGETHER = ("planck-dust", "hi4pi", "wham")
#: A common beam for the three of TOGETHER.
BEAM_DEG = 1.5


def rendered(survey: Survey) -> RenderedSurvey:
    """Show a survey with its own limits; a picture has them already."""
    return RenderedSurvey(survey, measure_stretch(survey))


def draw_orion(folder: Path) -> None:
    """Orion in five surveys, side by side."""
    tiles = [cut(rendered(skykin.open_survey(name)), ORION, 180).rgb for name in SHOWN]
    gap = np.ones((180, 4, 3))
    row = np.concatenate([part for tile in tiles for part in (tile, gap)][:-1], axis=1)
    save(folder / "orion-in-five-surveys.png", row)


def draw_together(folder: Path) -> None:
    """Dust, neutral and ionised hydrogen as red, green and blue."""
    survey = skykin.open_survey(TOGETHER, smooth_deg=BEAM_DEG)
    lon, lat = Footprint(0, 0, 360, 180, "CAR").pixel_positions((360, 720))
    save(folder / "dust-hydrogen-ions.png", rendered(survey).colours(lon, lat)[0])


def save(path: Path, rgb: np.ndarray) -> None:
    """Write colours from 0 to 1."""
    Image.fromarray(np.round(rgb * 255).astype(np.uint8)).save(path, optimize=True)


def kin_of_orion(name: str, kept: Path) -> dict[str, np.ndarray]:
    """Positions and scores of all tiles of a survey, computed once."""
    path = kept / f"{name}.npz"
    if not path.is_file():
        tiles = skykin.map(name, "orion", recipe="covariance", pixels=64).tiles
        np.savez(path, lon=tiles["lon"].value, lat=tiles["lat"].value, score=np.asarray(tiles["score"]))
    return dict(np.load(path))


def draw_comparison(folder: Path, kept: Path) -> None:
    """Score of every tile against Orion, in ionised gas and in dust."""
    gas, dust = kin_of_orion("wham", kept), kin_of_orion("planck-dust", kept)
    where = {
        (round(x, 3), round(y, 3)): i for i, (x, y) in enumerate(zip(dust["lon"], dust["lat"], strict=True))
    }
    order = [where.get((round(x, 3), round(y, 3)), -1) for x, y in zip(gas["lon"], gas["lat"], strict=True)]
    both = np.array(order) >= 0
    x, y = gas["score"][both], dust["score"][np.array(order)[both]]
    good = np.isfinite(x) & np.isfinite(y)
    lon, lat = gas["lon"][both][good], gas["lat"][both][good]
    x, y = x[good], y[good]
    plane = np.abs(lat) < 20
    print(f"{good.sum()} tiles, Spearman {spearmanr(x, y).statistic:.2f}")
    inside, beyond = (spearmanr(x[part], y[part]).statistic for part in (plane, ~plane))
    print(f"within 20 degrees of the plane: {inside:.2f}; beyond: {beyond:.2f}")
    tenth = (x > np.quantile(x, 0.9)) & (y > np.quantile(y, 0.9))
    print(f"among the best tenth of both: {tenth.mean() / 0.1:.0%} of a tenth (10% by chance)")
    figure = plt.figure(figsize=(9.6, 3.2), layout="constrained")
    left, middle, right = figure.subplots(1, 3, subplot_kw=None)
    for axes, score, title in ((left, x, "Hα (WHAM)"), (middle, y, "dust (Planck)")):
        shown = axes.scatter((lon + 180) % 360 - 180, lat, c=score, s=5, cmap="magma", vmin=-0.2, vmax=0.6)
        axes.set(xlim=(180, -180), ylim=(-90, 90), title=title, xlabel="l (deg)", ylabel="b (deg)")
        figure.colorbar(shown, ax=axes, shrink=0.8, label="score")
    right.scatter(x[~plane], y[~plane], s=4, alpha=0.5, label="|b| > 20°")
    right.scatter(x[plane], y[plane], s=4, alpha=0.5, label="|b| < 20°")
    right.set(xlabel="score in Hα", ylabel="score in dust", title="tile by tile")
    right.legend(fontsize=7)
    figure.savefig(folder / "orion-in-gas-and-dust.png", dpi=100)


def draw_kin(folder: Path, name: str, title: str) -> None:
    """Draw the sky of a survey and the similarity of its tiles to Orion; print what the map found."""
    found = skykin.map(name, "orion", recipe="covariance", pixels=64)
    sky = Footprint(0, 0, 360, 180, "CAR")
    lon, lat = sky.pixel_positions((300, 600))
    figure = plt.figure(figsize=(9.6, 2.9), layout="constrained")
    left, right = figure.subplots(1, 2)
    box = (180, -180, -90, 90)
    left.imshow(found.sky.colours(lon, lat)[0], extent=box, aspect="equal")
    score = found.score_map.at(lon, lat)
    right.set_facecolor("0.4")  # no tile near
    shown = right.imshow(score, extent=box, aspect="equal", cmap="cividis")
    figure.colorbar(shown, ax=right, shrink=0.65, label="score (no unit)")
    for axes, what in ((left, title), (right, "similarity to the tile of Orion")):
        axes.set(title=what, xlabel="Galactic longitude (°)", ylabel="Galactic latitude (°)")
        ticks = range(120, -181, -60)
        axes.set_xticks(ticks, [str(tick % 360) for tick in ticks])
        axes.plot(209 - 360, -19, "o", markersize=9, markerfacecolor="none", markeredgecolor="white")
    figure.savefig(folder / f"survey-{name}.png", dpi=100)
    print(name, found.summary.regions, found.summary.spearman)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    draw_kin(target, "hi4pi", "neutral hydrogen (HI4PI)")
    draw_kin(target, "far-infrared", "far infrared (WISE and IRAS)")
    draw_orion(target)
    draw_together(target)
    draw_comparison(target, Path(sys.argv[2]) if len(sys.argv) > 2 else target)

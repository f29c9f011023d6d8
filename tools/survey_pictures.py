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
from scipy.spatial import cKDTree
from scipy.stats import spearmanr

import skykin
from skykin.core.footprint import Footprint
from skykin.core.protocols import Survey
from skykin.core.sphere import directions
from skykin.survey.render import RenderedSurvey, measure_stretch
from skykin.tiling.grid import cut

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

ORION = Footprint(209.0, -19.4, 24.0)
SHOWN = ("wham", "planck-dust", "hi4pi", "far-infrared", "gaia")
TOGETHER = ("planck-dust", "hi4pi", "wham")
#: A common beam for the three of TOGETHER.
BEAM_DEG = 1.5
#: Edges of the whole sky in plate carrée: left, right, below, above.
BOX = (180, -180, -90, 90)
#: Told apart with any colour vision (Okabe & Ito).
BLUE, ORANGE = "#0072B2", "#E69F00"


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
    figure = plt.figure(figsize=(9.6, 5.6), layout="constrained")
    skies = figure.subfigures(2, 1, height_ratios=(1, 1.15))
    for axes, score, title in zip(
        skies[0].subplots(1, 2), (x, y), ("Hα (WHAM)", "dust (Planck)"), strict=True
    ):
        shown = axes.imshow(painted(lon, lat, score), extent=BOX, cmap="cividis", vmin=-0.2, vmax=0.6)
        label_sky(axes, title)
    skies[0].colorbar(shown, ax=skies[0].axes, shrink=0.8, extend="both", label="score (no unit)")
    below = skies[1].subplots()
    for part, colour, mark, label in ((~plane, BLUE, "o", "|b| > 20°"), (plane, ORANGE, "^", "|b| < 20°")):
        below.scatter(x[part], y[part], s=7, color=colour, marker=mark, alpha=0.5, label=label)
    below.set(xlabel="score in Hα (no unit)", ylabel="score in dust (no unit)", title="tile by tile")
    below.set_aspect("equal")
    below.legend(fontsize=8, loc="lower right")
    figure.savefig(folder / "orion-in-gas-and-dust.png", dpi=100)


def painted(lon_deg: np.ndarray, lat_deg: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Give each pixel of the whole sky in plate carrée the score of the tile whose centre is nearest."""
    places = directions(*Footprint(0, 0, 360, 180, "CAR").pixel_positions((300, 600)))
    return score[cKDTree(directions(lon_deg, lat_deg)).query(places)[1]]


def label_sky(axes: Axes, title: str) -> None:
    """Label the axes of the whole sky, longitude from 0° to 360° and growing to the left; circle Orion."""
    axes.set(title=title, xlabel="Galactic longitude (°)", ylabel="Galactic latitude (°)")
    ticks = range(120, -181, -60)
    axes.set_xticks(ticks, [str(tick % 360) for tick in ticks])
    axes.plot(209 - 360, -19, "o", markersize=9, markerfacecolor="none", markeredgecolor="white")


def draw_kin(folder: Path, name: str, title: str) -> None:
    """Draw the sky of a survey and the similarity of its tiles to Orion; print what the map found."""
    found = skykin.map(name, "orion", recipe="covariance", pixels=64)
    sky = Footprint(0, 0, 360, 180, "CAR")
    lon, lat = sky.pixel_positions((300, 600))
    figure = plt.figure(figsize=(9.6, 2.9), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.imshow(found.sky.colours(lon, lat)[0], extent=BOX, aspect="equal")
    shown = right.imshow(found.score_map.at(lon, lat), extent=BOX, aspect="equal", cmap="cividis")
    figure.colorbar(shown, ax=right, shrink=0.65, label="score (no unit)")
    label_sky(left, title)
    label_sky(right, "similarity to the tile of Orion")
    figure.savefig(folder / f"survey-{name}.png", dpi=100)
    print(name, found.summary.regions, found.summary.spearman)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    draw_kin(target, "hi4pi", "neutral hydrogen (HI4PI)")
    draw_kin(target, "far-infrared", "far infrared (WISE and IRAS)")
    draw_orion(target)
    draw_together(target)
    draw_comparison(target, Path(sys.argv[2]) if len(sys.argv) > 2 else target)

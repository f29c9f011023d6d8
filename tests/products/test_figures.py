"""The figures: the sky the right way round, labels that can be read, files that carry their stamp."""

from __future__ import annotations

import importlib.metadata
import io
import math

import matplotlib
import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from skykin.core.footprint import Footprint
from skykin.core.progress import SilentCounter
from skykin.products.figures import FIGURES, draw_figures
from skykin.products.figures import NAMES as NAMES_OF_FILES
from skykin.products.figures.annotations import draw_tiles
from skykin.products.figures.backdrop import Backdrop, far_infrared_sky, gaia_sky
from skykin.products.figures.canvas import house_style, new_figure
from skykin.products.figures.heat_map import heat_map_figure
from skykin.products.figures.labels import place_labels
from skykin.products.figures.matches import draw_matches
from skykin.products.figures.rendered_sky import wide_gaps
from skykin.products.figures.scores import draw_scores
from skykin.products.figures.sky_axes import COLUMNS, mollweide_axes, plate_carree_axes
from skykin.products.preview import colours_at, sky_image, write_preview
from skykin.products.upright import upright_wcs
from tests import kinds

BOX = (0.05, 0.05, 0.9, 0.9)
NAMES = {
    "targets", "figure-2-matches", "figure-3-rendered-sky", "figure-4-heat-map",
    "reference-tile", "best-and-opposite", "scores",
}  # fmt: skip


class Tally(SilentCounter):
    def __init__(self):
        self.done = 0

    def advance(self, items=1):
        self.done += items


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    tally = Tally()
    figures = draw_figures(kinds.made_up_result(threshold=0.75), tmp_path_factory.mktemp("figures"), tally)
    assert tally.done == len(FIGURES)
    return {figure.name: figure for figure in figures}


@pytest.fixture
def mollweide():
    return mollweide_axes(new_figure(8, 4), BOX)


@pytest.fixture
def plate_carree():
    return plate_carree_axes(new_figure(8, 4), BOX)


def at(sky, lon, lat):
    return sky.place(np.array(float(lon)), np.array(float(lat)))


def mollweide_formula(lon_deg, lat_deg):
    """Snyder 1987, eq. 31-1 to 31-3, by bisection; x grows to the left as longitude does."""
    lat = math.radians(lat_deg)
    low, high = -math.pi / 2, math.pi / 2
    for _ in range(80):
        theta = (low + high) / 2
        low, high = (
            (theta, high) if 2 * theta + math.sin(2 * theta) < math.pi * math.sin(lat) else (low, theta)
        )
    lon = math.radians((lon_deg + 180) % 360 - 180)
    x, y = -2 * math.sqrt(2) / math.pi * lon * math.cos(theta), math.sqrt(2) * math.sin(theta)
    scale = COLUMNS / (4 * math.sqrt(2))
    return (COLUMNS - 1) / 2 + x * scale, (COLUMNS // 2 - 1) / 2 + y * scale


@pytest.mark.parametrize("kind", ["mollweide", "plate_carree"])
def test_longitude_grows_to_the_left_and_latitude_upwards(kind, request):
    sky = request.getfixturevalue(kind)
    centre, left, right = at(sky, 0, 0), at(sky, 90, 0), at(sky, 270, 0)
    assert left[0] < centre[0] < right[0]
    assert at(sky, 209, -19)[0] > right[0]
    assert at(sky, 209, -19)[1] < centre[1] < at(sky, 0, 45)[1]
    np.testing.assert_allclose(centre, [(COLUMNS - 1) / 2, (COLUMNS // 2 - 1) / 2], atol=1e-6)


@given(lon=st.floats(0, 359.99), lat=st.floats(-89, 89))
@settings(max_examples=60)
def test_the_mollweide_axes_follow_the_published_formula(lon, lat):
    sky = test_the_mollweide_axes_follow_the_published_formula.sky
    if abs(lon - 180) > 0.01:
        np.testing.assert_allclose(at(sky, lon, lat), mollweide_formula(lon, lat), atol=1e-3)


test_the_mollweide_axes_follow_the_published_formula.sky = mollweide_axes(new_figure(8, 4), BOX)


@pytest.mark.parametrize("kind", ["mollweide", "plate_carree"])
def test_every_pixel_knows_its_place_on_the_sky(kind, request):
    sky = request.getfixturevalue(kind)
    lon, lat = sky.positions()
    for row, column in ((200, 300), (399, 800), (700, 900), (600, 1100)):
        there = at(sky, lon[row, column], lat[row, column])
        np.testing.assert_allclose(there, [column, row], atol=1e-6)
    assert np.isnan(lon[0, 0]) == (kind == "mollweide")
    on_sky = np.isfinite(lon)
    assert on_sky.mean() == pytest.approx(math.pi / 4 if kind == "mollweide" else 1.0, abs=1e-3)
    assert (np.isfinite(lat) == on_sky).all()


@pytest.mark.parametrize("kind", ["mollweide", "plate_carree"])
def test_an_outline_over_the_edge_is_cut_and_not_drawn_across_the_sky(kind, request):
    sky = request.getfixturevalue(kind)
    draw_tiles(sky, [Footprint(180.0, 10.0, 20.0), Footprint(0.0, 89.0, 15.0)], colors="red")
    lines = sky.axes.collections[-1].get_segments()
    assert len(lines) >= 3
    longest = max(np.hypot(*np.diff(line, axis=0).T).max() for line in lines)
    assert longest < COLUMNS / 8


def test_an_outline_is_closed_and_in_place(plate_carree):
    draw_tiles(plate_carree, [Footprint(90.0, 0.0, 36.0, 18.0, "CAR")], colors="red")
    (line,) = plate_carree.axes.collections[-1].get_segments()
    np.testing.assert_allclose(line[0], line[-1])
    # 36° and 18° at 1600 pixels for 360°, about a quarter of the way from the left edge.
    np.testing.assert_allclose(np.ptp(line, axis=0), [160, 80], atol=1e-6)
    np.testing.assert_allclose((line.max(axis=0) + line.min(axis=0)) / 2, [399.5, 399.5], atol=1e-6)


def test_a_backdrop_shows_each_place_its_own_colour():
    rows, columns = 180, 360
    lon = 180.0 - (np.arange(columns) + 0.5)
    pixels = np.zeros((rows, columns, 3), dtype=np.uint8)
    pixels[..., 0] = np.round(127.5 + 127.5 * np.cos(np.radians(lon)))
    pixels[..., 1] = np.round(255 * (np.arange(rows)[:, None] + 0.5) / rows)
    backdrop = Backdrop(pixels, "test", "nobody")
    asked_lon, asked_lat = (
        np.array([0.0, 90.0, 180.0, 179.9, 359.9, np.nan]),
        np.array([0, 45, -45, 89.9, 0, 0]),
    )
    colours = backdrop.at(asked_lon, asked_lat)
    np.testing.assert_allclose(colours[:5, 0], [1.0, 0.5, 0.0, 0.0, 1.0], atol=0.01)
    np.testing.assert_allclose(colours[:5, 1], [0.5, 0.25, 0.75, 0.0, 0.5], atol=0.01)
    assert np.isnan(colours[5]).all()


@pytest.mark.milkyway
@pytest.mark.parametrize("sky", [gaia_sky, far_infrared_sky])
def test_the_real_pictures_have_the_galactic_centre_and_the_clouds_in_place(milkyway_path, sky):
    backdrop = sky()
    glow = backdrop.at(np.array([0.0, 0.0, 180.0]), np.array([-2.0, 60.0, 60.0])).sum(axis=-1)
    assert glow[0] > 2 * max(glow[1:])
    # The Large Magellanic Cloud is at l = 280.5°, b = −32.9°; on a mirrored picture it would be at l = 79.5°.
    area = np.meshgrid(np.linspace(-2, 2, 21), np.linspace(-2, 2, 21))
    here, mirrored = (backdrop.at(lon + area[0], -32.9 + area[1]).mean() for lon in (280.5, 79.5))
    assert here > 1.2 * mirrored
    assert "NASA" in backdrop.credit or "ESA/Gaia/DPAC" in backdrop.credit
    assert backdrop.pixels.shape[1] <= 3250


@given(
    points=arrays(float, (12, 2), elements=st.floats(100, 900)),
    width=st.floats(20, 80),
)
@settings(max_examples=12)
@pytest.mark.slow
def test_labels_never_overlap_where_there_is_room(points, width):
    sizes = np.tile([width, 14.0], (12, 1))
    centres = place_labels(points, sizes, lambda places: (np.abs(places - 500) < 500).all(axis=-1), 300.0)
    for i in range(12):
        apart = np.abs(centres[i] - np.delete(centres, i, axis=0)) >= np.array([width, 14.0]) - 1e-9
        assert apart.any(axis=1).all()
    assert (np.abs(centres - 500) + sizes / 2 < 500).all()


def test_labels_stay_near_their_points_and_off_other_points():
    points = np.array([[500.0, 500.0], [520.0, 500.0], [540.0, 500.0], [100.0, 100.0]])
    sizes = np.full((4, 2), [60.0, 12.0])
    centres = place_labels(points, sizes, lambda places: np.ones(places.shape[:-1], dtype=bool), 200.0)
    assert np.hypot(*(centres - points).T).max() < 150
    for point in points:
        assert not (np.abs(centres - point) < sizes / 2).all(axis=1).any()


@pytest.mark.slow
def test_every_figure_is_there_as_png_and_pdf(drawn):
    assert set(drawn) == NAMES
    assert tuple(drawn) == NAMES_OF_FILES
    for figure in drawn.values():
        with Image.open(figure.png) as picture:
            picture.load()
            assert picture.format == "PNG"
            assert 1300 <= picture.width <= 2000
        content = figure.pdf.read_bytes()
        assert content.startswith(b"%PDF")
        assert b"CreationDate" not in content
        assert len(content) < 6e6


@pytest.mark.slow
def test_every_figure_carries_provenance_and_acknowledgements(drawn):
    for figure in drawn.values():
        with Image.open(figure.png) as picture:
            texts = picture.text
        assert "ab" * 32 in texts["Source"]
        assert texts["Software"].startswith("Skykin ")
        assert all(credit in texts["Copyright"] for credit in kinds.CREDITS)
        assert texts["Description"] == figure.caption
        content = figure.pdf.read_bytes()
        assert b"sha256" in content or "sha256".encode("utf-16-be") in content


@pytest.mark.slow
def test_the_sky_on_figure_three_is_drawn_where_it_is(drawn):
    """Cygnus X is left of the centre, Orion lower right, and the hole is grey."""
    with Image.open(drawn["figure-3-rendered-sky"].png) as picture:
        pixels = np.asarray(picture.convert("RGB"), dtype=float)
    rows, columns = pixels.shape[:2]
    # The axes fill 90 % of the figure's width, about the middle of their box.
    scale = 0.9 * columns / COLUMNS
    middle = rows * (1 - (0.09 + 0.83 / 2))

    def colour(lon, lat):
        x, y = mollweide_formula(lon, lat)
        column, row = 0.05 * columns + (x + 0.5) * scale, middle - (y - (COLUMNS // 2 - 1) / 2) * scale
        return pixels[round(row) - 2 : round(row) + 3, round(column) - 2 : round(column) + 3].mean(
            axis=(0, 1)
        )

    sky = kinds.BlobSky()
    for lon, lat in ((80.0, 3.0), (209.0, -22.0), (262.0, -8.0), (20.0, 40.0)):
        wanted = sky.colours(np.array(lon), np.array(lat))[0] * 255
        np.testing.assert_allclose(colour(lon, lat), wanted, atol=30)
    np.testing.assert_allclose(colour(124.0, -57.0), [97, 97, 97], atol=5)


def test_without_the_extra_the_matches_are_drawn_over_our_own_sky_and_the_caption_says_so(
    tmp_path, monkeypatch
):
    def absent(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr("skykin.products.figures.backdrop.distribution", absent)
    with house_style():
        figure = draw_matches(kinds.made_up_result(threshold=0.75), tmp_path)
    assert "over the survey itself as rendered" in figure.caption
    assert "are not installed" in figure.caption
    assert figure.credit == ""


def test_a_broken_picture_is_no_reason_to_fail(tmp_path, monkeypatch):
    class Carrier:
        def locate_file(self, name):
            return tmp_path / "broken.jpg"

    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not really")
    monkeypatch.setattr("skykin.products.figures.backdrop.distribution", lambda name: Carrier())
    assert gaia_sky() is None
    (tmp_path / "broken.jpg").unlink()
    assert far_infrared_sky() is None


@pytest.mark.slow
def test_a_map_without_matches_and_a_name_with_dollars_can_be_drawn(tmp_path):
    result = kinds.made_up_result(
        threshold=2.0, query=kinds.query(("cost $x^2$ _{", Footprint(209.0, -19.0, 15.0)))
    )
    for figure in draw_figures(result, tmp_path, SilentCounter()):
        assert figure.png.stat().st_size > 10_000


@pytest.mark.slow
def test_regions_are_named_where_there_are_scores_and_not_elsewhere():
    footprints = [each for each in kinds.healpix_footprints() if 180 < each.lon_deg < 240]
    sky = heat_map_figure(kinds.made_up_result(footprints=footprints)).axes[0]
    named = {text.get_text() for text in sky.texts}
    assert "Orion" in named
    assert named & {"Cygnus X", "Carina", "Polar cloud"} == set()


def test_drawing_leaves_the_readers_settings_and_pictures_limit_alone(tmp_path):
    before, limit = dict(matplotlib.rcParams), Image.MAX_IMAGE_PIXELS
    with house_style():
        draw_scores(kinds.made_up_result(), tmp_path)
    assert dict(matplotlib.rcParams) == before
    assert limit == Image.MAX_IMAGE_PIXELS


@pytest.mark.slow
def test_two_runs_draw_the_same_bytes(tmp_path):
    for run in ("one", "two"):
        (tmp_path / run).mkdir()
        with house_style():
            draw_scores(kinds.made_up_result(), tmp_path / run)
    for name in ("scores.png", "scores.pdf"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_the_preview_is_the_plate_carree_sky(tmp_path):
    sky = kinds.BlobSky()
    image = sky_image(sky, width=360)
    assert image.shape == (180, 360, 3)
    # Column 100 is centred on l = 79.5°, row 92 on b = −2.5°.
    wanted = sky.colours(np.array(79.5), np.array(-2.5))[0]
    np.testing.assert_allclose(image[92, 100], wanted, atol=1e-6)
    write_preview(kinds.made_up_result(), tmp_path / "preview.png", width=360)
    with Image.open(tmp_path / "preview.png") as picture:
        np.testing.assert_allclose(np.asarray(picture) / 255, image, atol=0.5 / 255 + 1e-6)
        assert "ab" * 32 in picture.text["Source"]


def test_the_preview_asks_for_the_sky_in_bounded_chunks(monkeypatch):
    asked = []

    class Counting(kinds.BlobSky):
        def colours(self, lon_deg, lat_deg):
            asked.append(lon_deg.size)
            return super().colours(lon_deg, lat_deg)

    monkeypatch.setattr("skykin.products.preview.CHUNK", 1000)
    sky_image(Counting(), width=128)
    assert max(asked) == 1000
    assert sum(asked) == 128 * 64


def test_a_picture_drawn_from_its_last_row_up_keeps_its_coordinates():
    footprint, shape = Footprint(209.0, -19.0, 15.0, 10.0), (20, 30)
    lon, lat = footprint.pixel_positions(shape)
    there = upright_wcs(footprint, shape).pixel_to_world_values(*np.meshgrid(range(30), range(20)))
    np.testing.assert_allclose(there[0], lon[::-1], atol=1e-9)
    np.testing.assert_allclose(there[1], lat[::-1], atol=1e-9)


def test_only_wide_gaps_are_shown_as_gaps():
    gaps = np.zeros((800, 1600), dtype=bool)
    gaps[300:305, 400:700] = True  # a thin line
    gaps[500:530, 800:830] = True  # a square of 6°
    shown = wide_gaps(gaps)
    assert not shown[:450].any()
    assert shown[500:530, 800:830].mean() > 0.98
    assert not shown[~gaps].any()


def test_positions_off_the_sky_have_no_colour_and_no_coverage():
    colours, coverage = colours_at(kinds.BlobSky(), np.array([np.nan, 80.0]), np.array([0.0, 0.0]))
    assert np.isnan(colours[0]).all()
    assert list(coverage) == [0, 1]
    np.testing.assert_allclose(colours[1], kinds.BlobSky().colours(np.array(80.0), np.array(0.0))[0])


def test_outlines_take_positions_of_any_frame(plate_carree):
    plate_carree.outline([SkyCoord([10, 20, 20] * u.deg, [0, 0, 10] * u.deg, frame="galactic").icrs])
    (line,) = plate_carree.axes.collections[-1].get_segments()
    np.testing.assert_allclose(line[0], at(plate_carree, 10, 0), atol=1e-6)


def test_a_notebook_shows_a_figure_by_itself():
    sheet = new_figure(8, 4)
    with Image.open(io.BytesIO(sheet._repr_png_())) as shown:
        assert shown.size == (640, 320)

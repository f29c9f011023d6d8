"""Maps of a survey that saw a part of the sky: products and figures of that part alone."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy_healpix import HEALPix
from matplotlib.figure import Figure
from PIL import Image

import skykin
from skykin.core.extent import Extent
from skykin.products.figures.canvas import house_style
from skykin.products.figures.heat_map import draw_heat_map
from skykin.products.figures.matches import draw_matches
from skykin.products.figures.rendered_sky import draw_rendered_sky
from skykin.products.figures.sky_axes import COLUMNS, axes_for
from skykin.products.preview import write_preview
from skykin.products.score_map import write_score_map
from skykin.survey.open import open_survey
from tests.hostile.fits_files import image_bytes, write

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def kin(tmp_path_factory):
    folder = tmp_path_factory.mktemp("small")
    # 64 pixels of 36 arcseconds: tiles finer than NSIDE 512.
    content = image_bytes(CDELT1=-0.01, CDELT2=0.01, BMAJ=0.02)
    kin = skykin.map(write(folder, "plate", content), "209,-19", pixels=32, recipe="poster", jobs=2)
    write_score_map(kin, folder / "score.fits")
    write_preview(kin, folder / "preview.png")
    with house_style():
        for draw in (draw_matches, draw_rendered_sky, draw_heat_map):
            draw(kin, folder)
    return kin, folder


def test_tiles_have_names_of_their_own(kin):
    names = [str(name) for name in kin[0].tiles["name"]]
    assert len(set(names)) == len(names)
    assert names[0].startswith("G20")


def test_the_score_map_holds_the_pixels_with_tiles_alone(kin):
    result, folder = kin
    with fits.open(folder / "score.fits", checksum=True) as file:
        head, table = file[1].header, file[1].data
        assert (head["INDXSCHM"], head["OBJECT"], head["NSIDE"]) == ("EXPLICIT", "PARTIAL", result.tile_nside)
        assert head["NSIDE"] > 512
        assert head["TTYPE1"] == "PIXEL"
        assert (np.diff(table["PIXEL"]) > 0).all()
        centre = HEALPix(head["NSIDE"], order="ring").lonlat_to_healpix(
            result.tiles["lon"], result.tiles["lat"]
        )
        row = np.searchsorted(table["PIXEL"], centre)
        np.testing.assert_allclose(table["SCORE"][row], result.scores, rtol=1e-6)
    assert len(table) == len(result.tiles)


def test_the_score_map_interpolates_within_and_knows_nothing_beyond(kin):
    painted = kin[0].score_map
    best = int(np.argmax(kin[0].scores))
    at = painted.at(kin[0].lon_deg[best : best + 1], kin[0].lat_deg[best : best + 1])
    assert at[0] == pytest.approx(kin[0].scores[best], abs=1e-3)
    assert np.isnan(painted.at(np.array([29.0]), np.array([19.0]))).all()


def test_figures_and_preview_show_the_part_that_was_seen(kin):
    for name in ("figure-2-matches", "figure-3-rendered-sky", "figure-4-heat-map"):
        with Image.open(kin[1] / f"{name}.png") as picture:
            assert picture.convert("L").getextrema()[1] == 255
    with Image.open(kin[1] / "preview.png") as picture:
        shown = np.asarray(picture).max(axis=-1) > 0
        # Cropped to the data: each border has some.
        assert [shown[0].any(), shown[-1].any(), shown[:, 0].any(), shown[:, -1].any()] == [True] * 4
        assert picture.width < 1024


def test_regional_axes_place_the_sky_gnomonically_with_longitude_to_the_left():
    extent = Extent(209.0, -19.0, 0.5)
    sky = axes_for(Figure(), (0.1, 0.1, 0.8, 0.8), extent, "mollweide")
    middle = sky.place(np.array(209.0), np.array(-19.0))
    np.testing.assert_allclose(middle, [(COLUMNS - 1) / 2, (COLUMNS / 2 - 1) / 2], atol=1e-6)
    east = sky.place(np.array(209.2), np.array(-19.0))
    assert east[0] < middle[0]
    lon, lat = sky.positions()
    inside = SkyCoord(lon * u.deg, lat * u.deg, frame="galactic").separation(
        SkyCoord(209 * u.deg, -19 * u.deg, frame="galactic")
    )
    assert inside.deg.min() < 0.001
    assert inside.deg[:, COLUMNS // 2].max() == pytest.approx(0.5, rel=0.01)


def test_an_image_that_is_not_there_has_no_tiles(tmp_path):
    survey = open_survey(write(tmp_path, "plate", image_bytes()))
    with pytest.raises(
        skykin.SkykinError,
        match=r"covers 0% of the reference tile .* choose a reference there \(bare numbers",
    ):
        skykin.map(survey, "29,19", pixels=32, spacing=0.7)

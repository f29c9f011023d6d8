"""Tests of what an index is asked: methods, results that show themselves, are written and read back."""

from __future__ import annotations

import inspect
from dataclasses import replace

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord

import skykin
from skykin.core.errors import CorruptFileError, InputRefusedError
from tests.border.test_maps import inlined_pictures

ORION = "209,-19"


def equal(one, other):
    """Whether two tables hold the same, units among it."""
    assert one.colnames == other.colnames
    for name in one.colnames:
        assert str(getattr(one[name], "unit", "")) == str(getattr(other[name], "unit", "")), name
        np.testing.assert_array_equal(np.asarray(one[name]), np.asarray(other[name]), name)
    return True


def in_both_frames(table):
    """Whether Galactic and ICRS positions are the same places."""
    galactic = SkyCoord(table["lon"], table["lat"], frame="galactic")
    return galactic.separation(SkyCoord(table["ra"], table["dec"], frame="icrs")).max() < 1e-3 * u.arcsec


@pytest.fixture(scope="module")
def kinds_of_sky(made):
    pytest.importorskip("sklearn")
    return made.index.cluster(3, survey=made.survey)


@pytest.fixture(scope="module")
def odd(made):
    return made.index.outliers(4, survey=made.survey)


@pytest.fixture(scope="module")
def why(made):
    number = int(np.argmin(made.index.search(ORION).tiles["rank"]))
    return made.index.explain(ORION, number, sample=0, survey=made.survey)


@pytest.mark.parametrize(
    "name", ["search", "nearest_tiles", "heat_map", "explain", "neighbours", "cluster", "outliers"]
)
def test_a_method_of_an_index_is_the_function_of_its_name(name):
    function = getattr(skykin, name)
    assert getattr(skykin.SkyIndex, name) is function
    assert next(iter(inspect.signature(function).parameters)) == "index"


def test_an_index_is_searched_by_its_method(made):
    found = made.index.search(ORION, top_fraction=0.1)
    assert isinstance(made.index, skykin.SkyIndex)
    assert isinstance(skykin.open_index(made.index.path), skykin.SkyIndex)
    assert equal(found.tiles, skykin.search(made.index.path, ORION, top_fraction=0.1).tiles)


def test_an_index_shows_itself(made):
    assert repr(made.index) == (
        f"<SkyIndex 'blobs.skykin': {len(made.index)} tiles of Survey of blobs, mean-std>"
    )
    page = made.index._repr_html_()
    assert len(inlined_pictures(page)) == 1
    assert '<img alt="Map of the mean intensity of the tiles: Index of Survey of blobs" ' in page
    assert "<td>recipe</td><td>mean-std: " in page
    assert in_both_frames(made.index.tiles)
    assert made.index.coordinates[0].l == made.index.tiles["lon"][0]


def test_neighbours_and_nearest_tiles_have_positions_in_both_frames(made):
    pairs = made.index.neighbours(2)
    assert in_both_frames(pairs)
    others = pairs["neighbour_lon", "neighbour_lat", "neighbour_ra", "neighbour_dec"]
    others.rename_columns(others.colnames, ["lon", "lat", "ra", "dec"])
    assert in_both_frames(others)
    assert in_both_frames(made.index.nearest_tiles(ORION, 3))


@pytest.mark.slow
def test_kinds_of_sky_show_themselves_and_are_read_back(kinds_of_sky, tmp_path):
    found = kinds_of_sky
    assert repr(found) == (
        f"<SkyKinds: 3 kinds of {len(found.tiles)} tiles of Survey of blobs, agreement {found.agreement:.2f}>"
    )
    page = found._repr_html_()
    assert len(inlined_pictures(page)) == 1
    assert f"<td>{found.kinds['sky_share'][0]:.3g}</td>" in page
    assert in_both_frames(found.tiles)
    found.write(tmp_path / "kinds")
    read = skykin.SkyKinds.read(tmp_path / "kinds")
    assert equal(read.tiles, found.tiles)
    assert equal(read.kinds, found.kinds)
    assert (read.agreement, read.extent, read.spacing_deg) == (
        found.agreement, found.extent, found.spacing_deg,
    )  # fmt: skip
    assert read.provenance.to_dict() == found.provenance.to_dict()
    np.testing.assert_array_equal(read.healpix, found.healpix)
    assert read.sentences() == found.sentences()
    assert len(inlined_pictures(read._repr_html_())) == 1


@pytest.mark.slow
def test_outliers_show_themselves_and_are_read_back(odd, tmp_path):
    first = odd.tiles[0]
    assert repr(odd) == (
        f"<Outliers: {len(odd.tiles)} tiles of Survey of blobs by oddness among 4 most similar tiles>"
    )
    assert f"tiles is {first['name']}: oddness {first['oddness']:.3f}" in odd.sentences()[0]
    assert in_both_frames(odd.tiles)
    assert odd.coordinates[0].l == first["lon"]
    assert len(inlined_pictures(odd._repr_html_())) == 1
    odd.write(tmp_path / "odd")
    read = skykin.Outliers.read(tmp_path / "odd")
    assert equal(read.tiles, odd.tiles)
    assert (read.k, read.extent, read.sentences()) == (4, odd.extent, odd.sentences())
    with pytest.raises(InputRefusedError, match="has no kinds.json and no tiles.ecsv, so it is no folder"):
        skykin.SkyKinds.read(tmp_path / "odd")


@pytest.mark.parametrize(("unit", "told"), [("", "0.5)"), ("R", "0.5 R)")])
def test_a_brightness_is_told_with_its_unit_where_there_is_one(why, unit, told):
    counter = replace(why.tile, name="G1", mean_intensity=0.4, score=-0.0123, rank=9)
    other = replace(why, tile=replace(why.tile, mean_intensity=0.5), counter=counter, unit=unit)
    line = f"Of the same brightness (0.4 against {told} but no match: G1, score −0.012, rank 9."
    assert line in other.sentences()


def test_an_explanation_shows_itself_and_is_read_back(why, tmp_path):
    assert repr(why) == (
        f"<Explanation of tile {why.tile.name}: score {why.tile.score:.3f} against l=209.00 b=-19.00, "
        f"rank 1 of {why.ranks[0].of}>"
    )
    assert in_both_frames(why.tiles)
    assert why.coordinates.l.deg == why.tile.lon_deg
    page = why._repr_html_()
    assert len(inlined_pictures(page)) == 1
    assert '<img alt="The reference, the tile, and where in it the score comes from; ' in page
    assert f"<td>{why.cosines['block1_conv1']:.3g}</td>" in page
    why.write(tmp_path / "why")
    read = skykin.Explanation.read(tmp_path / "why")
    for name in ("reference_name", "tile", "counter", "cosines", "usual", "shares", "ranks", "unit"):
        assert getattr(read, name) == getattr(why, name), name
    assert dict(read.sizes) == dict(why.sizes)
    np.testing.assert_array_equal(read.whole, why.whole)
    for layer, values in why.where.items():
        np.testing.assert_array_equal(read.where[layer], values)
    np.testing.assert_array_equal(read.tile_picture.rgb, why.tile_picture.rgb)
    assert read.tile_picture.footprint == why.tile_picture.footprint
    assert read.sentences() == why.sentences()
    (tmp_path / "why" / "explanation.npz").write_bytes(b"not an archive")
    with pytest.raises(CorruptFileError, match="the files of `skykin explain` in .* cannot be read"):
        skykin.Explanation.read(tmp_path / "why")


def test_a_tile_is_explained_by_its_position_in_any_frame(made, why):
    for where in (why.coordinates, why.coordinates.icrs, (why.tile.lon_deg, why.tile.lat_deg)):
        found = made.index.explain(ORION, where, sample=0, survey=made.survey)
        assert found.tile == why.tile

"""Catalogues in HATS: what LSDB and pyarrow read is what was written."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy_healpix import HEALPix
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import skykin
from skykin.cli.main import app
from skykin.core.errors import ResourceError, UsageError
from skykin.products.hats import FINEST_ORDER, INDEX_ORDER, _partitions
from tests import kinds
from tests.border.conftest import made as _made

pytestmark = pytest.mark.extra
made = _made
ORION = SkyCoord(209 * u.deg, -19 * u.deg, frame="galactic").icrs


@pytest.fixture(scope="module")
def result():
    return kinds.made_up_result()


@pytest.fixture(scope="module")
def catalogue(result, tmp_path_factory):
    pytest.importorskip("pyarrow")
    return skykin.hats(result, tmp_path_factory.mktemp("hats") / "orion", max_rows=15)


def near_orion(result, radius_deg):
    """Names of the tiles within a radius of Orion, by the cosine rule."""
    away = kinds.separation_deg(result.lon_deg, result.lat_deg, 209.0, -19.0)
    return set(np.asarray(result.tiles["name"])[away < radius_deg])


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # of nested-pandas
def test_lsdb_opens_it_and_a_cone_search_gives_the_tiles_around_orion(result, catalogue):
    lsdb = pytest.importorskip("lsdb", reason="LSDB is not installed")
    opened = lsdb.open_catalog(catalogue)
    assert len(opened) == len(result.tiles) == 191
    cone = opened.cone_search(ra=ORION.ra.deg, dec=ORION.dec.deg, radius_arcsec=20 * 3600)
    found = cone.compute(progress_bar=False).set_index("name")
    assert set(found.index) == near_orion(result, 20)
    assert len(found) == 7
    rows = {name: row for row, name in enumerate(result.tiles["name"])}
    for name in found.index:
        for column in ("score", "p", "q", "coverage", "cosine_block2_conv1"):
            assert found[column][name] == result.tiles[column][rows[name]]
        assert found["match"][name] == result.tiles["match"][rows[name]]


@pytest.mark.filterwarnings("ignore:The inplace keyword")
def test_hats_finds_the_catalogue_valid(catalogue):
    validation = pytest.importorskip("hats.io.validation", reason="hats is not installed")
    assert validation.is_valid_catalog(catalogue, strict=True, verbose=False)


def test_every_row_lies_in_its_cell_and_in_a_file_of_few_rows(result, catalogue):
    parquet = pytest.importorskip("pyarrow.parquet")
    files = sorted((catalogue / "dataset").rglob("*.parquet"))
    orders, total = set(), 0
    for path in files:
        order, folder, cell = (int(part.partition("=")[2].partition(".")[0]) for part in path.parts[-3:])
        table = parquet.read_table(path, page_checksum_verification=True, partitioning=None)
        index = table["_healpix_29"].to_numpy()
        assert folder == 0
        assert len(table) <= 15
        assert (np.diff(index) >= 0).all()
        where = HEALPix(1 << order, order="nested").lonlat_to_healpix(
            table["ra"].to_numpy() * u.deg, table["dec"].to_numpy() * u.deg
        )
        assert (where == cell).all()
        assert (index >> 2 * (INDEX_ORDER - order) == cell).all()
        orders.add(order)
        total += len(table)
    assert orders == {0, 1}
    assert total == len(result.tiles)
    listed = (catalogue / "partition_info.csv").read_text().splitlines()
    assert listed[0] == "Norder,Npix"
    assert len(listed) == len(files) + 1


def test_columns_have_units_descriptions_and_the_stamp(catalogue):
    parquet = pytest.importorskip("pyarrow.parquet")
    schema = parquet.read_schema(catalogue / "dataset" / "_common_metadata")
    lon, score = schema.field("lon").metadata, schema.field("score").metadata
    assert lon[b"unit"] == b"deg"
    assert lon[b"ucd"] == b"pos.galactic.lon;meta.main"
    assert score[b"description"].decode().startswith("Similarity to the reference")
    stamp = json.loads(schema.metadata[b"skykin"])
    assert stamp["provenance"]["survey"]["sha256"] == "ab" * 32
    assert "The survey of the made-up Hα sky was funded by nobody (−1 award)." in stamp["acknowledgements"]


@given(
    st.lists(st.integers(0, (12 << 2 * INDEX_ORDER) - 1), min_size=1, max_size=60).map(sorted),
    st.integers(1, 9),
)
def test_files_hold_every_row_once_and_no_cell_is_divided_without_need(cells, max_rows):
    cells = np.array(cells)
    parts = list(_partitions(cells, max_rows))
    assert [start for *_, start, _ in parts] == [0, *(stop for *_, stop in parts[:-1])]
    assert parts[-1][3] == len(cells)
    for order, cell, start, stop in parts:
        assert (cells[start:stop] >> 2 * (INDEX_ORDER - order) == cell).all()
        assert stop - start <= max_rows or order == FINEST_ORDER
        if order:
            parent = cells >> 2 * (INDEX_ORDER - order + 1) == cell >> 2
            assert parent.sum() > max_rows


@pytest.mark.slow
def test_an_index_and_the_folder_of_a_map_are_written_by_the_command(made, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    for source, columns in ((made.index.path, {"facet", "area"}), (made.folder / "map", {"score", "q"})):
        output = tmp_path / source.name
        told = CliRunner().invoke(app, ["hats", str(source), "-o", str(output)])
        assert told.exit_code == 0, told.output
        table = parquet.read_table(output / "dataset", partitioning=None)
        assert columns <= set(table.column_names)
        assert len(table) == len(made.map.tiles)
    again = CliRunner().invoke(app, ["hats", str(source), "-o", str(output), "--overwrite", "--quiet"])
    assert again.exit_code == 0
    assert again.output == ""


def test_what_has_no_tiles_is_refused(tmp_path, result):
    pytest.importorskip("pyarrow")
    with pytest.raises(UsageError, match="holds no tiles; give the folder of a map"):
        skykin.hats(tmp_path, tmp_path / "out")
    with pytest.raises(UsageError, match="max_rows is 0, but a file must hold at least 1 row"):
        skykin.hats(result, tmp_path / "out", max_rows=0)


def test_without_pyarrow_the_extra_is_named(result, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(ResourceError, match=r'run `pip install "skykin\[parquet\]"`'):
        skykin.hats(result, tmp_path / "out")

"""Catalogues that a user brings: found columns, told assumptions, refused rows."""

import json

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import MaskedColumn, QTable, Table

from skykin.catalogue import user_catalogue
from skykin.catalogue.object_lists import COLUMNS, object_list
from skykin.catalogue.user_catalogue import read_catalogue
from skykin.core.errors import (
    CorruptFileError,
    DataQualityError,
    HeaderInvalidError,
    NotThisFormatError,
    RemoteError,
    ResourceError,
    SkyError,
    TooLargeError,
)
from skykin.core.progress import SilentProgress
from skykin.survey.table import objects as object_file
from skykin.survey.table.objects import ObjectColumn, parse

M42 = SkyCoord("05h35m17.3s", "-05d23m28s")
M8 = SkyCoord("18h03m37s", "-24d23m12s")
SKY = SkyCoord([M42, M8])
ENDS = {".ecsv": "ascii.ecsv", ".csv": "ascii.csv", ".fits": "fits", ".xml": "votable", ".txt": "ascii"}


class Listener(SilentProgress):
    def __init__(self):
        self.said = []

    def say(self, sentence):
        self.said.append(sentence)


@pytest.fixture
def here(monkeypatch, tmp_path):
    """Parse in this process, which saves a second a file; the child itself is tested once for each form."""

    def read(path):
        form, hdu = object_file._form(path)
        folder = tmp_path / "parsed"
        folder.mkdir(exist_ok=True)
        facts = json.loads(json.dumps(parse(path, folder, form, hdu)))
        return [
            ObjectColumn(
                one["name"],
                one["unit"],
                one["ucd"],
                np.load(folder / f"{one['file']}.npy") if one["file"] else None,
                None if one["file"] else tuple(one["text"]),
            )
            for one in facts["columns"]
        ]

    monkeypatch.setattr(user_catalogue, "read_object_columns", read)


def written(path, table, **how):
    table.write(path, format=ENDS[path.suffix], **how)
    return path


def places(table):
    return SkyCoord(table["lon_deg"], table["lat_deg"], frame="galactic")


def check(table, within_deg=1e-4):
    assert tuple(table.colnames) == COLUMNS
    assert list(table["name"]) == ["M 42", "M 8"]
    assert np.all(places(table).separation(SKY).deg < within_deg)
    np.testing.assert_allclose(table["diameter_deg"].to_value(u.deg), [1.0, 1.5], atol=1e-9)


def equatorial():
    table = QTable({"Name": ["M 42", "M 8"], "ra": SKY.ra, "dec": SKY.dec, "size": [60.0, 90.0] * u.arcmin})
    return Table(table)


def test_a_table_is_read_in_a_child(tmp_path):
    check(read_catalogue(written(tmp_path / "a.ecsv", equatorial())))


@pytest.mark.parametrize("end", [".ecsv", ".fits", ".xml"])
def test_forms_with_units_need_no_assumption(tmp_path, here, end):
    listener = Listener()
    table = read_catalogue(written(tmp_path / f"mine{end}", equatorial()), progress=listener)
    check(table)
    assert listener.said == [
        f"no column of 'mine{end}' says which objects form stars: all of them count as star-forming"
    ]
    assert table.meta["said"] == listener.said
    assert (table.meta["file"], table.meta["rows_left_out"]) == (f"mine{end}", 0)


@pytest.mark.parametrize(
    ("x", "y", "unit"),
    [
        ("ALPHA_J2000", "DELTA_J2000", "deg"),
        ("RA(J2000)", "DEC(J2000)", "deg"),
        ("coord_ra", "coord_dec", "rad"),
    ],
)
def test_columns_of_the_large_catalogues_are_known(tmp_path, here, x, y, unit):
    table = Table(
        {"Name": ["M 42", "M 8"], x: SKY.ra.to_value(unit), y: SKY.dec.to_value(unit), "size": [1.0, 1.5]},
        units={x: unit, y: unit, "size": "deg"},
    )
    check(read_catalogue(written(tmp_path / "a.fits", table)))


def test_parquet_is_read_with_its_units_and_gaps(tmp_path, here):
    parquet = pytest.importorskip("pyarrow.parquet")
    import pyarrow

    columns = {"name": ["M 42", None], "l": SKY.galactic.l.deg, "b": SKY.galactic.b.deg, "list": [[1], [2]]}
    columns["diameter"] = [60.0, None]
    drawn = pyarrow.table(columns)
    unit = pyarrow.field("diameter", pyarrow.float64(), metadata={"unit": "arcmin"})
    drawn = drawn.cast(drawn.schema.set(4, unit))
    parquet.write_table(drawn, tmp_path / "a.parquet", write_page_checksum=True)
    table = read_catalogue(tmp_path / "a.parquet")
    assert list(table["name"]) == ["M 42", "object 2"]
    assert list(table["diameter_deg"].mask) == [False, True]
    assert table["diameter_deg"][0].unmasked == 1 * u.deg


def test_plain_text_is_read_and_its_units_are_assumed_only_aloud(tmp_path, here):
    path = tmp_path / "mine.csv"
    path.write_text(
        "# my own\nname,RA_deg,Dec,diam_arcmin,star_forming\nM 42,83.8221,-5.3911,60,yes\n"
        "M 8,270.9042,-24.3867,90,no\n"
    )
    listener = Listener()
    table = read_catalogue(path, progress=listener)
    check(table, within_deg=1e-3)
    assert list(table["star_forming"]) == [True, False]
    assert listener.said == ["column 'Dec' of 'mine.csv' has no unit and is read in degrees"]


@pytest.mark.parametrize("comma", [",", ";", "\t", "|"])
def test_sexagesimal_text_is_read_whatever_separates_the_columns(tmp_path, here, comma):
    path = tmp_path / {",": "a.csv", ";": "a.csv", "\t": "a.tsv", "|": "a.txt"}[comma]
    lines = ["name,ra,dec,radius_arcmin", "M 42,05:35:17.3,-05:23:28,30", "M 8,18:03:37,-24:23:12,45"]
    path.write_text("\n".join(line.replace(",", comma) for line in lines))
    check(read_catalogue(path))


def test_decimal_degrees_among_words_stay_degrees(tmp_path, here):
    path = tmp_path / "a.csv"
    path.write_text("name,ra,dec\nM 42,83.8221,-5.3911\nM 8,18:03:37,-24:23:12\nnone,,\n")
    table = read_catalogue(path)
    assert list(table["name"]) == ["M 42", "M 8"]
    assert np.all(places(table).separation(SKY).deg < 1e-3)


def test_prose_is_no_table(tmp_path, here):
    path = tmp_path / "prose.txt"
    path.write_text("This is prose, not a table.\nWith two lines.\n")
    with pytest.raises(
        HeaderInvalidError, match="^'prose.txt' is no table that can be read: its columns cannot be"
    ):
        read_catalogue(path)


def test_a_column_of_sky_coordinates_is_enough(tmp_path, here):
    table = QTable({"object": ["M 42", "M 8"], "place": SKY, "diameter": [1, 1.5] * u.deg})
    check(read_catalogue(written(tmp_path / "a.ecsv", table)))


def test_what_the_package_ships_comes_back_as_it_went(tmp_path, here):
    for name, end in (("nebulae", ".ecsv"), ("sharpless", ".csv")):
        ours = object_list(name)
        ours["lon_deg"].info.format = ours["lat_deg"].info.format = None
        listener = Listener()
        again = read_catalogue(written(tmp_path / f"a{end}", ours), progress=listener)
        assert np.max(places(again).separation(places(ours)).deg) < 1e-6
        for column in ("name", "kind", "star_forming", "source"):
            assert list(again[column]) == list(ours[column])
        mask = getattr(ours["diameter_deg"], "mask", np.zeros(len(ours), bool))
        assert list(again["diameter_deg"].mask) == list(mask)
        assert "are read as Galactic; call them ra and dec if they are ICRS" in listener.said[0]


def test_columns_called_lon_and_lat_are_in_the_frame_that_is_said(tmp_path, here):
    path = written(
        tmp_path / "a.ecsv",
        Table({"lon": SKY.ra.deg, "lat": SKY.dec.deg}, units={"lon": "deg", "lat": "deg"}),
    )
    listener = Listener()
    table = read_catalogue(path, frame="icrs", progress=listener)
    assert np.all(places(table).separation(SKY).deg < 1e-6)
    assert listener.said[0] == "no column of 'a.ecsv' holds sizes: they count as unknown"
    assert table["diameter_deg"].mask.all()
    assert list(table["name"]) == ["object 1", "object 2"]


def test_two_pairs_of_columns_must_agree(tmp_path, here):
    table = equatorial()
    table["GLON"], table["GLAT"] = SKY.galactic.l, SKY.galactic.b
    check(read_catalogue(written(tmp_path / "a.ecsv", table)))
    table["GLON"][1] += 2
    with pytest.raises(
        HeaderInvalidError,
        match=r"^the columns 'GLON', 'GLAT' and 'ra', 'dec' of 'b.ecsv' put row 2 at places 2° apart; keep",
    ):
        read_catalogue(written(tmp_path / "b.ecsv", table))


def test_rows_without_a_position_are_counted_and_left_out(tmp_path, here):
    table = Table({"name": list("abcd"), "l": MaskedColumn([1.0, 2, 3, np.nan], mask=[0, 1, 0, 0])})
    table["b"] = [0.0, 0, 0, 0]
    table["l"].unit = table["b"].unit = "deg"
    listener = Listener()
    read = read_catalogue(written(tmp_path / "a.ecsv", table), progress=listener)
    assert list(read["name"]) == ["a", "c"]
    assert read.meta["rows_left_out"] == 2
    assert listener.said[0] == (
        "2 of 4 rows of 'a.ecsv' have no position and are left out, the first of them row 2"
    )


def test_hours_without_a_unit_are_suspected(tmp_path, here):
    path = tmp_path / "a.csv"
    path.write_text("ra,dec\n" + "".join(f"{hour},{hour}\n" for hour in range(0, 24, 2)))
    listener = Listener()
    read_catalogue(path, progress=listener)
    assert listener.said[0] == (
        "column 'ra' of 'a.csv' has no unit and is read in degrees, but reaches only 22: if it is in hours, "
        "write its unit"
    )


@pytest.mark.parametrize(
    ("text", "kind", "sentence"),
    [
        ("l,b\n", DataQualityError, "^'a.csv' has no rows; give a table with at least one object$"),
        ("l,b\n,\n,\n", DataQualityError, "^none of the 2 rows of 'a.csv' has a position; fill in some$"),
        (
            "x,y\n1,2\n",
            HeaderInvalidError,
            "^no columns of 'a.csv' hold positions; it has 'x, y'; call them l and b, ra and dec, or lon and "
            "lat$",
        ),
        (
            "l,b\n1,2\n3,-95\n4,91\n",
            SkyError,
            r"^row 2 of 'a.csv' lies at 'l' = 3°, 'b' = -95°, which is not on the sky; correct or remove it "
            r"\(rows like this: 2\)$",
        ),
        ("l,b\n1,2\n3000,5\n", SkyError, "^row 2 of 'a.csv' lies at 'l' = 3000°"),
        (
            "ra,dec\n05:35:17,-5:23\nhere,there\n",
            SkyError,
            "^row 2 of 'a.csv' has 'here' in column 'ra', which is no angle; write decimal degrees, or hours",
        ),
        (
            "l,b,size\n1,2,3\n",
            SkyError,
            "^column 'size' of 'a.csv' does not say its unit; write it, or call the column size_deg, "
            "size_arcmin or size_arcsec$",
        ),
        (
            "l,b,size_deg\n1,2,3\n1,3,-2\n",
            SkyError,
            "^row 2 of 'a.csv' has a diameter of -2°, read from column 'size_deg'; give sizes",
        ),
        (
            "l,b,star_forming\n1,2,perhaps\n",
            HeaderInvalidError,
            "^row 1 of 'a.csv' has 'perhaps' in column 'star_forming'; write true or false$",
        ),
        ("", NotThisFormatError, r"^'a.csv' is empty \(0 bytes\) and is no table; give one of FITS, VOTable"),
        ("<!doctype html>", NotThisFormatError, "^'a.csv' is a web page, so its download failed"),
        (
            "a,b\n1,2,3,4\n",
            HeaderInvalidError,
            "^'a.csv' is no table that can be read: 'Number of header columns",
        ),
        ("\x1f\x8b", NotThisFormatError, "^'a.csv' is packed with gzip; unpack it first$"),
        ("l\0b", NotThisFormatError, "^'a.csv' begins with 'lb' and is no table"),
        # A FITS table whose first byte is damaged: to guess its columns took 14 s.
        ("SIMPLF" + " " * 3000 + "\0", NotThisFormatError, "^'a.csv' begins as text, but is none further on"),
    ],
)
def test_a_catalogue_that_cannot_be_used_is_refused_in_one_sentence(tmp_path, here, text, kind, sentence):
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(kind, match=sentence):
        read_catalogue(path)


def test_units_that_are_no_angle_are_refused(tmp_path, here):
    table = equatorial()
    table["size"].unit = "pc"
    with pytest.raises(
        SkyError, match="^column 'size' of 'a.ecsv' is in 'pc', which is no angle; write it in deg"
    ):
        read_catalogue(written(tmp_path / "a.ecsv", table))


def test_a_votable_whose_data_are_elsewhere_is_not_followed(tmp_path):
    path = tmp_path / "a.xml"
    path.write_text(
        '<?xml version="1.0"?><VOTABLE version="1.3"><RESOURCE><TABLE><FIELD name="ra" datatype="double" '
        'unit="deg"/><FIELD name="dec" datatype="double" unit="deg"/><DATA><BINARY><STREAM '
        'href="file:///etc/hostname"/></BINARY></DATA></TABLE></RESOURCE></VOTABLE>'
    )
    with pytest.raises(RemoteError, match="at another address .STREAM href., which is not followed") as error:
        read_catalogue(path)
    assert error.value.code == "RM-BLOCKED"


def test_damage_and_excess_are_refused(tmp_path, here, monkeypatch):
    with pytest.raises(
        ResourceError, match="^cannot read 'none.csv': No such file or directory; check its name$"
    ):
        read_catalogue(tmp_path / "none.csv")
    path = written(tmp_path / "a.fits", equatorial())
    monkeypatch.setattr(object_file, "MOST_OBJECTS", 1)
    with pytest.raises(TooLargeError, match="^'a.fits' has 2 rows, but catalogues of at most 1 are read$"):
        read_catalogue(path)
    monkeypatch.setattr(object_file, "MOST_CHARACTERS", 3)
    monkeypatch.setattr(object_file, "MOST_OBJECTS", 2)
    with pytest.raises(TooLargeError, match="^'a.fits' holds 7 characters of text, but at most 3 are read"):
        read_catalogue(path)
    monkeypatch.setattr(object_file, "MOST_BYTES", 100)
    with pytest.raises(TooLargeError, match="has 8640 bytes, but catalogues of at most 100 are read"):
        read_catalogue(path)
    header = (
        "# %ECSV 1.0\n# ---\n# datatype:\n# - {name: a, meta: !!python/object/apply:os.system [true]}\na\n1\n"
    )
    (tmp_path / "b.ecsv").write_text(header)
    with pytest.raises(HeaderInvalidError, match="holds Python objects or aliases of YAML"):
        read_catalogue(tmp_path / "b.ecsv")


def test_a_fits_file_cut_short_is_refused(tmp_path, here):
    path = written(tmp_path / "a.fits", equatorial())
    path.write_bytes(path.read_bytes()[:5765])
    with pytest.raises(CorruptFileError, match="^'a.fits' is cut short: HDU 1 needs 5816 bytes"):
        read_catalogue(path)


def test_a_table_of_very_many_columns_or_cells_is_refused_before_it_is_parsed(tmp_path, monkeypatch, here):
    many = ["ra", "dec", *(f"c{i}" for i in range(3000))]
    for name, separator in (("a.csv", ","), ("b.csv", ";"), ("c.tsv", "\t"), ("d.txt", " "), ("e.dat", "|")):
        line = separator.join(["1"] * len(many))
        (tmp_path / name).write_text(f"{separator.join(many)}\n{line}\n")
        with pytest.raises(TooLargeError, match=rf"'{name}' has 3002 columns, but at most 2000 are read"):
            read_catalogue(tmp_path / name)
    monkeypatch.setattr(object_file, "MOST_CELLS", 10)
    (tmp_path / "f.csv").write_text("ra,dec\n" + "1,2\n" * 9)
    with pytest.raises(TooLargeError, match="'f.csv' has about 20 cells, but at most 10 are read"):
        read_catalogue(tmp_path / "f.csv")

"""Images and cubes in Zarr: values at their places, only the chunks that are needed, and what is refused."""

from __future__ import annotations

import gzip
import json
import resource
import shutil

import numpy as np
import pytest
from astropy.io import fits

import skykin
from skykin.core.errors import (
    CorruptFileError,
    HeaderInvalidError,
    InputRefusedError,
    SkyError,
    TooLargeError,
)
from skykin.survey import zarr_array
from skykin.survey.guard import GIBIBYTE, Limits
from tests.buckets import fresh_bucket, server

pytestmark = pytest.mark.extra
zarr = pytest.importorskip("zarr", reason="zarr is not installed")
KEYWORDS = {
    "CTYPE1": "GLON-TAN", "CTYPE2": "GLAT-TAN", "CRVAL1": 209.0, "CRVAL2": -19.0, "CDELT1": -0.1,
    "CDELT2": 0.1, "CRPIX1": 31.0, "CRPIX2": 31.0, "CUNIT1": "deg", "CUNIT2": "deg", "BUNIT": "K",
}  # fmt: skip
LINE = {"CTYPE3": "VRAD", "CRVAL3": -10000.0, "CDELT3": 5000.0, "CRPIX3": 1.0, "CUNIT3": "m/s"}


def image():
    """One number everywhere but in the middle, where Orion is."""
    data = np.full((60, 60), 2, np.float32)
    data[30, 30] = 9
    return data


def cube():
    """Channel c has the value c + 1."""
    return np.broadcast_to(np.arange(1, 7, dtype=np.float32)[:, None, None], (6, 60, 60)).copy()


def written(path, data, attributes, version=3, chunks=20):
    made = zarr.create_array(
        path, shape=data.shape, dtype=data.dtype, chunks=(1,) * (data.ndim - 2) + (chunks, chunks),
        zarr_format=version, fill_value=float("nan"),
    )  # fmt: skip
    made[:] = data
    made.attrs.update(attributes)
    return path


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("form", ["attributes", "header", "text"])
def test_an_image_has_its_values_where_its_keywords_say(tmp_path, version, form):
    text = fits.Header(KEYWORDS).tostring(sep="\n")
    told = {"attributes": KEYWORDS, "header": {"header": KEYWORDS}, "text": {"wcs": text}}[form]
    survey = skykin.open_survey(written(tmp_path / "orion.zarr", image(), told, version))
    assert survey.sample(209.0, -19.0)[0][0] == pytest.approx(9)
    assert survey.sample(210.0, -18.0)[0][0] == pytest.approx(2)
    assert survey.sample(230.0, -19.0)[1] == 0
    assert (survey.name, survey.unit) == ("orion", "K")


def test_it_is_the_survey_that_the_same_fits_file_is(tmp_path):
    data = np.random.default_rng(3).normal(5, 1, (60, 60)).astype(np.float32)
    fits.writeto(tmp_path / "orion.fits", data, fits.Header(KEYWORDS))
    ours = skykin.open_survey(written(tmp_path / "orion.zarr", data, KEYWORDS))
    theirs = skykin.open_survey(tmp_path / "orion.fits")
    lon, lat = np.meshgrid(np.linspace(206.5, 211.5, 23), np.linspace(-21.5, -16.5, 19))
    for one, other in zip(ours.sample(lon, lat), theirs.sample(lon, lat), strict=True):
        assert (one == other).all()


def test_a_cube_is_shown_by_velocity(tmp_path):
    place = written(tmp_path / "cube.zarr", cube(), KEYWORDS | LINE)
    survey = skykin.open_survey(place, bands="8..12,-2..2,-12..-8")
    # Channels of 5 km/s from −10 km/s on: the value at 10 km/s is 5, at 0 it is 3, at −10 it is 1.
    assert survey.sample(209.5, -18.5)[0].tolist() == pytest.approx([5 * 4, 3 * 4, 1 * 4])
    planes = skykin.open_survey(place, channels=(0, 2, 4))
    assert planes.sample(209.5, -18.5)[0].tolist() == pytest.approx([1, 3, 5])


def test_axes_may_lie_in_any_order(tmp_path):
    turned = {
        key[:-1] + {"1": "3", "2": "1", "3": "2"}[key[-1]] if key[-1] in "123" else key: value
        for key, value in (KEYWORDS | LINE).items()
    }
    data = cube().transpose(2, 0, 1)  # columns, channels, rows
    survey = skykin.open_survey(written(tmp_path / "cube.zarr", data.copy(), turned), channels=(0, 2, 4))
    assert survey.sample(209.5, -18.5)[0].tolist() == pytest.approx([1, 3, 5])


def test_of_a_group_the_array_is_named_or_the_only_one(tmp_path):
    group = zarr.create_group(tmp_path / "sky.zarr", attributes=KEYWORDS)
    group.create_array("flux", shape=(60, 60), chunks=(20, 20), dtype="f4")[:] = image()
    assert skykin.open_survey(tmp_path / "sky.zarr").sample(209.0, -19.0)[0][0] == pytest.approx(9)
    group.create_array("error", shape=(60, 60), chunks=(20, 20), dtype="f4")[:] = 1
    with pytest.raises(InputRefusedError, match="is a group with these arrays: 'error', 'flux'; name one"):
        skykin.open_survey(tmp_path / "sky.zarr")
    assert skykin.open_survey(tmp_path / "sky.zarr", hdu="flux").sample(209.0, -19.0)[0][0] == pytest.approx(
        9
    )


def test_of_an_array_in_a_bucket_only_the_chunks_come_that_are_looked_at(tmp_path):
    data = np.full((600, 600), 2, np.float32)
    local = written(tmp_path / "far.zarr", data, KEYWORDS | {"CRPIX1": 301.0, "CRPIX2": 301.0}, chunks=50)
    with server() as served, fresh_bucket(served, tmp_path / "cache") as bucket:
        for path in local.rglob("*"):
            if path.is_file():
                bucket.put(f"far.zarr/{path.relative_to(local).as_posix()}", path.read_bytes())
        survey = skykin.open_survey(f"{bucket.address}/far.zarr")
        known = len(bucket.requests)
        assert survey.sample(230.0, -30.0)[0][0] == pytest.approx(2)
        came = {path for _, path in bucket.requests[known:] if "/c/" in path}
        assert 1 <= len(came) <= 36  # of 144: those of a block of 256 pixels


def metadata(path):
    return json.loads((path / "zarr.json").read_text())


@pytest.mark.parametrize(
    ("changed", "kind", "told"),
    [
        ({"shape": [1 << 40, 1 << 40]}, TooLargeError, "says that it holds 4.8e\\+24 bytes, of shape"),
        ({"shape": [-3, 60]}, HeaderInvalidError, "has the shape '\\[-3, 60\\]', but it must be up to 8"),
        ({"shape": "60"}, HeaderInvalidError, "has the shape '60', but it must be"),
        ({"data_type": "variable_length_utf8"}, InputRefusedError, "has the type 'variable_length_utf8'"),
        ({"codecs": [{"name": "numcodecs.pickle"}]}, InputRefusedError, "has the codec 'numcodecs.pickle'"),
        (
            {"codecs": [{"name": "sharding_indexed", "configuration": {"codecs": [{"name": "evil"}]}}]},
            InputRefusedError,
            "has the codec 'evil', which is not run",
        ),
        (
            {"chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [1 << 20, 1 << 20]}}},
            TooLargeError,
            "bytes in a chunk, of shape",
        ),
        ({"attributes": {}}, SkyError, "has no world coordinates of the sky among its attributes"),
        ({"attributes": {**KEYWORDS, "CRVAL1": "x\u2028y"}}, InputRefusedError, "CRVAL1"),
        ({"attributes": {**KEYWORDS, "CTYPE1": "GLON-XYZ"}}, InputRefusedError, "CTYPE1|projection"),
        ({"codecs": [{"name": "zstd"}]}, HeaderInvalidError, "cannot be opened"),
    ],
)  # fmt: skip
def test_metadata_that_cannot_be_are_told_in_one_sentence(tmp_path, changed, kind, told):
    path = written(tmp_path / "orion.zarr", image(), KEYWORDS)
    (path / "zarr.json").write_text(json.dumps(metadata(path) | changed))
    with pytest.raises(kind, match=told) as caught:
        skykin.open_survey(path)
    assert "\n" not in str(caught.value)


def test_python_objects_of_version_2_are_never_loaded(tmp_path, monkeypatch):
    monkeypatch.setattr("pickle.loads", lambda *_: pytest.fail("something was unpickled"))
    path = written(tmp_path / "orion.zarr", image(), KEYWORDS, version=2)
    told = json.loads((path / ".zarray").read_text())
    for bad, sentence in (
        (
            {"filters": [{"id": "pickle", "protocol": 5}], "dtype": "|O"},
            "has the codec 'pickle', which is not run",
        ),
        ({"compressor": {"id": "pickle"}}, "has the codec 'pickle', which is not run"),
        ({"dtype": "|O"}, "has the type 'object', but it must have numbers"),
        ({"dtype": [["a", "<f4"]]}, "but it must have numbers"),
    ):
        (path / ".zarray").write_text(json.dumps(told | bad))
        with pytest.raises(InputRefusedError, match=sentence):
            skykin.open_survey(path)


def test_what_is_no_json_and_a_chunk_that_is_cut_short_are_told(tmp_path):
    path = written(tmp_path / "orion.zarr", image(), KEYWORDS)
    copy = shutil.copytree(path, tmp_path / "copy.zarr")
    (copy / "zarr.json").write_text("{")
    with pytest.raises(HeaderInvalidError, match="zarr.json of 'copy.zarr' is no JSON; get it again"):
        skykin.open_survey(copy)
    (path / "c" / "1" / "1").write_bytes(b"\x28\xb5\x2f\xfd rubbish")
    with pytest.raises(CorruptFileError, match="a chunk of 'orion.zarr' cannot be read"):
        skykin.open_survey(path).sample(209.0, -19.0)


def test_chunks_are_unpacked_in_a_child_process_and_those_of_late_are_kept(tmp_path, monkeypatch):
    path = written(tmp_path / "orion.zarr", image(), KEYWORDS)
    survey = skykin.open_survey(path)
    monkeypatch.setattr(zarr.Array, "__getitem__", lambda *_: pytest.fail("unpacked in this process"))
    asked, guarded = [], zarr_array.guarded
    monkeypatch.setattr(zarr_array, "guarded", lambda *a, **k: asked.append(a[2]["part"]) or guarded(*a, **k))
    assert survey.sample(209.0, -19.0)[0][0] == pytest.approx(9)
    assert survey.sample(210.0, -18.0)[0][0] == pytest.approx(2)
    assert asked in ([], [[[0, 60], [0, 60]]])  # it may have been read when it was opened


@pytest.mark.parametrize(("sides", "files"), [((20, 60), 1), ((10, 20), 9)])
def test_an_array_in_shards_is_read_from_a_folder_and_from_a_bucket(tmp_path, sides, files):
    chunk, shard = sides
    made = zarr.create_array(
        tmp_path / "far.zarr", shape=(60, 60), dtype="f4", chunks=(chunk, chunk), shards=(shard, shard)
    )
    made[:] = image()
    made.attrs.update(KEYWORDS)
    here = skykin.open_survey(tmp_path / "far.zarr")
    with server() as served, fresh_bucket(served, tmp_path / "cache") as bucket:
        for path in (tmp_path / "far.zarr").rglob("*"):
            if path.is_file():
                bucket.put(
                    f"far.zarr/{path.relative_to(tmp_path / 'far.zarr').as_posix()}", path.read_bytes()
                )
        there = skykin.open_survey(f"{bucket.address}/far.zarr")
        for survey in (here, there):
            assert survey.sample(209.0, -19.0)[0][0] == pytest.approx(9)
            assert survey.sample(210.5, -20.5)[0][0] == pytest.approx(2)
        came = [path for method, path in bucket.requests if method == "GET" and "/c/" in path]
        assert len(came) == len(set(came)) == files


def with_chunk(path, content, codec):
    """An image with one chunk, which has this content."""
    made = zarr.create_array(path, shape=(60, 60), dtype="f4", chunks=(60, 60), compressors=codec)
    made[:] = np.random.default_rng(1).normal(size=(60, 60))
    made.attrs.update(KEYWORDS)
    chunk = path / "c" / "0" / "0"
    chunk.write_bytes(content(chunk.read_bytes()))
    return path


BLOSC, ZSTD, GZIP = zarr.codecs.BloscCodec(), zarr.codecs.ZstdCodec(), zarr.codecs.GzipCodec()


@pytest.mark.parametrize(
    ("codec", "content"),
    [
        (BLOSC, lambda was: was[: len(was) // 2]),
        (BLOSC, lambda was: was[:7]),
        # Bytes 4 to 8 say how much it unpacks to.
        (BLOSC, lambda was: was[:4] + (2**31 - 64).to_bytes(4, "little") + was[8:]),
        (ZSTD, lambda was: was[: len(was) // 2]),
        # A frame of one segment that says that it has 10^18 bytes.
        (ZSTD, lambda _: b"\x28\xb5\x2f\xfd\xe0" + (10**18).to_bytes(8, "little") + bytes(9)),
        (GZIP, lambda was: was[: len(was) // 2]),
        (GZIP, lambda _: gzip.compress(bytes(10**6))),
    ],
    ids=["cut", "cut in its head", "too large", "cut", "too large", "cut", "more than a chunk"],
)
def test_a_chunk_that_is_damaged_or_lies_about_its_size_is_told(tmp_path, codec, content):
    path = with_chunk(tmp_path / "orion.zarr", content, codec)
    with pytest.raises(CorruptFileError, match="a chunk of 'orion.zarr' cannot be read .*; get it again"):
        skykin.open_survey(path).sample(209.0, -19.0)


@pytest.mark.slow
def test_a_chunk_that_unpacks_to_more_than_the_limit_is_told_and_this_process_is_unhurt(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(zarr_array, "LIMITS", Limits(2 * GIBIBYTE, 60.0))
    one = gzip.compress(bytes(64 << 20))
    path = with_chunk(tmp_path / "orion.zarr", lambda _: one * 48, GZIP)  # 3 GiB in 3 MB
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(TooLargeError, match="needs more than 2 GiB of memory, which is the limit"):
        skykin.open_survey(path).sample(209.0, -19.0)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # KiB


def test_without_the_package_the_extra_is_named(tmp_path, monkeypatch):
    path = written(tmp_path / "orion.zarr", image(), KEYWORDS)
    import sys

    monkeypatch.setitem(sys.modules, "zarr", None)
    from skykin.core.errors import ResourceError

    with pytest.raises(ResourceError, match=r'run `pip install "skykin\[zarr\]"`'):
        skykin.open_survey(path)

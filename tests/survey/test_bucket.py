"""Surveys in a bucket, read from a server that speaks S3."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from astropy.io import fits
from typer.testing import CliRunner

import skykin
from skykin.cli.main import app
from skykin.core.errors import RemoteError, ResourceError, UnknownNameError, UsageError
from skykin.core.object_store import bucket_address, object_store
from skykin.survey import bucket as in_bucket
from skykin.survey.bucket import _matches
from skykin.survey.open import open_recorded
from tests.buckets import fresh_bucket, server

pytestmark = pytest.mark.extra


@pytest.fixture(scope="module")
def served():
    with server() as found:
        yield found


@pytest.fixture
def bucket(served, tmp_path):
    with fresh_bucket(served, tmp_path / "cache") as made:
        yield made


def image(value, lon=209.0, lat=-19.0, side=24):
    """Bytes of a Galactic FITS image of one value, half a degree a pixel, in whose middle one is 9."""
    data = np.full((side, side), value, np.float32)
    data[side // 2, side // 2] = 9
    header = fits.Header({
        "CTYPE1": "GLON-TAN", "CTYPE2": "GLAT-TAN", "CRVAL1": lon, "CRVAL2": lat, "CDELT1": -0.5,
        "CDELT2": 0.5, "CRPIX1": side // 2 + 1, "CRPIX2": side // 2 + 1, "BUNIT": "K",
    })  # fmt: skip
    stream = io.BytesIO()
    fits.PrimaryHDU(data, header).writeto(stream)
    return stream.getvalue()


class Told:
    """Progress that is remembered."""

    def __init__(self):
        self.stages, self.said = [], []

    def stage(self, title, total, unit=""):
        self.stages.append([title, total, unit, 0])
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def advance(self, items=1):
        self.stages[-1][3] += items

    def say(self, sentence):
        self.said.append(sentence)


def test_an_image_in_a_bucket_is_read_at_its_place_and_fetched_once(bucket):
    content = image(2.0)
    bucket.put("plates/orion.fits", content)
    told = Told()
    survey = skykin.open_survey(f"{bucket.address}/plates/orion.fits", progress=told)
    assert survey.sample(209.0, -19.0)[0][0] == pytest.approx(9)
    assert survey.sample(211.0, -17.0)[0][0] == pytest.approx(2)
    assert told.stages == [[f"Fetching from {bucket.address}", len(content), "bytes", len(content)]]
    again = Told()
    skykin.open_survey(f"{bucket.address}/plates/orion.fits", progress=again)
    assert again.stages == []
    assert bucket.got() == ["plates/orion.fits"]


def test_an_object_that_changed_is_fetched_again(bucket):
    bucket.put("orion.fits", image(2.0))
    before = skykin.open_survey(f"{bucket.address}/orion.fits")
    bucket.put("orion.fits", image(3.0))
    after = skykin.open_survey(f"{bucket.address}/orion.fits")
    assert after.sample(211.0, -17.0)[0][0] == pytest.approx(3)
    assert before.to_dict()["sha256"] != after.to_dict()["sha256"]


@pytest.mark.parametrize("place", ["plates", "plates/", "plates/*.fits", "**/*.fits", "p?ates/[ab].fits"])
def test_a_folder_or_a_pattern_is_one_mosaic(bucket, place):
    bucket.put("plates/a.fits", image(1.0))
    bucket.put("plates/b.fits", image(5.0, lon=189.0))
    bucket.put("plates/notes.txt", b"seeing was bad")
    survey = skykin.open_survey(f"{bucket.address}/{place}")
    assert survey.sample(211.0, -17.0)[0][0] == pytest.approx(1)
    assert survey.sample(191.0, -17.0)[0][0] == pytest.approx(5)


def test_three_objects_are_red_green_and_blue(bucket):
    for name, value in (("r", 1.0), ("g", 2.0), ("b", 3.0)):
        bucket.put(f"{name}.fits", image(value))
    survey = skykin.open_survey(",".join(f"{bucket.address}/{name}.fits" for name in "rgb"))
    assert survey.sample(211.0, -17.0)[0].tolist() == pytest.approx([1, 2, 3])


@pytest.mark.slow
def test_of_a_hips_in_a_bucket_only_the_tiles_that_are_needed_come(bucket, tmp_path):
    (tmp_path / "field.fits").write_bytes(image(2.0))
    folder = skykin.hips(tmp_path / "field.fits", tmp_path / "hips", order=3, tile_format="fits")
    files = [path for path in folder.rglob("*") if path.is_file()]
    for path in files:
        bucket.put(f"hips/{path.relative_to(folder).as_posix()}", path.read_bytes())
    survey = skykin.open_survey(f"{bucket.address}/hips", scale_deg=0.02)
    lon, lat = np.array([209.0, 211.0]), np.array([-19.0, -17.0])
    values, coverage = survey.sample(lon, lat)
    assert values[:, 0] == pytest.approx([9, 2], abs=0.2)
    assert (coverage > 0.99).all()
    assert (values == skykin.open_survey(folder, scale_deg=0.02).sample(lon, lat)[0]).all()
    came = {key for key in bucket.got(".fits") if "/Norder3/" in key and "/Npix" in key}
    assert 1 <= len(came) < sum("Npix" in path.name for path in folder.glob("Norder3/*/*"))


def test_what_is_not_there_is_told_in_one_sentence(bucket):
    with pytest.raises(UnknownNameError, match=f"there is nothing at '{bucket.address}/nowhere'; check"):
        skykin.open_survey(f"{bucket.address}/nowhere")
    with pytest.raises(UnknownNameError, match="no object matches 's3://.*fits'; check the pattern"):
        skykin.open_survey(f"{bucket.address}/*.fits")
    bucket.put("texts/a.txt", b"text")
    with pytest.raises(UnknownNameError, match="none of the 1 objects in .* is a FITS file"):
        skykin.open_survey(f"{bucket.address}/texts")
    with pytest.raises(RemoteError, match="there is no bucket 's3://no-such-bucket'; check its name"):
        skykin.open_survey("s3://no-such-bucket/image.fits")


def test_a_store_that_does_not_answer_is_told_by_the_command(bucket, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setattr("skykin.core.object_store.TRIES", 1)
    object_store.cache_clear()
    told = CliRunner().invoke(app, ["info", f"{bucket.address}/image.fits"])
    assert told.exit_code == 7
    flat = " ".join(told.output.split())
    assert flat.startswith(f"RM-UNREACHABLE: '{bucket.address}' cannot be reached")
    assert "check the network, and AWS_ENDPOINT_URL" in flat


@pytest.mark.parametrize("status", [401, 403])
def test_access_that_is_denied_is_told_with_the_way_out(bucket, monkeypatch, status):
    import threading
    from http.server import BaseHTTPRequestHandler, HTTPServer

    class Denying(BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            return

    with HTTPServer(("127.0.0.1", 0), Denying) as denying:
        threading.Thread(target=denying.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{denying.server_port}")
        object_store.cache_clear()
        with pytest.raises(RemoteError, match=r"denies access to 's3://.*'; set AWS_ACCESS_KEY_ID"):
            skykin.open_survey(f"{bucket.address}/image.fits")
        denying.shutdown()


def test_a_fetch_that_broke_off_goes_on_where_it_was(bucket, monkeypatch):
    content = image(2.0, side=64)
    bucket.put("orion.fits", content)
    monkeypatch.setattr(in_bucket, "PIECE", 4096)
    store, asked = object_store(bucket.address), []
    read = type(store).read

    def broken(self, key, **how):
        asked.append(how["start"])
        if len(asked) == 3:
            raise RemoteError("the line is dead", code="RM-UNREACHABLE")
        return read(self, key, **how)

    monkeypatch.setattr(type(store), "read", broken)
    with pytest.raises(RemoteError, match="the line is dead"):
        skykin.open_survey(f"{bucket.address}/orion.fits")
    survey = skykin.open_survey(f"{bucket.address}/orion.fits")
    assert asked[:4] == [0, 4096, 8192, 8192]
    assert survey.sample(209.0, -19.0)[0][0] == pytest.approx(9)


def test_an_object_that_changes_while_it_is_read_is_not_mixed(bucket, monkeypatch):
    bucket.put("orion.fits", image(2.0, side=64))
    monkeypatch.setattr(in_bucket, "PIECE", 4096)
    store = object_store(bucket.address)
    read = type(store).read

    def meanwhile(self, key, **how):
        if how["start"] == 4096:
            bucket.put("orion.fits", image(3.0, side=64))
        return read(self, key, **how)

    monkeypatch.setattr(type(store), "read", meanwhile)
    with pytest.raises(RemoteError, match="changed while it was read; nothing of the two is mixed"):
        skykin.open_survey(f"{bucket.address}/orion.fits")
    monkeypatch.setattr(type(store), "read", read)
    survey = skykin.open_survey(f"{bucket.address}/orion.fits")
    assert survey.sample(211.0, -17.0)[0][0] == pytest.approx(3)


def test_more_than_the_disk_holds_is_refused_before_anything_is_fetched(bucket, monkeypatch):
    bucket.put("orion.fits", image(2.0))
    monkeypatch.setattr(in_bucket, "SPARE_BYTES", 1 << 60)
    with pytest.raises(ResourceError, match="GB are to be fetched, but .* GB are free in the cache folder"):
        skykin.open_survey(f"{bucket.address}/orion.fits")
    assert bucket.got() == []


def test_copies_that_were_not_read_for_longest_go_when_there_are_too_many(bucket, tmp_path, monkeypatch):
    size = len(image(1.0))
    for name in "abc":
        bucket.put(f"{name}.fits", image(1.0))
    monkeypatch.setattr(in_bucket, "CACHE_BYTES", 2 * size)
    for name in "abc":
        skykin.open_survey(f"{bucket.address}/{name}.fits")
    kept = sorted(path.name for path in (tmp_path / "cache").rglob("?.fits"))
    assert kept == ["b.fits", "c.fits"]


def test_a_survey_that_an_index_names_is_opened_only_if_it_was_read_before(bucket):
    bucket.put("orion.fits", image(2.0))
    address = f"{bucket.address}/orion.fits"
    with pytest.raises(RemoteError, match="from which nothing was read on this computer yet"):
        open_recorded(address)
    skykin.open_survey(address)
    assert open_recorded(address).sample(209.0, -19.0)[0][0] == pytest.approx(9)


def test_addresses_survive_pathlib_and_nothing_else_is_one(tmp_path):
    from pathlib import Path

    assert bucket_address(Path("s3://sky/a/b.skykin")) == "s3://sky/a/b.skykin"
    assert bucket_address("gs://sky/a/") == "gs://sky/a"
    assert bucket_address("az://sky") == "az://sky"
    for other in ("https://sky.org/a", "sky/a", "s3", "s3://", "CDS/P/AKARI/FIS/Color", None, tmp_path):
        assert bucket_address(other) is None
    with pytest.raises(UsageError, match="is no address of a bucket; give one such as s3://bucket/folder"):
        object_store("https://sky.org/a")


def test_patterns_are_those_of_a_shell():
    assert _matches(["plates", "a.fits"], ["plates", "*.fits"])
    assert not _matches(["plates", "old", "a.fits"], ["plates", "*.fits"])
    assert _matches(["plates", "old", "a.fits"], ["plates", "**", "*.fits"])
    assert _matches(["plates", "a.fits"], ["plates", "**", "*.fits"])


def test_keys_of_aws_programs_are_taken_and_nobody_asks_the_network_for_any(tmp_path, monkeypatch):
    from skykin.core.object_store import CREDENTIALS, _identity

    for names in CREDENTIALS.values():
        for name in names:
            monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    assert _identity("s3") == {"skip_signature": True}
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "credentials").write_text(
        "[default]\naws_access_key_id = A\naws_secret_access_key = B\n[other]\naws_session_token = C%\n"
    )
    assert _identity("s3") == {"access_key_id": "A", "secret_access_key": "B"}
    monkeypatch.setenv("AWS_PROFILE", "other")
    assert json.dumps(_identity("s3")) == '{"token": "C%"}'
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "D")
    assert _identity("s3") == {}
    assert _identity("az") == _identity("gs") == {"skip_signature": True}

"""Downloads: the whole file with the right hash, or nothing."""

import hashlib
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from skykin.core.errors import RemoteError, ResourceError
from skykin.survey import download, web_address
from skykin.survey.download import cache_folder, fetch, streamed, web_client
from skykin.survey.open import open_survey
from skykin.survey.web_address import is_public

GOOD = bytes(range(256)) * 1000
SHA256 = hashlib.sha256(GOOD).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """A server that misbehaves as its path says."""

    protocol_version = "HTTP/1.0"

    def log_message(self, *_):
        pass

    def do_GET(self):
        getattr(self, "get_" + self.path.strip("/").split("/")[0])()

    def head(self, length=None, status=200, **headers):
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def get_good(self):
        self.head(len(GOOD))
        self.wfile.write(GOOD)

    def get_unsized(self):
        self.head()
        self.wfile.write(GOOD)

    def get_half(self):
        self.head(len(GOOD))
        self.wfile.write(GOOD[: len(GOOD) // 2])

    def get_chunks(self):
        """One whole chunk, and another that breaks off."""
        self.head(**{"Transfer-Encoding": "chunked"})
        self.wfile.write(b"10\r\n" + GOOD[:16] + b"\r\n40\r\n" + GOOD[:5])

    def get_other(self):
        self.head(len(GOOD))
        self.wfile.write(GOOD[::-1])

    def get_page(self):
        self.head(**{"Content-Type": "text/html"})
        self.wfile.write(b"<!DOCTYPE html><html>Please sign in</html>")

    def get_missing(self):
        self.head(0, 404)

    def get_stall(self):
        self.head(len(GOOD))
        self.wfile.write(GOOD[:1000])
        self.server.finished.wait(5)

    def get_silence(self):
        self.server.finished.wait(5)

    def get_drops(self):
        self.head(len(GOOD))
        try:
            while not self.server.finished.wait(0.02):
                self.wfile.write(b"x")
        except OSError:
            pass

    def get_heads(self):
        """Headers that come drop by drop."""
        self.wfile.write(b"HTTP/1.0 200 OK\r\nX-Long: ")
        self.get_more(b"x")

    def get_continues(self):
        """One answer after another that says that the real one is to come."""
        self.get_more(b"HTTP/1.1 100 Continue\r\n\r\n")

    def get_more(self, text):
        try:
            while not self.server.finished.wait(0.02):
                self.wfile.write(text)
        except OSError:
            pass

    def get_malformed(self):
        self.head(0, 302, Location="http://[::1/x")

    def get_endless(self):
        self.head()
        self.get_forever()

    def get_to(self):
        self.head(0, 302, Location=self.path.removeprefix("/to/"))

    def get_relative(self):
        self.head(0, 307, Location="/good")

    def get_long(self):
        """A redirect whose own body has no end."""
        self.head(None, 302, Location="/good")
        self.get_forever()

    def get_forever(self):
        try:
            while not self.server.finished.is_set():
                self.wfile.write(GOOD)
        except OSError:
            pass

    def get_circle(self):
        self.head(0, 302, Location="/circle")

    def get_nowhere(self):
        self.head(0, 302)


@pytest.fixture
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.finished = threading.Event()
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.finished.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def get(tmp_path):
    destination = tmp_path / "new" / "folder" / "file.bin"

    def get(url, **changes):
        fetch(url, destination, **({"sha256": SHA256, "size_bytes": len(GOOD)} | changes))
        return destination

    return get


@pytest.fixture
def refused(get, tmp_path):
    def refused(url, code, sentence, **changes):
        with pytest.raises(RemoteError, match=sentence) as caught:
            get(url, **changes)
        assert caught.value.code == code
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == []

    return refused


@pytest.mark.parametrize("path", ["/good", "/unsized", "/relative", "/long"])
def test_a_good_file_arrives_whole(server, get, path):
    destination = get(server + path)
    assert destination.read_bytes() == GOOD
    assert list(destination.parent.iterdir()) == [destination]


def test_progress_counts_bytes(server, get):
    counted = []

    class Progress:
        def stage(self, title, total, unit=""):
            counted.append((title, total, unit))
            return self

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def advance(self, items=1):
            counted.append(items)

    get(server + "/good", progress=Progress())
    assert counted[0] == ("Downloading", len(GOOD), "bytes")
    assert sum(counted[1:]) == len(GOOD)


def test_a_cut_file_says_how_much_came(server, refused):
    refused(server + "/half", "RM-TRUNC", "broke off: 128000 of 256000 bytes came; try again")
    refused(server + "/good", "RM-TRUNC", "256000 of 256001 bytes", size_bytes=len(GOOD) + 1)
    refused(server + "/chunks", "RM-TRUNC", "of 256000 bytes came")


def test_a_wrong_hash_shows_both(server, refused):
    other = hashlib.sha256(GOOD[::-1]).hexdigest()
    refused(server + "/other", "RM-HASH", f"has SHA-256 {other}, but {SHA256} was expected; it is removed")


def test_a_wrong_hash_leaves_the_older_file(server, get):
    destination = get(server + "/good")
    with pytest.raises(RemoteError, match="SHA-256"):
        get(server + "/other")
    assert destination.read_bytes() == GOOD


def test_a_stalled_server_is_given_up(server, refused):
    begin = time.monotonic()
    refused(server + "/stall", "RM-TIMEOUT", "too slow: 1000 of 256000 bytes", read_timeout_s=0.2)
    refused(server + "/silence", "RM-TIMEOUT", "too slow: 0 of 256000 bytes", read_timeout_s=0.2)
    assert time.monotonic() - begin < 3


def test_a_server_that_sends_drop_by_drop_meets_the_deadline(server, refused):
    begin = time.monotonic()
    refused(server + "/drops", "RM-TIMEOUT", r"of 256000 bytes .* 0.3 s in all", deadline_s=0.3)
    assert time.monotonic() - begin < 3


@pytest.mark.parametrize("path", ["heads", "continues"])
def test_headers_that_never_end_meet_the_deadline(server, refused, path):
    begin = time.monotonic()
    sentence = "too slow: 0 of 256000 bytes came before .* 0.3 s in all"
    refused(f"{server}/{path}", "RM-TIMEOUT", sentence, deadline_s=0.3)
    assert time.monotonic() - begin < 3


def test_the_deadline_is_of_each_download_and_not_of_its_connection(server):
    with web_client(5.0) as client:
        for _ in range(3):
            with streamed(client, server + "/good", 0.5) as answer:
                assert len(answer.read()) == len(GOOD)
            time.sleep(0.3)


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("http://[::1", "its host or port cannot be read"),
        ("http://[::g]/", "its host or port cannot be read|no address of IPv6"),
        ("http://" + "a" * 64 + ".org/x", "has more than 63 letters"),
        ("http://" + ".".join(["a" * 60] * 5) + "/x", "has more than 63 letters"),
        ("https://a..org/x", "a part of its host is empty"),
        ("https://" + "ä" * 70 + ".org/x", "its host is no name|has more than 63"),
        ("https://a b.org/x", "holds a space or another character"),
        ("https://example.org/\x00", "holds a space or another character"),
        ("https://example.org/\r\nHost: evil", "holds a space or another character"),
        ("https://exa%mple.org/", "a character that none has"),
        ("https://example.org:99999/", "its host or port cannot be read"),
        ("https://example.org:x/", "its host or port cannot be read"),
        ("https:///x", "it names no host"),
        ("https://", "it names no host"),
        ("https://\ud800.org/", "its host is no name"),
        ("https://example.org/" + "x" * 5000, "characters, more than 4096"),
    ],
)
def test_an_address_that_is_none_is_refused(refused, address, why):
    refused(address, "RM-BLOCKED", f"is no address of the web: .*({why})")
    with pytest.raises(RemoteError, match=f"is no address of the web: .*({why})"):
        open_survey(address)


def test_a_redirect_to_an_address_that_is_none_is_refused(server, refused):
    refused(f"{server}/malformed", "RM-BLOCKED", r"'http://\[::1/x' is no address of the web")


PRIVATE = (
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.1",
    "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "::ffff:0:10.0.0.1", "2002:7f00:1::",
    "2002:a00:1::1", "2002:a9fe:a9fe::1", "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::8.8.8.8", "2001:0:4136:e378:8000:63bf:80ff:fffe", "2001:0:7f00:1::1", "nonsense",
)  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_known_in_every_spelling(address):
    assert not is_public(address)


PUBLIC = (
    "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1",
    "192.88.99.1",
)  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_public(address):
    assert is_public(address)


def test_a_web_page_is_not_taken_for_the_file(server, refused):
    refused(server + "/page", "RM-HTML", "sent a web page instead of the file")


def test_an_endless_body_ends_at_the_size(server, refused):
    refused(server + "/endless", "RM-TOOBIG", "sends more than the 256000 bytes")


def test_answers_without_a_file_are_told(server, refused):
    refused(server + "/missing", "RM-STATUS", "'127.0.0.1' answers 404 'Not Found'")
    refused(server + "/nowhere", "RM-STATUS", "answers 302")
    refused(server + "/circle", "RM-STATUS", "leads from one address to the next more than 20 times; get the")


def test_a_host_that_is_not_there_is_told(refused):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    refused(f"http://127.0.0.1:{port}/good", "RM-UNREACHABLE", "'127.0.0.1' cannot be reached .*refused")


@pytest.mark.parametrize("target", ["file:///etc/hostname", "ftp://example.org/x", "data:,hello"])
def test_only_the_web_is_followed(server, refused, target):
    scheme = target.split(":")[0]
    refused(f"{server}/to/{target}", "RM-BLOCKED", f"begins with '{scheme}:' is refused")
    refused(target, "RM-BLOCKED", f"begins with '{scheme}:' is refused")


def test_a_public_address_does_not_lead_to_a_private_one(server, refused, get, monkeypatch):
    assert get(f"{server}/to/{server}/good").read_bytes() == GOOD  # from private to private
    get(f"{server}/good").unlink()
    resolve = socket.getaddrinfo

    def public(host, *rest, **named):
        """Let the name localhost look public where it is judged, and lead here where it is opened."""
        if host == "localhost" and rest == (None,):
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", 0))]
        return resolve(host, *rest, **named)

    monkeypatch.setattr(web_address.socket, "getaddrinfo", public)
    named = server.replace("127.0.0.1", "localhost")
    refused(f"{named}/to/{server}/good", "RM-BLOCKED", "'localhost' leads to the private address '127.0.0.1'")
    refused(f"{named}/to/http://169.254.169.254/x", "RM-BLOCKED", "private address '169.254.169.254'")


def test_a_name_that_changes_its_mind_does_not_lead_to_a_private_address(server, refused, monkeypatch):
    resolve = socket.getaddrinfo
    monkeypatch.setattr(
        web_address.socket,
        "getaddrinfo",
        lambda host, *rest, **named: (
            [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", 0))]
            if rest == (None,)  # where it is judged
            else resolve(host, *rest, **named)
        ),
    )
    other = server.replace("127.0.0.1", "localhost")
    sentence = "'127.0.0.1' leads to the private address '(127.0.0.1|::1)', which is refused"
    refused(f"{server}/to/{other}/good", "RM-BLOCKED", sentence)


def test_a_folder_that_cannot_be_made_is_named_with_the_way_out(server, tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(
        ResourceError, match=r"cannot write in the cache folder '.*cache'.*set SKYKIN_CACHE"
    ) as caught:
        fetch(server + "/good", tmp_path / "cache" / "file.bin", sha256=SHA256, size_bytes=len(GOOD))
    assert caught.value.code == "RS-READONLY"


def test_a_full_disk_is_told_and_nothing_stays(server, get, tmp_path, monkeypatch):
    def full(stream, piece, destination):
        stream.write = None
        raise OSError(28, "No space left on device")

    class Full:
        def write(self, piece):
            raise OSError(28, "No space left on device")

    original = download._write
    monkeypatch.setattr(download, "_write", lambda stream, piece, where: original(Full(), piece, where))
    with pytest.raises(ResourceError, match="No space left on device; free some space or set SKYKIN_CACHE"):
        get(server + "/good")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.slow
def test_importing_skykin_loads_no_network_library():
    code = "import sys, skykin.survey.open, skykin.survey.formats.hips; print('httpx' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"


def test_the_cache_is_where_the_variable_says(monkeypatch, tmp_path):
    monkeypatch.setenv("SKYKIN_CACHE", str(tmp_path / "here"))
    assert cache_folder() == tmp_path / "here"
    monkeypatch.delenv("SKYKIN_CACHE")
    assert cache_folder().name == "skykin"
    assert not (tmp_path / "here").exists()

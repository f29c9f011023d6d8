"""A server that speaks S3 on this computer, for tests: moto's, which `moto_server` starts from a shell."""

from __future__ import annotations

import contextlib
import logging
import threading
from dataclasses import dataclass, field
from itertools import count

import httpx
import pytest

from skykin.core.object_store import object_store

NUMBERS = count()


@dataclass
class Bucket:
    """An empty bucket of its own, and what was asked of its server."""

    endpoint: str
    name: str
    requests: list[tuple[str, str]] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"s3://{self.name}"

    @property
    def store(self):
        """Another client than the one that is tested."""
        from obstore.store import S3Store

        return S3Store(
            self.name, endpoint=self.endpoint, access_key_id="test", secret_access_key="test",  # noqa: S106
            region="us-east-1", client_options={"allow_http": True},
        )  # fmt: skip

    def put(self, key: str, content: bytes) -> None:
        import obstore

        obstore.put(self.store, key, content)

    def get(self, key: str) -> bytes:
        import obstore

        return bytes(obstore.get(self.store, key).bytes())

    def keys(self, folder: str = "") -> list[str]:
        import obstore

        return sorted(each["path"] for page in obstore.list(self.store, folder or None) for each in page)

    def got(self, ending: str = "") -> list[str]:
        """Keys whose content was read, in order."""
        begin = f"/{self.name}/"
        return [
            path.removeprefix(begin)
            for method, path in self.requests
            if method == "GET" and path.startswith(begin) and path.endswith(ending) and path != begin
        ]


class _Recorded:
    """The server with a list of what was asked."""

    def __init__(self, app) -> None:
        self.app, self.requests = app, []

    def __call__(self, environ, start):
        self.requests.append((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
        return self.app(environ, start)


@contextlib.contextmanager
def server():
    """Serve buckets in threads of this process; give the address and what is asked."""
    pytest.importorskip("obstore", reason="obstore is not installed")
    pytest.importorskip(
        "moto.server", reason='moto is not installed: pip install "moto[s3]" flask flask-cors'
    )
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    app = _Recorded(DomainDispatcherApplication(create_backend_app))
    serving = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=serving.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{serving.server_port}", app.requests
    finally:
        serving.shutdown()
        thread.join()
        serving.server_close()


def new_bucket(served, name: str) -> Bucket:
    endpoint, requests = served
    httpx.put(f"{endpoint}/{name}").raise_for_status()
    return Bucket(endpoint, name, requests)


def settings_of(bucket: Bucket, cache) -> dict[str, str]:
    """What a program finds in its environment to use the bucket."""
    return {
        "AWS_ENDPOINT_URL": bucket.endpoint, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1", "SKYKIN_CACHE": str(cache),
    }  # fmt: skip


@contextlib.contextmanager
def fresh_bucket(served, cache):
    """Give an empty bucket that this process uses meanwhile, as its environment says."""
    made = new_bucket(served, f"bucket-{next(NUMBERS)}")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings_of(made, cache).items():
            patch.setenv(name, value)
        object_store.cache_clear()
        yield made
    object_store.cache_clear()

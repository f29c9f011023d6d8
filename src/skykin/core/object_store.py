"""Object stores: files in buckets of S3, Google Cloud Storage and Azure, by their address."""

from __future__ import annotations

import configparser
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, TypeVar

from skykin.core.errors import RemoteError, ResourceError, UsageError, shown

Answer = TypeVar("Answer")
#: What an address of a bucket begins with.
SCHEMES = ("s3", "gs", "az")
#: pathlib makes one slash of two.
ADDRESS = re.compile(rf"({'|'.join(SCHEMES)}):/{{1,2}}([^/]+)/*(.*?)/*")
CONNECT_S, SILENCE_S, TRIES, RETRY_S = 5, 60, 4, 60
#: Settings of the environment by which somebody says who they are; without one nothing is signed, and no
#: address of this machine's network is asked for credentials.
CREDENTIALS: Mapping[str, tuple[str, ...]] = {
    "s3": (
        "AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_METADATA_ENDPOINT",
    ),
    "gs": (
        "GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_SERVICE_ACCOUNT", "GOOGLE_SERVICE_ACCOUNT_PATH",
        "GOOGLE_SERVICE_ACCOUNT_KEY",
    ),
    "az": (
        "AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_ACCESS_KEY", "AZURE_STORAGE_SAS_TOKEN",
        "AZURE_STORAGE_SAS_KEY", "AZURE_STORAGE_CLIENT_ID", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE",
    ),
}  # fmt: skip
#: In ``~/.aws/credentials``.
PROFILE = {
    "aws_access_key_id": "access_key_id",
    "aws_secret_access_key": "secret_access_key",
    "aws_session_token": "token",
}


def bucket_address(place: object) -> str | None:
    """Address such as ``s3://bucket/folder``, without a slash at the end; None for anything else."""
    found = ADDRESS.fullmatch(str(place)) if isinstance(place, str | Path) else None
    if found is None:
        return None
    scheme, bucket, path = found.groups()
    return f"{scheme}://{bucket}/{path}".rstrip("/")


@dataclass(frozen=True)
class Entry:
    """An object of a bucket.

    Parameters
    ----------
    key : str
        Its name below the store.
    size : int
        Bytes.
    etag : str
        Changes whenever its content does.
    modified : datetime
        By the clock of the server.
    """

    key: str
    size: int
    etag: str
    modified: datetime

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Entry:
        """Take what the library tells."""
        return cls(told["path"], told["size"], told["e_tag"] or "", told["last_modified"])


@lru_cache(maxsize=64)
def object_store(address: str) -> ObjectStore:
    """Open the bucket, or the folder of one, at an address; nothing is asked of it yet.

    Raises
    ------
    UsageError
        If it is no address of a bucket.
    ResourceError
        ``RS-EXTRA`` if the package for it is not installed.
    """
    if bucket_address(address) != address:
        raise UsageError(f"{shown(address)} is no address of a bucket; give one such as s3://bucket/folder")
    return ObjectStore(address)


@dataclass(frozen=True)
class ObjectStore:
    """A bucket, or a folder of one: `object_store` opens it.

    Keys are relative to it.  An object appears whole or not at all.  Whoever asks is known by the environment
    (``AWS_ACCESS_KEY_ID``, …) or, of S3, by ``~/.aws/credentials``; otherwise nothing is signed.

    Parameters
    ----------
    address : str
    """

    address: str

    @property
    def bucket(self) -> str:
        """Scheme and name of the bucket: ``s3://bucket``."""
        return "/".join(self.address.split("/")[:3])

    @property
    def name(self) -> str:
        """Last part of the address."""
        return self.address.rpartition("/")[2]

    @cached_property
    def client(self) -> Any:
        """The store of the package obstore."""
        try:
            from obstore.store import from_url  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise ResourceError(
                f"{shown(self.bucket)} needs a package that is not installed; run "
                '`pip install "skykin[cloud]"`',
                code="RS-EXTRA",
            ) from error
        scheme = self.address.partition(":")[0]
        plain = (os.environ.get("AWS_ENDPOINT_URL") or os.environ.get("AWS_ENDPOINT") or "").startswith(
            "http://"
        )
        try:
            return from_url(
                self.address,
                config=_identity(scheme),
                client_options={
                    "connect_timeout": f"{CONNECT_S}s",
                    "timeout": f"{SILENCE_S}s",
                    "user_agent": "skykin",
                    **({"allow_http": True} if plain else {}),
                },
                retry_config={"max_retries": TRIES - 1, "retry_timeout": timedelta(seconds=RETRY_S)},
            )
        except Exception as error:  # of the package: a setting that is missing or wrong
            raise UsageError(
                f"{shown(self.bucket)} cannot be opened: {_line(error)}; set it in the environment"
            ) from error

    def head(self, key: str) -> Entry | None:
        """Ask what the store says of an object; None if there is none."""
        return self._asked(lambda obstore: Entry.of(obstore.head(self.client, key)))

    def read(self, key: str, *, start: int = 0, stop: int | None = None, etag: str = "") -> bytes | None:
        """Bytes of an object, or a part of them; None if there is none.

        Raises
        ------
        RemoteError
            ``RM-CHANGED`` if an `etag` is given and the object is another one now.
        """
        options: dict[str, Any] = {"if_match": etag} if etag else {}
        if stop is not None:
            options["range"] = (start, stop)
        elif start:
            options["range"] = {"offset": start}
        return self._asked(lambda obstore: bytes(obstore.get(self.client, key, options=options).bytes()))

    def entries(self, folder: str = "") -> Iterator[Entry]:
        """All objects below a folder, however deep."""
        pages = iter(self._listed(folder))
        while True:
            page = self._asked(lambda _: next(pages, None))
            if page is None:
                return
            yield from map(Entry.of, page)

    def _listed(self, folder: str) -> Any:
        import obstore  # noqa: PLC0415

        return obstore.list(self.client, folder or None)

    def in_folder(self, folder: str = "") -> list[Entry]:
        """Objects in a folder itself."""
        told = self._asked(lambda obstore: obstore.list_with_delimiter(self.client, folder or None))
        return [Entry.of(each) for each in told["objects"]] if told else []

    def put(self, key: str, content: bytes | Path) -> str:
        """Write an object, in place of one that is there; return its etag."""
        told = self._asked(lambda obstore: obstore.put(self.client, key, content))
        return str((told or {}).get("e_tag") or "")

    def put_if(self, key: str, content: bytes | Path, etag: str) -> str | None:
        """Write an object only if the one that is there has this etag, or there is none and it is empty.

        Returns
        -------
        str or None
            Its etag; None if somebody else wrote there meanwhile, and nothing was done.
        """
        mode: Any = {"e_tag": etag} if etag else "create"

        def put(obstore: Any) -> str | None:
            try:
                told = obstore.put(self.client, key, content, mode=mode, use_multipart=False)
            except (obstore.exceptions.PreconditionError, obstore.exceptions.AlreadyExistsError):
                return None
            return str(told["e_tag"])

        return self._asked(put)

    def delete(self, keys: Sequence[str]) -> None:
        """Remove objects."""
        if keys:
            self._asked(lambda obstore: obstore.delete(self.client, list(keys)))

    def _asked(self, ask: Callable[[Any], Answer]) -> Answer | None:
        """Ask the store; what goes wrong becomes one sentence, and what is not there None."""
        client = self.client  # whose errors are told already
        assert client is not None  # noqa: S101
        import obstore  # noqa: PLC0415 - an extra

        try:
            return ask(obstore)
        except FileNotFoundError as error:
            if "NoSuchBucket" in str(error):
                raise self._told(error) from error
            return None
        except (obstore.exceptions.BaseError, OSError, ValueError) as error:
            raise self._told(error) from error

    def _told(self, error: Exception) -> RemoteError:
        import obstore  # noqa: PLC0415 - an extra

        text, where = str(error), shown(self.bucket)
        kinds = obstore.exceptions
        if "NoSuchBucket" in text:
            return RemoteError(f"there is no bucket {where}; check its name", code="RM-STATUS")
        if isinstance(error, kinds.PreconditionError):
            return RemoteError(
                f"{shown(self.address)} changed while it was read; nothing of the two is mixed: run the same "
                "command again",
                code="RM-CHANGED",
            )
        denied = (kinds.PermissionDeniedError, kinds.UnauthenticatedError)
        if isinstance(error, denied) or re.search(r"\b40[13]\b", text.partition("\n")[0]):
            scheme = self.address.partition(":")[0]
            return RemoteError(
                f"{where} denies access to {shown(self.address)}; set {CREDENTIALS[scheme][0]} and what "
                "belongs to it in the environment, or ask its owner for the permission",
                code="RM-STATUS",
            )
        if re.search(r"kind: Timeout|timed out", text):
            return RemoteError(
                f"{where} is too slow: nothing came for {SILENCE_S} s; try again later, what came whole is "
                "kept",
                code="RM-TIMEOUT",
            )
        if "error sending request" in text or "Connect" in text:
            return RemoteError(
                f"{where} cannot be reached ({_line(error)}); check the network, and AWS_ENDPOINT_URL if the "
                "store is your own",
                code="RM-UNREACHABLE",
            )
        return RemoteError(
            f"{shown(self.address)} gives an error: {_line(error)}; try again later", code="RM-STATUS"
        )


def _identity(scheme: str) -> dict[str, Any]:
    """Who asks, as far as the environment does not say it to the package itself."""
    if any(os.environ.get(name) for name in CREDENTIALS[scheme]):
        return {}
    if scheme == "s3":
        found = _profile()
        if found:
            return found
    if (
        scheme == "gs"
        and Path("~/.config/gcloud/application_default_credentials.json").expanduser().is_file()
    ):
        return {}
    return {"skip_signature": True}


def _profile() -> dict[str, Any]:
    """Keys of the profile ``AWS_PROFILE``, or ``default``, in the file of AWS's own programs."""
    place = os.environ.get("AWS_SHARED_CREDENTIALS_FILE") or "~/.aws/credentials"
    known = configparser.ConfigParser(interpolation=None)
    try:
        known.read(Path(place).expanduser(), encoding="utf-8")
        section = known[os.environ.get("AWS_PROFILE") or "default"]
    except (configparser.Error, KeyError, OSError, UnicodeDecodeError):
        return {}
    return {ours: section[theirs] for theirs, ours in PROFILE.items() if theirs in section}


def _line(error: Exception) -> str:
    """First line of an error, which names no secret."""
    return shown(str(error).partition("\n")[0].partition(": <?xml")[0][:200])

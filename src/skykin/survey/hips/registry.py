"""Which HiPS there are on the web: by IVOA identifier, from the CDS MOC server or a file."""

from __future__ import annotations

import difflib
import hashlib
import json
import math
import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from skykin.core.atomic import read_sealed, write_sealed
from skykin.core.errors import InputRefusedError, RemoteError, ResourceError, UnknownNameError, shown
from skykin.core.progress import SILENT
from skykin.core.protocols import Progress
from skykin.survey.download import cache_folder, streamed, web_client
from skykin.survey.healpix.cells import cell_side_deg
from skykin.survey.hips.identifier import PREFIX
from skykin.survey.hips.properties import FINEST_LEVEL, said_in
from skykin.survey.web_address import checked_host, is_private

#: The CDS MOC server and its mirror.
MOC_SERVERS = (
    "https://alasky.cds.unistra.fr/MocServer/query",
    "https://alaskybis.unistra.fr/MocServer/query",
)
#: Names another MOC server, or a file, in place of these.
REGISTRY_VARIABLE = "SKYKIN_REGISTRY"
#: A HiPS has at most so many servers that are listed.
MOST_SERVERS = 9
SERVERS = ("", *(f"_{number}" for number in range(1, MOST_SERVERS)))
FIELDS = (
    "ID", "creator_did", "obs_title", "obs_collection", "obs_regime", "moc_sky_fraction", "hips_pixel_scale",
    "hips_order", "hips_tile_width", "hips_tile_format", "dataproduct_type",
    *(f"hips_service_url{number}" for number in SERVERS), *(f"hips_status{number}" for number in SERVERS),
)  # fmt: skip
QUESTION = {
    "expr": "dataproduct_type=image && hips_service_url=*",
    "get": "record",
    "fmt": "json",
    "fields": ",".join(FIELDS),
}
LARGEST_BYTES = 64 << 20
READ_TIMEOUT_S, DEADLINE_S = 30.0, 120.0
#: The list is fetched again after a day; after ten minutes, if an identifier is not in it.
KEPT_FOR_S, NEW_FOR_S = 86400.0, 600.0


@dataclass(frozen=True)
class HipsRecord:
    """What a registry says of a HiPS.

    Parameters
    ----------
    identifier : str
        Without ``ivo://``, such as ``CDS/P/AKARI/FIS/Color``.
    title : str
    collection : str
    regime : str
        Part of the spectrum, such as ``Infrared``.
    sky_fraction : float
        Share of the sky that it covers; NaN where the registry does not say.
    pixel_deg : float
        Side of its finest pixels; NaN where the registry does not say.
    addresses : tuple of str
        Of the servers that have all of it, the preferred one first.
    """

    identifier: str
    title: str
    collection: str
    regime: str
    sky_fraction: float
    pixel_deg: float
    addresses: tuple[str, ...]

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> HipsRecord | None:
        """Read a record of properties; None where it is no HiPS of images that can be reached."""
        text = {key: _text(value) for key, value in said.items()}
        identifier = (text.get("ID") or text.get("creator_did", "")).removeprefix(PREFIX)
        addresses = tuple(
            text[f"hips_service_url{number}"].rstrip("/")
            for number in SERVERS
            if text.get(f"hips_service_url{number}") and "partial" not in text.get(f"hips_status{number}", "")
        )
        if not identifier or not addresses or text.get("dataproduct_type", "image") != "image":
            return None
        return cls(
            identifier,
            text.get("obs_title") or text.get("obs_collection") or identifier,
            text.get("obs_collection", ""),
            text.get("obs_regime", ""),
            _number(text.get("moc_sky_fraction")),
            _pixel_deg(text),
            tuple(dict.fromkeys(addresses)),
        )

    def has(self, words: Iterable[str]) -> bool:
        """Whether its identifier, title or collection holds every word, in capitals or not."""
        whole = f"{self.identifier} {self.title} {self.collection}".casefold()
        return all(word in whole for word in words)


@dataclass(frozen=True)
class Registry:
    """A list of HiPS.

    Parameters
    ----------
    records : tuple of HipsRecord
        In the order of their identifiers.
    name : str
        Where it comes from, in words.
    led_by : str
        The server that gave it, if that is on the public network: its addresses may not be private.
    """

    records: tuple[HipsRecord, ...]
    name: str
    led_by: str = ""
    _by_name: dict[str, HipsRecord] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        names = {record.identifier.casefold(): record for record in self.records}
        object.__setattr__(self, "_by_name", names | {record.identifier: record for record in self.records})

    def get(self, identifier: str) -> HipsRecord | None:
        """Give the record of an identifier, with ``ivo://`` or without, in capitals or not."""
        wanted = identifier.removeprefix(PREFIX)
        return self._by_name.get(wanted) or self._by_name.get(wanted.casefold())

    def find(self, text: str) -> tuple[HipsRecord, ...]:
        """Give the records that hold every word of a text."""
        words = text.casefold().split()
        return tuple(record for record in self.records if record.has(words))

    def unknown(self, identifier: str) -> UnknownNameError:
        """Say that an identifier is not in it, and which are near."""
        wanted = identifier.removeprefix(PREFIX)
        near = difflib.get_close_matches(wanted, [record.identifier for record in self.records], 3)
        nearest = f"; nearest are {', '.join(near)}" if near else ""
        return UnknownNameError(
            f"{self.name} lists no HiPS of images with the identifier {shown(wanted)}{nearest}; "
            "`skykin surveys --find WORD` searches it"
        )


def resolved(identifier: str, progress: Progress = SILENT) -> tuple[HipsRecord, str]:
    """Give the record of an identifier, and the public server that gave it (see `Registry.led_by`).

    Raises
    ------
    UnknownNameError
        If the registry does not have it.
    RemoteError
        If no server of the registry answers, and no copy is kept.
    """
    registry = open_registry(progress=progress)
    record = registry.get(identifier)
    if record is None:
        registry = open_registry(kept_for_s=NEW_FOR_S, progress=progress)
        record = registry.get(identifier)
    if record is None:
        raise registry.unknown(identifier)
    return record, registry.led_by


def open_registry(
    source: str | Path | None = None, *, kept_for_s: float = KEPT_FOR_S, progress: Progress = SILENT
) -> Registry:
    """Read the list of HiPS: of the CDS MOC server, of another one, or in a file.

    A list from the web is kept in the cache folder for a day, and used for longer where no server answers.

    Parameters
    ----------
    source : str or path, optional
        Address of a MOC server or of a list of HiPS, or a file: JSON records as a MOC server gives them, or a
        list of HiPS as the standard has it.  Without it ``$SKYKIN_REGISTRY``, else the CDS MOC server.
    kept_for_s : float
        How old a copy may be, seconds.
    progress : Progress

    Raises
    ------
    RemoteError
        If no server answers, and no copy is kept.
    InputRefusedError
        If a file is no list of HiPS.
    """
    given = str(source or os.environ.get(REGISTRY_VARIABLE, ""))
    if given and "://" not in given:
        return _of_file(Path(given).expanduser())
    servers = (given,) if given else MOC_SERVERS
    copy = cache_folder() / "registry" / f"{hashlib.sha256(servers[0].encode()).hexdigest()[:16]}.list"
    host = checked_host(servers[0])
    name = "the CDS MOC server" if not given else f"the registry at {shown(host)}"
    content = read_sealed(copy) if _age_s(copy) <= kept_for_s else None
    if content is None:
        content = _fetched(servers, copy, name, progress)
    return Registry(_records(content, name), name, "" if is_private(host) else host)


def _of_file(path: Path) -> Registry:
    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise UnknownNameError(
            f"the registry {shown(path)} cannot be read: {error.strerror or error}; give a file, or the "
            "address of a MOC server"
        ) from error
    name = f"the registry {shown(path.name)}"
    if len(content) > LARGEST_BYTES:
        raise InputRefusedError(
            f"{name} has more than {LARGEST_BYTES} bytes; choose another", code="IN-TOOBIG"
        )
    return Registry(_records(content, name), name)


def _fetched(servers: tuple[str, ...], copy: Path, name: str, progress: Progress) -> bytes:
    """Fetch the list from the first server that has it; else the copy, however old."""
    failed: RemoteError | None = None
    for server in servers:
        try:
            content = _from_server(server)
            _records(content, name)
        except InputRefusedError as error:
            failed = RemoteError(str(error), code="RM-HTML")
        except RemoteError as error:
            failed = error
        else:
            try:
                copy.parent.mkdir(parents=True, exist_ok=True)
                write_sealed(copy, content)
            except (OSError, ResourceError):  # a cache that cannot be written costs the next look-up
                progress.say("note: the list of HiPS cannot be kept in the cache folder")
            return content
    kept = read_sealed(copy)
    if kept is None:
        raise RemoteError(
            f"{name} does not answer ({failed}), and no copy of its list is on this computer; check the "
            f"network, name a registry file in {REGISTRY_VARIABLE}, or give the address of the HiPS itself",
            code=failed.code if failed is not None else "RM-UNREACHABLE",
        ) from failed
    days = _age_s(copy) / 86400
    progress.say(f"note: {name} does not answer; its list as of {days:.1f} days ago is used")
    return kept


def _from_server(server: str) -> bytes:
    import httpx  # noqa: PLC0415 - importing Skykin loads no network library

    host = shown(checked_host(server))
    url = f"{server}?{urlencode(QUESTION)}" if server.rstrip("/").endswith("query") else server
    content = bytearray()
    try:
        with web_client(READ_TIMEOUT_S) as client, streamed(client, url, DEADLINE_S) as answer:
            answer.raise_for_status()
            for piece in answer.iter_raw():
                content += piece
                if len(content) > LARGEST_BYTES:
                    raise RemoteError(f"{host} sends more than {LARGEST_BYTES} bytes", code="RM-TOOBIG")
    except httpx.HTTPStatusError as error:
        raise RemoteError(f"{host} answers {error.response.status_code}", code="RM-STATUS") from error
    except httpx.TimeoutException as error:
        raise RemoteError(f"{host} is too slow", code="RM-TIMEOUT") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise RemoteError(f"{host} cannot be reached: {shown(error)}", code="RM-UNREACHABLE") from error
    return bytes(content)


def _records(content: bytes, name: str) -> tuple[HipsRecord, ...]:
    """Read JSON records, or blocks of properties with empty lines between.

    Raises
    ------
    InputRefusedError
        If it is neither.
    """
    text = content.decode("utf-8", "replace").lstrip("\ufeff \r\n\t")
    if text.startswith("["):
        try:
            said = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InputRefusedError(f"{name} is no valid JSON ({shown(error)}); get it again") from error
        blocks: Iterable[Any] = said
    else:
        blocks = _blocks(text)
    found = (HipsRecord.of(block) for block in blocks if isinstance(block, Mapping))
    records = {record.identifier: record for record in found if record is not None}
    if not records:
        raise InputRefusedError(
            f"{name} lists no HiPS (it begins with {shown(text[:20])}); give JSON records as a MOC server "
            "has them, or a list of properties with empty lines between"
        )
    return tuple(records[identifier] for identifier in sorted(records, key=str.casefold))


def _blocks(text: str) -> Iterator[dict[str, str]]:
    for block in re.split(r"\n\s*\n", text):
        yield said_in(block)


def _text(value: object) -> str:
    """Text of a value; of several the first."""
    if isinstance(value, list):
        value = value[0] if value else ""
    return str(value).strip()


def _number(text: str | None) -> float:
    try:
        value = float(text or "")
    except ValueError:
        return math.nan
    return value if math.isfinite(value) and value >= 0 else math.nan


def _pixel_deg(text: Mapping[str, str]) -> float:
    scale = _number(text.get("hips_pixel_scale"))
    order, width = _number(text.get("hips_order")), _number(text.get("hips_tile_width", "512"))
    if math.isfinite(order) and order <= FINEST_LEVEL and 1 <= width <= 1 << 20:
        return cell_side_deg(int(order) + int(width).bit_length() - 1)
    return scale


def _age_s(copy: Path) -> float:
    try:
        return time.time() - copy.stat().st_mtime
    except OSError:
        return math.inf

"""Arrays in Zarr, versions 2 and 3, in a folder or a bucket: read by chunks, where the sky is looked at."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import re
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from astropy.io import fits

from skykin.core.atomic import sha256_of
from skykin.core.errors import (
    CorruptFileError,
    HeaderInvalidError,
    InputRefusedError,
    ResourceError,
    SkyError,
    SkykinError,
    TooLargeError,
    shown,
)
from skykin.core.object_store import ObjectStore
from skykin.core.protocols import Progress, Survey
from skykin.core.provenance import Source
from skykin.core.scratch import TemporaryFolder
from skykin.core.shapes import Numbers
from skykin.core.survey_options import SurveyOptions
from skykin.survey.fits.check import CARD, Hdu, add_card
from skykin.survey.fits.cube import cube_survey, third_axis
from skykin.survey.fits.header_wcs import has_celestial_axes, header_of
from skykin.survey.fits.image import image_survey, tell_planes, without_faults
from skykin.survey.fits.image_hdus import is_cube
from skykin.survey.fits.pixels import ArrayCube, ChannelPixels, Scaling
from skykin.survey.fits.world import World, read_world
from skykin.survey.guard import GIBIBYTE, Limits, guarded

#: By any of these files a folder says that it is Zarr.
MARKS = ("zarr.json", ".zarray", ".zgroup")
LARGEST_JSON = 4 << 20
LARGEST_CHUNK, LARGEST_ARRAY = 1 << 30, 1 << 50
MOST_AXES, MOST_CARDS = 8, 2000
#: Whatever else a codec is called: some run code that the data brings along (pickle).
CODECS = frozenset((
    "blosc", "zstd", "zlib", "gzip", "lz4", "bz2", "lzma", "shuffle", "delta", "bitround", "crc32c",
    "fletcher32", "bytes", "transpose", "sharding_indexed",
))  # fmt: skip
#: Types of numbers of version 3, and their BITPIX in FITS; those of two bytes or fewer are read as they are.
TYPES = {
    "int8": 16, "uint8": 8, "int16": 16, "uint16": 32, "int32": 32, "uint32": 64, "int64": 64, "uint64": 64,
    "float16": -32, "float32": -32, "float64": -64,
}  # fmt: skip
#: Attributes that may hold the keywords of a FITS header, if they are not attributes themselves.
HEADERS = ("header", "wcs", "fits_header", "WCS", "HEADER")
KEYWORD = re.compile(r"[A-Z0-9_-]{1,8}")
OURS = re.compile(r"SIMPLE|XTENSION|BITPIX|NAXIS\d*|EXTEND|PCOUNT|GCOUNT|GROUPS|END")
LIMITS = Limits(4 * GIBIBYTE, 120.0)
#: Numbers that were unpacked last, and files of a bucket that are fetched at the same time.
KEPT_BYTES, AT_ONCE = 128 << 20, 8
#: Files that say what an array is.
METADATA = ("zarr.json", ".zarray", ".zattrs")


class Place(Protocol):
    """Where a Zarr lies."""

    @property
    def name(self) -> str:
        """What to call it."""

    def read(self, key: str) -> bytes | None:
        """Content of a small file, None if there is none."""

    def folders(self) -> list[str]:
        """Names of the folders in it."""

    def contents(self) -> Iterator[tuple[str, str]]:
        """Key of every file and what changes with its content, in the order of keys."""

    def store(self) -> Any:
        """Open it for the package zarr."""

    @property
    def piece(self) -> int:
        """Rows and columns that are unpacked together at least, however few are looked at."""

    def here(self, keys: Sequence[str]) -> AbstractContextManager[Path]:
        """Give a folder of this computer that has these of its files, as far as they are there."""


@dataclass(frozen=True)
class FolderPlace:
    """A folder on this computer."""

    folder: Path
    piece = 1024

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.folder.resolve().name

    def read(self, key: str) -> bytes | None:
        """Content of a small file, None if there is none."""
        path = self.folder / key
        if not path.is_file():
            return None
        with path.open("rb") as stream:
            return stream.read(LARGEST_JSON + 1)

    def folders(self) -> list[str]:
        """Names of the folders in it."""
        return sorted(path.name for path in self.folder.iterdir() if path.is_dir())

    def contents(self) -> Iterator[tuple[str, str]]:
        """Key and SHA-256 of every file."""
        for path in sorted(self.folder.rglob("*")):
            if path.is_file():
                yield path.relative_to(self.folder).as_posix(), sha256_of(path)

    def store(self) -> Any:
        """Open the folder for the package zarr."""
        from zarr.storage import LocalStore  # noqa: PLC0415 - an extra

        return LocalStore(self.folder, read_only=True)

    @contextmanager
    def here(self, keys: Sequence[str]) -> Iterator[Path]:  # noqa: ARG002 - all are there
        """Give the folder itself."""
        yield self.folder


@dataclass(frozen=True)
class BucketPlace:
    """A folder of a bucket."""

    bucket: ObjectStore
    piece = 1  # chunks that are not looked at are not fetched

    @property
    def name(self) -> str:
        """Last part of the address."""
        return self.bucket.name

    def read(self, key: str) -> bytes | None:
        """Content of a small object, None if there is none."""
        return self.bucket.read(key, stop=LARGEST_JSON + 1)

    def folders(self) -> list[str]:
        """Names of the folders that have a mark."""
        found = (each.key.split("/") for each in self.bucket.entries())
        return sorted({key[0] for key in found if len(key) == 2 and key[1] in MARKS})

    def contents(self) -> Iterator[tuple[str, str]]:
        """Key, size and ETag of every object."""
        for each in sorted(self.bucket.entries(), key=lambda each: each.key):
            yield each.key, f"{each.size} {each.etag}"

    def store(self) -> Any:
        """Open the bucket for the package zarr."""
        from zarr.storage import ObjectStore as ZarrStore  # noqa: PLC0415 - an extra

        return ZarrStore(self.bucket.client, read_only=True)

    @contextmanager
    def here(self, keys: Sequence[str]) -> Iterator[Path]:
        """Fetch these objects into a temporary folder."""
        with TemporaryFolder() as folder, ThreadPoolExecutor(AT_ONCE) as pool:
            for key, content in zip(keys, pool.map(self.bucket.read, keys), strict=True):
                if content is not None:
                    (folder / key).parent.mkdir(parents=True, exist_ok=True)
                    (folder / key).write_bytes(content)
            yield folder


@dataclass(frozen=True)
class ZarrArray:
    """What the metadata of an array say, checked.

    Parameters
    ----------
    path : str
        Within the place; empty for the place itself.
    shape : tuple of int
    bitpix : int
        Type of the numbers, as FITS calls it.
    attributes : mapping
    """

    path: str
    shape: tuple[int, ...]
    bitpix: int
    attributes: Mapping[str, Any]


def open_zarr(place: Place, options: SurveyOptions, progress: Progress) -> Survey:
    """Open the image or cube of a Zarr; positions come from FITS keywords among its attributes.

    Raises
    ------
    InputRefusedError
        If its metadata are impossible, it has a codec that is not known, or it has no place on the sky.
    ResourceError
        ``RS-EXTRA`` if the package zarr is not installed.
    """
    found = _array(place, options)
    hdu, text = _header(found, place)
    if not has_celestial_axes(hdu):
        raise SkyError(
            f"{shown(place.name)} has no world coordinates of the sky among its attributes, so its position "
            "is unknown; add the FITS keywords (CTYPE1, CRVAL1, …), or an attribute header or wcs that has "
            "them",
            code="SKY-NOWCS",
        )
    world = _world(text, place.name, progress)
    array = _opened(place, found)
    axes = world.axes
    axis = third_axis(hdu, axes, progress) if is_cube(hdu) else None
    if axis is None:
        tell_planes(hdu, world, progress)
    order = tuple(
        None if each is None else len(found.shape) - 1 - each for each in (axis, axes.lat_axis, axes.lon_axis)
    )
    view: Any = _Arranged(_Chunks(place, found.path, array, order[1:]), order)
    cube = without_faults(ArrayCube(view, Scaling.of(hdu, options.blank)))
    how: Any = {
        "name": place.name.removesuffix(".zarr"),
        "source": Source(place.name, _digest(place)),
        "options": options,
        "progress": progress,
    }
    if axis is not None:
        return cube_survey(hdu, world, cube, axis=axis, **how)
    return image_survey(hdu, world, ChannelPixels(cube, 0), **how)


class _Arranged:
    """An array whose axes are channels, rows and columns; of all others the first plane.

    Parameters
    ----------
    chunks : _Chunks
    order : (int or None, int, int)
        Its axes; None for one channel.
    """

    def __init__(self, chunks: _Chunks, order: Sequence[int | None]) -> None:
        self._chunks, self._order = chunks, tuple(order)
        self.shape = tuple(1 if axis is None else chunks.shape[axis] for axis in order)

    def __getitem__(self, part: tuple[slice, ...]) -> Numbers:
        asked = [(0, 1)] * len(self._chunks.shape)
        for axis, wanted, length in zip(self._order, part, self.shape, strict=True):
            if axis is not None:
                asked[axis] = wanted.indices(length)[:2]
        read = self._chunks.part(asked)
        there = [axis for axis in self._order if axis is not None]
        read = np.moveaxis(read, there, range(len(there))).reshape(
            [high - low for low, high in (asked[axis] for axis in there)]
        )
        return np.asarray(read[None][part[0]] if self._order[0] is None else read)


class _Chunks:
    """The numbers of an array: chunks are unpacked in a child process, and the last ones are kept.

    Parameters
    ----------
    place : Place
    path : str
        Of the array within the place.
    array : zarr.Array
        Knows where each chunk is.
    on_sky : sequence of int
        Axes of rows and columns.
    """

    def __init__(self, place: Place, path: str, array: Any, on_sky: Sequence[int | None]) -> None:
        self._place, self._path = place, path
        self._key = array.metadata.encode_chunk_key
        self.shape = tuple(int(length) for length in array.shape)
        self._file = tuple(int(side) for side in array.shards or array.chunks)
        self._width = int(array.dtype.itemsize)
        # All of a file that holds many chunks is read at once, if that is not much.
        small = math.prod(self._file) * self._width <= KEPT_BYTES // 2
        unit = self._file if small else tuple(int(side) for side in array.chunks)
        # A child process takes as long for a few numbers as for many.
        self._unit = tuple(
            -(-place.piece // side) * side if axis in on_sky else side for axis, side in enumerate(unit)
        )
        self._kept: OrderedDict[tuple[tuple[int, int], ...], Numbers] = OrderedDict()
        self._lock = threading.Lock()

    def part(self, asked: Sequence[tuple[int, int]]) -> Numbers:
        """Read from where to where along each axis."""
        whole = tuple(
            (low // side * side, min(-(-max(high, low + 1) // side) * side, length))
            for (low, high), side, length in zip(asked, self._unit, self.shape, strict=True)
        )
        with self._lock:
            found = self._kept.pop(whole, None)
            if found is not None:
                self._kept[whole] = found
        if found is None:
            found = self._read(whole)
            with self._lock:
                self._kept[whole] = found
                while len(self._kept) > 1 and sum(each.nbytes for each in self._kept.values()) > KEPT_BYTES:
                    self._kept.popitem(last=False)
        own = zip(asked, whole, strict=True)
        return np.asarray(found[tuple(slice(low - start, high - start) for (low, high), (start, _) in own)])

    def _read(self, part: Sequence[tuple[int, int]]) -> Numbers:
        begin = f"{self._path}/" if self._path else ""
        numbers = [
            range(low // side, -(-high // side)) for (low, high), side in zip(part, self._file, strict=True)
        ]
        keys = [f"{begin}{name}" for name in METADATA]
        keys += [f"{begin}{self._key(number)}" for number in itertools.product(*numbers)]
        size = math.prod(high - low for low, high in part) * self._width
        limits = Limits(LIMITS.memory_bytes + 2 * size, LIMITS.seconds)
        asked = {"array": self._path, "part": [list(each) for each in part], "name": self._place.name}
        with (
            self._place.here(keys) as folder,
            guarded("skykin.survey.zarr_child:read_part", folder, asked, limits=limits) as parsed,
        ):
            return np.array(parsed.array("part"))


def _array(place: Place, options: SurveyOptions) -> ZarrArray:
    """Find the one array of a Zarr that lies on the sky."""
    node = _node(place, "")
    if node is None:
        raise InputRefusedError(f"{shown(place.name)} has no metadata of Zarr; give another folder")
    if isinstance(node, ZarrArray):
        return node
    found = []
    for name in place.folders():
        child = _node(place, name)
        if isinstance(child, ZarrArray) and len(child.shape) >= 2:
            found.append(ZarrArray(name, child.shape, child.bitpix, {**node, **child.attributes}))
    names = [each.path for each in found]
    if options.hdu is not None:
        found = [each for each in found if each.path == str(options.hdu)]
    if len(found) == 1:
        return found[0]
    what = ", ".join(map(shown, names[:9])) or "none of two axes"
    raise InputRefusedError(
        f"{shown(place.name)} is a group with these arrays: {what}; name one with --survey-option hdu=NAME, "
        "or give its folder",
        code="IN-AMBIGUOUS",
    )


def _node(place: Place, path: str) -> ZarrArray | Mapping[str, Any] | None:
    """Read the metadata of an array, or the attributes of a group."""
    within = f"{path}/" if path else ""
    told = _json(place, f"{within}zarr.json")
    if told is not None:
        attributes = _mapping(told.get("attributes", {}))
        return (
            attributes if told.get("node_type") == "group" else _of_version_3(place, path, told, attributes)
        )
    attributes = _mapping(_json(place, f"{within}.zattrs") or {})
    told = _json(place, f"{within}.zarray")
    if told is not None:
        return _of_version_2(place, path, told, attributes)
    return attributes if _json(place, f"{within}.zgroup") is not None else None


def _of_version_2(
    place: Place, path: str, told: Mapping[str, Any], attributes: Mapping[str, Any]
) -> ZarrArray:
    codecs = [told.get("compressor"), *(told.get("filters") or ())]
    _check_codecs(place, [_mapping(each).get("id") for each in codecs if each is not None])
    text = told.get("dtype")
    try:
        kind = np.dtype(text).name if isinstance(text, str) else ""
    except (TypeError, ValueError):
        kind = ""
    return _checked(
        place,
        path,
        shape=told.get("shape"),
        chunks=told.get("chunks"),
        kind=kind or text,
        attributes=attributes,
    )


def _of_version_3(
    place: Place, path: str, told: Mapping[str, Any], attributes: Mapping[str, Any]
) -> ZarrArray:
    names: list[object] = []
    waiting = list(told.get("codecs") or ())
    while waiting and len(names) < MOST_CARDS:
        codec = _mapping(waiting.pop())
        names.append(codec.get("name"))
        inner = _mapping(codec.get("configuration", {}))
        waiting += [*(inner.get("codecs") or ()), *(inner.get("index_codecs") or ())]
    _check_codecs(place, names)
    grid = _mapping(told.get("chunk_grid", {}))
    chunks = _mapping(grid.get("configuration", {})).get("chunk_shape")
    return _checked(
        place,
        path,
        shape=told.get("shape"),
        chunks=chunks,
        kind=told.get("data_type"),
        attributes=attributes,
    )


def _check_codecs(place: Place, names: Sequence[object]) -> None:
    for name in names:
        if not isinstance(name, str) or name not in CODECS:
            raise InputRefusedError(
                f"{shown(place.name)} has the codec {shown(name)}, which is not run; write it with one of "
                f"{', '.join(sorted(CODECS))}",
                code="IN-CODEC",
            )


def _checked(
    place: Place, path: str, *, shape: object, chunks: object, kind: object, attributes: Mapping[str, Any]
) -> ZarrArray:
    if not isinstance(kind, str) or kind not in TYPES:
        raise InputRefusedError(
            f"{shown(place.name)} has the type {shown(kind)}, but it must have numbers: {', '.join(TYPES)}"
        )
    for what, lengths in (("shape", shape), ("chunks", chunks)):
        fit = isinstance(lengths, list) and 1 <= len(lengths) <= MOST_AXES
        if not fit or not all(type(each) is int and each > 0 for each in lengths):  # type: ignore[attr-defined]
            raise HeaderInvalidError(
                f"{shown(place.name)} has the {what} {shown(lengths)}, but it must be up to {MOST_AXES} "
                "whole numbers above 0; write it again",
                code="IN-DIM",
            )
    assert isinstance(shape, list)  # noqa: S101 - just checked
    assert isinstance(chunks, list)  # noqa: S101
    width = np.dtype(kind).itemsize
    for what, lengths, most in (("", shape, LARGEST_ARRAY), (" in a chunk", chunks, LARGEST_CHUNK)):
        size = math.prod(lengths) * width
        if size > most or len(shape) != len(chunks):
            raise TooLargeError(
                f"{shown(place.name)} says that it holds {size:.2g} bytes{what}, of shape {shown(shape)} in "
                f"chunks of {shown(chunks)}; at most {most:.2g} are read: write it in smaller ones"
            )
    return ZarrArray(path, tuple(shape), TYPES[kind], attributes)


def _json(place: Place, key: str) -> Any:
    content = place.read(key)
    if content is None:
        return None
    if len(content) > LARGEST_JSON:
        raise TooLargeError(
            f"{key} of {shown(place.name)} has more than {LARGEST_JSON} bytes; write it again"
        )
    try:
        return _mapping(json.loads(content))
    except (ValueError, RecursionError) as error:
        raise HeaderInvalidError(f"{key} of {shown(place.name)} is no JSON; get it again") from error


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _header(found: ZarrArray, place: Place) -> tuple[Hdu, str]:
    """Make a FITS header of the attributes, with the shape of the array."""
    sizes = [f"NAXIS{number + 1}" for number in range(len(found.shape))]
    own = {"SIMPLE": True, "BITPIX": found.bitpix, "NAXIS": len(found.shape)}
    cards = [
        _card(key, value, place)
        for key, value in (own | dict(zip(sizes, found.shape[::-1], strict=True))).items()
    ]
    cards += _cards(found.attributes, place)[:MOST_CARDS]
    hdu = Hdu(0, {}, place.name)
    for row, card in enumerate(cards):
        add_card(hdu, card.encode("ascii", "replace"), row + 1)
    return hdu, "".join(cards) + "END".ljust(CARD)


def _cards(attributes: Mapping[str, Any], place: Place) -> list[str]:
    """Cards of the FITS keywords among the attributes, or in one of them."""
    given = next((attributes[name] for name in HEADERS if attributes.get(name)), None)
    if isinstance(given, str):
        rows = (
            given.splitlines()
            if "\n" in given
            else [given[at : at + CARD] for at in range(0, len(given), CARD)]
        )
        kept = [row[:CARD].ljust(CARD) for row in rows if row[:8].strip()]
        return [row for row in kept if not OURS.fullmatch(row[:8].strip())]
    known = given if isinstance(given, dict) else attributes
    return [
        _card(key, value, place)
        for key, value in known.items()
        if KEYWORD.fullmatch(key) and not OURS.fullmatch(key) and isinstance(value, str | int | float)
    ]


def _card(key: str, value: object, place: Place) -> str:
    try:
        return str(fits.Card(key, value))[:CARD].ljust(CARD)
    except (ValueError, TypeError) as error:
        raise HeaderInvalidError(
            f"the attribute {shown(key)} of {shown(place.name)} is {shown(value)}, which is no value of a "
            "FITS header; correct it"
        ) from error


def _world(text: str, name: str, progress: Progress) -> World:
    """Let astropy read the header: first a child process, then this one, from the same text."""
    with guarded(
        "skykin.survey.fits.child:read_header", Path(name), {"header": text}, limits=LIMITS
    ) as parsed:
        header = header_of(parsed.facts["header"])
    return read_world(header, f"HDU 0 of {shown(name)}", progress)


def _opened(place: Place, found: ZarrArray) -> Any:
    try:
        import zarr  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ResourceError(
            f'{shown(place.name)} needs a package that is not installed; run `pip install "skykin[zarr]"`',
            code="RS-EXTRA",
        ) from error
    try:
        array = zarr.open_array(place.store(), path=found.path, mode="r")
    except SkykinError:
        raise
    except Exception as error:  # metadata that the package finds impossible
        raise HeaderInvalidError(
            f"{shown(place.name)} cannot be opened ({shown(error)}); write it again"
        ) from error
    if tuple(array.shape) != found.shape:
        raise CorruptFileError(f"{shown(place.name)} changed while it was opened; run the same command again")
    return array


def _digest(place: Place) -> str:
    digest = hashlib.sha256()
    for key, told in place.contents():
        digest.update(f"{key}\0{told}\n".encode())
    return digest.hexdigest()

"""Tables of any common form, as plain columns of numbers."""

from __future__ import annotations

import itertools
import re
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from skykin.core.errors import (
    CorruptFileError,
    HeaderInvalidError,
    ResourceError,
    SkyError,
    TooLargeError,
    UsageError,
    shown,
)
from skykin.core.shapes import Numbers
from skykin.survey.fits.check import Hdu
from skykin.survey.guard import Limits, guarded
from skykin.survey.table.binary import NUMBERS, read_column
from skykin.survey.table.votable_check import MOST_COLUMNS, MOST_ROWS, check_votable

MOST_FILE_BYTES = 4 << 30
MOST_TEXT_BYTES = 256 << 20
LARGEST_YAML = 1 << 20
#: What astropy writes once and then refers to, in the header of a table with quantities.
UNIT_TAG = "!astropy.units.Unit"
PYTHON_TAG = "tag:yaml.org,2002:python"
LIMITS = Limits(memory_bytes=6 << 30, seconds=120.0)
#: Ends of the columns that astropy makes of one of sky coordinates.
PARTS = ((".ra", ".dec"), (".l", ".b"), (".lon", ".lat"))
TFORM = re.compile(r"\s*\d*([A-Z])")


@dataclass(frozen=True, eq=False)
class Column:
    """One column.

    Parameters
    ----------
    name, unit, ucd : str
        As the file writes them; nothing where it does not.
    values : float64 array (rows,) or (rows, elements), or None
        None for a column that does not hold numbers.
    frame : str
        System and equinox that are stated for it, such as ``FK4 B1950``; see `with_frames`.
    """

    name: str
    unit: str
    ucd: str
    values: Numbers | None
    frame: str = ""

    @property
    def is_spectrum(self) -> bool:
        """Whether each row holds several numbers."""
        return self.values is not None and self.values.ndim == 2


def form_of(first: bytes) -> str | None:
    """Tell the form of a table by its first bytes: ``ecsv``, ``parquet`` or ``votable``."""
    if first.startswith(b"# %ECSV"):
        return "ecsv"
    if first.startswith(b"PAR1"):
        return "parquet"
    return "votable" if re.search(rb"<(\w+:)?VOTABLE\b", first) else None


def read_fits_columns(path: Path, hdu: Hdu) -> list[Column]:
    """Read the columns of a FITS table that hold numbers."""
    columns = []
    with path.open("rb") as stream:
        for number in range(1, hdu.integer("TFIELDS", 0, 999) + 1):
            name = hdu.cards.get(f"TTYPE{number}", f"column {number}")
            unit = hdu.cards.get(f"TUNIT{number}", "")
            form = TFORM.match(hdu.cards.get(f"TFORM{number}", ""))
            values = None
            if form and form[1] in NUMBERS:
                values = read_column(stream, hdu, number)
                values = values[:, 0] if values.shape[1] == 1 else values
            columns.append(Column(name, unit, hdu.cards.get(f"TUCD{number}", ""), values))
    return columns


def read_columns(path: Path, form: str, table: int | str | None = None) -> list[Column]:
    """Read the columns of a table in a child process.

    A column of sky coordinates becomes two of Galactic degrees; columns of times hold no numbers.

    Parameters
    ----------
    path : Path
    form : {"ecsv", "votable", "parquet", "fits"}
    table : int or str, optional
        Which table of a VOTable, by its number from 1, name or ID; of a FITS file, by the number of its HDU.

    Raises
    ------
    InputRefusedError
        In one of its kinds, if the table cannot be used.
    RemoteError
        ``RM-BLOCKED`` if a VOTable wants its data fetched from elsewhere.
    ResourceError
        If a library is missing that the form needs.
    """
    size = path.stat().st_size
    most = MOST_FILE_BYTES if form in ("parquet", "fits") else MOST_TEXT_BYTES
    if size > most:
        raise TooLargeError(
            f"{shown(path.name)} has {size} bytes, but tables of at most {most} are read in this form; "
            "write it as FITS or Parquet, or only the columns that are needed"
        )
    with guarded(
        "skykin.survey.table.file:parse", path, {"form": form, "table": table}, limits=LIMITS
    ) as parsed:
        return [
            Column(one["name"], one["unit"], one["ucd"], np.array(parsed.array(one["file"])))
            if one["file"]
            else Column(one["name"], one["unit"], one["ucd"], None)
            for one in parsed.facts["columns"]
        ]


def holds_positions_of_astropy(hdu: Hdu) -> bool:
    """Whether a FITS table may hold sky coordinates as astropy writes them: columns such as ``pos.ra``."""
    names = [hdu.cards.get(f"TTYPE{n}", "") for n in range(1, hdu.integer("TFIELDS", 0, 999) + 1)]
    return any(
        f"{name[: -len(lon)]}{lat}" in names for name in names for lon, lat in PARTS if name.endswith(lon)
    )


def parse(path: Path, folder: Path, form: str, table: int | str | None) -> dict[str, Any]:
    """Child's task: save the columns of a table."""
    if form == "votable":
        read: Iterable[tuple[str, str, str, Any]] = _votable(path, table)
    elif form == "fits":
        read = _fits(path, table)
    else:
        read = _ecsv(path) if form == "ecsv" else _parquet(path)
    columns = []
    for number, (name, unit, ucd, values) in enumerate(read):
        numbers = _as_numbers(values)
        if numbers is not None:
            np.save(folder / f"column{number}.npy", numbers)
        file = "" if numbers is None else f"column{number}"
        columns.append({"name": name, "unit": unit, "ucd": ucd, "file": file})
    return {"columns": columns}


def _as_numbers(values: Any) -> Numbers | None:
    """Float64 of one or two axes, NaN where masked; None if it is anything else."""
    mask = np.ma.getmaskarray(values)
    data = np.ma.getdata(values)
    if data.dtype.kind == "O":  # rows of one length each, as Parquet and variable-length columns give them
        try:
            data = np.array([np.asarray(row, np.float64) for row in data])
            mask = np.zeros(data.shape, bool)
        except (TypeError, ValueError):
            return None
    if data.dtype.kind not in "fiu" or data.ndim not in (1, 2):
        return None
    return np.where(mask, np.nan, data.astype(np.float64))


def _fits(path: Path, hdu: int | str | None) -> Iterable[tuple[str, str, str, Any]]:
    from astropy.table import Table  # noqa: PLC0415 - only in the child

    # Native, so that times are told from spectra of two channels.
    table = Table.read(path, hdu=hdu, format="fits", memmap=False, astropy_native=True)
    return flat_columns(table, path.name)


def _ecsv(path: Path) -> Iterable[tuple[str, str, str, Any]]:
    from astropy.table import Table  # noqa: PLC0415 - only in the child

    text = path.read_text(encoding="utf-8", errors="replace")
    check_ecsv(text, path.name)
    # Lines, because a text of one line would be taken as the name of a file or as an address.
    table = Table.read(text.split("\n"), format="ascii.ecsv")
    return flat_columns(table, path.name)


def flat_columns(table: Any, file: str) -> Iterator[tuple[str, str, str, Any]]:
    """Name, unit, UCD and values of each column of an astropy table; two for a column of sky coordinates.

    Raises
    ------
    SkyError
        If sky coordinates are in a frame that needs a time or an observatory.
    """
    from astropy.coordinates import SkyCoord  # noqa: PLC0415 - only in the child
    from astropy.units import Quantity  # noqa: PLC0415

    for name in table.colnames:
        column = table[name]
        if isinstance(column, SkyCoord):
            try:
                galactic = column.galactic
            except Exception as error:  # it fails in more than one way
                raise SkyError(
                    f"column {shown(name)} of {shown(file)} holds positions in the frame "
                    f"{shown(column.frame.name)}, which needs a time or an observatory; write them in icrs",
                    code="SKY-FRAME",
                ) from error
            yield f"{name}.l", "deg", "pos.galactic.lon", np.ma.masked_invalid(_bare(galactic.l.deg))
            yield f"{name}.b", "deg", "pos.galactic.lat", np.ma.masked_invalid(_bare(galactic.b.deg))
        elif isinstance(column, Quantity):
            yield name, str(column.unit), "", np.ma.masked_invalid(_bare(column.value))
        elif hasattr(column, "data"):
            unit = "" if getattr(column, "unit", None) is None else str(column.unit)
            yield name, unit, str(column.meta.get("ucd", "")), np.ma.asarray(column.data)


def _bare(values: Any) -> Numbers:
    """Values of a masked quantity, NaN where it is masked."""
    return np.asarray(values.filled(np.nan) if hasattr(values, "filled") else values, np.float64)


def check_ecsv(text: str, name: str) -> None:
    """Refuse an ECSV table whose header would make its reader run code or grow.

    Raises
    ------
    TooLargeError
        ``IN-TOOBIG`` for a header of more than a mebibyte, or of very many columns.
    HeaderInvalidError
        For Python objects, and for aliases within what has aliases itself, which can grow without end.
    """
    header = ecsv_header(text)
    if len(header) > LARGEST_YAML:
        raise TooLargeError(
            f"the header of {shown(name)} has {len(header)} bytes, but at most {LARGEST_YAML} are read"
        )
    if len(re.findall(r"^\s*- ", header, re.MULTILINE)) > MOST_COLUMNS:
        raise TooLargeError(f"{shown(name)} has more than {MOST_COLUMNS} columns; write only those needed")
    if _runs_or_grows(header):
        raise HeaderInvalidError(
            f"the header of {shown(name)} holds Python objects or aliases of YAML, which no table "
            "needs; write the table again"
        )


def ecsv_header(text: str) -> str:
    """Return the YAML before the rows of an ECSV table, without its marks of comments."""
    lines = (line.strip() for line in text.splitlines())
    marked = itertools.takewhile(lambda line: line.startswith("#"), (line for line in lines if line))
    return textwrap.dedent("\n".join(line[1:] for line in marked))


def _runs_or_grows(header: str) -> bool:
    """Whether YAML names Python objects, or has aliases, but for units, within what it names itself."""
    import yaml  # noqa: PLC0415 - only in the child

    units: set[str] = set()
    inside: list[Any] = []  # beginnings of the collections that are open
    try:
        for event in yaml.parse(header, Loader=yaml.SafeLoader):
            if (getattr(event, "tag", None) or "").startswith(PYTHON_TAG):
                return True
            if isinstance(event, yaml.AliasEvent):
                named = [one for one in inside if one.anchor is not None]
                if named and (event.anchor not in units or any(one.tag == UNIT_TAG for one in named)):
                    return True
            elif isinstance(event, yaml.CollectionStartEvent):
                units.discard(event.anchor)
                inside.append(event)
            elif isinstance(event, yaml.CollectionEndEvent):
                closed = inside.pop()
                if closed.tag == UNIT_TAG:
                    units.add(closed.anchor)
    except yaml.YAMLError:  # its reader says what is wrong
        return False
    return False


def _votable(path: Path, wanted: int | str | None) -> list[tuple[str, str, str, Any]]:
    check_votable(path)
    from astropy.io.votable import parse as parse_votable  # noqa: PLC0415

    chosen = chosen_table(parse_votable(str(path), verify="ignore"), wanted, path.name)
    return [
        (field.name, str(field.unit or ""), field.ucd or "", chosen.array[field.ID])
        for field in chosen.fields
    ]


def chosen_table(
    file: Any,
    wanted: int | str | None,
    name: str,
    way_out: str = "choose one with --survey-option hdu=NUMBER",
) -> Any:
    """Return the only table with rows of a VOTable, or the one of a number from 1, a name or an ID.

    Raises
    ------
    HeaderInvalidError
        If there are several, or none.
    UsageError
        If there is none of this number or name.
    """
    tables = [each for each in file.iter_tables() if each.fields]
    told = ", ".join(f"{n} ({shown(each.name or each.ID or '')})" for n, each in enumerate(tables, 1))
    if wanted is not None:
        for number, each in enumerate(tables, 1):
            if wanted in (number, each.name, each.ID):
                return each
        raise UsageError(
            f"{shown(name)} has no table {shown(wanted)}; it has {told or 'none'}", code="IN-KEY"
        )
    full = [each for each in tables if len(each.array)] or tables[:1]
    if len(full) != 1:
        how = f"{told}; {way_out}" if full else "none has columns; give another file"
        raise HeaderInvalidError(f"{shown(name)} has {len(full)} tables: {how}")
    return full[0]


def _parquet(path: Path) -> list[tuple[str, str, str, Any]]:
    try:
        from pyarrow import parquet  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ResourceError(
            f'{shown(path.name)} is a Parquet file; run `pip install "skykin[parquet]"` to read it',
            code="RS-EXTRA",
        ) from error
    try:
        file = parquet.ParquetFile(path, page_checksum_verification=True)
        if file.metadata.num_rows > MOST_ROWS:
            raise TooLargeError(
                f"{shown(path.name)} has {file.metadata.num_rows} rows, but at most {MOST_ROWS} are read"
            )
        table = file.read()
    except (OSError, ValueError) as error:
        if isinstance(error, TooLargeError):
            raise
        raise CorruptFileError(
            f"{shown(path.name)} cannot be read as Parquet ({shown(error)}); it is damaged, give an intact "
            "copy",
            code="IN-CORRUPT",
        ) from error
    found = []
    for field in table.schema:
        about = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
        values = _plain(table.column(field.name))
        found.append((field.name, about.get("unit", ""), about.get("ucd", ""), values))
    return found


def _plain(column: Any) -> Any:
    """Numpy array of a column; of objects where its rows are lists or it holds no numbers."""
    try:
        return column.to_numpy()
    except (ValueError, NotImplementedError):
        return np.array([None] * len(column), object)

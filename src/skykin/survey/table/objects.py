"""Tables of objects in any form that astropy reads, as columns of numbers and of text."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from skykin.core.errors import HeaderInvalidError, NotThisFormatError, ResourceError, TooLargeError, shown
from skykin.core.shapes import Numbers
from skykin.survey.fits.check import looks_like_html, read_headers
from skykin.survey.guard import Limits, guarded
from skykin.survey.table.file import check_ecsv, chosen_table, flat_columns, form_of
from skykin.survey.table.votable_check import MOST_COLUMNS, check_votable

MOST_BYTES = 64 << 20
MOST_OBJECTS = 200_000
#: Each cell of text takes memory while it is parsed.
MOST_CELLS = 10_000_000
#: What may stand between the cells of plain text.
SEPARATORS = (",", ";", "\t", "|", " ")
#: What crosses from the child as JSON.
MOST_CHARACTERS = 20_000_000
LIMITS = Limits(memory_bytes=3 << 30, seconds=60.0)
#: Of plain text, by the end of its name; what is not here is guessed.
TEXT_FORMS = {".csv": "ascii.csv", ".tsv": "ascii.tab", ".tbl": "ascii.ipac", ".mrt": "ascii.mrt"}
GZIP = b"\x1f\x8b"
FORMS = "FITS, VOTable, ECSV, Parquet, CSV, and plain text that astropy reads"


@dataclass(frozen=True, eq=False)
class ObjectColumn:
    """One column.

    Parameters
    ----------
    name, unit, ucd : str
        As the file writes them; nothing where it does not.
    numbers : float64 array (rows,), or None
        NaN where masked; None for text.
    text : tuple of str, or None
        Nothing where masked; None for numbers.
    frame : str
        System and equinox that are stated for it, such as ``FK4 B1950``; see `with_frames`.
    """

    name: str
    unit: str
    ucd: str
    numbers: Numbers | None
    text: tuple[str, ...] | None
    frame: str = ""


def read_object_columns(path: Path) -> list[ObjectColumn]:
    """Read the columns of a table with one value a row, in a child process.

    A column of sky coordinates becomes two of Galactic degrees; columns of lists are left out.

    Raises
    ------
    ResourceError
        If the file cannot be opened, or a library is missing that its form needs.
    InputRefusedError
        In one of its kinds, if the table cannot be used.
    RemoteError
        ``RM-BLOCKED`` if a VOTable wants its data fetched from elsewhere.
    """
    form, hdu = _form(path)
    with guarded(
        "skykin.survey.table.objects:parse", path, {"form": form, "hdu": hdu}, limits=LIMITS
    ) as parsed:
        return [
            ObjectColumn(
                one["name"],
                one["unit"],
                one["ucd"],
                np.array(parsed.array(one["file"])) if one["file"] else None,
                None if one["file"] else tuple(one["text"]),
            )
            for one in parsed.facts["columns"]
        ]


def _form(path: Path) -> tuple[str, int]:
    """Tell the form, and for FITS which HDU."""
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            first = stream.read(2880)
    except OSError as error:
        raise ResourceError(
            f"cannot read {shown(path.name)}: {error.strerror or error}; check its name"
        ) from error
    if size > MOST_BYTES:
        raise TooLargeError(
            f"{shown(path.name)} has {size} bytes, but catalogues of at most {MOST_BYTES} are read; write "
            "only the rows and columns that are needed"
        )
    if first.startswith(b"SIMPLE  ="):
        return "fits", _only_table(path)
    form = form_of(first) or TEXT_FORMS.get(path.suffix.lower(), "ascii")
    if first.startswith(GZIP):
        raise NotThisFormatError(f"{shown(path.name)} is packed with gzip; unpack it first")
    if form.startswith("ascii") and looks_like_html(first):
        raise NotThisFormatError(
            f"{shown(path.name)} is a web page, so its download failed; get the file again", code="IN-HTML"
        )
    if not first or (form.startswith("ascii") and b"\0" in first):
        begins = f"begins with {shown(first[:20].decode('latin-1'))}" if first else "is empty (0 bytes)"
        raise NotThisFormatError(f"{shown(path.name)} {begins} and is no table; give one of {FORMS}")
    return form, 0


def _only_table(path: Path) -> int:
    """Find the HDU that holds the table of a FITS file."""
    with path.open("rb") as stream:
        tables = [hdu.number for hdu in read_headers(stream, path.name) if hdu.is_table]
    if len(tables) != 1:
        raise HeaderInvalidError(f"{shown(path.name)} has {len(tables)} tables; give a file with one")
    return tables[0]


def parse(path: Path, folder: Path, form: str, hdu: int) -> dict[str, Any]:
    """Child's task: save the numbers of a table and tell its text."""
    columns: list[dict[str, Any]] = []
    characters = 0
    for name, unit, ucd, values in flat_columns(_table(path, form, hdu), path.name):
        told: dict[str, Any] = {"name": name, "unit": unit, "ucd": ucd, "file": ""}
        if values.ndim != 1:
            continue
        mask = np.ma.getmaskarray(values)
        data = np.ma.getdata(values)
        if data.dtype.kind in "fiub":
            told["file"] = f"column{len(columns)}"
            np.save(folder / f"{told['file']}.npy", np.where(mask, np.nan, data.astype(np.float64)))
        else:
            told["text"] = ["" if hidden else _text(one) for one, hidden in zip(data, mask, strict=True)]
            characters += sum(len(one) for one in told["text"])
        columns.append(told)
    if characters > MOST_CHARACTERS:
        raise TooLargeError(
            f"{shown(path.name)} holds {characters} characters of text, but at most {MOST_CHARACTERS} are "
            "read; write only the columns that are needed"
        )
    return {"columns": columns}


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _table(path: Path, form: str, hdu: int) -> Any:
    from astropy.table import Table  # noqa: PLC0415 - only in the child

    if form == "votable":
        check_votable(path)
        from astropy.io.votable import parse as parse_votable  # noqa: PLC0415

        parsed = parse_votable(str(path), verify="ignore")
        first = chosen_table(parsed, None, path.name, "give a file with one")
        table = first.to_table(use_names_over_ids=True)
        for field in first.fields:
            table[field.name].meta["ucd"] = field.ucd or ""
    elif form == "fits":
        table = Table.read(str(path), format="fits", hdu=hdu)
    elif form == "parquet":
        table = _parquet(path)
    else:
        text = path.read_text(encoding="utf-8-sig", errors="replace")
        if "\0" in text:  # to guess its form would take half a minute
            raise NotThisFormatError(
                f"{shown(path.name)} begins as text, but is none further on, so it is no table or damaged; "
                f"give one of {FORMS}"
            )
        if form == "ecsv":
            check_ecsv(text, path.name)
        _check_cost(text, path.name)
        try:
            # Lines, because a text of one line would be taken as the name of a file or as an address.
            table = Table.read(text.split("\n"), **_how(text, form))
        except (ValueError, IndexError) as error:  # what astropy raises where rows and columns do not fit
            reason = "its columns cannot be guessed"
            if form != "ascii":
                reason = shown(str(error).strip().partition("\n")[0])
            raise HeaderInvalidError(
                f"{shown(path.name)} is no table that can be read: {reason}; give one of {FORMS}"
            ) from error
    if len(table) > MOST_OBJECTS:
        raise TooLargeError(
            f"{shown(path.name)} has {len(table)} rows, but catalogues of at most {MOST_OBJECTS} are read"
        )
    return table


def _check_cost(text: str, name: str) -> None:
    """Refuse plain text with so many columns or cells that to parse it takes too long."""
    lines = text.splitlines()
    some = [line for line in lines[:200] if line.strip() and not line.startswith("#")]
    columns = max((_cells(line) for line in some), default=0)
    if columns > MOST_COLUMNS:
        raise TooLargeError(
            f"{shown(name)} has {columns} columns, but at most {MOST_COLUMNS} are read; write only those "
            "that are needed"
        )
    if (cells := columns * len(lines)) > MOST_CELLS:
        raise TooLargeError(
            f"{shown(name)} has about {cells} cells, but at most {MOST_CELLS} are read; write only the rows "
            "and columns that are needed"
        )


def _cells(line: str) -> int:
    """Cells of a line by the separator that it has most of; of blanks, a run is one."""
    return 1 + max(len(line.split()) - 1 if each == " " else line.count(each) for each in SEPARATORS)


def _how(text: str, form: str) -> dict[str, Any]:
    if form == "ecsv":
        return {"format": "ascii.ecsv"}
    if form == "ascii.csv":
        header = next((line for line in text.splitlines() if line.strip() and line[0] != "#"), "")
        return {
            "format": form,
            "comment": "#",
            "delimiter": ";" if header.count(";") > header.count(",") else ",",
        }
    return {"format": form}


def _parquet(path: Path) -> Any:
    from astropy.table import Table  # noqa: PLC0415 - only in the child

    try:
        from pyarrow import parquet  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ResourceError(
            f'{shown(path.name)} is a Parquet file; run `pip install "skykin[parquet]"` to read it',
            code="RS-EXTRA",
        ) from error
    file = parquet.ParquetFile(path, page_checksum_verification=True)
    if file.metadata.num_rows > MOST_OBJECTS:
        raise TooLargeError(
            f"{shown(path.name)} has {file.metadata.num_rows} rows, but catalogues of at most "
            f"{MOST_OBJECTS} are read"
        )
    read = file.read()
    table = Table()
    for field in read.schema:
        values = read.column(field.name).to_pylist()
        if any(isinstance(one, list | dict) for one in values):
            continue
        hidden = [one is None for one in values]
        fill = "" if any(isinstance(one, str | bytes) for one in values) else 0
        table[field.name] = np.ma.array([fill if one is None else one for one in values], mask=hidden)
        about = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
        table[field.name].meta["ucd"] = about.get("ucd", "")
        if about.get("unit"):
            table[field.name].unit = about["unit"]
    return table

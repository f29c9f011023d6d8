"""What a VOTable must not hold, decided on its elements as the parser sees them."""

from __future__ import annotations

from pathlib import Path
from xml.parsers import expat

from skykin.core.errors import CorruptFileError, RemoteError, TooLargeError, shown

MOST_ROWS = 50_000_000
#: Parsing a table takes a time that grows with the square of its columns.
MOST_COLUMNS = 2000


def check_votable(path: Path) -> None:
    """Refuse a VOTable that would make its reader fetch or grow.

    Its elements are read by the parser that reads them later, so that no way of writing hides one.  Style
    sheets (XSLT) that it names are never applied, and links in its description never followed.

    Raises
    ------
    TooLargeError
        ``IN-BOMB`` for entities, ``IN-TOOBIG`` for an impossible number of rows or columns.
    RemoteError
        ``RM-BLOCKED`` for data or parts that are elsewhere.
    CorruptFileError
        ``IN-CORRUPT`` if it is not well-formed XML.
    """
    name = path.name
    fields: list[str] = []

    def on_doctype(*_: object) -> None:
        raise TooLargeError(
            f"{shown(name)} defines entities of XML, which a table does not need and which can grow without "
            "end; write the table again",
            code="IN-BOMB",
        )

    def on_element(called: str, attributes: dict[str, str]) -> None:
        element = _local(called)
        if element == "INCLUDE":
            raise _elsewhere(f"a part of {shown(name)} is", "XInclude")
        if element == "FIELD":
            fields.append(element)
        if len(fields) > MOST_COLUMNS:
            raise TooLargeError(
                f"{shown(name)} has more than {MOST_COLUMNS} columns; write only those needed"
            )
        if element not in ("STREAM", "TABLE"):
            return
        given = {_local(key): value for key, value in attributes.items()}
        if element == "STREAM" and "HREF" in given:
            raise _elsewhere(f"the data of {shown(name)} are", "STREAM href")
        rows = given.get("NROWS", "").strip()
        if element == "TABLE" and rows.isdecimal() and int(rows[:20]) > MOST_ROWS:
            raise TooLargeError(
                f"{shown(name)} says that it has {rows[:20]} rows, but at most {MOST_ROWS} are read"
            )

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = on_doctype
    parser.StartElementHandler = on_element
    try:
        with path.open("rb") as stream:
            parser.ParseFile(stream)
    except expat.ExpatError as error:
        raise CorruptFileError(
            f"{shown(name)} is not well-formed XML ({shown(error)}), so it is cut short or damaged; get the "
            "file again",
            code="IN-CORRUPT",
        ) from error


def _local(name: str) -> str:
    """Part of a name behind its prefix, whatever that is declared to be, if it is."""
    return name.rpartition(":")[2].upper()


def _elsewhere(what: str, how: str) -> RemoteError:
    return RemoteError(
        f"{what} at another address ({how}), which is not followed; save the table with its data inside",
        code="RM-BLOCKED",
    )

"""A bounded look at a FITS file before any library allocates memory for it."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import BinaryIO

from skykin.core.errors import (
    CorruptFileError,
    HeaderInvalidError,
    NotThisFormatError,
    TooLargeError,
    shown,
)

BLOCK, CARD = 2880, 80
CARDS_PER_BLOCK = BLOCK // CARD
MOST_CARDS, MOST_HDUS = 20_000, 200
#: Nobody has so many bytes; a header that says so is wrong, not large.
IMPOSSIBLE_BYTES = 1 << 60
BITPIX = (8, 16, 32, 64, -32, -64)
#: First bytes of what people give the name .fits by mistake.
OTHER_FORMATS = {
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"\x1f\x8b": "compressed by gzip: unpack it first",
    b"BZh": "compressed by bzip2: unpack it first",
    b"\xfd7zXZ": "compressed by xz: unpack it first",
    b"PK\x03\x04": "a zip archive: unpack it first",
    b"\x89HDF": "an HDF5 file",
    b"%PDF": "a PDF document",
    b"version https://git-lfs": "a Git LFS pointer: fetch the file itself",
}


@dataclass(frozen=True)
class Hdu:
    """One header of a FITS file.

    Parameters
    ----------
    number : int
        0 for the primary HDU.
    cards : dict
        Keyword to the text of its value, without quotes and comments; the first card of a keyword counts.
    file : str
        What to call the file in errors.
    data_offset : int
        Where its data begin, bytes from the start of the file.
    """

    number: int
    cards: dict[str, str]
    file: str
    data_offset: int = 0

    def __str__(self) -> str:
        return f"HDU {self.number} of {shown(self.file)}"

    @property
    def is_table(self) -> bool:
        """Whether it is a binary table."""
        return self.cards.get("XTENSION") == "BINTABLE"

    def columns(self) -> dict[str, int]:
        """Names of the table's columns, upper case as FITS compares them, and their numbers from 1."""
        count = self.integer("TFIELDS", 0, 999)
        return {self.cards.get(f"TTYPE{i}", "").upper(): i for i in range(1, count + 1)}

    def integer(self, keyword: str, low: int, high: int, default: int | None = None) -> int:
        """Value of a keyword that must be a whole number in a range.

        Raises
        ------
        HeaderInvalidError
            If it is missing without a default, or something else.
        """
        text = self.cards.get(keyword)
        if text is None and default is not None:
            return default
        try:
            value = int(text or "")
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            found = "missing" if text is None else shown(text)
            raise HeaderInvalidError(
                f"{keyword} of {self} is {found}, but it must be a whole number "
                f"from {low} to {high}; correct it",
                code="IN-DIM" if keyword.startswith("NAXIS") else "IN-KEY",
            )
        return value

    def data_bytes(self) -> int:
        """Length of the data after the header, without padding.

        Raises
        ------
        HeaderInvalidError
            If the keywords that give it are missing or impossible.
        """
        bits = self.integer("BITPIX", -64, 64)
        if bits not in BITPIX:
            raise HeaderInvalidError(f"BITPIX of {self} is {bits}, but it must be one of {BITPIX}")
        axes = self.integer("NAXIS", 0, 999)
        if axes == 0:
            return 0
        elements = 1
        for axis in range(1, axes + 1):
            elements *= self.integer(f"NAXIS{axis}", 0, IMPOSSIBLE_BYTES)
        elements += self.integer("PCOUNT", 0, IMPOSSIBLE_BYTES, 0)
        size = abs(bits) // 8 * elements * self.integer("GCOUNT", 0, IMPOSSIBLE_BYTES, 1)
        if size > IMPOSSIBLE_BYTES:
            raise HeaderInvalidError(
                f"{self} says that it holds {size:.2g} bytes, which no file does; correct its NAXIS keywords",
                code="IN-DIM",
            )
        return size


def looks_like_html(first_bytes: bytes) -> bool:
    """Whether a file begins as a web page."""
    return (
        first_bytes.lstrip(b"\xef\xbb\xbf \t\r\n")
        .lower()
        .startswith((b"<!doctype", b"<html", b"<head", b"<?xml"))
    )


def read_headers(stream: BinaryIO, name: str, *, lenient: bool = False) -> list[Hdu]:
    """Read every header and check that the data they promise is there.

    Needs the memory of the headers only, whatever they say.

    Parameters
    ----------
    stream : binary file
    name : str
        What to call it in errors.
    lenient : bool
        Read "?" for each byte of a header that is not plain text, instead of refusing the file.

    Raises
    ------
    NotThisFormatError
        If it is empty, a web page or anything else but FITS.
    CorruptFileError
        If it ends before a header or its data do, with the bytes needed and found.
    HeaderInvalidError
        If a header contradicts itself or the standard.
    TooLargeError
        If the headers have no end within reason.
    """
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    _check_first_bytes(stream.read(BLOCK), size, name)
    hdus: list[Hdu] = []
    offset = 0
    while offset < size and (not hdus or _at(stream, offset, 8) == b"XTENSION"):
        if len(hdus) >= MOST_HDUS:
            raise TooLargeError(f"{shown(name)} has more than {MOST_HDUS} HDUs; give a file with one table")
        hdu, offset = _read_header(stream, offset, len(hdus), name, lenient)
        hdus.append(replace(hdu, data_offset=offset))
        if hdu.cards.get("SIMPLE", "T") != "T":
            raise NotThisFormatError(f"{shown(name)} says SIMPLE = F: it does not keep to the FITS standard")
        needed = offset + hdu.data_bytes()
        if needed > size:
            raise CorruptFileError(
                f"{shown(name)} is cut short: HDU {hdu.number} needs {needed} bytes, "
                f"but the file has {size}; get the file again"
            )
        offset = -(-needed // BLOCK) * BLOCK
    return hdus


def _check_first_bytes(first: bytes, size: int, name: str) -> None:
    if first and b"SIMPLE  =".startswith(first[:9]):
        return
    if size == 0:
        raise NotThisFormatError(f"{shown(name)} is empty (0 bytes); get the file again")
    if looks_like_html(first):
        raise NotThisFormatError(
            f"{shown(name)} is a web page (it begins with {shown(first[:20].decode('latin-1'))}), so its "
            "download failed; get the file again",
            code="IN-HTML",
        )
    for magic, what in OTHER_FORMATS.items():
        if first.startswith(magic):
            raise NotThisFormatError(f"{shown(name)} is not a FITS file but {what}")
    raise NotThisFormatError(
        f"{shown(name)} is not a FITS file: it begins with {shown(first[:20].decode('latin-1'))} "
        "instead of 'SIMPLE  ='"
    )


def _at(stream: BinaryIO, offset: int, count: int) -> bytes:
    stream.seek(offset)
    return stream.read(count)


def _read_header(stream: BinaryIO, offset: int, number: int, name: str, lenient: bool) -> tuple[Hdu, int]:
    """Read one header and return it with the offset of its data."""
    hdu = Hdu(number, {}, name)
    stream.seek(offset)
    for block in range(MOST_CARDS // CARDS_PER_BLOCK):
        raw = stream.read(BLOCK)
        if not raw:
            raise HeaderInvalidError(f"{hdu} has no END card in its {block} blocks; get the file again")
        if len(raw) < BLOCK:
            raise CorruptFileError(
                f"{shown(name)} is cut short: the header of HDU {number} breaks off at byte {stream.tell()}; "
                "get the file again"
            )
        for row in range(CARDS_PER_BLOCK):
            card = raw[row * CARD : (row + 1) * CARD]
            card = _plain(card) if lenient else card
            if card.rstrip() == b"END":
                return hdu, offset + (block + 1) * BLOCK
            add_card(hdu, card, block * CARDS_PER_BLOCK + row + 1)
    raise TooLargeError(f"the header of {hdu} has more than {MOST_CARDS} cards; write it with fewer")


def add_card(hdu: Hdu, card: bytes, row: int) -> None:
    """Add one card of 80 bytes to a header; the first of a keyword counts."""
    if not (card.isascii() and card.decode("ascii").isprintable()):
        raise HeaderInvalidError(
            f"card {row} of {hdu} holds bytes that are not plain text; correct it, or read it "
            "with --survey-option lenient=yes"
        )
    text = card.decode("ascii")
    if text[8:10] != "= ":
        return
    keyword, value = text[:8].strip(), _value(text[10:])
    structural = keyword in {"BITPIX", "PCOUNT", "GCOUNT", "TFIELDS"} or keyword.startswith("NAXIS")
    before = hdu.cards.setdefault(keyword, value)
    if structural and before != value:
        raise HeaderInvalidError(
            f"{hdu} gives {keyword} twice, as {shown(before)} and as {shown(value)}; remove one"
        )


def _plain(card: bytes) -> bytes:
    """Put "?" for every byte that is not plain text."""
    return bytes(byte if 32 <= byte < 127 else ord("?") for byte in card)


def _value(text: str) -> str:
    text = text.strip()
    if not text.startswith("'"):
        return text.split("/", 1)[0].strip()
    end = 1
    while (end := text.find("'", end)) >= 0 and text[end : end + 2] == "''":
        end += 2
    return text[1 : end if end > 0 else None].replace("''", "'").rstrip()

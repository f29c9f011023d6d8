"""FITS files that are broken, odd or made to harm, written by a script with a fixed seed.

The ids (A01 …) are those of the project's list of hostile inputs.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from astropy.io import fits

SEED = 20161116
BLOCK, CARD = 2880, 80
SIDE = 64


def picture(side: int = SIDE) -> np.ndarray:
    """A smooth image with some noise, values 10 to 30."""
    random = np.random.default_rng(SEED)
    y, x = np.mgrid[:side, :side] / side
    blob = 10 * np.exp(-((x - 0.4) ** 2 + (y - 0.6) ** 2) / 0.02)
    return (12 + blob + random.normal(0, 0.5, (side, side))).astype(np.float32)


def header(**changes: object) -> fits.Header:
    """World coordinates of a small field near Orion; a value of None takes a card out."""
    cards: dict[str, object] = {
        "CTYPE1": "GLON-TAN",
        "CTYPE2": "GLAT-TAN",
        "CRVAL1": 209.0,
        "CRVAL2": -19.0,
        "CRPIX1": SIDE / 2 + 0.5,
        "CRPIX2": SIDE / 2 + 0.5,
        "CDELT1": -0.1,
        "CDELT2": 0.1,
        "CUNIT1": "deg",
        "CUNIT2": "deg",
        "BUNIT": "K",
        "BMAJ": 0.2,
    }
    cards |= changes
    return fits.Header({name: value for name, value in cards.items() if value is not None})


def image_bytes(data: np.ndarray | None = None, **changes: object) -> bytes:
    """A whole FITS file with one image."""
    out = io.BytesIO()
    fits.PrimaryHDU(picture() if data is None else data, header(**changes)).writeto(
        out, output_verify="ignore"
    )
    return out.getvalue()


def cube_bytes(data: np.ndarray | None = None, **changes: object) -> bytes:
    """A cube of 12 channels of 1 km/s about 0."""
    if data is None:
        line = np.exp(-(((np.arange(12) - 6) / 2.0) ** 2))
        data = (picture() * line[:, None, None]).astype(np.float32)
    axis = {"CTYPE3": "VRAD", "CRVAL3": 0.0, "CRPIX3": 6.5, "CDELT3": 1000.0, "CUNIT3": "m/s"}
    return image_bytes(data, **(axis | changes))


def with_card(content: bytes, keyword: str, raw: str) -> bytes:
    """Replace the value of a card by raw text, whatever the standard says; add the card if it is missing."""
    card = f"{keyword:<8}= {raw}".ljust(CARD).encode("latin-1")[:CARD]
    start = content.find(f"{keyword:<8}=".encode())
    if start >= 0:
        return content[:start] + card + content[start + CARD :]
    end = content.index(b"END" + b" " * 77)
    assert end % BLOCK < BLOCK - CARD
    return content[:end] + card + content[end : end + CARD] + content[end + 2 * CARD :]


def compressed_bytes(kind: str, data: np.ndarray | None = None) -> bytes:
    """A tile-compressed image."""
    if data is None:
        data = np.round(picture() * 10).astype(np.int16 if kind == "PLIO_1" else np.int32)
    out = io.BytesIO()
    tile = (32, 32) if kind == "HCOMPRESS_1" else (1, SIDE)
    fits.HDUList(
        [fits.PrimaryHDU(), fits.CompImageHDU(data, header(), compression_type=kind, tile_shape=tile)]
    ).writeto(out)
    return out.getvalue()


def empty_hdus(count: int) -> bytes:
    """Many HDUs without data."""
    block = b"XTENSION= 'IMAGE   '".ljust(CARD) + b"BITPIX  =                    8".ljust(CARD)
    block += b"NAXIS   =                    0".ljust(CARD) + b"END".ljust(CARD)
    first = block.replace(b"XTENSION= 'IMAGE   '", b"SIMPLE  =          T")
    return first[:CARD].ljust(CARD) + first[CARD:].ljust(BLOCK - CARD) + block.ljust(BLOCK) * count


def two_images(*names: str) -> bytes:
    """Two images, each with its place on the sky."""
    out = io.BytesIO()
    images = [fits.ImageHDU(picture(), header(), name=name) for name in names or ("SCI", "ERR")]
    fits.HDUList([fits.PrimaryHDU(), *images]).writeto(out)
    return out.getvalue()


def checksummed() -> bytes:
    """An image with its checksums."""
    out = io.BytesIO()
    hdu = fits.PrimaryHDU(picture(), header())
    hdu.add_checksum(when="then")
    hdu.writeto(out)
    return out.getvalue()


def flipped(content: bytes, offset: int) -> bytes:
    """One bit turned over."""
    return content[:offset] + bytes([content[offset] ^ 4]) + content[offset + 1 :]


def mutants(content: bytes, count: int, start: int) -> list[bytes]:
    """Copies with a few random bytes changed from `start` on."""
    random = np.random.default_rng(SEED)
    made = []
    for _ in range(count):
        bad = bytearray(content)
        for at in random.integers(start, len(content), 6):
            bad[at] = int(random.integers(256))
        made.append(bytes(bad))
    return made


def _sip(**orders: object) -> bytes:
    return image_bytes(CTYPE1="GLON-TAN-SIP", CTYPE2="GLAT-TAN-SIP", **orders)


def _junk_cards() -> bytes:
    """900 long cards of the kind that overflow the header parser of the WCS library."""
    out = io.BytesIO()
    head = header()
    for i in range(900):
        head[f"HIERARCH ESO DET CHIP{i} NAME"] = "x" * 40
    fits.PrimaryHDU(picture(), head).writeto(out)
    return out.getvalue()


def bomb(size: int = 300 << 20) -> bytes:
    """A gzip file a thousand times smaller than what comes out."""
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=9, mtime=0) as stream:
        stream.write(image_bytes()[:BLOCK])
        for _ in range(size >> 20):
            stream.write(bytes(1 << 20))
    return out.getvalue()


def far_heap() -> bytes:
    """A compressed image whose first tile points far outside the file."""
    content = compressed_bytes("RICE_1")
    with fits.open(io.BytesIO(content), disable_image_compression=True) as file:
        start = file[1]._data_offset
    return content[: start + 4] + (1 << 30).to_bytes(4, "big") + content[start + 8 :]


Make = Callable[[], bytes]
#: Id and name, how it is made, class and code of the error, what the sentence says.
REFUSED: list[tuple[str, Make, str, str, str]] = [
    ("A01 empty", lambda: b"", "NotThisFormatError", "IN-NOTFITS", r"is empty \(0 bytes\)"),
    (
        "A02 web page",
        lambda: b"<!DOCTYPE html><title>404</title>",
        "NotThisFormatError",
        "IN-HTML",
        "web page",
    ),
    ("A03 cut in the header", lambda: image_bytes()[:1000], "CorruptFileError", "IN-TRUNC", "at byte 1000"),
    (
        "A04 cut in the data",
        lambda: image_bytes()[:10000],
        "CorruptFileError",
        "IN-TRUNC",
        "needs 19264 bytes, but the file has 10000",
    ),
    ("A05 cut in the last block", lambda: image_bytes()[:19263], "CorruptFileError", "IN-TRUNC", "has 19263"),
    (
        "A08 huge axes",
        lambda: with_card(with_card(image_bytes(), "NAXIS1", "400000"), "NAXIS2", "400000"),
        "CorruptFileError",
        "IN-TRUNC",
        "needs 640000002880 bytes",
    ),
    (
        "A09 overflowing axes",
        lambda: with_card(with_card(image_bytes(), "NAXIS1", "3000000000"), "NAXIS2", "3000000000"),
        "HeaderInvalidError",
        "IN-DIM",
        "which no file does",
    ),
    (
        "A10 negative axis",
        lambda: with_card(image_bytes(), "NAXIS1", "-64"),
        "HeaderInvalidError",
        "IN-DIM",
        "NAXIS1 of HDU 0 of 'A10.fits' is '-64'",
    ),
    (
        "A11 bad BITPIX",
        lambda: with_card(image_bytes(), "BITPIX", "17"),
        "HeaderInvalidError",
        "IN-KEY",
        "BITPIX of HDU 0 of 'A11.fits' is 17",
    ),
    (
        "A12 200 axes",
        lambda: with_card(image_bytes(), "NAXIS", "200"),
        "HeaderInvalidError",
        "IN-DIM",
        "NAXIS3 of HDU 0 of 'A12.fits' is missing",
    ),
    (
        "A13 not standard",
        lambda: with_card(image_bytes(), "SIMPLE", "F"),
        "NotThisFormatError",
        "IN-NOTFITS",
        "SIMPLE = F",
    ),
    (
        "A14 no END",
        lambda: image_bytes().replace(b"END" + b" " * 77, b" " * 80),
        "HeaderInvalidError",
        "IN-KEY",
        "not plain text|no END card",
    ),
    (
        "A15 bytes in a card",
        lambda: with_card(image_bytes(), "OBJECT", "'Ori\xffn'"),
        "HeaderInvalidError",
        "IN-KEY",
        "not plain text",
    ),
    (
        "A16 endless header",
        lambda: (
            image_bytes()[:BLOCK].replace(b"END" + b" " * 77, b" " * 80) + b"COMMENT ".ljust(CARD) * 40000
        ),
        "TooLargeError",
        "IN-TOOBIG",
        "more than 20000 cards",
    ),
    ("A17 thousands of HDUs", lambda: empty_hdus(3000), "TooLargeError", "IN-TOOBIG", "more than 200 HDUs"),
    (
        "A18 two images",
        lambda: two_images("SCI", "SCI"),
        "HeaderInvalidError",
        "IN-KEY",
        r"2 image HDUs: 1 \('SCI'\), 2 \('SCI'\); choose one",
    ),
    (
        "A19 axis given twice",
        lambda: image_bytes().replace(b"BMAJ    =                  0.2", b"NAXIS1  =                   32"),
        "HeaderInvalidError",
        "IN-KEY",
        "gives NAXIS1 twice",
    ),
    (
        "A20 changed data",
        lambda: flipped(checksummed(), 10000),
        "CorruptFileError",
        "IN-CHECKSUM",
        "they do not add up to what DATASUM says",
    ),
    (
        "B01 all blank",
        lambda: image_bytes(np.full((64, 64), np.nan, np.float32)),
        "DataQualityError",
        "DQ-ALLBLANK",
        "0 of 4096 pixels",
    ),
    (
        "B10 one pixel",
        lambda: image_bytes(np.ones((1, 1), np.float32)),
        "HeaderInvalidError",
        "IN-DIM",
        "1 × 1 pixels",
    ),
    (
        "B10b one row",
        lambda: image_bytes(np.ones((1, 64), np.float32)),
        "HeaderInvalidError",
        "IN-DIM",
        "64 × 1 pixels",
    ),
    (
        "B10c no pixel",
        lambda: with_card(image_bytes(), "NAXIS2", "0"),
        "HeaderInvalidError",
        "IN-DIM",
        "64 × 0 pixels",
    ),
    (
        "C03 BSCALE of 0",
        lambda: with_card(image_bytes(), "BSCALE", "0.0"),
        "HeaderInvalidError",
        "IN-SCALE",
        "BSCALE of HDU 0",
    ),
    (
        "C04 BSCALE of words",
        lambda: with_card(image_bytes(), "BSCALE", "'one'"),
        "HeaderInvalidError",
        "IN-KEY",
        "BSCALE of HDU 0 of 'C04.fits' is 'one'",
    ),
    (
        "D01 no WCS",
        lambda: image_bytes(CTYPE1=None, CTYPE2=None),
        "SkyError",
        "SKY-NOWCS",
        "no world coordinates of the sky",
    ),
    (
        "D01b linear axes",
        lambda: image_bytes(CTYPE1="X", CTYPE2="Y"),
        "SkyError",
        "SKY-NOWCS",
        "no world coordinates of the sky",
    ),
    (
        "D02 CDELT of 0",
        lambda: image_bytes(CDELT1=0.0),
        "SkyError",
        "SKY-PROJ",
        "CDELT1 of HDU 0 of 'D02.fits' is 0",
    ),
    (
        "D02b singular CD",
        lambda: image_bytes(CDELT1=None, CDELT2=None, CD1_1=0.1, CD1_2=0.1, CD2_1=0.1, CD2_2=0.1),
        "SkyError",
        "SKY-PROJ",
        "fall into one|cannot be used",
    ),
    (
        "D03 unknown projection",
        lambda: image_bytes(CTYPE1="GLON-XYZ", CTYPE2="GLAT-XYZ"),
        "SkyError",
        "SKY-PROJ",
        "Unrecognized projection code .XYZ in CTYPE1.",
    ),
    (
        "D04 mixed frames",
        lambda: image_bytes(CTYPE2="DEC--TAN"),
        "SkyError",
        "SKY-FRAME",
        "'GLON-TAN' and 'DEC--TAN', which are no pair",
    ),
    (
        "D04b mixed projections",
        lambda: image_bytes(CTYPE2="GLAT-CAR"),
        "SkyError",
        "SKY-PROJ",
        "expected GLAT-TAN, got GLAT-CAR in CTYPE2",
    ),
    (
        "D05 axes in metres",
        lambda: image_bytes(CUNIT1="m"),
        "SkyError",
        "SKY-UNIT",
        "cannot be used: .In CUNIT1 : Mismatched units type 'plane angle': have 'm', want 'deg'",
    ),
    (
        "D06 beyond the pole",
        lambda: image_bytes(CRVAL2=-119.0),
        "SkyError",
        "SKY-RANGE",
        "CRVAL2 of HDU 0 of 'D06.fits' is -119",
    ),
    (
        "D07 place is NaN",
        lambda: with_card(image_bytes(), "CRVAL1", "NaN"),
        "HeaderInvalidError",
        "IN-KEY",
        "CRVAL1 of HDU 0 of 'D07.fits' is 'NaN'",
    ),
    (
        "D08 place is 1e308",
        lambda: with_card(image_bytes(), "CRVAL1", "1e308"),
        "SkyError",
        "SKY-RANGE",
        r"CRVAL1 of HDU 0 of 'D08.fits' is 1e\+308, which is no place",
    ),
    (
        "D08b place given twice",
        lambda: with_card(image_bytes(OBJECT=1), "OBJECT", "1").replace(
            b"OBJECT  = 1    ", b"CRVAL1  = 1E308"
        ),
        "SkyError",
        "SKY-RANGE",
        r"CRVAL1 of HDU 0 of 'D08b.fits' is 1e\+308, which is no place",
    ),
    (
        "D08c twenty thousand axes",
        lambda: image_bytes(WCSAXES=20000),
        "HeaderInvalidError",
        "IN-KEY",
        "WCSAXES of HDU 0 of 'D08c.fits' is '20000', but it must be a whole number from 0 to 9",
    ),
    (
        "D09 half a distortion",
        lambda: _sip(A_ORDER=2, A_2_0=1e-4),
        "SkyError",
        "SKY-PROJ",
        "A_ORDER provided without corresponding B_ORDER keyword for SIP distortion",
    ),
    (
        "D10 distortion of order 1e6",
        lambda: _sip(A_ORDER=1000000, B_ORDER=2),
        "HeaderInvalidError",
        "IN-KEY",
        "A_ORDER of HDU 0 of 'D10.fits' is '1000000'",
    ),
    (
        "D12 unknown frame",
        lambda: image_bytes(CTYPE1="RA---TAN", CTYPE2="DEC--TAN", RADESYS="FK9"),
        "SkyError",
        "SKY-FRAME",
        "RADESYS of HDU 0 of 'D12.fits' is 'FK9'",
    ),
    (
        "D19 distortion by table",
        lambda: image_bytes(CPDIS1="LOOKUP"),
        "SkyError",
        "SKY-PROJ",
        "distortion by table",
    ),
    (
        "D19b axes by table",
        lambda: image_bytes(CTYPE1="GLON-TAB", CTYPE2="GLAT-TAB"),
        "SkyError",
        "SKY-PROJ",
        "distortion by table .CTYPE1 = 'GLON-TAB'.",
    ),
    (
        "E01 no rest frequency",
        lambda: cube_bytes(CTYPE3="FREQ", CRVAL3=1.1e11, CDELT3=1e5, CUNIT3="Hz"),
        "SkyError",
        "SKY-SPEC",
        "rest=110.201GHz",
    ),
    (
        "E03 furlongs a second",
        lambda: cube_bytes(CUNIT3="furlong/s"),
        "SkyError",
        "SKY-UNIT",
        "HDU 0 of 'E03.fits' cannot be used: .In CUNIT3 : Invalid symbol .* in 'furlong/s'",
    ),
    (
        "E04 channels at one place",
        lambda: cube_bytes(CDELT3=0.0),
        "SkyError",
        "SKY-SPEC",
        "CDELT3 of HDU 0 of 'E04.fits' is 0",
    ),
    (
        "E05 a third axis that is none",
        lambda: cube_bytes(CTYPE3="COLOUR", CUNIT3=None),
        "SkyError",
        "SKY-SPEC",
        r"axis 3 of HDU 0 of 'E05.fits' \('COLOUR'\) is no spectral axis",
    ),
    (
        "E08 two channels",
        lambda: cube_bytes(np.ones((2, 64, 64), np.float32)),
        "SkyError",
        "SKY-SPEC",
        "2 channels, fewer than the three bands",
    ),
    (
        "F06 compressed and cut",
        lambda: compressed_bytes("RICE_1")[:-2880],
        "CorruptFileError",
        "IN-TRUNC",
        "cut short",
    ),
    (
        "F09 tiles of 0",
        lambda: with_card(compressed_bytes("RICE_1"), "ZTILE1", "0"),
        "HeaderInvalidError",
        "IN-KEY",
        "ZTILE1 of HDU 1 of 'F09.fits' is '0'",
    ),
    (
        "F09b two million squared",
        lambda: with_card(with_card(compressed_bytes("RICE_1"), "ZNAXIS1", "2000000"), "ZNAXIS2", "2000000"),
        "TooLargeError",
        "IN-TOOBIG",
        "unpacks to 1.49e",
    ),
    (
        "F09c unknown codec",
        lambda: with_card(compressed_bytes("RICE_1"), "ZCMPTYPE", "'ZIP_9   '"),
        "HeaderInvalidError",
        "IN-KEY",
        "ZCMPTYPE of HDU 1 of 'F09c.fits' is 'ZIP_9'",
    ),
    ("F11 a bomb", bomb, "TooLargeError", "IN-BOMB", "unpacks to more than"),
    (
        "F12 gzip cut short",
        lambda: gzip.compress(image_bytes(), mtime=0)[:-9],
        "CorruptFileError",
        "IN-DECOMPRESS",
        "cannot be unpacked",
    ),
    (
        "F12b gzip with a flipped byte",
        lambda: flipped(gzip.compress(image_bytes(), mtime=0), 3000),
        "CorruptFileError",
        "IN-DECOMPRESS",
        "cannot be unpacked",
    ),
    (
        "F13 other format",
        lambda: b"\x89HDF\r\n\x1a\n" + bytes(4000),
        "NotThisFormatError",
        "IN-NOTFITS",
        "HDF",
    ),
    ("F14 heap out of range", far_heap, "CorruptFileError", "IN-CORRUPT", "lies outside its data"),
]


def write(folder: Path, name: str, content: bytes) -> Path:
    """Write a hostile file under the first word of its name."""
    path = folder / f"{name.split(maxsplit=1)[0]}.fits"
    path.write_bytes(content)
    return path

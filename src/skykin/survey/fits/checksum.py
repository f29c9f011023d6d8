"""The checksums of the FITS standard."""

from __future__ import annotations

from typing import BinaryIO

import numpy as np

from skykin.core.errors import CorruptFileError
from skykin.core.protocols import Progress
from skykin.survey.fits.check import BLOCK, Hdu

PIECE_BYTES = 1000 * BLOCK
ALL_ONES = 0xFFFFFFFF


def check_sums(stream: BinaryIO, hdu: Hdu, progress: Progress, *, ignore: bool = False) -> None:
    """Compare the data and the header of an HDU with the checksums it carries, if any.

    Raises
    ------
    CorruptFileError
        ``IN-CHECKSUM`` if the data are not those that were written.

    References
    ----------
    FITS standard 4.0, section 4.4.2.7 and appendix J: sums of 32-bit words in ones' complement.
    """
    end = hdu.data_offset + -(-hdu.data_bytes() // BLOCK) * BLOCK
    stored = hdu.cards.get("DATASUM", "").strip()
    if not stored.isdigit():
        return
    data = ones_complement_sum(stream, hdu.data_offset, end)
    if data != int(stored):
        if not ignore:
            raise CorruptFileError(
                f"the data of {hdu} were changed after they were written: DATASUM says {stored}, but they "
                f"add up to {data}; get the file again, or read it as it is with the option ignore_checksum",
                code="IN-CHECKSUM",
            )
        progress.say(f"note: the data of {hdu} do not agree with their DATASUM; used as asked")
    if "CHECKSUM" in hdu.cards:
        header = ones_complement_sum(stream, hdu.header_offset, hdu.data_offset)
        if folded(header + data) not in (0, ALL_ONES):
            progress.say(
                f"note: the header of {hdu} was edited after writing (CHECKSUM); its data are intact"
            )


def ones_complement_sum(stream: BinaryIO, start: int, end: int) -> int:
    """Add up big-endian 32-bit words; the last block may lack its padding of zeros."""
    total = 0
    stream.seek(start)
    while start < end and (piece := stream.read(min(PIECE_BYTES, end - start))):
        start += len(piece)
        piece += bytes(-len(piece) % 4)
        total = folded(total + int(np.frombuffer(piece, ">u4").sum(dtype=np.uint64)))
    return total


def folded(total: int) -> int:
    """Bring carries back in at the other end."""
    while total >> 32:
        total = (total & ALL_ONES) + (total >> 32)
    return total

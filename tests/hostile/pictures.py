"""Pictures, good and bad, each from a formula (section I of the hostile corpus)."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_bomb(path: Path, side: int) -> Path:
    """A grey PNG of side × side pixels that are all black, whose rows are written one by one."""
    packer = zlib.compressobj(9)
    row = bytes(side + 1)
    packed = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    )
    return path


def gradient(rows: int = 64, columns: int = 128) -> np.ndarray:
    """Colours of which each pixel has its own: red grows to the right, green downwards."""
    y, x = np.mgrid[:rows, :columns]
    return np.stack([x * 255 // (columns - 1), y * 255 // (rows - 1), np.full_like(x, 77)], -1).astype(
        np.uint8
    )


def save(path: Path, array: np.ndarray, **options: object) -> Path:
    Image.fromarray(array).save(path, **options)
    return path


def tiff_of_numbers(path: Path, array: np.ndarray, order: str = "<") -> Path:
    """A TIFF of one strip, of whichever numbers the array holds, one or three to a pixel, in either order."""
    rows, columns, samples = (*array.shape, 1)[:3]
    bits, kind = array.dtype.itemsize * 8, {"u": 1, "i": 2, "f": 3}[array.dtype.kind]
    extra = 8 + 2 + 11 * 12 + 4
    tags = [
        (256, 4, 1, columns),
        (257, 4, 1, rows),
        (258, 3, samples, bits if samples == 1 else extra),
        (259, 3, 1, 1),
        (262, 3, 1, 1 if samples == 1 else 2),
        (273, 4, 1, extra + 12),
        (277, 3, 1, samples),
        (278, 4, 1, rows),
        (279, 4, 1, array.nbytes),
        (284, 3, 1, 1),
        (339, 3, samples, kind if samples == 1 else extra + 6),
    ]
    entries = b"".join(
        struct.pack(f"{order}HHIHH", *tag, 0) if tag[1:3] == (3, 1) else struct.pack(f"{order}HHII", *tag)
        for tag in tags
    )
    more = struct.pack(f"{order}6H", *[bits] * 3, *[kind] * 3)
    head = (
        {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(f"{order}IH", 8, len(tags)) + entries + bytes(4)
    )
    path.write_bytes(head + more + array.astype(array.dtype.newbyteorder(order)).tobytes())
    return path


AVM = """<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:avm="http://www.communicatingastronomy.org/avm/1.0/"
 avm:Spatial.CoordinateFrame="{frame}" avm:Spatial.Equinox="J2000" avm:Spatial.Rotation="0"
 avm:Spatial.CoordsystemProjection="TAN">
<avm:Spatial.ReferenceValue><rdf:Seq><rdf:li>{lon}</rdf:li><rdf:li>{lat}</rdf:li></rdf:Seq></avm:Spatial.ReferenceValue>
<avm:Spatial.ReferencePixel><rdf:Seq><rdf:li>{x}</rdf:li><rdf:li>{y}</rdf:li></rdf:Seq></avm:Spatial.ReferencePixel>
<avm:Spatial.ReferenceDimension><rdf:Seq><rdf:li>{w}</rdf:li><rdf:li>{h}</rdf:li></rdf:Seq></avm:Spatial.ReferenceDimension>
<avm:Spatial.Scale><rdf:Seq><rdf:li>-{scale}</rdf:li><rdf:li>{scale}</rdf:li></rdf:Seq></avm:Spatial.Scale>
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""

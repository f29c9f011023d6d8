"""The files of a picture that was made: PNG and FITS, with their place on the sky and their stamp."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np
from astropy.io import fits
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from skykin.core.atomic import whole_file
from skykin.core.footprint import Footprint
from skykin.core.provenance import Provenance
from skykin.core.shapes import RGB
from skykin.products.stamp import CARD_TEXT, ascii_text, creator, picture_texts, stamp_notes
from skykin.products.upright import upright_wcs


@dataclass(frozen=True, eq=False)
class PaintedPicture:
    """A picture that was made, ready to be written.

    Parameters
    ----------
    rgb : float32 array (rows, columns, 3)
    title : str
    provenance : Provenance
    footprint : Footprint or None
        Where it lies; None for a picture that is not of the sky.
    """

    rgb: RGB
    title: str
    provenance: Provenance
    footprint: Footprint | None = None


def write_png(picture: PaintedPicture, path: Path) -> None:
    """Write the colours as PNG, the stamp in its text chunks and the place as AVM tags, which Aladin reads.

    Raises
    ------
    ResourceError
        If it cannot be written.
    """
    texts = PngInfo()
    for key, text in picture_texts(picture, picture.title).items():
        texts.add_itxt(key, text)
    if picture.footprint is not None:
        texts.add_itxt("XML:com.adobe.xmp", _avm(picture.footprint, picture.rgb.shape[:2]))
    pixels = np.round(picture.rgb.clip(0, 1) * 255).astype(np.uint8)
    with whole_file(path) as temporary:
        Image.fromarray(pixels).save(temporary, format="PNG", pnginfo=texts, optimize=True)


def write_fits(picture: PaintedPicture, path: Path) -> None:
    """Write the colours as a FITS cube (red, green, blue) with world coordinates, where there are any.

    Raises
    ------
    ResourceError
        If it cannot be written.
    """
    # FITS counts rows from the south.
    cube = np.ascontiguousarray(picture.rgb[::-1].transpose(2, 0, 1), dtype=np.float32)
    header = fits.Header()
    if picture.footprint is not None:
        header.update(upright_wcs(picture.footprint, picture.rgb.shape[:2]).to_header())
        header.set("WCSAXES", 3)
    header["CTYPE3"] = ("RGB", "planes are red, green, blue")
    header["BUNIT"] = ("", "colours from 0 to 1")
    header["OBJECT"] = ascii_text(picture.title)[:CARD_TEXT]
    header["CREATOR"] = creator(picture.provenance)
    stamp_notes(header, picture.provenance)
    with whole_file(path) as temporary:
        fits.PrimaryHDU(cube, header).writeto(temporary, overwrite=True)


def _avm(footprint: Footprint, shape: tuple[int, int]) -> str:
    """Astronomy Visualization Metadata 1.2: world coordinates of a picture, pixels counted as in FITS."""
    rows, columns = shape
    wcs = upright_wcs(footprint, shape).wcs
    tags = {
        "Spatial.CoordinateFrame": ["GAL"],
        "Spatial.ReferenceValue": wcs.crval,
        "Spatial.ReferenceDimension": [float(columns), float(rows)],
        "Spatial.ReferencePixel": wcs.crpix,
        "Spatial.Scale": wcs.cdelt,
        "Spatial.Rotation": [0.0],
        "Spatial.CoordsystemProjection": [footprint.projection],
        "Spatial.Quality": ["Full"],
    }
    cells = "".join(f"<avm:{name}>{_sequence(values)}</avm:{name}>" for name, values in tags.items())
    spaces = {
        "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
        "avm": "http://www.communicatingastronomy.org/avm/1.0/",
    }
    named = " ".join(f"xmlns:{name}={quoteattr(space)}" for name, space in spaces.items())
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="' + spaces["rdf"] + '">'
        f'<rdf:Description rdf:about="" {named}><avm:MetadataVersion>1.2</avm:MetadataVersion>{cells}'
        "</rdf:Description></rdf:RDF></x:xmpmeta>"
    )


def _sequence(values: object) -> str:
    texts = [value if isinstance(value, str) else f"{float(value):.12g}" for value in values]  # type: ignore[attr-defined]
    if len(texts) == 1:
        return texts[0]
    return "<rdf:Seq>" + "".join(f"<rdf:li>{text}</rdf:li>" for text in texts) + "</rdf:Seq>"

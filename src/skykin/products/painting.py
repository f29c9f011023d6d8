"""The files of a picture that was made: PNG and FITS, with their place on the sky and their stamp."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar
from xml.sax.saxutils import quoteattr

import numpy as np
from astropy.io import fits
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from skykin.core.atomic import whole_file, write_hdus
from skykin.core.footprint import Footprint
from skykin.core.picture import Panel
from skykin.core.provenance import Provenance
from skykin.core.scratch import TemporaryFolder
from skykin.core.shapes import RGB
from skykin.generate.painting import Painting
from skykin.products.folder import check_output_file
from skykin.products.result import Result
from skykin.products.stamp import CARD_TEXT, ascii_text, creator, picture_texts, stamp_notes
from skykin.products.upright import upright_wcs

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Transfer(Result, Painting):
    """The content of one picture in the style of another.

    Parameters
    ----------
    rgb, history, cosines, state :
        As of `Painting`.
    picture : PaintedPicture
        The same, ready to be written, with its place on the sky and its provenance.
    panels : tuple of Panel
        Content, style, and result.
    caption : str

    Examples
    --------
    >>> import numpy as np
    >>> one, two = np.random.default_rng(1).random((2, 32, 32, 3), np.float32)
    >>> "block1_conv1" in skykin.transfer(one, two, steps=2).cosines
    True
    """

    shows: ClassVar[str] = "Content, style and the picture that was made of both, side by side"

    picture: PaintedPicture
    panels: tuple[Panel, ...]
    caption: str

    def __repr__(self) -> str:
        return f"<Transfer: {self.heading}, style loss lowered by {self.lowered:.1%}>"

    @property
    def provenance(self) -> Provenance:
        """All that decided it."""
        return self.picture.provenance

    @property
    def heading(self) -> str:
        """What is shown in whose style."""
        return self.picture.title

    def sentences(self) -> list[str]:
        """Say how far the picture came."""
        return [
            f"style loss lowered by {self.lowered:.1%} in {len(self.history) - 1} steps",
            cosines_text(self),
        ]

    def plot(self) -> Figure:
        """Draw content, style and result side by side."""
        return _row(self.panels)

    def write(self, path: str | Path, *, figure: bool = False, overwrite: bool = False) -> None:
        """Write the picture as PNG and, if it lies on the sky, as FITS beside it.

        Parameters
        ----------
        path : path
            The PNG file; other files are named after it.
        figure : bool
            Also draw content, style and result beside each other, as ``-figure.png`` and ``.pdf``.
        overwrite : bool
            Whether files that are there may be replaced.

        Raises
        ------
        UsageError
            If one is there and may not be replaced.
        """
        path = Path(path)
        endings = [".fits"] if self.picture.footprint is not None else []
        endings += ["-figure.png", "-figure.pdf"] if figure else []
        for each in (path, *(path.with_name(path.stem + ending) for ending in endings)):
            check_output_file(each, overwrite=overwrite)
        write_png(self.picture, path)
        if self.picture.footprint is not None:
            write_fits(self.picture, path.with_suffix(".fits"))
        if figure:
            _write_row(self.picture, self.panels, path.with_name(f"{path.stem}-figure.png"), self.caption)


@dataclass(frozen=True, eq=False, repr=False)
class Textures(Result, Mapping[str, Painting]):
    """New sky in the style of a reference: a painting for each recipe, by its name.

    Parameters
    ----------
    paintings : Mapping of str to Painting
    pictures : Mapping of str to PaintedPicture
        The same, ready to be written.
    panels : tuple of Panel
        The reference, and each texture.
    title, caption : str
    provenance : Provenance

    Examples
    --------
    >>> import numpy as np
    >>> picture = np.random.default_rng(1).random((32, 32, 3), np.float32)
    >>> made_up = skykin.texture(picture, recipe="mean-std", steps=2, pixels=32)
    >>> made_up.paintings["mean-std"].rgb.shape
    (32, 32, 3)
    """

    shows: ClassVar[str] = "The reference and the textures in its style, side by side"

    paintings: Mapping[str, Painting]
    pictures: Mapping[str, PaintedPicture]
    panels: tuple[Panel, ...]
    title: str
    caption: str
    provenance: Provenance

    def __getitem__(self, recipe: str) -> Painting:
        return self.paintings[recipe]

    def __iter__(self) -> Iterator[str]:
        return iter(self.paintings)

    def __len__(self) -> int:
        return len(self.paintings)

    def __repr__(self) -> str:
        return f"<Textures: {self.title}, by {', '.join(self.paintings)}>"

    @property
    def heading(self) -> str:
        """In whose style they are."""
        return self.title

    def sentences(self) -> list[str]:
        """Tell the style cosines of each."""
        return [f"{name}: {cosines_text(painting)}" for name, painting in self.paintings.items()]

    def plot(self) -> Figure:
        """Draw the reference and all textures side by side."""
        return _row(self.panels)

    def write(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write one texture as PNG; of several each beside it, named by its recipe, and all side by side.

        Parameters
        ----------
        path : path
            The PNG file.
        overwrite : bool
            Whether files that are there may be replaced.

        Raises
        ------
        UsageError
            If one is there and may not be replaced.
        """
        path = Path(path)
        alone = len(self) == 1
        places = {name: path if alone else path.with_name(f"{path.stem}-{name}.png") for name in self}
        for place in places.values() if alone else (path, path.with_suffix(".pdf"), *places.values()):
            check_output_file(place, overwrite=overwrite)
        for name, picture in self.pictures.items():
            write_png(picture, places[name])
        if not alone:
            whole = PaintedPicture(self.panels[0].rgb, self.title, self.provenance)
            _write_row(whole, self.panels, path, self.caption)


def cosines_text(painting: Painting) -> str:
    """Tell the style cosine of each layer."""
    return "style cosines " + ", ".join(f"{layer} {value:.4f}" for layer, value in painting.cosines.items())


def _row(panels: tuple[Panel, ...]) -> Figure:
    # Matplotlib is loaded for a picture only.
    from skykin.products.figures.canvas import house_style  # noqa: PLC0415
    from skykin.products.figures.side_by_side import side_by_side_figure  # noqa: PLC0415

    with house_style():
        return side_by_side_figure(panels, len(panels))


def _write_row(picture: PaintedPicture, panels: tuple[Panel, ...], path: Path, caption: str) -> None:
    """Write panels side by side as PNG and PDF; each file is whole or not there."""
    from skykin.products.figures.side_by_side import draw_side_by_side  # noqa: PLC0415 - see _row

    with whole_files(path.parent) as folder:
        draw_side_by_side(picture, panels, folder, name=path.stem, title=picture.title, caption=caption)


@contextmanager
def whole_files(folder: Path) -> Iterator[Path]:
    """Give a temporary folder; on success each of its files is moved as a whole into `folder`."""
    with TemporaryFolder() as temporary:
        yield temporary
        for made in sorted(temporary.iterdir()):
            with whole_file(folder / made.name) as whole:
                shutil.copyfile(made, whole)


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
        write_hdus(temporary, fits.PrimaryHDU(cube, header))


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

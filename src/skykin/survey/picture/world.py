"""Where the pixels of a picture lie on the sky."""

from __future__ import annotations

from pathlib import Path

from skykin.core.errors import SkyError, TooLargeError, shown
from skykin.core.protocols import Progress
from skykin.core.survey_options import SurveyOptions
from skykin.survey.fits.check import CARD, Hdu, add_card, read_headers
from skykin.survey.fits.world import World, read_world
from skykin.survey.picture.file import PictureFile

#: FITS codes of the projections of the whole sky, and the widths of the pictures in degrees of their plane.
WHOLE_SKY = {"plate-carree": ("CAR", 360.0), "mollweide": ("MOL", 324.0585), "aitoff": ("AIT", 324.0585)}
AXES = {"galactic": ("GLON", "GLAT"), "icrs": ("RA--", "DEC-"), "ecliptic": ("ELON", "ELAT")}
#: A picture of the whole sky is twice as wide as high; margins would move everything.
SHAPE_TOLERANCE = 0.01
SIDECARS = (".wcs", ".hdr", ".header")
LARGEST_SIDECAR = 1 << 20


def world_of(path: Path, picture: PictureFile, options: SurveyOptions, progress: Progress) -> World:
    """Find the world coordinates: by option, in a file beside the picture, or in its AVM tags.

    Raises
    ------
    SkyError
        ``SKY-NOWCS`` if there are none; others if they contradict the picture.
    """
    rows, columns = picture.values.shape[:2]
    if options.projection is not None:
        return _whole_sky(path, (rows, columns), options, progress)
    beside = next((p for p in _sidecars(path) if p.is_file()), None)
    if beside is not None:
        return read_world(_sized(_read_sidecar(beside), rows, columns), 2, progress)
    if picture.avm is not None:
        cards = {key: str(value) for key, value in picture.avm.items()}
        return read_world(_sized(Hdu(0, cards, path.name), rows, columns), 2, progress)
    raise SkyError(
        f"{shown(path.name)} does not say where on the sky it lies: it has no AVM tags and no "
        f"{path.stem}.wcs beside it; give the options projection (plate-carree, mollweide or aitoff) "
        "and frame if it shows the whole sky",
        code="SKY-NOWCS",
    )


def _whole_sky(path: Path, shape: tuple[int, int], options: SurveyOptions, progress: Progress) -> World:
    rows, columns = shape
    code, width_deg = WHOLE_SKY[str(options.projection)]
    if abs(columns / (2 * rows) - 1) > SHAPE_TOLERANCE:
        raise SkyError(
            f"{shown(path.name)} has {columns} × {rows} pixels, but a picture of the whole sky in "
            f"{options.projection} is twice as wide as high; cut its margins off",
            code="SKY-PROJ",
        )
    if options.frame is None:
        progress.say(
            f"{shown(path.name)} is read as Galactic; give the option frame=icrs or frame=ecliptic if it "
            "is not"
        )
    if options.projection == "aitoff":
        progress.say(
            "aitoff is read as Hammer-Aitoff, the equal-area projection that FITS calls AIT, not as "
            "Aitoff's own"
        )
    lon, lat = AXES[options.frame or "galactic"]
    cards = {
        "CTYPE1": f"{lon}-{code}",
        "CTYPE2": f"{lat}-{code}",
        "CRVAL1": repr((options.center_deg or 0.0) % 360),
        "CRVAL2": "0",
        "CRPIX1": repr((columns + 1) / 2),
        "CRPIX2": repr((rows + 1) / 2),
        "CDELT1": repr(-width_deg / columns),
        "CDELT2": repr(width_deg / 2 / rows),
        "CUNIT1": "deg",
        "CUNIT2": "deg",
    }
    return read_world(_sized(Hdu(0, cards, path.name), rows, columns), 2, progress)


def _sized(hdu: Hdu, rows: int, columns: int) -> Hdu:
    """Add the size of the picture, or check that it is the one the header is about."""
    for keyword, size in (("NAXIS1", columns), ("NAXIS2", rows), ("IMAGEW", columns), ("IMAGEH", rows)):
        said = hdu.cards.get(keyword)
        if said is not None and said.split(".")[0] != str(size):
            raise SkyError(
                f"{shown(hdu.file)} says {keyword} = {shown(said)}, but the picture has {columns} × "
                f"{rows} pixels; its world coordinates belong to another size",
                code="SKY-PROJ",
            )
    return Hdu(0, hdu.cards | {"NAXIS1": str(columns), "NAXIS2": str(rows)}, hdu.file)


def _sidecars(path: Path) -> list[Path]:
    return [path.with_suffix(end) for end in SIDECARS] + [path.with_name(path.name + ".wcs")]


def _read_sidecar(path: Path) -> Hdu:
    """Read a FITS header, in a file of its own or as plain text with one card a line."""
    if path.stat().st_size > LARGEST_SIDECAR:
        raise TooLargeError(
            f"{shown(path.name)} has {path.stat().st_size} bytes, but a header has at most {LARGEST_SIDECAR}"
        )
    with path.open("rb") as stream:
        content = stream.read()
        if b"\n" not in content and content.startswith(b"SIMPLE"):
            hdu = read_headers(stream, path.name)[0]
            # The header alone says that there is no image.
            return Hdu(0, {k: v for k, v in hdu.cards.items() if not k.startswith("NAXIS")}, path.name)
    hdu = Hdu(0, {}, path.name)
    for row, line in enumerate(content.split(b"\n"), 1):
        card = line.rstrip(b"\r").ljust(CARD)[:CARD]
        if card.rstrip() == b"END":
            break
        add_card(hdu, card, row)
    return hdu

"""What a HiPS says about itself in its file ``properties``."""

from __future__ import annotations

from dataclasses import dataclass

from skykin.core.errors import HeaderInvalidError, InputRefusedError, shown
from skykin.core.frames import Frame, frame_of

#: Formats of tiles and endings of their files, the one that keeps the numbers first.
FORMATS = {
    "fits": ("fits", "fits.fz", "fits.gz"),
    "fits.fz": ("fits.fz", "fits"),
    "png": ("png",),
    "jpeg": ("jpg", "jpeg"),
    "jpg": ("jpg", "jpeg"),
}
#: What properties from before version 1.0 call what is read here.
OLD_KEYS = {
    "hips_order": "maxOrder",
    "hips_order_min": "minOrder",
    "hips_frame": "coordsys",
    "hips_tile_format": "format",
    "hips_tile_width": "nside",
    "obs_title": "description",
    "obs_collection": "label",
    "obs_copyright": "copyright",
    "obs_ack": "acknowledgement",
    "moc_sky_fraction": "skyFraction",
}
LARGEST_BYTES = 1 << 20
#: Cells of a finer order have no number of 63 bits.
FINEST_LEVEL = 29
WIDTHS = tuple(2**power for power in range(3, 13))


@dataclass(frozen=True)
class HipsProperties:
    """What must be known to read a HiPS.

    Parameters
    ----------
    name, title : str
    frame : {"galactic", "icrs", "ecliptic"}
    order_min, order : int
        Coarsest and finest order of tiles.
    width : int
        Pixels along a side of a tile, a power of two.
    format : str
        Ending of the files of the tiles that are read, such as ``fits``, ``png`` or ``jpg``.
    unit : str
    credits : tuple of str
    sky_fraction : float
        Share of the sky that it says it covers, 1 where it does not say.
    endings : tuple of str
        All that files of its tiles may have, the best first: not all formats that are offered are there.
    """

    name: str
    title: str
    frame: Frame
    order_min: int
    order: int
    width: int
    format: str
    unit: str
    credits: tuple[str, ...]
    sky_fraction: float
    endings: tuple[str, ...]

    @property
    def shift(self) -> int:
        """log2 of the tile's width: by so much a pixel's level is higher than its tile's order."""
        return self.width.bit_length() - 1

    @classmethod
    def parse(cls, text: str, name: str) -> HipsProperties:
        """Read the text of a file ``properties``.

        Raises
        ------
        HeaderInvalidError
            If a keyword is missing or impossible.
        SkyError
            If the frame is unknown.
        InputRefusedError
            If it is not a HiPS of images.
        """
        said = said_in(text)
        kind = said.get("dataproduct_type", "image")
        if kind != "image":
            raise InputRefusedError(
                f"the HiPS {shown(name)} holds {shown(kind)}, but Skykin reads HiPS of images; choose another"
            )
        width = _integer(said, "hips_tile_width", name, (1, 1 << 20), 512)
        if width not in WIDTHS:
            raise HeaderInvalidError(
                f"hips_tile_width of {shown(name)} is {width}, but it must be a power of two from "
                f"{WIDTHS[0]} to {WIDTHS[-1]}; choose another HiPS"
            )
        finest = FINEST_LEVEL - (width.bit_length() - 1)
        order = _integer(said, "hips_order", name, (0, finest))
        endings = _endings(said, name)
        return cls(
            name=name,
            title=said.get("obs_title") or said.get("obs_collection") or name,
            frame=frame_of(said.get("hips_frame", "missing")),
            order_min=_integer(said, "hips_order_min", name, (0, order), 0),
            order=order,
            width=width,
            format=endings[0],
            unit=said.get("obs_unit", said.get("data_unit", "")),
            credits=tuple(
                said[key] for key in ("obs_copyright", "obs_ack", "bib_reference") if said.get(key)
            ),
            sky_fraction=_fraction(said.get("moc_sky_fraction", "1")),
            endings=endings,
        )


def _integer(
    said: dict[str, str], key: str, name: str, bounds: tuple[int, int], default: int | None = None
) -> int:
    low, high = bounds
    text = said.get(key)
    if text is None and default is not None:
        return default
    try:
        value = int(text or "")
    except ValueError:
        value = low - 1
    if not low <= value <= high:
        found = "missing" if text is None else shown(text)
        raise HeaderInvalidError(
            f"{key} of the HiPS {shown(name)} is {found}, but it must be a whole number from {low} to "
            f"{high}; choose another HiPS"
        )
    return value


def said_in(text: str) -> dict[str, str]:
    """Values by key, in the words of version 1.0."""
    said: dict[str, str] = {}
    for line in text.splitlines():
        if line.strip() and line.strip()[0] not in "#!":
            key, found, value = line.partition("=")
            key, _, value = (key, found, value) if found else line.partition(":")
            said[key.strip()] = value.strip()
    is_old = "hips_order" not in said and OLD_KEYS["hips_order"] in said
    for key, old in OLD_KEYS.items() if is_old else ():
        if said.get(old):
            said.setdefault(key, said[old])
    if is_old:
        said.setdefault("hips_frame", "galactic")  # what such a HiPS is where it does not say
        if said.get("tileOrder", "").isdecimal() and len(said["tileOrder"]) < 3:
            said.setdefault("hips_tile_width", str(1 << int(said["tileOrder"])))
        for key, kind in (("isCube", "cube"), ("isCatalog", "catalog"), ("isCat", "catalog")):
            if said.get(key, "").lower() == "true":
                said.setdefault("dataproduct_type", kind)
    return said


def _endings(said: dict[str, str], name: str) -> tuple[str, ...]:
    offered = said.get("hips_tile_format", "jpeg").lower().replace(",", " ").split()
    found = [ending for known, endings in FORMATS.items() if known in offered for ending in endings]
    if found:
        return tuple(dict.fromkeys(found))
    raise HeaderInvalidError(
        f"the tiles of the HiPS {shown(name)} are {shown(', '.join(offered))}, but Skykin reads fits, png "
        "and jpeg; choose another HiPS"
    )


def _fraction(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 1.0)
    except ValueError:
        return 1.0

"""Random headers: projection, order of axes, spelling of the matrix, distortion, frame, further axes."""

from __future__ import annotations

import numpy as np
from astropy.io import fits

#: Parameters that a projection needs (PVi_m of the latitude), and by how many degrees a field may be wide.
PROJECTIONS: dict[str, tuple[dict[int, float], float]] = {
    "TAN": ({}, 60),
    "SIN": ({}, 60),
    "ARC": ({}, 120),
    "STG": ({}, 120),
    "ZEA": ({}, 120),
    "ZPN": ({1: 1.0, 3: 0.05}, 40),
    "AZP": ({1: 2.0, 2: 10.0}, 40),
    "SZP": ({1: 2.0, 2: 30.0, 3: 60.0}, 40),
    "AIR": ({1: 45.0}, 40),
    "NCP": ({}, 30),
    "CAR": ({}, 360),
    "CEA": ({1: 1.0}, 360),
    "CYP": ({1: 1.0, 2: 0.8}, 360),
    "MER": ({}, 360),
    "SFL": ({}, 360),
    "GLS": ({}, 360),
    "PAR": ({}, 360),
    "MOL": ({}, 360),
    "AIT": ({}, 360),
    "HPX": ({}, 360),
    "XPH": ({}, 180),
    "TSC": ({}, 180),
    "CSC": ({}, 180),
    "QSC": ({}, 180),
    "COP": ({1: 45.0, 2: 15.0}, 60),
    "COE": ({1: 45.0, 2: 15.0}, 60),
    "COD": ({1: 45.0, 2: 15.0}, 60),
    "COO": ({1: 45.0, 2: 15.0}, 60),
    "BON": ({1: 45.0}, 60),
    "PCO": ({}, 60),
    "TPV": ({0: 0.0, 1: 1.0, 4: 2e-3, 6: -1e-3}, 10),
    "TNX": ({}, 10),
    "ZPX": ({1: 1.0, 3: 0.05}, 10),
}
NAMES = {"equatorial": ("RA--", "DEC-"), "galactic": ("GLON", "GLAT"), "ecliptic": ("ELON", "ELAT")}
RADESYS = (None, None, "ICRS", "FK5", "FK4", "FK4-NO-E")
EQUINOX = (None, 2000.0, 1950.0, 1975.0, "J2000", "B1950", "2000.0")
MATRIX = ("CDELT", "CROTA", "PC", "CD", "CD and CROTA", "PC and CD", "old CD", "odd PC")
WEIGHTS = (0.2, 0.15, 0.2, 0.3, 0.05, 0.04, 0.03, 0.03)


def random_header(seed: int) -> tuple[fits.Header, tuple[int, int]]:
    """A header of an image, and the numbers of its axes of longitude and latitude, from 1."""
    random = np.random.default_rng(seed)
    code = str(random.choice(list(PROJECTIONS)))
    parameters, widest = PROJECTIONS[code]
    extra = int(random.choice([0, 0, 1, 2]))
    first = int(random.choice([1, 1, 1, extra + 1]))
    lon, lat = (first, first + 1) if random.random() < 0.7 else (first + 1, first)
    head = fits.Header()
    head["NAXIS"] = 2 + extra
    width = float(min(widest, 10 ** random.uniform(-1, np.log10(widest))))
    sides = [int(random.integers(20, 300)), int(random.integers(20, 300))]
    step = width / max(sides)
    for i in range(1, 3 + extra):
        head[f"NAXIS{i}"] = sides.pop() if i in (lon, lat) else int(random.choice([1, 1, 5]))
    _name_axes(head, random, code, (lon, lat))
    for i, value in ((lon, random.uniform(0, 360)), (lat, random.uniform(-90, 90))):
        head[f"CRVAL{i}"] = float(
            np.round(
                value
                if code in ("TAN", "SIN", "ARC", "STG", "ZEA") or random.random() < 0.4
                else value * (i == lon),
                3,
            )
        )
        head[f"CRPIX{i}"] = float(head[f"NAXIS{i}"] * random.uniform(-0.2, 1.2))
    kinds = ("CD",) if code in ("TPV", "TNX", "ZPX") else MATRIX
    kind = str(random.choice(kinds, p=WEIGHTS if kinds is MATRIX else None))
    _add_matrix(head, random, (lon, lat), step, kind)
    for m, value in parameters.items():
        for i in (lon, lat) if code == "TPV" else (lat,):
            head[f"PV{i}_{m}"] = value
    if code in ("TNX", "ZPX"):
        _add_wat(head, random, code, (lon, lat))
    if code == "TAN" and random.random() < 0.6:
        _add_sip(head, random, max(head[f"NAXIS{lon}"], head[f"NAXIS{lat}"]), (lon, lat))
    if random.random() < 0.2:
        head["LONPOLE"] = float(random.uniform(0, 360))
    if random.random() < 0.05:
        head["LATPOLE"] = float(random.uniform(-90, 90))
    return head, (lon, lat)


def _add_wat(head: fits.Header, random: np.random.Generator, code: str, axes: tuple[int, int]) -> None:
    """A distortion as IRAF writes it, in pieces of 68 characters."""
    size = float(random.choice([0.001, 0.01]))
    for i, kind, name in zip(axes, ("ra", "dec"), ("lngcor", "latcor"), strict=True):
        radial = "projp1=1. projp3=0.05 " if code == "ZPX" else ""
        terms = " ".join(f"{size * random.uniform(-1, 1):.5f}" for _ in range(6))
        body = f'wtype={code.lower()} axtype={kind} {radial}{name} = "3. 3. 3. 2. -2. 2. -2. 2. {terms} "'
        for part in range(-(-len(body) // 68)):
            head[f"WAT{i}_{part + 1:03d}"] = body[68 * part : 68 * part + 68]


def _name_axes(head: fits.Header, random: np.random.Generator, code: str, axes: tuple[int, int]) -> None:
    system = str(random.choice(["equatorial", "equatorial", "galactic", "ecliptic"]))
    for i, name in zip(axes, NAMES[system], strict=True):
        plain = random.random() < 0.02
        head[f"CTYPE{i}"] = f"{name.rstrip('-')}--{code}"[:8] if plain else f"{name}-{code}"
    further = iter(("VRAD", "STOKES"))
    for i in range(1, head["NAXIS"] + 1):
        if i not in axes and random.random() < 0.8:
            head[f"CTYPE{i}"] = next(further)
            head[f"CRVAL{i}"], head[f"CRPIX{i}"], head[f"CDELT{i}"] = (
                1.0,
                1.0,
                float(random.choice([1.0, 0.5])),
            )
    if system == "equatorial":
        for key, choices in (("RADESYS", RADESYS), ("EQUINOX", EQUINOX)):
            value = choices[int(random.integers(len(choices)))]
            if value is not None:
                head["RADECSYS" if key == "RADESYS" and random.random() < 0.3 else key] = value
    if system == "ecliptic" and random.random() < 0.5:
        head["EQUINOX"] = float(random.choice([2000.0, 1975.0, 2015.5]))


def _add_matrix(
    head: fits.Header, random: np.random.Generator, axes: tuple[int, int], step: float, kind: str
) -> None:
    lon, lat = axes
    scale = {lon: float(random.choice([-step, step])), lat: step * float(random.choice([1.0, 1.0, 0.7]))}
    unit, factor = random.choice(
        [("", 1), ("deg", 1), ("arcsec", 3600), ("degree", 1)], p=[0.4, 0.4, 0.1, 0.1]
    )
    if unit and "CD" not in kind:
        for i in axes:
            head[f"CUNIT{i}"] = str(unit)
            scale[i] *= float(factor)
            head[f"CRVAL{i}"] *= float(factor)
    angle = float(random.choice([0.0, 90.0, 180.0, random.uniform(0, 360)]))
    turn = np.radians(angle)
    matrix = {
        (lon, lon): np.cos(turn),
        (lon, lat): -np.sin(turn),
        (lat, lon): np.sin(turn),
        (lat, lat): np.cos(turn),
    }
    if "CD" not in kind or kind == "CD and CROTA":
        head.update({f"CDELT{i}": scale[i] for i in axes})
    if "CROTA" in kind:
        head[f"CROTA{lat}"] = angle
    for (i, j), value in matrix.items():
        if "PC" in kind:
            head[f"PC0{i}_0{j}" if kind == "odd PC" else f"PC{i}_{j}"] = float(value)
        if "CD" in kind and kind != "CDELT":
            head[f"CD00{i}00{j}" if kind == "old CD" else f"CD{i}_{j}"] = float(value * scale[i])
    if "CD" in kind and random.random() < 0.5:
        for i in range(1, head["NAXIS"] + 1):
            if i not in axes:
                head[f"CD{i}_{i}"] = 1.0


def _add_sip(head: fits.Header, random: np.random.Generator, side: int, axes: tuple[int, int]) -> None:
    head["A_ORDER"] = head["B_ORDER"] = 2
    for letter in "AB":
        for p, q in ((2, 0), (1, 1), (0, 2)):
            head[f"{letter}_{p}_{q}"] = float(random.uniform(-0.03, 0.03) / side)
    if random.random() < 0.7:
        for i in axes:
            head[f"CTYPE{i}"] += "-SIP"
    if random.random() < 0.2:
        for i in axes:
            head[f"PV{i}_1"], head[f"PV{i}_5"] = 1.0, 0.002

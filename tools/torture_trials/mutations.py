"""Files of every format that is read, with bytes changed, cut out, put in twice or exchanged."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import random
import select
import signal
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import numpy as np
from astropy import units as u
from astropy.table import QTable, Table
from mocpy import MOC
from PIL import Image
from tests.hostile import fits_files, healpix_files, hips_tiles, pictures

from skykin.catalogue.user_catalogue import read_catalogue
from skykin.core.errors import SkykinError
from skykin.generate.picture_file import read_picture
from skykin.survey.open import open_survey
from skykin.survey.sky_mask import read_sky_mask

#: A reader that says nothing for so long hangs.
HANG_S = 10.0


def _survey(path: Path) -> None:
    open_survey(path).sample(np.array([209.0, 210.0]), np.array([-19.0, -20.0]))


Reader = Callable[[Path], object]


@dataclass
class Tally:
    """What became of the files."""

    files: int = 0
    read: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    crashes: list[str] = field(default_factory=list)
    hangs: list[str] = field(default_factory=list)
    tracebacks: list[str] = field(default_factory=list)
    warnings: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0


def seeds(folder: Path) -> list[tuple[Path, Reader]]:
    """Write a good file of each format."""
    rows = 40
    table = QTable({"RA": np.linspace(80, 86, rows) * u.deg, "DEC": np.linspace(-6, -2, rows) * u.deg})
    table["name"], table["flux"] = [f"N{i}" for i in range(rows)], np.arange(rows, dtype=float)
    moc = MOC.from_lonlat([83.8] * u.deg, [-5.4] * u.deg, max_norder=6)
    image, plain = fits_files.image_bytes(), folder / "image.fits"
    made: list[tuple[str, bytes, Reader]] = [
        ("image.fits", image, _survey),
        ("cube.fits", fits_files.cube_bytes(), _survey),
        ("sums.fits", fits_files.checksummed(), _survey),
        *((f"{kind}.fits", fits_files.compressed_bytes(kind), _survey)
          for kind in ("RICE_1", "GZIP_1", "GZIP_2", "PLIO_1", "HCOMPRESS_1")),
        ("image.fits.gz", gzip.compress(image, mtime=0), _survey),
        ("image.fits.bz2", bz2.compress(image), _survey),
        ("image.fits.xz", lzma.compress(image), _survey),
        ("shapes.reg", b"# Region file format: DS9\ngalactic\ncircle(209.0,-19.0,2.0)\n"
         b"polygon(200,-20,205,-20,205,-15,200,-15)\nbox(210,-10,3,2,30)\n", read_sky_mask),
    ]  # fmt: skip
    for name, content, _ in made:
        (folder / name).write_bytes(content)
    found = [(folder / name, reader) for name, _, reader in made]
    healpix_files.write_map(folder / "map.fits", {"T": healpix_files.smooth_sky(8)})
    found.append((folder / "map.fits", _survey))
    for name in ("picture.png", "picture.jpg", "picture.tif"):
        pictures.save(folder / name, pictures.gradient())
        found.append((folder / name, read_picture))
    Image.fromarray(np.arange(4096, dtype=np.float32).reshape(64, 64)).save(folder / "float.tif")
    found.append((folder / "float.tif", read_picture))
    for name, how in (
        ("t.ecsv", "ascii.ecsv"),
        ("t.csv", "ascii.csv"),
        ("t.vot", "votable"),
        ("t.fits", "fits"),
    ):
        Table(table).write(folder / name, format=how) if how == "ascii.csv" else table.write(
            folder / name, format=how
        )
        found.append((folder / name, read_catalogue))
    for name, how in (("moc.fits", "fits"), ("moc.json", "json"), ("moc.txt", "ascii")):
        moc.save(str(folder / name), format=how)
        found.append((folder / name, read_sky_mask))
    hips = hips_tiles.write_hips(folder / "hips", orders=(0,))
    found += [(path, _in_hips) for path in (hips / "properties", hips / "Norder0" / "Dir0" / "Npix4.fits")]
    for ending in ("png", "jpg"):
        tiles = hips_tiles.write_hips(folder / f"hips-{ending}", ending, orders=(0,))
        found.append((tiles / "Norder0" / "Dir0" / f"Npix4.{ending}", _in_hips))
    assert plain.is_file()
    return found


def _in_hips(path: Path) -> None:
    root = next(each for each in path.parents if each.name.startswith("hips"))
    open_survey(root).sample(np.array([0.0]), np.array([0.0]))


def mutated(content: bytes, chance: random.Random) -> bytes:
    """Change a file: some bytes, a part of it, or its length."""
    bad = bytearray(content)
    kind = chance.randrange(8)
    if kind == 0:
        return bytes(bad[: chance.randrange(len(bad))])
    if kind == 1:
        at, length = chance.randrange(len(bad)), chance.randrange(1, 400)
        return bytes(bad[:at] + bad[at + length :])
    if kind == 2:
        at, length = chance.randrange(len(bad)), chance.randrange(1, 400)
        return bytes(bad[:at] + bad[at : at + length] * chance.randrange(2, 6) + bad[at:])
    if kind == 3:
        at, length = chance.randrange(len(bad)), chance.randrange(1, 400)
        bad[at : at + length] = bytes([chance.choice((0, 32, 255))]) * len(bad[at : at + length])
        return bytes(bad)
    # Headers and first rows decide most: half of the changes are there.
    reach = len(bad) if kind < 6 else min(len(bad), 3000)
    for _ in range(chance.choice((1, 2, 6, 20))):
        at = chance.randrange(reach)
        bad[at] = chance.choice(
            (chance.randrange(256), bad[at] ^ (1 << chance.randrange(8)), 48 + chance.randrange(10))
        )
    return bytes(bad)


def mutate(folder: Path, count: int, seed: int, say: Callable[[str], None]) -> Tally:
    """Read `count` mutated files in a child process, which is begun anew if it dies or hangs."""
    tally, files = Tally(), seeds(folder)
    while tally.files < count:
        _batch(files, tally, count, seed, say)
    return tally


def _batch(
    files: list[tuple[Path, Reader]], tally: Tally, count: int, seed: int, say: Callable[[str], None]
) -> None:
    begin = tally.files
    back, told = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(back)
        with os.fdopen(told, "w", buffering=1) as lines:
            for number in range(begin, count):
                _one(files, number, seed, lines.write)
        os._exit(0)
    os.close(told)
    with os.fdopen(back) as lines:
        for line in _with_deadline(lines, child):
            if line is None:
                tally.hangs.append(str(tally.files))
                break
            kind, seconds, what = line.rstrip("\n").split("\t", 2)
            tally.files += 1
            tally.slowest_s = max(tally.slowest_s, float(seconds))
            if kind == "read":
                tally.read += 1
            elif kind == "refused":
                tally.refused[what] += 1
            elif kind == "warning":
                tally.warnings[what] += 1
                tally.files -= 1
            else:
                tally.tracebacks.append(what)
                say(what)
            if float(seconds) > HANG_S:
                tally.hangs.append(f"{what} {seconds} s")
            if tally.files % 500 == 0:
                say(f"{tally.files} of {count} files")
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if tally.files < count:
        tally.crashes += [] if status in (0, -signal.SIGKILL) else [f"file {tally.files}: {status}"]
        tally.files += 1


def _with_deadline(lines: TextIO, child: int) -> Iterator[str | None]:
    while True:
        if not select.select([lines], [], [], 3 * HANG_S)[0]:
            os.kill(child, signal.SIGKILL)
            yield None
            return
        line = lines.readline()
        if not line:
            return
        yield line


def _one(files: list[tuple[Path, Reader]], number: int, seed: int, tell: Callable[[str], object]) -> None:
    path, reader = files[number % len(files)]
    content = path.read_bytes()
    start, noise = time.monotonic(), []
    try:
        path.write_bytes(mutated(content, random.Random(seed * 1_000_003 + number)))
        with warnings.catch_warnings(record=True) as noise:
            warnings.simplefilter("always")
            reader(path)
        found = "read", path.name
    except SkykinError as error:
        found = "refused", error.code
        if "\n" in str(error) or not str(error):
            found = "traceback", f"{path.name} {number}: no single sentence: {str(error)[:200]!r}"
    except BaseException as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        found = (
            "traceback",
            f"{path.name} {number}: {type(error).__name__} {str(error)[:150]!r} in {where.name}",
        )
    finally:
        path.write_bytes(content)
    for each in {f"{Path(one.filename).name}:{one.lineno} {one.category.__name__}" for one in noise}:
        tell(f"warning\t0\t{each}\n")
    tell(f"{found[0]}\t{time.monotonic() - start:.3f}\t{found[1]}\n")

"""The folder of products: it appears whole, or not at all."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from skykin.core.atomic import exchange, sha256_of, sync, write_text
from skykin.core.errors import ResourceError, SkykinError, UsageError, shown
from skykin.core.scratch import OLD, Scratch, sweep, uninterrupted

#: Lists the files of a folder that Skykin made, each with its SHA-256, in the form of ``sha256sum``; only a
#: folder that holds nothing else is ever replaced.
MARKER = ".skykin-products"
#: What file managers leave behind in any folder that a person looks into.
LITTER = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
#: Folders and files that Skykin writes: whatever a marker says, no other name is ever removed.
OWN_FOLDERS = frozenset({"evaluation"})
FIGURES = (
    "agreement", "best-and-opposite", "content-layers", "evaluation-auc", "evaluation-objects",
    "evaluation-recall", "explanation", "figure-2-matches", "figure-3-rendered-sky", "figure-4-heat-map",
    "heat-map", "kinds-of-sky", "layer-numbers", "outliers", "reference-tile", "scores", "style-layers",
    "targets",
)  # fmt: skip
OWN_FILES = frozenset(
    (*(f"{name}.{end}" for name in FIGURES for end in ("png", "pdf")),
    "best.ecsv", "credits.txt", "evaluation-curves.ecsv", "evaluation-objects.ecsv", "evaluation.ecsv",
    "evaluation.json", "explanation.json", "explanation.npz", "kinds.fits", "kinds.json", "layers.ecsv",
    "matches.moc.fits",
    "matches.reg", "outliers.ecsv", "outliers.json", "preview.png", "rejected.jsonl", "report.html",
    "score.fits", "score.multiorder.fits", "section.html", "summary.json", "targets.ecsv", "targets.reg",
    "targets.vot", "tiles.ecsv", "tiles.vot")
)  # fmt: skip
#: The same of a HiPS and of a HATS catalogue, which have as many as their sky needs: paths within the folder.
CELL_FOLDERS = re.compile(
    r"Norder\d{1,2}(/Dir\d{1,19})?|dataset(/Norder=\d{1,2}(/Dir=\d{1,19})?)?",
)
CELL_FILES = re.compile(
    r"properties|Moc\.fits|Norder\d{1,2}/(Allsky|Dir\d{1,19}/Npix\d{1,19})\.(fits|png|jpg)"
    r"|hats\.properties|partition_info\.csv|dataset/(_metadata|_common_metadata)"
    r"|dataset/Norder=\d{1,2}/Dir=\d{1,19}/Npix=\d{1,19}\.parquet"
)


def check_output_folder(path: Path, *, overwrite: bool = False) -> Path:
    """Make sure, before any work is done, that the products can be put there.

    Parameters
    ----------
    path : Path
        Folder to come.  Its parent may be missing, but not its parent's parent.
    overwrite : bool
        Whether a folder that Skykin made before may be replaced.

    Returns
    -------
    Path
        The same place, absolute and without links.

    Raises
    ------
    UsageError
        If the place is a file, is the current folder, holds results and `overwrite` is not set, or holds
        files that Skykin did not write.
    ResourceError
        If nothing can be written there.
    """
    target = Path(path).expanduser().resolve()
    if target.exists() and not target.is_dir():
        raise UsageError(f"{shown(path)} is a file; name a folder for the results", code="USAGE-OUT")
    if Path.cwd().is_relative_to(target):
        raise UsageError(
            f"{shown(path)} holds the current folder and cannot be replaced; "
            "name a new folder for the results",
            code="USAGE-OUT",
        )
    try:
        for place in (target.parent, target):
            sweep(place)
        _check_content(target, path, overwrite)
        _check_writable(target, path)
    except OSError as error:
        if isinstance(error, SkykinError):
            raise
        raise _cannot_write(path, error) from error
    return target


def check_output_file(output: str | Path | None, *, overwrite: bool) -> None:
    """Refuse to replace a file unasked, before any work is done.

    Raises
    ------
    UsageError
        ``USAGE-OUT`` if the file is there and `overwrite` is not set, or it is a folder.
    """
    if output is None:
        return
    path = Path(output)
    if path.is_dir():
        raise UsageError(f"{shown(path)} is a folder; name a file", code="USAGE-OUT")
    if (path.exists() or path.is_symlink()) and not overwrite:
        raise UsageError(
            f"the file {shown(path.name)} is there already; add --overwrite to replace it, or name another",
            code="USAGE-OUT",
        )


@contextmanager
def output_folder(path: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Give a temporary folder; on success it becomes `path` as a whole, otherwise nothing remains of it.

    An existing folder stays as it was until the new one is complete and synced to disk.

    Raises
    ------
    UsageError, ResourceError
        As `check_output_folder`; ResourceError also when the disk fills up on the way.
    """
    target = check_output_folder(path, overwrite=overwrite)
    made_parent = not target.parent.exists()
    try:
        target.parent.mkdir(exist_ok=True)
        with Scratch(target.parent) as scratch:
            new = scratch.folder / "new"
            new.mkdir()
            yield new
            _check_content(target, path, overwrite)
            _sweep_all(new)
            record(new, [path for path in new.rglob("*") if path.is_file()])
            _sweep_all(new)
            _sync_all(new)
            with uninterrupted():
                _put(new, target)
    except BaseException as error:
        if made_parent:
            with suppress(OSError):
                target.parent.rmdir()
        if isinstance(error, OSError) and not isinstance(error, SkykinError):
            raise _cannot_write(path, error) from error
        raise


def _check_content(target: Path, named: Path, overwrite: bool) -> None:
    found = {entry.name for entry in target.iterdir()} if target.exists() else set()
    if found and not overwrite:
        raise UsageError(
            f"the folder {shown(named)} already holds {len(found)} files; "
            "add --overwrite to replace results of Skykin, or name another folder",
            code="USAGE-OUT",
        )
    stranger = next(_strangers(target), None) if found else None
    if stranger is not None:
        name, why = stranger
        raise UsageError(
            f"the folder {shown(named)} holds {shown(name)}, which {why}, so it is not replaced; move that "
            "file away or name another folder",
            code="USAGE-OUT",
        )


def _strangers(folder: Path) -> Iterator[tuple[str, str]]:
    """Files and folders that are not as Skykin wrote them, by their path within, and what is with them."""
    known = _recorded(folder)
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        parent = path.parent.relative_to(folder).as_posix()
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            yield name, "Skykin did not write"
        elif path.is_dir():
            if name not in OWN_FOLDERS and not CELL_FOLDERS.fullmatch(name):
                yield name, "Skykin did not write"
        elif path.name in LITTER or (path.name == MARKER and parent in (".", *OWN_FOLDERS)):
            continue
        elif name not in known or not (path.name in OWN_FILES or CELL_FILES.fullmatch(name)):
            yield name, "Skykin did not write"
        elif known[name] != sha256_of(path):
            yield name, "was changed after Skykin wrote it"


def _recorded(folder: Path) -> dict[str, str]:
    """Read a marker: SHA-256 by path; nothing if there is none, or it is a link."""
    marker = folder / MARKER
    if marker.is_symlink() or not marker.is_file():
        return {}
    lines = marker.read_text(encoding="utf-8", errors="replace").splitlines()
    return {name: digest for digest, between, name in (line.partition("  ") for line in lines) if between}


def is_unchanged(folder: Path, name: str) -> bool:
    """Whether a product is as Skykin wrote it."""
    path = folder / name
    return path.is_file() and not path.is_symlink() and _recorded(folder).get(name) == sha256_of(path)


def record(folder: Path, paths: Iterable[Path]) -> None:
    """Note in the marker of a folder that Skykin wrote these files in it, as they are now."""
    known = _recorded(folder)
    known |= {path.relative_to(folder).as_posix(): sha256_of(path) for path in paths}
    write_text(folder / MARKER, "".join(f"{known[name]}  {name}\n" for name in sorted(known)))


def _check_writable(target: Path, named: Path) -> None:
    parent = target.parent
    if not parent.exists():
        if not parent.parent.is_dir():
            raise UsageError(
                f"the folder {shown(parent)} that should hold {shown(named)} does not exist, "
                "nor does the one above it; create it or name another folder",
                code="USAGE-OUT",
            )
        parent = parent.parent
    # Permission bits do not tell of read-only disks and mean little to an administrator: try it.
    Scratch(parent).remove()


def _sweep_all(folder: Path) -> None:
    """Remove the temporary folders that files were written in, where that failed the first time."""
    for place in (folder, *(folder / name for name in OWN_FOLDERS)):
        sweep(place)


def _sync_all(folder: Path) -> None:
    for path in (*sorted(folder.rglob("*")), folder):
        sync(path)


def _put(new: Path, target: Path) -> None:
    """Put the new folder in its place, in one step where the system can; the old one is then in the scratch.

    Elsewhere the old one is put back if that fails, or at the next start if the process is killed.
    """
    if not target.exists():
        new.rename(target)
    elif exchange(new, target):
        _keep_strangers(new, target)
    else:
        old = new.parent / OLD / target.name
        old.parent.mkdir()
        target.rename(old)
        try:
            new.rename(target)
        except BaseException:
            old.rename(target)
            raise
        _keep_strangers(old, target)
    sync(target.parent)


def _keep_strangers(old: Path, target: Path) -> None:
    """Keep the folder that was replaced if somebody put a file there in that very moment."""
    if next(_strangers(old), None) is not None:
        old.rename(target.with_name(f"{target.name}-kept-{secrets.token_hex(4)}"))


def _cannot_write(path: Path, error: OSError) -> ResourceError:
    reason = error.strerror or str(error)
    return ResourceError(
        f"cannot write the results to {shown(path)}: {reason}; nothing was left there, "
        "so free some space or name another folder and run again",
        code="RS-READONLY" if isinstance(error, PermissionError) else "RS-DISK",
    )

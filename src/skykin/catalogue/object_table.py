"""Writing a list of objects to a file."""

from __future__ import annotations

from pathlib import Path

from astropy.table import QTable, Table

from skykin.core.atomic import whole_file
from skykin.core.errors import UsageError, shown

#: What astropy calls the form of a file, by the end of its name.
FORMS = {".ecsv": "ascii.ecsv", ".csv": "ascii.csv", ".xml": "votable", ".vot": "votable"}


def write_object_table(table: QTable, path: Path, *, overwrite: bool = False) -> None:
    """Write a list of objects, such as `object_list` gives, as ECSV, CSV or VOTable.

    Parameters
    ----------
    table : QTable
    path : Path
        Its end tells the form: ``.ecsv`` (keeps units and how the list was compiled), ``.csv`` or ``.xml``.
    overwrite : bool
        Replace a file that is there.

    Raises
    ------
    UsageError
        For another end; ``USAGE-OUT`` if the file is there already.
    ResourceError
        If it cannot be written.
    """
    form = FORMS.get(path.suffix.lower())
    if form is None:
        raise UsageError(f"cannot tell the form of {shown(path.name)}; end its name in {', '.join(FORMS)}")
    if path.exists() and not overwrite:
        raise UsageError(
            f"{shown(path.name)} is there already; choose another name, or add --overwrite", code="USAGE-OUT"
        )
    plain = Table(table)
    with whole_file(path) as temporary:
        plain.write(temporary, format=form, overwrite=True)

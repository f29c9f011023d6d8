"""A list of objects on the sky that a map is judged by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from astropy import units as u
from astropy.table import QTable

from skykin.core.errors import DataQualityError, HeaderInvalidError, SkyError, shown
from skykin.core.shapes import Degrees, Numbers

NEEDED = ("lon_deg", "lat_deg")


@dataclass(frozen=True, eq=False)
class TargetList:
    """Objects with their places and sizes.

    Parameters
    ----------
    title : str
        What the list is called in tables and figures.
    names : tuple of str
    lon_deg, lat_deg : array (objects,)
        Galactic centres, degrees.
    diameter_deg : array (objects,)
        Full angular size; NaN where unknown.

    Raises
    ------
    SkyError
        If a position is not finite or not on the sky.
    DataQualityError
        If the list is empty.
    """

    title: str
    names: tuple[str, ...]
    lon_deg: Degrees
    lat_deg: Degrees
    diameter_deg: Degrees

    def __post_init__(self) -> None:
        for name in ("lon_deg", "lat_deg", "diameter_deg"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=np.float64))
        if not self.names:
            raise DataQualityError(
                f"the list {shown(self.title)} holds no objects; give one that does", code="DQ-FEWVALID"
            )
        for row, (lon, lat) in enumerate(zip(self.lon_deg, self.lat_deg, strict=True)):
            if not (np.isfinite(lon) and np.isfinite(lat) and abs(lat) <= 90 and -180 <= lon <= 360):
                raise SkyError(
                    f"row {row + 1} of {shown(self.title)} ({shown(self.names[row])}) lies at l={lon:g}°, "
                    f"b={lat:g}°, which is not on the sky; longitudes run from 0° to 360°, latitudes from "
                    "−90° to 90°"
                )

    def __len__(self) -> int:
        return len(self.names)

    @classmethod
    def from_table(cls, table: QTable, title: str, chosen: Numbers | None = None) -> TargetList:
        """Take the rows for which `chosen` is true, all by default.

        Parameters
        ----------
        table : QTable
            Columns ``lon_deg`` and ``lat_deg`` (Galactic), ``name`` and ``diameter_deg`` where it has them.
        title : str
        chosen : bool array (rows,), optional

        Raises
        ------
        HeaderInvalidError
            If a column with positions is missing.
        SkyError, DataQualityError
            As the class.
        """
        missing = [name for name in NEEDED if name not in table.colnames]
        if missing:
            raise HeaderInvalidError(
                f"the table {shown(title)} lacks the column {' and '.join(missing)}; it has "
                f"{shown(', '.join(table.colnames))}"
            )
        rows = np.ones(len(table), dtype=bool) if chosen is None else np.asarray(chosen, dtype=bool)
        names = table["name"] if "name" in table.colnames else [f"row {i + 1}" for i in range(len(table))]
        size = degrees_of(table, "diameter_deg") if "diameter_deg" in table.colnames else None
        return cls(
            title,
            tuple(str(name) for name, kept in zip(names, rows, strict=True) if kept),
            degrees_of(table, "lon_deg")[rows],
            degrees_of(table, "lat_deg")[rows],
            np.full(int(rows.sum()), np.nan) if size is None else size[rows],
        )


def degrees_of(table: QTable, name: str) -> Degrees:
    """Give a column as degrees; bare numbers are degrees, NaN where masked."""
    column = table[name]
    values = column.to_value(u.deg) if getattr(column, "unit", None) else column
    bare = np.asarray(getattr(values, "unmasked", np.ma.getdata(values)), dtype=np.float64)
    return np.where(np.asarray(getattr(column, "mask", False)), np.nan, bare)

"""Shapes of the arrays that pass between the parts, written once."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

import numpy as np
import numpy.typing as npt

#: Longitudes or latitudes as a person gives them: plain numbers are degrees, a Quantity has its own unit.
Angles: TypeAlias = Annotated[Any, "degrees or Quantity"]
#: Longitudes or latitudes in degrees, any shape.
Degrees: TypeAlias = npt.NDArray[np.float64]
#: Physical values of a survey: the shape of the positions, then one number per band.
BandValues: TypeAlias = Annotated[npt.NDArray[np.float32], "... bands"]
#: Fraction of good data in each value, 0 (nothing, masked) to 1 (complete).
Coverage: TypeAlias = Annotated[npt.NDArray[np.float32], "..."]
#: Colours between 0 and 1; the first row is the top (north), the first column the largest longitude.
RGB: TypeAlias = Annotated[npt.NDArray[np.float32], "... 3"]
#: What one layer of the network answers to a picture.
Chroma: TypeAlias = Annotated[npt.NDArray[np.float32], "channels y x"]
#: Weights of positions, same y and x as the layer they belong to.
Weights: TypeAlias = Annotated[npt.NDArray[np.float32], "y x"]
#: Second moments of a layer's channels.
Gram: TypeAlias = Annotated[npt.NDArray[np.float32], "channels channels"]
#: Any array of numbers.
Numbers: TypeAlias = npt.NDArray[Any]

"""Made-up settings of every kind."""

from hypothesis import strategies as st
from mocpy import MOC

from skykin.core.area import MocArea, SkyBox
from skykin.core.criterion import MatchCriterion, ScoreCut
from skykin.core.robustness import Robustness
from skykin.core.settings import MapSettings
from skykin.core.survey_options import SurveyOptions


def optional(strategy):
    return st.none() | strategy


def finite(low, high, **kwargs):
    return st.floats(low, high, allow_nan=False, **kwargs)


angles = finite(0, 90, exclude_min=True)
words = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=9)
draws = st.just(0) | st.integers(2, 1000)
velocities = st.tuples(finite(-500, 500), finite(0.1, 100)).map(lambda pair: (pair[0], sum(pair)))
bands = st.tuples(velocities, velocities, velocities)

criteria = st.one_of(
    st.builds(MatchCriterion, threshold=optional(finite(-1, 1))),
    st.builds(MatchCriterion, top_fraction=finite(0, 1, exclude_min=True, exclude_max=True)),
    st.builds(MatchCriterion, max_q=finite(0, 1, exclude_min=True, exclude_max=True)),
)
cuts = st.builds(
    ScoreCut, column=st.sampled_from(["score", "q"]), value=finite(-9, 9), missed_q=optional(finite(0, 1))
)
robustnesses = st.builds(
    Robustness, csls=st.booleans(), surrogates=draws, noise_draws=draws, seed=st.integers(0, 2**63)
)
survey_options = st.builds(
    SurveyOptions,
    hdu=optional(st.integers(0, 99) | words),
    frame=optional(st.sampled_from(["galactic", "icrs", "ecliptic"])),
    projection=optional(st.sampled_from(["plate-carree", "mollweide", "aitoff"])),
    center_deg=optional(finite(-360, 360)),
    scale_deg=optional(angles),
    ordering=optional(st.sampled_from(["ring", "nested"])),
    columns=optional(st.lists(words, min_size=1, max_size=3)),
    blank=optional(finite(-1e38, 1e38)),
    unit=optional(words),
    beam_deg=optional(angles),
    bands=optional(bands),
    rest=optional(words),
    show=optional(st.sampled_from(["bands", "moments", "channels"])),
    channels=optional(st.lists(st.integers(0, 999), min_size=3, max_size=3)),
    mask=optional(words),
    smooth_deg=optional(angles),
    ignore_checksum=st.booleans(),
    lenient=st.booleans(),
)
boxes = st.builds(
    SkyBox,
    lon_min_deg=finite(-360, 0),
    lon_max_deg=finite(1, 720),
    lat_min_deg=finite(-90, -1),
    lat_max_deg=finite(0, 90),
)
mocs = st.sets(st.integers(0, 12 * 4**5 - 1), min_size=1, max_size=9).map(
    lambda cells: MocArea(MOC.from_string("5/" + " ".join(map(str, cells)), "ascii"))
)
areas = boxes | mocs
map_settings = st.builds(
    MapSettings,
    survey=words | st.tuples(words, words, words),
    survey_option=optional(survey_options),
    tile_size=optional(finite(20, 90)),
    spacing=optional(finite(1, 15)),
    pixels=optional(st.integers(32, 2048)),
    grid=st.just("healpix"),
    bands=optional(bands),
    stretch=st.sampled_from([None, "linear", "asinh", "log", "symmetric", "identity"]),
    recipe=words,
    criterion=criteria,
    robustness=robustnesses,
    area=optional(areas),
    min_coverage=finite(0.1, 1),
    jobs=optional(st.integers(1, 1024)),
) | st.builds(
    MapSettings,
    engine=st.just("tiles"),
    grid=st.sampled_from(["healpix", "plate-carree"]),
    stretch_per_tile=st.booleans(),
) | st.builds(
    MapSettings, engine=optional(st.just("shared")), dense=st.booleans(), fast=st.booleans()
)  # fmt: skip

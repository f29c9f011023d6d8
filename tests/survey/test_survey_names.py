"""Names of files that are hard to say, and archives (sections K and O of the hostile corpus)."""

import io
import tarfile
import zipfile

import pytest
from PIL import Image

from skykin.core.errors import InputRefusedError
from skykin.survey.open import open_survey
from tests.hostile.healpix_files import smooth_sky, write_map
from tests.hostile.hips_tiles import write_hips
from tests.hostile.pictures import gradient

NAMES = [
    "a b",
    "it's",
    'say "x"',
    "two\nlines",
    "✨é",
    "-rf",
    "x[1]",
    "in(out)",
    "wow!",
    "*",
    "a;b&c|d",
    "%2e%2e",
]


@pytest.mark.parametrize("name", NAMES)
def test_o01_odd_names_are_taken_literally(tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    write_map(folder / f"{name}.fits", {"I": smooth_sky(8)})
    Image.fromarray(gradient(8, 16)).save(folder / f"{name}.png")
    write_hips(folder / f"{name} hips", orders=(0,))
    assert open_survey(folder / f"{name}.fits").source.name == f"{name}.fits"
    picture = open_survey(folder / f"{name}.png", projection="plate-carree", frame="galactic")
    assert picture.sample(0.0, 0.0)[1] > 0.9
    assert open_survey(folder / f"{name} hips").sample(0.0, 0.0)[1] > 0.9


@pytest.mark.parametrize("evil", ["../../evil.txt", "/root-of-all/evil.txt", "good.fits"])
def test_k01_k02_k03_archives_are_refused_and_nothing_is_taken_out(tmp_path, evil):
    inside = tmp_path / "inside"
    inside.mkdir()
    with zipfile.ZipFile(inside / "a.zip", "w") as archive:
        archive.writestr(evil, "x" * 100_000)
    with tarfile.open(inside / "a.tar", "w") as archive:
        entry = tarfile.TarInfo(evil)
        entry.size = 3
        archive.addfile(entry, io.BytesIO(b"bad"))
    for name in ("a.zip", "a.tar"):
        with pytest.raises(InputRefusedError, match=f"'{name}'"):
            open_survey(inside / name)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.tar", "a.zip", "inside"]

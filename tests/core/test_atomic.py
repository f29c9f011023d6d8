"""Writing whole files."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from skykin.core.atomic import sha256_of, whole_file, write_hdus, write_text
from skykin.core.errors import RemoteError, ResourceError


def test_a_file_appears_whole_with_ordinary_permissions(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "Orion")
    assert path.read_text() == "Orion"
    assert path.stat().st_mode & 0o444 == 0o444 & ~_umask()
    assert [each.name for each in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), RemoteError("the server is gone")])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def fail():
        with whole_file(path) as temporary:
            temporary.write_text("new")
            raise error

    with pytest.raises(type(error)) as caught:
        fail()
    assert caught.value is error
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["a.txt"]


def test_a_folder_that_is_not_there_is_one_clear_sentence(tmp_path):
    with pytest.raises(
        ResourceError, match="cannot write 'a.txt': No such file or directory; the file is as"
    ):
        write_text(tmp_path / "missing" / "a.txt", "x")


def test_the_hash_is_that_of_the_bytes(tmp_path):
    path = tmp_path / "empty"
    path.touch()
    assert sha256_of(path) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is always full, of Linux")
def test_a_disk_that_is_full_at_the_last_bytes_of_a_fits_file_is_told():
    with pytest.raises(OSError, match="No space left") as caught:
        write_hdus(Path("/dev/full"), fits.PrimaryHDU(np.ones(10, np.float32)))
    assert caught.value.errno == errno.ENOSPC

"""The folder of products appears whole or not at all, and never at the cost of somebody's files."""

from __future__ import annotations

import errno
import hashlib
import os
import signal
import subprocess
import sys

import pytest

from skykin.core.atomic import write_text
from skykin.core.errors import ResourceError, UsageError
from skykin.products import folder as folder_module
from skykin.products.folder import MARKER, OWN_FILES, check_output_folder, output_folder
from skykin.products.rejected import REJECTED
from skykin.products.write import PRODUCTS, REPORT


def fill(path, text="new", overwrite=False, fault=None):
    with output_folder(path, overwrite=overwrite) as folder:
        (folder / "score.fits").write_text(text)
        if fault:
            raise fault


def content(path):
    return {entry.name: entry.read_text() for entry in path.iterdir() if entry.name != MARKER}


def test_all_files_appear_together_at_the_end(tmp_path):
    target = tmp_path / "orion"
    with output_folder(target) as folder:
        (folder / "a.txt").write_text("a")
        assert not target.exists()
        (folder / "b.txt").write_text("b")
    assert content(target) == {"a.txt": "a", "b.txt": "b"}
    assert [entry.name for entry in tmp_path.iterdir()] == ["orion"]


def test_a_temporary_folder_that_could_not_be_removed_does_not_come_along(tmp_path, monkeypatch):
    times, remove = [], os.unlink

    def fails_once_for_each(path, *args, **kwargs):
        if str(path).endswith(".skykin-scratch") and path not in times:
            times.append(path)
            raise OSError(errno.EIO, "broken")
        remove(path, *args, **kwargs)

    monkeypatch.setattr(os, "unlink", fails_once_for_each)
    with output_folder(tmp_path / "orion") as folder:
        write_text(folder / "score.fits", "new")
    assert sorted(path.name for path in (tmp_path / "orion").iterdir()) == [MARKER, "score.fits"]
    assert (tmp_path / "orion" / MARKER).read_text().count("\n") == 1


def test_the_folder_has_the_usual_permissions(tmp_path):
    fill(tmp_path / "orion")
    (tmp_path / "plain").mkdir()
    assert (tmp_path / "orion").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_one_missing_parent_is_made(tmp_path):
    fill(tmp_path / "maps" / "orion")
    assert content(tmp_path / "maps" / "orion") == {"score.fits": "new"}


@pytest.mark.parametrize("fault", [RuntimeError("broken"), KeyboardInterrupt(), SystemExit(1)])
def test_nothing_is_left_after_a_fault_or_ctrl_c(tmp_path, fault):
    with pytest.raises(type(fault)):
        fill(tmp_path / "maps" / "orion", fault=fault)
    assert list(tmp_path.iterdir()) == []


def test_an_old_map_survives_a_fault_in_the_new_one(tmp_path):
    target = tmp_path / "orion"
    fill(target, "old")
    with pytest.raises(KeyboardInterrupt):
        fill(target, "half", overwrite=True, fault=KeyboardInterrupt())
    assert content(target) == {"score.fits": "old"}
    assert [entry.name for entry in tmp_path.iterdir()] == ["orion"]


def test_a_full_disk_is_told_in_one_sentence_and_nothing_is_left(tmp_path):
    sentence = r"cannot write the results to .*orion': No space left.*free some space"
    with pytest.raises(ResourceError, match=sentence) as caught, output_folder(tmp_path / "orion"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert caught.value.code == "RS-DISK"
    assert list(tmp_path.iterdir()) == []


def test_existing_results_need_overwrite(tmp_path):
    fill(tmp_path / "orion", "old")
    with pytest.raises(UsageError, match=r"orion' already holds 2 files; add --overwrite") as caught:
        check_output_folder(tmp_path / "orion")
    assert caught.value.code == "USAGE-OUT"
    fill(tmp_path / "orion", "new", overwrite=True)
    assert content(tmp_path / "orion") == {"score.fits": "new"}
    assert [entry.name for entry in tmp_path.iterdir()] == ["orion"]


def test_overwriting_leaves_no_file_of_the_old_map(tmp_path):
    with output_folder(tmp_path / "orion") as folder:
        (folder / "scores.png").write_text("old")
    fill(tmp_path / "orion", overwrite=True)
    assert content(tmp_path / "orion") == {"score.fits": "new"}


def test_a_strangers_file_is_never_deleted(tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter-1.tex").write_text("years of work")
    with pytest.raises(UsageError, match=r"holds 'chapter-1.tex', which Skykin did not write"):
        fill(tmp_path / "thesis", overwrite=True)
    assert content(tmp_path / "thesis") == {"chapter-1.tex": "years of work"}


def test_a_strangers_file_among_our_own_is_never_deleted(tmp_path):
    fill(tmp_path / "orion")
    (tmp_path / "orion" / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"holds 'notes.txt', which Skykin did not write"):
        check_output_folder(tmp_path / "orion", overwrite=True)


def test_a_product_that_was_edited_is_never_deleted(tmp_path):
    fill(tmp_path / "orion")
    (tmp_path / "orion" / "score.fits").write_text("edited")
    with pytest.raises(UsageError, match=r"holds 'score.fits', which was changed after Skykin wrote it"):
        fill(tmp_path / "orion", overwrite=True)
    assert content(tmp_path / "orion") == {"score.fits": "edited"}


@pytest.mark.parametrize("name", ["notes.txt", "evaluation/notes.txt", "evaluation/deep/notes.txt"])
def test_a_forged_marker_deletes_no_name_but_our_own(tmp_path, name):
    fill(tmp_path / "orion")
    own = tmp_path / "orion" / name
    own.parent.mkdir(parents=True, exist_ok=True)
    own.write_text("mine")
    marker = tmp_path / "orion" / MARKER
    digest = hashlib.sha256(b"mine").hexdigest()
    marker.write_text(marker.read_text() + f"{digest}  {name}\n{digest}  ../thesis.tex\n")
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(UsageError, match=r"which Skykin did not write, so it is not replaced"):
        fill(tmp_path / "orion", overwrite=True)
    assert own.read_text() == (tmp_path / "thesis.tex").read_text() == "mine"


def test_a_link_among_the_products_is_neither_followed_nor_deleted(tmp_path):
    fill(tmp_path / "orion")
    (tmp_path / "mine.png").write_text("mine")
    (tmp_path / "orion" / "scores.png").symlink_to(tmp_path / "mine.png")
    with pytest.raises(UsageError, match=r"holds 'scores.png', which Skykin did not write"):
        fill(tmp_path / "orion", overwrite=True)
    assert (tmp_path / "mine.png").read_text() == "mine"


def test_a_folder_of_somebody_with_the_name_of_litter_is_never_deleted(tmp_path):
    fill(tmp_path / "orion")
    (tmp_path / "orion" / "Thumbs.db").mkdir()
    with pytest.raises(UsageError, match=r"holds 'Thumbs.db', which Skykin did not write"):
        fill(tmp_path / "orion", overwrite=True)


def test_the_marker_is_a_list_that_sha256sum_reads(tmp_path):
    fill(tmp_path / "orion")
    digest = hashlib.sha256(b"new").hexdigest()
    assert (tmp_path / "orion" / MARKER).read_text() == f"{digest}  score.fits\n"


def test_every_file_of_a_map_and_its_evaluation_is_one_that_may_be_replaced(tmp_path):
    with output_folder(tmp_path / "orion") as folder:
        for name in OWN_FILES:
            (folder / name).write_text(name)
    check_output_folder(tmp_path / "orion", overwrite=True)
    assert {name for name, _, _ in PRODUCTS} | {REPORT, REJECTED} <= OWN_FILES


def test_a_file_that_comes_up_while_the_folder_is_replaced_is_kept(tmp_path, monkeypatch):
    fill(tmp_path / "orion")
    check, seen = folder_module._strangers, []

    def late(folder):
        if len(seen) == 2:  # the checks before the swap are over
            (folder / "notes.txt").write_text("mine")
        seen.append(folder)
        return check(folder)

    monkeypatch.setattr(folder_module, "_strangers", late)
    fill(tmp_path / "orion", overwrite=True)
    kept = next(tmp_path.glob("orion-kept-*"))
    assert (kept / "notes.txt").read_text() == "mine"
    assert content(tmp_path / "orion") == {"score.fits": "new"}


def test_what_file_managers_leave_is_no_strangers_file(tmp_path):
    fill(tmp_path / "orion")
    (tmp_path / "orion" / ".DS_Store").write_text("")
    fill(tmp_path / "orion", "new", overwrite=True)
    assert content(tmp_path / "orion") == {"score.fits": "new"}


def test_a_file_that_comes_up_during_the_work_is_not_deleted(tmp_path):
    target = tmp_path / "orion"

    def someone_else():
        target.mkdir()
        (target / "from-another-run.fits").write_text("theirs")

    with pytest.raises(UsageError, match="already holds 1 files"), output_folder(target):
        someone_else()
    assert content(target) == {"from-another-run.fits": "theirs"}


def test_an_empty_folder_is_filled_without_overwrite(tmp_path):
    (tmp_path / "orion").mkdir()
    fill(tmp_path / "orion")
    assert content(tmp_path / "orion") == {"score.fits": "new"}


def test_a_file_in_the_way_is_named(tmp_path):
    (tmp_path / "orion").write_text("a file")
    with pytest.raises(UsageError, match=r"orion' is a file; name a folder"):
        check_output_folder(tmp_path / "orion", overwrite=True)


def test_two_missing_parents_are_refused(tmp_path):
    with pytest.raises(UsageError, match="does not exist, nor does the one above it"):
        check_output_folder(tmp_path / "a" / "b" / "c")


def test_the_current_folder_is_not_replaced(tmp_path, monkeypatch):
    (tmp_path / "work" / "deeper").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "work" / "deeper")
    with pytest.raises(UsageError, match="holds the current folder"):
        check_output_folder(tmp_path / "work", overwrite=True)


def test_an_unwritable_place_is_told_before_any_work(tmp_path, monkeypatch):
    def refuse(self, *args, **kwargs):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("pathlib.Path.mkdir", refuse)
    with pytest.raises(ResourceError, match=r"cannot write the results to .*Permission denied") as caught:
        check_output_folder(tmp_path / "orion")
    assert caught.value.code == "RS-READONLY"


def test_the_check_leaves_nothing_behind(tmp_path):
    assert check_output_folder(tmp_path / "orion") == (tmp_path / "orion").resolve()
    assert list(tmp_path.iterdir()) == []


def test_a_link_leads_to_the_folder_that_is_replaced(tmp_path):
    fill(tmp_path / "real", "old")
    (tmp_path / "link").symlink_to(tmp_path / "real", target_is_directory=True)
    fill(tmp_path / "link", "new", overwrite=True)
    assert (tmp_path / "link").is_symlink()
    assert content(tmp_path / "real") == {"score.fits": "new"}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere folders are not exchanged in one step")
def test_the_old_map_is_there_until_the_new_one_is(tmp_path, monkeypatch):
    target = tmp_path / "orion"
    fill(target, "old")
    monkeypatch.setattr(type(target), "rename", lambda *_: pytest.fail("two steps"))
    fill(target, "new", overwrite=True)
    assert content(target) == {"score.fits": "new"}
    assert [entry.name for entry in tmp_path.iterdir()] == ["orion"]


def test_where_folders_cannot_be_exchanged_they_are_renamed(tmp_path, monkeypatch):
    monkeypatch.setattr("skykin.products.folder.exchange", lambda *_: False)
    fill(tmp_path / "orion", "old")
    fill(tmp_path / "orion", "new", overwrite=True)
    assert content(tmp_path / "orion") == {"score.fits": "new"}
    assert [entry.name for entry in tmp_path.iterdir()] == ["orion"]


def test_the_old_map_comes_back_when_the_last_rename_fails(tmp_path, monkeypatch):
    target = tmp_path / "orion"
    fill(target, "old")
    rename = type(target).rename

    def fail_once(self, goal):
        if goal == target and self.name == "new":
            raise OSError(errno.EIO, "Input/output error")
        return rename(self, goal)

    monkeypatch.setattr("skykin.products.folder.exchange", lambda *_: False)
    monkeypatch.setattr(type(target), "rename", fail_once)
    with pytest.raises(ResourceError, match="Input/output error"):
        fill(target, "new", overwrite=True)
    assert content(target) == {"score.fits": "old"}
    assert [entry.name for entry in tmp_path.iterdir()] == ["orion"]


KILLED = """
import os, signal, sys
from pathlib import Path
import skykin.products.folder as products
from tests.products.test_folder import fill

def kill(*_):
    os.kill(os.getpid(), signal.SIGKILL)

where, target = sys.argv[1], Path(sys.argv[2])
if where == "writing":
    with products.output_folder(target, overwrite=True) as folder:
        (folder / "score.fits").write_text("half")
        kill()
elif where == "between the renames":
    products.exchange = lambda *_: False
    rename = Path.rename
    Path.rename = lambda self, goal: kill() if self.name == "new" else rename(self, goal)
else:
    real = products.exchange
    products.exchange = lambda *two: (real(*two), kill())
fill(target, "new", overwrite=True)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs SIGKILL and the exchange of folders")
@pytest.mark.parametrize(
    ("where", "left", "after"),
    [("writing", "old", "old"), ("between the renames", None, "old"), ("after the exchange", "new", "new")],
)
@pytest.mark.slow
def test_what_a_killed_process_left_is_mended_by_the_next(tmp_path, where, left, after):
    target = tmp_path / "orion"
    fill(target, "old")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run([sys.executable, "-c", KILLED, where, str(target)], env=environment, check=False)
    assert run.returncode == -signal.SIGKILL
    assert (content(target)["score.fits"] if target.exists() else None) == left
    assert len(list(tmp_path.glob(".skykin-*"))) == 1
    check_output_folder(target, overwrite=True)
    assert content(target) == {"score.fits": after}
    assert [entry.name for entry in tmp_path.iterdir()] == ["orion"]

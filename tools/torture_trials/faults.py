"""Kills, failing system calls, full disks, several writers at once, and little memory."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from skykin.core.errors import IndexRefusedError
from skykin.indexing.manifest import read_manifest
from torture_trials.forked import DONE, REFUSED, child
from torture_trials.writers import Writer

#: The system calls by which a file comes to be, changes or goes.
CALLS = "write,pwrite64,fsync,fdatasync,rename,renameat2,mkdir,rmdir,unlink,ftruncate,flock"
ERRORS = ("ENOSPC", "EIO", "EMFILE")


class Ground:
    """A folder for one writer, with what it holds before and after the job, and what must be true of it."""

    def __init__(self, place: Path, writer: Writer) -> None:
        self.writer, self.place = writer, place / writer.name
        self.temporary = self.place / "tmp"
        self.temporary.mkdir(parents=True)
        os.environ["TMPDIR"] = tempfile.tempdir = str(self.temporary)
        self.folder = self.place / "out"
        writer.begin(self.folder)
        self.before = writer.state(self.folder)
        self.kept = place / f"{writer.name}-before"
        if self.folder.exists():
            shutil.copytree(self.folder, self.kept)
        start = time.monotonic()
        writer.work(self.folder)
        self.seconds = time.monotonic() - start
        self.after = writer.state(self.folder)
        if self.before == self.after:
            raise AssertionError(f"the job {writer.name} changes nothing that readers see")
        self.hit = 0
        self.again()

    def noted(self, status: int | None) -> int | None:
        """Count the trials in which the job did not simply end."""
        self.hit += status != DONE
        return status

    def again(self) -> None:
        """Make the folder as it was before the job."""
        shutil.rmtree(self.place)
        self.temporary.mkdir(parents=True)
        if self.kept.exists():
            shutil.copytree(self.kept, self.folder)

    def wrong(self, *, finished: bool = False) -> str | None:
        """Tell what is wrong after a fault: for readers, after the next start, or after the job again."""
        try:
            seen = self.writer.state(self.folder)
            if seen not in ({self.after} if finished else {self.before, self.after, "none"}):
                return f"readers see {seen}, neither {self.before} nor {self.after}"
            # Between two renames, on a system that knows no exchange, there is none until the next start.
            self.writer.tidy(self.folder)
            if self.writer.state(self.folder) not in {self.before, self.after}:
                return "the next start does not mend it"
            left = [path.name for path in self.place.iterdir() if path.name not in {"out", "tmp"}]
            if left:
                return f"left beside it: {left}"
            self.writer.work(self.folder)
            if self.writer.state(self.folder) != self.after:
                return "the job, done again, gives something else"
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        return None


def kills(ground: Ground, count: int, seed: int) -> Iterator[str | None]:
    """Kill the job at random moments."""
    chance = random.Random(seed)
    for _ in range(count):
        ground.again()
        after = chance.uniform(0, 1.1 * ground.seconds)
        status = ground.noted(child(lambda: ground.writer.work(ground.folder)).killed_after(after))
        if status not in (None, DONE):
            yield f"it ended with {status}"
        else:
            yield ground.wrong(finished=status == DONE)


def traced(ground: Ground, options: Sequence[str], log: Path) -> int | None:
    """Do the job under strace; its exit status."""
    worker = child(lambda: ground.writer.work(ground.folder), stopped=True)
    command = ["strace", "-f", "-qq", "-o", str(log), "-p", str(worker.pid), *options]
    tracer = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    while f"TracerPid:\t{tracer.pid}\n" not in Path(f"/proc/{worker.pid}/status").read_text():
        time.sleep(0.002)
    worker.go_on()
    status = worker.ended()
    tracer.wait()
    return status


def calls_of(ground: Ground, calls: str) -> list[tuple[str, int]]:
    """List the system calls that the job makes: name, and the how manieth of this name."""
    ground.again()
    log = ground.place.parent / "strace.log"
    if traced(ground, ["-e", f"trace={calls}"], log) != DONE:
        raise AssertionError("the job fails under strace")
    made: Counter[str] = Counter()
    found = []
    for name in re.findall(r"^\d+ +(\w+)\(", log.read_text(), re.MULTILINE):
        made[name] += 1
        found.append((name, made[name]))
    return found


def at_calls(ground: Ground, error: str | None, count: int | None) -> Iterator[str | None]:
    """Kill the job, or let a system call fail, at each call: all of them, or so many evenly spread."""
    found = calls_of(ground, f"{CALLS},openat" if error == "EMFILE" else CALLS)
    count = len(found) if count is None else min(count, len(found))
    log = ground.place.parent / "strace.log"
    fault = "signal=SIGKILL" if error is None else f"error={error}"
    for name, k in [found[i * len(found) // count] for i in range(count)]:
        ground.again()
        inject = ["-e", f"trace={name}", "-e", f"inject={name}:{fault}:when={k}"]
        status = ground.noted(traced(ground, inject, log))
        where = f"{error or 'kill'} at {name} {k}"
        if status not in ((-signal.SIGKILL, DONE) if error is None else (DONE, REFUSED)):
            yield f"{where}: it ended with {status}"
        else:
            wrong = ground.wrong(finished=status == DONE)
            yield wrong and f"{where}: {wrong}"


@contextmanager
def small_disk(place: Path) -> Iterator[Path]:
    """Mount a disk of its own; needs the right to."""
    place.mkdir()
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256M", "tmpfs", place], check=True, capture_output=True
    )
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)
        place.rmdir()


def full_disks(ground: Ground, sizes: int) -> Iterator[str | None]:
    """Do the job on disks that are too small for it, and again with more room."""
    need = sum(path.stat().st_size for path in ground.place.rglob("*") if path.is_file())
    ground.writer.work(ground.folder)
    need = 2 * max(need, sum(path.stat().st_size for path in ground.place.rglob("*") if path.is_file()))
    for number in range(sizes):
        with small_disk(ground.place.parent / f"disk-{number}") as disk:
            own = Disk(ground, disk)
            used = sum(path.stat().st_blocks * 512 for path in disk.rglob("*"))
            size = used + max(1, (number + 1) * need // sizes)
            subprocess.run(["mount", "-o", f"remount,size={size}", disk], check=True)
            status = ground.noted(child(lambda own=own: own.writer.work(own.folder)).ended())
            if status not in (DONE, REFUSED):
                yield f"{size} bytes: it ended with {status}"
                continue
            seen = own.writer.state(own.folder)
            if seen not in {ground.before, ground.after, "none"}:
                yield f"{size} bytes: readers see {seen}"
                continue
            subprocess.run(["mount", "-o", "remount,size=256M", disk], check=True)
            found = own.wrong(finished=status == DONE)
            yield found and f"{size} bytes: {found}"


class Disk(Ground):
    """The same on another disk."""

    def __init__(self, ground: Ground, disk: Path) -> None:
        self.writer, self.before, self.after = ground.writer, ground.before, ground.after
        self.place, self.folder = disk, disk / "out"
        (disk / "tmp").mkdir()
        os.environ["TMPDIR"] = tempfile.tempdir = str(disk / "tmp")
        if ground.kept.exists():
            shutil.copytree(ground.kept, self.folder)


def several(ground: Ground, processes: int, rounds: int) -> Iterator[str | None]:
    """Let several processes do the job at once: each is done or refused, one at least is done."""
    for _ in range(rounds):
        ground.again()
        children = [child(lambda: ground.writer.work(ground.folder), stopped=True) for _ in range(processes)]
        for each in children:
            each.go_on()
        found = [ground.noted(each.ended()) for each in children]
        if not set(found) <= {DONE, REFUSED} or DONE not in found:
            yield f"they ended with {found}"
        else:
            yield ground.wrong(finished=True)


def flips(ground: Ground, seed: int, step: int = 1) -> Iterator[str | None]:
    """Flip a bit of every byte of an index's manifest: it is found, or holds nothing."""
    chance = random.Random(seed)
    ground.again()
    ground.writer.work(ground.folder)
    path = ground.folder / "manifest.sqlite"
    content, known = path.read_bytes(), read_manifest(ground.folder)
    for at in range(0, len(content), step):
        path.write_bytes(content[:at] + bytes([content[at] ^ (1 << chance.randrange(8))]) + content[at + 1 :])
        try:
            yield None if read_manifest(ground.folder) == known else f"byte {at}: read as something else"
        except IndexRefusedError:
            yield None
        except Exception as error:
            yield f"byte {at}: {type(error).__name__}: {error}"
    ground.again()

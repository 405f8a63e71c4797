"""Ends what a harness process left behind, whatever ended that process.

Started by harness.process with a mark, an owner and the prefix of the owner's temporary folders. It reads its
standard input: each line is a command (JSON) for the end, and end of file means that the owner is gone. Then every
process whose environment carries the mark of that owner is killed, the commands are run, and the folders are removed.
Imports nothing of ours, so that it starts in a few milliseconds.

    python -I reaper.py SIGNOFF_LAB 4711-0123456789ab /tmp/signoff-4711-0123456789ab-
"""

from __future__ import annotations

import ctypes
import glob
import json
import os
import shutil
import signal
import subprocess
import sys
import time

SWEEP_LIMIT_S = 10.0  # a process in uninterruptible sleep must not keep the reaper for ever
PAUSE_S = 0.05
COMMAND_LIMIT_S = 60  # an engine that does not answer
MNT_DETACH = 2


def _environ(pid: str) -> bytes:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return file.read()
    except OSError:
        return b""


def _marked(needle: bytes) -> list[int]:
    if os.path.isdir("/proc/self"):
        pids = [pid for pid in os.listdir("/proc") if pid.isdigit()]
        return [int(pid) for pid in pids if needle in b"\0" + _environ(pid) and int(pid) != os.getpid()]
    import psutil  # elsewhere than on Linux

    found = []
    name, _, owner = needle.decode().lstrip("\0").partition("=")
    for process in psutil.process_iter():
        try:
            if process.environ().get(name, "").startswith(owner):
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


def _unmount(prefix: str) -> None:
    """Detach what was mounted below our folders, so that they can be removed (Linux; MNT_DETACH of umount2(2))."""
    try:
        with open("/proc/mounts", encoding="utf-8") as file:
            places = [line.split(" ")[1] for line in file]
    except OSError:
        return
    libc = ctypes.CDLL(None)
    for place in reversed(places):
        if place.startswith(prefix):
            libc.umount2(place.encode(), MNT_DETACH)


def _run(line: bytes) -> None:
    """One command of the owner's, with a limit: there is nobody left whom its failure could be told."""
    try:
        subprocess.run(
            json.loads(line),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=COMMAND_LIMIT_S,
            check=False,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):
        pass


def main() -> None:
    mark, owner, folders = sys.argv[1:4]
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    commands = sys.stdin.buffer.read().splitlines()
    needle = b"\0" + f"{mark}={owner}.".encode()
    limit = time.monotonic() + SWEEP_LIMIT_S
    while (left := _marked(needle)) and time.monotonic() < limit:
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(PAUSE_S)
    for command in commands:
        _run(command)
    _unmount(folders)
    for folder in glob.glob(glob.escape(folders) + "*"):
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()

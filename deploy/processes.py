"""Processes and signals: sessions that end whole, and a Python program that SIGTERM ends in order."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator

import psutil

STOP_SECONDS = 20.0
POLL_SECONDS = 0.25
ENDING_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


def stop_session(leader: psutil.Popen, patience_seconds: float = STOP_SECONDS) -> None:
    """Ends every process of a session with SIGTERM, and with SIGKILL what still runs after that time."""
    with postponed_signals(), contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
        os.killpg(leader.pid, signal.SIGTERM)
        deadline = time.monotonic() + patience_seconds
        while members(leader.pid) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        os.killpg(leader.pid, signal.SIGKILL)
    leader.wait()


def members(session: int) -> list[psutil.Process]:
    """Returns the running processes of a session: a process whose parent has died is nobody's descendant."""
    return [process for process in psutil.process_iter() if session_of(process) == session]


def session_of(process: psutil.Process) -> int | None:
    """Returns a process's session, or None when it has ended."""
    with contextlib.suppress(psutil.Error, ProcessLookupError, PermissionError):
        return None if process.status() == psutil.STATUS_ZOMBIE else os.getsid(process.pid)
    return None


def is_running(process: psutil.Process) -> bool:
    """Says whether a process still runs. A process that has ended but still has to be waited for does not."""
    with contextlib.suppress(psutil.Error):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False


def command_line(process: psutil.Process) -> str:
    """Returns a process's command line, empty when it has ended."""
    with contextlib.suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""


@contextlib.contextmanager
def interrupted_by_signals() -> Iterator[None]:
    """Makes SIGTERM and SIGHUP (a closed terminal) end the block like Ctrl-C, so that servers are stopped."""

    def interrupt(number: int, _frame: object) -> None:
        raise KeyboardInterrupt(signal.Signals(number).name)

    former = {number: signal.signal(number, interrupt) for number in ENDING_SIGNALS}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def postponed_signals() -> Iterator[None]:
    """Makes an impatient second Ctrl-C wait until the block is done."""
    former = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, *ENDING_SIGNALS})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)

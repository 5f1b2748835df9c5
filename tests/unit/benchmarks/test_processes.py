from __future__ import annotations

import os
import subprocess
import sys
import time

import psutil

from benchmarks.processes import Resident, Usage, parse_status, resident, watched
from benchmarks.results import MEBIBYTE

STATUS = "Name:\tpython\nVmRSS:\t  120 kB\nRssAnon:\t  64 kB\nRssFile:\t  40 kB\nRssShmem:\t  16 kB\nThreads:\t3\n"


def test_reads_what_the_kernel_says() -> None:
    assert parse_status(STATUS) == Resident(own_bytes=1024 * 80, file_bytes=1024 * 40)
    assert parse_status("Name:\tkthreadd\n") == Resident()


def test_a_process_that_has_ended_holds_nothing() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert resident(ended.pid) == Resident()
    assert resident(os.getpid()).total_bytes > 10 * MEBIBYTE


def test_the_peak_is_of_the_sum_and_growth_over_the_first_moment() -> None:
    usage = Usage(
        [
            {"worker": Resident(100, 10), "JVM": Resident(50, 5)},
            {"worker": Resident(180, 10), "JVM": Resident(40, 5)},
            {"worker": Resident(90, 60), "JVM": Resident(90, 5)},
        ]
    )
    assert usage.peak_bytes == 245
    assert usage.growth() == Resident(80, 50)
    assert usage.growth("JVM") == Resident(40, 0)


def test_sees_a_process_grow() -> None:
    script = "import sys; sys.stdin.read(1); block = bytearray(b'1') * (80 << 20); sys.stdin.read(1)"
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE) as child:
        assert child.stdin is not None
        with watched({"worker": [psutil.Process(child.pid)]}) as usage:
            child.stdin.write(b"x")
            child.stdin.flush()
            deadline = time.monotonic() + 20
            while usage.growth().own_bytes < 79 * MEBIBYTE and time.monotonic() < deadline:
                time.sleep(0.05)
        child.stdin.close()
    assert 79 * MEBIBYTE <= usage.growth().own_bytes < 130 * MEBIBYTE
    assert set(usage.processor_seconds) == {"worker"}


def test_tells_the_processor_time_of_a_block() -> None:
    with watched({"this": [psutil.Process()]}) as usage:
        deadline = time.process_time() + 0.2
        while time.process_time() < deadline:
            pass
    assert 0.15 < usage.processor_seconds["this"] < 5

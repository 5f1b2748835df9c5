from __future__ import annotations

import os
import subprocess
import sys
import time

import psutil

from benchmarks.memory import MEBIBYTE, Moment, Resident, Timeline, parse_status, resident, watched

STATUS = "Name:\tpython\nVmRSS:\t  120 kB\nRssAnon:\t  64 kB\nRssFile:\t  40 kB\nRssShmem:\t  16 kB\nThreads:\t3\n"


def moment(seconds: float, worker: Resident, jvm: Resident) -> Moment:
    return Moment(seconds, {"worker": worker, "JVM": jvm})


def test_reads_what_the_kernel_says() -> None:
    assert parse_status(STATUS) == Resident(own_bytes=1024 * 80, file_bytes=1024 * 40)
    assert parse_status("Name:\tkthreadd\n") == Resident()


def test_a_process_that_has_ended_holds_nothing() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert resident(ended.pid) == Resident()
    assert resident(os.getpid()).total_bytes > 10 * MEBIBYTE


def test_the_peak_is_of_the_sum_and_growth_over_the_first_moment() -> None:
    timeline = Timeline(
        [
            moment(0.0, Resident(100, 10), Resident(50, 5)),
            moment(0.1, Resident(180, 10), Resident(40, 5)),
            moment(0.2, Resident(90, 60), Resident(90, 5)),
        ]
    )
    assert timeline.peak_bytes == 245
    assert timeline.peak_own_bytes == 220
    assert timeline.growth() == Resident(80, 50)
    assert timeline.growth("JVM") == Resident(40, 0)


def test_sees_a_process_grow() -> None:
    script = "import sys; sys.stdin.read(1); block = bytearray(b'1') * (80 << 20); sys.stdin.read(1)"
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE) as child:
        assert child.stdin is not None
        with watched({"worker": [psutil.Process(child.pid)]}) as timeline:
            child.stdin.write(b"x")
            child.stdin.flush()
            deadline = time.monotonic() + 20
            while timeline.growth().own_bytes < 79 * MEBIBYTE and time.monotonic() < deadline:
                time.sleep(0.05)
        child.stdin.close()
    assert 79 * MEBIBYTE <= timeline.growth().own_bytes < 130 * MEBIBYTE
    assert [each.seconds for each in timeline.moments] == sorted(each.seconds for each in timeline.moments)

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from handler.memory import give_back_freed_memory, keep_freed_memory
from tests.conftest import TREE

# Takes and frees twelve blocks of 8 MiB again and again; prints how many pages the kernel had to give for each time.
_FAULTS = """
import resource, sys
from handler.memory import keep_freed_memory
if sys.argv[1] == "keep":
    assert keep_freed_memory()
def take_and_free():
    blocks = [bytearray(b"x") * (8 << 20) for _ in range(12)]
for _ in range(3):
    take_and_free()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(4):
    take_and_free()
print((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / 4)
"""
# Frees every other of many blocks, which leaves holes; prints by how many MiB giving back makes the process smaller.
_HOLES = """
import psutil
from handler.memory import give_back_freed_memory, keep_freed_memory
assert keep_freed_memory()
blocks = [bytearray(b"x") * (1 << 20) for _ in range(100)]
del blocks[::2]
before = psutil.Process().memory_info().rss
assert give_back_freed_memory()
print((before - psutil.Process().memory_info().rss) / (1 << 20))
"""
# A long job that leaves holes: by how many MiB it grows before anything is given back, and by how many it shrinks then.
_JOB = """
import psutil, sys
from handler.memory import PiledUpMemory, keep_freed_memory
def resident():
    return psutil.Process().memory_info().rss
assert keep_freed_memory()
piled_up, blocks = PiledUpMemory(), []
assert not piled_up.give_back_if_much()
start = grown = resident()
while not piled_up.give_back_if_much() and len(blocks) < 300:
    size = (1 << 20) + len(blocks) * 8192  # larger each time, so that none fits where others were freed
    blocks += [bytearray(b"x") * size for _ in range(10)]
    del blocks[-9::2]
    grown = resident()
assert not piled_up.give_back_if_much()
print((grown - start) / (1 << 20) if sys.argv[1] == "grown" else (grown - resident()) / (1 << 20))
"""


def run(script: str, *arguments: str) -> float:
    command = [sys.executable, "-c", script, *arguments]
    return float(subprocess.run(command, cwd=TREE, check=True, capture_output=True, text=True).stdout)


glibc_alone = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's allocator alone can be told")


@glibc_alone
def test_freed_memory_is_kept_for_the_next_time() -> None:
    assert run(_FAULTS, "keep") < 500 < 5_000 < run(_FAULTS, "leave")


@glibc_alone
def test_holes_between_blocks_in_use_are_given_back() -> None:
    assert run(_HOLES) > 40


@glibc_alone
def test_a_long_job_gives_back_only_what_is_much() -> None:
    assert run(_JOB, "grown") >= 128
    assert run(_JOB, "shrunk") > 40


def test_a_c_library_without_that_choice_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda name: object())
    assert keep_freed_memory() is False
    assert give_back_freed_memory() is False

"""The C library's allocator, told to keep what was freed.

By default glibc gives every large freed block back to the kernel, and takes the next one of that size in fresh pages,
each of which the kernel has to zero. A batch of the model frees and takes some forty megabytes that way: up to half of
its time (docs/record/speed.md).
"""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Callable
from typing import cast

import psutil

from handler.cores import num_cores

# <malloc.h>
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
# The most that glibc takes: larger blocks still come from the kernel and go back to it, as the body of a long file.
_MMAP_THRESHOLD_BYTES = 32 << 20
# Free memory at an arena's end from which on it goes back.
_TRIM_THRESHOLD_BYTES = 256 << 20
# Growth of the process from which on what is free goes back, more than a few batches of the model take for a while.
_MUCH_BYTES = 128 << 20
# Each arena keeps what its threads freed, and glibc would make eight for each core.
_NUM_ARENAS = max(2, num_cores())


def keep_freed_memory() -> bool:
    """Makes this process keep freed blocks of up to 32 MiB for the next time.

    Returns:
        Whether the C library took it; one that is not glibc has other habits, and is left to them.
    """
    settings = {
        _M_MMAP_THRESHOLD: _MMAP_THRESHOLD_BYTES,
        _M_TRIM_THRESHOLD: _TRIM_THRESHOLD_BYTES,
        _M_ARENA_MAX: _NUM_ARENAS,
    }
    mallopt = _function("mallopt", ctypes.c_int, ctypes.c_int)
    return mallopt is not None and all(mallopt(name, value) == 1 for name, value in settings.items())


def give_back_freed_memory() -> bool:
    """Gives all that is free back to the kernel: what is left between blocks that are in use can add up to a lot.

    Returns:
        Whether the C library could.
    """
    trim = _function("malloc_trim", ctypes.c_size_t)
    return trim is not None and trim(0) == 1


class PiledUpMemory:
    """What long jobs leave free in this process between what they use, given back as soon as it may be much.

    Giving back is dear: whatever is needed again has to be zeroed page by page.
    """

    def __init__(self) -> None:
        self._usual_bytes: int | None = None

    def give_back_if_much(self) -> bool:
        """Gives all that is free back if the process has grown a good deal since the last time, or the first call."""
        own_bytes = _own_bytes()
        if self._usual_bytes is None:
            self._usual_bytes = own_bytes
        if own_bytes <= self._usual_bytes + _MUCH_BYTES:
            return False
        give_back_freed_memory()
        self._usual_bytes = _own_bytes()
        return True


def forget_pages(body: memoryview) -> None:
    """Gives the memory that holds a mapped body back; what is read again comes from the file again.

    Without it all of a gigabyte that was read once would count as this process's memory.
    """
    # Never written to, so there is nothing in the private mapping that the file does not have.
    if isinstance(body.obj, mmap.mmap):
        body.obj.madvise(mmap.MADV_DONTNEED)


def _own_bytes() -> int:
    """What is resident and not mapped from a file."""
    info = psutil.Process().memory_info()
    return int(info.rss - getattr(info, "shared", 0))  # macOS does not say what is shared


def _function(name: str, *argument_types: type) -> Callable[..., int] | None:
    """A function of glibc's that takes these and returns an int."""
    try:
        function = getattr(ctypes.CDLL(None), name)
    except (OSError, AttributeError, TypeError):
        return None
    function.argtypes, function.restype = argument_types, ctypes.c_int
    return cast("Callable[..., int]", function)

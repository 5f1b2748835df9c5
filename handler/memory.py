"""The C library's allocator, told to keep what was freed.

By default glibc gives every large freed block back to the kernel, and takes the next one of that size in fresh pages,
each of which the kernel has to zero. A batch of the model frees and takes some forty megabytes that way: up to half of
its time (docs/performance.md).
"""

from __future__ import annotations

import ctypes

# <malloc.h>
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
# The most that glibc takes: larger blocks still come from the kernel and go back to it, as the body of a long file.
_MMAP_THRESHOLD_BYTES = 32 << 20
# Free memory at an arena's end from which on it goes back.
_TRIM_THRESHOLD_BYTES = 256 << 20


def keep_freed_memory() -> bool:
    """Makes this process keep freed blocks of up to 32 MiB for the next time.

    Returns:
        Whether the C library took it; one that is not glibc has other habits, and is left to them.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return False
    mallopt.argtypes, mallopt.restype = (ctypes.c_int, ctypes.c_int), ctypes.c_int
    settings = ((_M_MMAP_THRESHOLD, _MMAP_THRESHOLD_BYTES), (_M_TRIM_THRESHOLD, _TRIM_THRESHOLD_BYTES))
    return all(mallopt(name, value) == 1 for name, value in settings)

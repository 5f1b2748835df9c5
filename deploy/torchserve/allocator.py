"""tcmalloc instead of the C library's allocator, for TorchServe's processes, where the system has it.

A worker takes and frees tens of megabytes for each batch of the model and small blocks for each step of decoding. glibc
leaves holes between them, which cost 6 to 7 % of the time and make the worker grow (docs/record/speed.md). A
TorchServe that is not started through here uses glibc as handler/memory.py adjusts it.
"""

from __future__ import annotations

import ctypes.util
from collections.abc import Mapping

# The dynamic linker's variable for libraries that come before all others.
_VARIABLE = "LD_PRELOAD"
# Debian and Ubuntu: libtcmalloc-minimal4. "Minimal": without the profilers.
_LIBRARY = "tcmalloc_minimal"


def preloaded(environment: Mapping[str, str]) -> dict[str, str]:
    """Returns the LD_PRELOAD that TorchServe needs beyond `environment`.

    Empty where the system has no tcmalloc or `environment` sets LD_PRELOAD: an empty LD_PRELOAD turns tcmalloc off.
    """
    library = ctypes.util.find_library(_LIBRARY)
    return {} if library is None or _VARIABLE in environment else {_VARIABLE: library}

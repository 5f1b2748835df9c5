"""As many threads at once as there are cores, whoever decodes and whoever scores.

More would only take turns on the cores every few milliseconds, and each turn drives the other's data out of the caches.
"""

from __future__ import annotations

import os
import threading

NUM_CORES = len(os.sched_getaffinity(0))
# Held while a piece is decoded or a batch is scored, some tens of milliseconds.
CORE_SLOTS = threading.Semaphore(NUM_CORES)

"""What TorchServe and its workers say: passed on line by line, and searched for why they cannot serve."""

from __future__ import annotations

import contextlib
import re
import threading
from collections import deque
from collections.abc import Iterable
from typing import IO

# The handler's words about a model file or a setting that another try cannot mend.
REFUSAL = re.compile(r"cannot serve: .*")
# TorchServe's words about a start that has failed.
FAILURE = re.compile(
    r"Load model failed|Failed to load model|Invalid configuration|Failed to bind"
    r"|Could not reserve|Could not create the Java"
)
TELLING = re.compile(rf"\[(WARN |ERROR)\]|MODEL_LOG - |Error|Exception|{FAILURE.pattern}")
PREFIX = re.compile(r"^\S+ \[[A-Z]+ *\] \S+ - ")
LINES_KEPT = 15
LINE_CHARACTERS = 300


class Output(threading.Thread):
    """Passes a server's lines on until it ends.

    Args:
        source: Where the lines come from; the thread reads it to its end.
        target: Where they go.

    Attributes:
        refusal: The handler's words if it cannot serve the model file or a setting, from "cannot serve: " on.
        failure: The first line that says that the start has failed.
    """

    def __init__(self, source: Iterable[bytes], target: IO[bytes]) -> None:
        super().__init__(name="torchserve-output", daemon=True)
        self._source = source
        self._target = target
        self._telling: deque[str] = deque(maxlen=LINES_KEPT)
        self._latest: deque[str] = deque(maxlen=LINES_KEPT)
        self.refusal: str | None = None
        self.failure: str | None = None
        self.start()

    def run(self) -> None:
        """Reads to the end. A target that takes nothing more must not make the server wait."""
        for line in self._source:
            with contextlib.suppress(OSError, ValueError):
                self._target.write(line)
                self._target.flush()
            self._note(line.decode(errors="replace").rstrip())

    def last_words(self) -> str:
        """Returns the last lines that tell of something wrong, or else simply the last ones."""
        lines = list(self._telling) or list(self._latest)
        return "\n".join(f"    {line[:LINE_CHARACTERS]}" for line in lines)

    def _note(self, line: str) -> None:
        text = PREFIX.sub("", line)
        (self._telling if TELLING.search(line) else self._latest).append(text)
        refusal = REFUSAL.search(text)
        if refusal and self.refusal is None:
            self.refusal = refusal[0]
        if FAILURE.search(text) and self.failure is None:
            self.failure = text

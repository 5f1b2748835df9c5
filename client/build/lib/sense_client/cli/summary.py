"""What a run says on standard error: a progress bar while it goes on, and a summary at the end."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from tqdm import tqdm

from sense_client.batch import Outcome
from sense_client.cli.exits import reason, say


@dataclass
class Summary:
    """What became of the recordings of a run.

    Attributes:
        num_files: All of them.
        num_done_before: Those with a result of an earlier run.
        num_tagged: Those with a new result.
        audio_seconds: Their length.
        failures: Those without a result.
        warnings: What the server remarked, each once.
    """

    num_files: int
    num_done_before: int = 0
    num_tagged: int = 0
    audio_seconds: float = 0.0
    failures: list[Outcome] = field(default_factory=list)
    warnings: dict[str, None] = field(default_factory=dict)

    def add(self, outcome: Outcome) -> None:
        """Counts an outcome."""
        if outcome.result is None:
            self.failures.append(outcome)
            return
        self.num_tagged += 1
        self.audio_seconds += outcome.result.metadata.duration_seconds
        self.warnings |= dict.fromkeys(outcome.result.warnings)

    def with_progress(self, outcomes: Iterable[Outcome], *, is_shown: bool) -> Iterator[Outcome]:
        """Yields the outcomes, and shows how far it is where standard error is a terminal."""
        disable = not (is_shown and sys.stderr.isatty())
        with tqdm(total=self.num_files, initial=self.num_done_before, unit="file", disable=disable, leave=False) as bar:
            for outcome in outcomes:
                yield outcome
                bar.set_postfix_str(f"{self.audio_seconds:.0f} s of audio, {len(self.failures)} failed")
                bar.update()

    def show(self) -> None:
        """Says what became of them."""
        for warning in self.warnings:
            say(f"the server warns: {warning}")
        before = f", {self.num_done_before} done before" if self.num_done_before else ""
        failed = f", {len(self.failures)} failed" if self.failures else ""
        say(f"{self.num_tagged} tagged, {self.audio_seconds:.0f} s of audio{before}{failed}")
        for outcome in self.failures:
            say(f"  {outcome.file}: {reason(outcome.error)}")

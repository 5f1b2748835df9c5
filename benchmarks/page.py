"""Writes docs/benchmarks.md: what was measured on what, from the results that are kept.

python -m benchmarks.page
"""

from __future__ import annotations

import os
import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bars import bars_table, read_figures
from benchmarks.options import QUICK_RESULTS, TREE
from benchmarks.report import RESULTS

PAGE = TREE / "docs" / "benchmarks.md"
INTRODUCTION = """\
# Benchmarks

How fast the tagger is from the bytes of a file to JSON, beside the limit of the same run and beside the usual ways of
doing it. This page is written by the benchmarks themselves:

    make benchmark            # all of it, about 25 minutes on a machine that does nothing else
    make benchmark QUICK=1    # a few minutes, to see that all works; replaces nothing

Each part runs by itself, too, and `--help` says what it does: `python -m benchmarks.load --help`. The files that are
sent are made from [samples/demo.mp3](../samples/demo.mp3), repeated over faint noise, as stereo MP3 of 44.1 kHz and 128
kb/s; the callers run on the machine that serves, and share its cores.

**The limit** of a run is what cannot be saved: decoding and resampling these files, and the model on ready hops, both
alone, each core in a process of its own with the server's memory allocator, all at once. Without a GPU both share the
cores, so the two costs per second of audio, in processor time, add up. Everything else (HTTP, TorchServe, waiting,
JSON) counts against us.

Each section says when and on what it was measured; a load average well above 0 at the start means that others used the
machine meanwhile, and then ratios say more than times.

## What was asked for
"""


@dataclass(frozen=True)
class Section:
    """One part of the page.

    Attributes:
        name: Of the result.
        text: What it is, before the result.
    """

    name: str
    text: str


SECTIONS = (
    Section(
        "load",
        "Callers who ask again at once (closed loop), and requests that come at a fixed rate whether or not "
        "earlier ones were answered (open loop): latency counts from when a request was due.",
    ),
    Section("lengths", "One caller, one file at a time. Cost and memory should not depend on the length."),
    Section("served_rivals", "The same model in a handler as they are usually written, served by TorchServe as well."),
    Section(
        "rivals",
        "The same without a server, so that only the way of tagging counts. The transformer is small and has "
        "random weights; transformers runs it from its own folder, the pipeline from the imported model file.",
    ),
    Section("cores", "The same server on fewer cores."),
    Section("formats", "The same two minutes in every container and raw sample format."),
    Section("decoding", "Decoding alone; [record/decoding.md](record/decoding.md) says more."),
    Section(
        "model_forms", "The model alone, in the forms that were tried; [record/speed.md](record/speed.md) says more."
    ),
    Section(
        "policies", "The same server with other numbers of workers and requests in a batch, and other flags of the JVM."
    ),
    Section("hop_sharing", "What it is worth that neighbouring windows share their hops."),
)
GPU = """\
## On a GPU

`python -m benchmarks.gpu` needs PyTorch 2.11 and this tree, no server: hops per second of the model file at batch sizes
from 64 to 4,096 in single and half precision with the difference that makes, CUDA graphs, and the whole way from MP3
bytes to JSON with all cores decoding. No result is kept here, as no GPU was at hand.
"""


def write(results: Path = RESULTS, *, quick: bool = False) -> Path:
    """Writes the page from a folder of results; that of a quick run goes beside them."""
    target = QUICK_RESULTS / "benchmarks.md" if quick else PAGE
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(compose(results, target.parent, figures={} if quick else read_figures(results)))
    return target


def compose(results: Path, folder: Path, *, figures: Mapping[str, Mapping[str, float]]) -> str:
    """The page's text.

    Args:
        results: The folder of the results.
        folder: Where the page goes to, as seen from which pictures are named.
        figures: What was measured of what was asked for: nothing, if the files were short.
    """
    parts = [section_text(section, results, folder) for section in SECTIONS]
    return "\n\n".join([INTRODUCTION.rstrip(), bars_table(figures), *filter(None, parts), GPU])


def section_text(section: Section, results: Path, folder: Path) -> str:
    """A section: a heading a level deeper, what it is, how to run it, the result; nothing where there is none."""
    file = results / f"{section.name}.md"
    if not file.exists():
        return ""
    title, _, result = file.read_text().partition("\n")
    seen_from = os.path.relpath(results, folder)
    result = re.sub(r"\]\((?=[\w-]+\.png\))", f"]({seen_from}/", result)
    text = textwrap.fill(section.text, 119)
    return f"##{title.removeprefix('#')}\n\n{text}\n\n`python -m benchmarks.{section.name}`\n\n{result.strip()}"


if __name__ == "__main__":
    print(f"wrote {write()}")

"""docs/benchmarks.md, from the results that are kept."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from benchmarks import container, formats, lengths, load
from benchmarks.results import TREE, kept

PAGE = TREE / "docs" / "benchmarks.md"
INTRODUCTION = """\
# Benchmarks

How fast the server is and how much memory it takes, beside its limit and beside the usual ways. `make benchmark` writes
this page, in about 14 minutes on a machine that does nothing else. `make benchmark QUICK=1` takes 3 minutes, replaces
nothing, and shows that all works. One part alone: `python -m benchmarks load`.

The files are stereo MP3 of 44.1 kHz and 128 kb/s: the frames of [samples/demo.mp3](../samples/demo.mp3) over and over.
The callers run on the machine that serves, and share its cores. The **limit** is what cannot be saved: decoding these
files, and the model on ready hops, measured alone on all cores at once. Both share the cores, so their costs add up.

Each section says when it was measured and on what. Where the load average is well above 0, others used the machine
meanwhile; then ratios say more than times. On a GPU: `python -m benchmarks.gpu --help`.
"""


@dataclass(frozen=True)
class Part:
    """One benchmark.

    Attributes:
        module: Its name is the result's. It has measure(model_file, quick) -> result, and text(result).
        title: Of its section.
        introduction: What is measured.
        minutes: About how long it takes on two cores.
    """

    module: ModuleType
    title: str
    introduction: str
    minutes: float

    @property
    def name(self) -> str:
        """For the command line."""
        return self.module.__name__.rpartition(".")[2]


PARTS = (
    Part(
        load,
        "Clips and an hour",
        "Callers ask again as soon as they are answered. At a fixed rate, requests are sent whether or not earlier "
        "ones were answered; a latency counts from when the request was due.",
        9,
    ),
    Part(lengths, "From a clip to 1 GiB", "One caller, one file at a time.", 2),
    Part(formats, "Every format", "The same recording, one caller.", 1),
    Part(
        container,
        "The container",
        "Started as SageMaker starts it, from the tree. Shared memory counts in parts (proportional set size).",
        2,
    ),
)


def page(folder: Path) -> str:
    """The page's text from a folder of results; what was not measured is left out."""
    sections = [section(part, folder) for part in PARTS]
    sections += [gpu_section(file.stem, folder) for file in sorted(folder.glob("gpu-*.json"))]
    return "\n\n".join([INTRODUCTION.rstrip(), *filter(None, sections)]) + "\n"


def section(part: Part, folder: Path) -> str:
    """A part's section, or nothing where it was not measured."""
    result = kept(part.name, folder)
    if result is None:
        return ""
    introduction = textwrap.fill(part.introduction, 119)
    return f"## {part.title}\n\n{introduction}\n\nMeasured: {result['machine']}.\n\n{part.module.text(result)}"


def gpu_section(name: str, folder: Path) -> str:
    """What `python -m benchmarks.gpu` said on one kind of GPU."""
    result = kept(name, folder) or {}
    figures = "\n".join(f"    {figure}" for figure in result["figures"])
    return f"## {name.removeprefix('gpu-')}\n\nMeasured: {result['machine']}.\n\n{figures}"

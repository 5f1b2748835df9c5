"""Writes the model file: the averaged network, cut down to the tags that ship, as one torch.export program."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.export import Dim
from torch.nn.utils.fusion import fuse_conv_bn_eval

from importers.model_file import forget_source_lines
from training.errors import TrainingError
from training.fitting.checkpoint import State
from training.fitting.network import Served, Tagger, example_inputs
from training.settings import CHECKPOINT_FILE, HOP_SECONDS, RATE, WINDOW_HOPS
from training.tags import TAG_INDEX, TAGS

NAME, VERSION = "cochl-sense", "4.3"


def with_tags(tagger: Tagger, indices: list[int]) -> Tagger:
    """A copy that scores only the tags of these indices, in their order."""
    smaller = copy.deepcopy(tagger).eval()
    score = nn.Linear(tagger.head.score.in_features, len(indices))
    score.load_state_dict({"weight": tagger.head.score.weight[indices], "bias": tagger.head.score.bias[indices]})
    smaller.head.score = score
    del smaller.head.classify
    return smaller


def without_batch_norm(tagger: Tagger) -> Tagger:
    """A copy whose batch norms are folded into their convolutions."""
    folded = copy.deepcopy(tagger).eval()
    for module in list(folded.modules()):
        if isinstance(module, nn.Sequential) and len(module) == 2 and isinstance(module[1], nn.BatchNorm2d):
            conv = module[0]
            assert isinstance(conv, nn.Conv2d)  # as `training.fitting.network._conv` builds them
            module[0] = fuse_conv_bn_eval(conv, module[1])
            module[1] = nn.Identity()
    # torch.export.save warns of channels-last weights
    return folded.to(memory_format=torch.contiguous_format)


def export_program(served: Served) -> torch.export.ExportedProgram:
    """The program, with any number of hops and windows (from one window on)."""
    hops, windows = Dim("hops", min=2, max=1 << 20), Dim("windows", min=1, max=1 << 20)
    shapes = ({0: hops}, {0: windows})
    with torch.no_grad():
        program = torch.export.export(served.eval(), example_inputs(), dynamic_shapes=shapes)
    forget_source_lines(program)
    return program


def check_program(program: torch.export.ExportedProgram, served: Served) -> float:
    """The largest difference between program and network over several shapes.

    Raises:
        TrainingError: it is more than 1e-5, or not finite.
    """
    module, worst = program.module(), 0.0
    for hops, windows in ((2, 1), (3, 2), (17, 30), (512, 500)):
        inputs = torch.randn(hops, *example_inputs()[0].shape[1:]) * 0.1, torch.arange(windows) % (hops - 1)
        with torch.no_grad():
            worst = max(worst, float((module(*inputs) - served(*inputs)).abs().max()))
    if not worst <= 1e-5:
        raise TrainingError(f"the exported program differs from the network by {worst}")
    return worst


def _description(tags: list[dict[str, Any]], updates: int) -> str:
    """The text sense.json of the model file."""
    fields = {
        "name": NAME,
        "version": VERSION,
        "sample_rate": RATE,
        "hop_seconds": HOP_SECONDS,
        "window_hops": WINDOW_HOPS,
        "tags": tags,
        "training": f"Recordings with labels and a teacher, and synthetic audio; {updates} updates. See sources.json.",
    }
    return json.dumps(fields, indent=1)


def export(work: Path, report_file: Path, model_file: Path) -> None:
    """Write the model file from WORK/checkpoint.pt and the report on it (which tags ship, and their thresholds).

    Raises:
        TrainingError: no tag ships, or the program differs from the network, or the report is on other weights.
    """
    report = json.loads(report_file.read_text())
    state = State.fresh()
    state.load(work / CHECKPOINT_FILE)
    if report["updates"] != state.update:
        raise TrainingError(
            f"the report is on update {report['updates']}, checkpoint.pt has {state.update}; run the step: judge"
        )
    shipped = [each for each in report["tags"] if each["ships"]]
    if not shipped:
        raise TrainingError("no tag is good enough to ship; train longer")
    indices = [TAG_INDEX[each["name"]] for each in shipped]
    tags = [
        {
            "name": each["name"],
            "category": TAGS[index].category,
            "threshold": each["threshold"],
            "evidence": each["evidence"],
        }
        for each, index in zip(shipped, indices, strict=True)
    ]
    served = Served(without_batch_norm(with_tags(state.average, indices))).eval()
    program = export_program(served)
    worst = check_program(program, served)
    model_file.parent.mkdir(parents=True, exist_ok=True)
    torch.export.save(program, model_file, extra_files={"sense.json": _description(tags, state.update)})
    print(f"{model_file}: {len(tags)} tags, {model_file.stat().st_size} bytes, differs by {worst:.1e}")

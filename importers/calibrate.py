"""Sets a model file's thresholds by labelled recordings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from evaluation.errors import EvaluationError
from evaluation.judging import judged, moved_means, table
from evaluation.presence import THERE, presence
from evaluation.recordings import read_recordings
from evaluation.scoring import clip_probabilities, read_model
from evaluation.thresholds import LEAST_OTHERS, calibrated, left_out_thresholds
from handler.model.file import METADATA_FILE
from importers.errors import ImporterError

_DIGITS = 4


def calibrate(model_file: Path, place: Path, *, split: str = "", every_tag: bool = False) -> dict[str, float]:
    """Finds thresholds by recordings, writes them into the model file and prints how well they do.

    Args:
        model_file: The model file, which is replaced.
        place: The recordings, as evaluation/recordings.py reads them.
        split: Which part of a list.
        every_tag: Whether tags that no clip has get a threshold, too.

    Returns:
        The new thresholds.

    Raises:
        ImporterError: The model or the recordings do not fit, or are too few.
    """
    try:
        recordings, model = read_recordings(place, split), read_model(model_file)
        probabilities = clip_probabilities(model, recordings)
    except EvaluationError as error:
        raise ImporterError(str(error)) from None
    tags, old = model.info.tags, model.info.thresholds
    measured = calibrated(recordings, probabilities, tags).round(_DIGITS)
    chosen = ~np.isnan(measured) & (every_tag | (presence(recordings, tags) == THERE).any(0))
    if not chosen.any():
        raise ImporterError(
            f"no threshold can be found: {model.info.name} needs a clip that has a tag and {LEAST_OTHERS} that lack it"
        )
    found = {tag: round(float(measured[place]), _DIGITS) for place, tag in enumerate(tags) if chosen[place]}
    rewrite_thresholds(model_file, found, f"{len(found)} thresholds from {len(recordings)} recordings")
    clips = (recordings, probabilities, tags)
    print("each clip by thresholds that were found without it and all of its origin:")
    print(*table(judged(*clips, np.where(chosen, left_out_thresholds(*clips), old))), sep="\n")
    print(*moved_means(*clips, np.where(chosen, left_out_thresholds(*clips), old)), sep="\n")
    return found


def rewrite_thresholds(model_file: Path, thresholds: Mapping[str, float], note: str) -> None:
    """Writes thresholds into a model file. Tags that are not named keep theirs.

    Args:
        model_file: The model file, which is replaced as a whole.
        thresholds: Tag to threshold.
        note: Where they come from, for the file's metadata.

    Raises:
        ImporterError: The file cannot be written.
    """
    extra_files = {METADATA_FILE: ""}
    program = torch.export.load(model_file, extra_files=extra_files)
    fields = json.loads(extra_files[METADATA_FILE])
    for tag in fields["tags"]:
        tag["threshold"] = thresholds.get(tag["name"], tag["threshold"])
    fields["thresholds"] = note
    partial = model_file.with_name(f"{model_file.stem}.partial.pt2")
    try:
        torch.export.save(program, partial, extra_files={METADATA_FILE: json.dumps(fields, indent=1)})
        partial.replace(model_file)
    except OSError as error:
        raise ImporterError(f"{model_file} could not be written: {error}") from error
    finally:
        partial.unlink(missing_ok=True)

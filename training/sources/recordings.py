"""Makes stems of labelled recordings, and asks a teacher what is heard in them, every half second.

The teacher is any model file of AudioSet's tags. Its probabilities say when in a recording its labels are heard, and
what else is there (`training.mixes.placing`).
"""

from __future__ import annotations

import json
import zlib
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from tqdm import tqdm

from evaluation.recordings import Recording, read_recordings
from evaluation.scoring import MAX_SECONDS, read_model
from handler.arrays import Floats
from handler.audio.stream import AudioStream
from handler.errors import BadRequestError
from handler.media import EncodedAudio
from handler.model.loading import Model
from training.errors import TrainingError
from training.settings import RATE, TEACHER_STEP_SECONDS
from training.sources.debian_packages import PACKAGES
from training.stems import stem_folder

SPLITS = TRAINED, HELD_OUT = "recorded", "recorded_valid"
TEACHER_FILE = "teacher.json"
_HELD_OUT_SHARE = 8  # one source of eight is kept aside: tags and thresholds are chosen on it
_SHARD_RECORDINGS = 60
_BATCH_WINDOWS = 64


def judges_only(recording: Recording) -> bool:
    """Whether nothing is trained or chosen on a recording: its split in the list begins with "judge"."""
    return recording.split.startswith("judge")


def split_of(recording: Recording) -> str:
    """The split of a recording that does not only judge: "valid" is kept aside, else its source decides."""
    drawn = zlib.crc32(recording.group.encode()) % _HELD_OUT_SHARE == 0
    return HELD_OUT if recording.split == "valid" or drawn else TRAINED


def read_trainable(place: Path) -> list[Recording]:
    """Recordings that a list gives to train on, or to choose on ("valid").

    Raises:
        TrainingError: there are none.
        EvaluationError: the list has an error.
    """
    chosen = [each for each in read_recordings(place) if each.split in ("", "train", "valid")]
    if not any(each.split != "valid" for each in chosen):
        raise TrainingError(f'{place} has no recordings of split "train"')
    return chosen


def decoded(path: Path, sample_rate: int) -> Floats:
    """A whole file as mono float32 at a sample rate, decoded as the server does.

    Raises:
        TrainingError: it holds no audio.
    """
    try:
        stream = AudioStream(
            np.fromfile(path, np.uint8).data, EncodedAudio(), sample_rate=sample_rate, max_seconds=MAX_SECONDS
        )
        return np.concatenate([np.zeros(0, np.float32), *(block.numpy() for block in stream)])
    except BadRequestError as error:
        raise TrainingError(f"{path}: {error}") from None


def teacher_track(teacher: Model, samples: Floats) -> npt.NDArray[np.float16]:
    """The teacher's probabilities of windows that begin every TEACHER_STEP_SECONDS: float16 (windows, tags).

    The last window may reach past the end; there it hears silence.
    """
    hop, length = teacher.info.hop_samples, teacher.info.hop_samples * teacher.info.grid.window_hops
    step = round(TEACHER_STEP_SECONDS * teacher.info.sample_rate)
    windows = max(1, 1 - (length - len(samples)) // step) if len(samples) > length else 1
    track = np.zeros((windows, len(teacher.info.tags)), np.float16)
    padded = np.pad(samples, (0, max(0, (windows - 1) * step + length - len(samples))))
    for shift in range(min(hop // step, windows)):
        mine = range(shift, windows, hop // step)
        hops = torch.from_numpy(padded[shift * step :][: (len(mine) + 1) * hop]).reshape(-1, hop)
        for first in range(0, len(mine), _BATCH_WINDOWS):
            part = mine[first : first + _BATCH_WINDOWS]
            heard = teacher.score(hops[first : first + len(part) + 1], torch.arange(len(part)))
            track[part.start : part.stop : part.step] = heard
    return track


def listen(place: Path, teacher_file: Path, work: Path) -> None:
    """Write the stems and tracks of a list's recordings under WORK/stems; shards that exist are kept.

    Raises:
        TrainingError: the list has no recordings for training, or a recording cannot be read.
        EvaluationError: the list or the teacher cannot be read.
    """
    recordings, teacher = read_trainable(place), read_model(teacher_file)
    (work / "stems").mkdir(parents=True, exist_ok=True)
    described = {"name": f"{teacher.info.name} {teacher.info.version}", "tags": teacher.info.tags}
    (work / "stems" / TEACHER_FILE).write_text(json.dumps(described))
    for split in SPLITS:
        chosen = [each for each in recordings if split_of(each) == split]
        stem_folder(work, split).mkdir(parents=True, exist_ok=True)
        for first in tqdm(range(0, len(chosen), _SHARD_RECORDINGS), desc=split, unit="shard"):
            path = stem_folder(work, split) / f"recordings-{first // _SHARD_RECORDINGS:03}"
            if not path.with_suffix(".json").exists():
                _write_shard(path, chosen[first : first + _SHARD_RECORDINGS], teacher)


def _write_shard(path: Path, recordings: list[Recording], teacher: Model) -> None:
    """All samples in a row, all tracks in a row, and last the list, which marks the shard as whole."""
    pieces, tracks, entries = [], [], []
    for recording in recordings:
        samples = decoded(recording.path, RATE)
        track = teacher_track(teacher, decoded(recording.path, teacher.info.sample_rate))
        pieces.append((samples * (0.9 * 32767 / (np.abs(samples).max(initial=0) + 1e-9))).astype(np.int16))
        tracks.append(track)
        fields = {name: value for name, value in asdict(recording).items() if name != "path"}
        entries.append(fields | {"path": str(recording.path), "length": len(samples), "rows": len(track)})
    np.save(path.with_suffix(".npy"), np.concatenate(pieces))
    np.save(path.with_suffix(".teacher.npy"), np.concatenate(tracks))
    partial = path.with_suffix(".json.partial")
    partial.write_text(json.dumps(entries))
    partial.rename(path.with_suffix(".json"))


def write_sources(work: Path, file: Path) -> None:
    """Write what the trained weights heard: origins of recordings, with licences, and the synthesisers."""
    heard: Counter[tuple[str, str]] = Counter()
    seconds: Counter[tuple[str, str]] = Counter()
    for listing in sorted(stem_folder(work, TRAINED).glob("*.json")):
        for entry in json.loads(listing.read_text()):
            heard[entry["origin"], entry["licence"]] += 1
            seconds[entry["origin"], entry["licence"]] += entry["length"] / RATE
    recordings = [
        {"origin": origin, "licence": licence, "recordings": count, "seconds": round(seconds[origin, licence])}
        for (origin, licence), count in sorted(heard.items())
    ]
    teacher_file = work / "stems" / TEACHER_FILE
    teacher = json.loads(teacher_file.read_text())["name"] if teacher_file.exists() else ""
    listed = {"recordings": recordings, "teacher": teacher, "synthesisers": list(PACKAGES)}
    file.write_text(json.dumps(listed, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

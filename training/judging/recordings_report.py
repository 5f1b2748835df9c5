"""Judges a model file on real recordings: are its tags reported where they belong, and only there?

The project keeps none of the recordings and trains on none of them. `recording_folder` says how their folder looks.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from tqdm import tqdm

from handler.audio.stream import AudioStream
from handler.errors import BadRequestError
from handler.media import EncodedAudio
from handler.model.file import ModelFileError
from handler.model.loading import Model, load_model
from handler.windows import HopCutter
from training.errors import TrainingError
from training.judging.recording_folder import Recording, list_recordings
from training.mixes.codecs import run_ffmpeg

FloatArray = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
EXCLUSIVE_TAGS = ("Speech", "Music")  # a recording of the one is not to be taken for the other
BAR_SHARE, BAR_FALSE_SHARE = 0.8, 0.1
_FLOOR_DBFS, _RANGE_DB = -60.0, 40.0
_MIN_MARKED_SECONDS = 0.5  # of a window, where an RTTM file says when the tag is there
_MAX_SECONDS = 4 * 3600
_OTHERS_SHOWN = 5
# ITU-T G.711, mu-law, and the 300 to 3,400 Hz that such lines pass
_TELEPHONE = ["-af", "highpass=f=300,lowpass=f=3400", "-ar", "8000", "-ac", "1", "-codec:a", "pcm_mulaw"]


@dataclass(frozen=True)
class Findings:
    """What a model says of windows that have sound.

    Attributes:
        windows: how many there are.
        expected: how many of them should have the sub-folder's tag.
        share: how many of those have it, from 0 to 1; None where the model has no such tag.
        false_shares: how many of all have Speech or Music falsely.
        others: the most frequent other tags, the most frequent first.
    """

    windows: int
    expected: int
    share: float | None
    false_shares: dict[str, float]
    others: dict[str, float]


def score_body(body: bytes, model: Model) -> tuple[FloatArray, FloatArray]:
    """Decodes and scores a whole file as the server would.

    Returns:
        float32 probabilities of shape (windows, tags), and each window's level in dBFS, of shape (windows,).

    Raises:
        BadRequestError: the bytes are not audio.
    """
    info = model.info
    stream = AudioStream(memoryview(body), EncodedAudio(), sample_rate=info.sample_rate, max_seconds=_MAX_SECONDS)
    cutter = HopCutter(info.hop_samples)
    pieces = [cutter.push(block) for block in stream]
    windows = info.grid.num_windows(stream.duration_seconds)
    hops = torch.cat([*pieces, cutter.finish(info.grid.num_hops(stream.duration_seconds))])
    powers = hops.square().mean(1).unfold(0, info.grid.window_hops, 1).mean(1)[:windows]
    return model.score(hops, torch.arange(windows)), (10 * torch.log10(powers + 1e-12)).numpy()


def windows_with_sound(levels: FloatArray) -> Mask:
    """Windows above -60 dBFS and within 40 dB of the loudest, bool of shape (windows,)."""
    return np.asarray((levels > _FLOOR_DBFS) & (levels > levels.max() - _RANGE_DB))


def windows_with_tag(recording: Recording, windows: int, model: Model) -> Mask:
    """Windows that have the tag by the recording's marks, bool of shape (windows,). Without marks, all of them."""
    if recording.marks is None:
        return np.ones(windows, np.bool_)
    hop, length = float(model.info.grid.hop_seconds), float(model.info.grid.window_seconds)
    return np.array([_marked(recording.marks, start * hop, start * hop + length) for start in range(windows)])


def _marked(marks: Iterable[tuple[float, float]], start: float, end: float) -> bool:
    """Whether the marks cover half a second of a span."""
    return sum(max(0.0, min(end, stop) - max(start, begin)) for begin, stop in marks) >= _MIN_MARKED_SECONDS


def findings(found: Mask, expected: Mask, tags: tuple[str, ...], folder: str) -> Findings:
    """Sums up which tags were found in recordings of a sub-folder.

    Args:
        found: bool of shape (windows, tags), windows that have sound.
        expected: bool of shape (windows,), those of them that should have the sub-folder's tag.
        tags: the model's tags.
        folder: the sub-folder's name.
    """
    shares = dict(zip(tags, found.mean(0).tolist() if len(found) else [0.0] * len(tags), strict=True))
    share = None
    if shares.pop(folder, None) is not None and expected.any():
        share = round(float(found[expected, tags.index(folder)].mean()), 4)
    false_shares = {name: round(shares.pop(name), 4) for name in EXCLUSIVE_TAGS if name in shares}
    most = sorted(shares.items(), key=lambda item: -item[1])[:_OTHERS_SHOWN]
    others = {name: round(value, 4) for name, value in most if value > 0}
    return Findings(len(found), int(expected.sum()), share, false_shares, others)


def meets_bar(result: Findings) -> bool | None:
    """Whether enough windows have the tag, and few enough have Speech or Music wrongly.

    None where the model does not know the tag.
    """
    if result.share is None:
        return None
    return result.share >= BAR_SHARE and all(each <= BAR_FALSE_SHARE for each in result.false_shares.values())


def _body(recording: Recording, telephone: bool) -> bytes:
    if not telephone:
        return recording.path.read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        wave = Path(folder, "line.wav")
        run_ffmpeg(["-i", str(recording.path), *_TELEPHONE, str(wave)])
        return wave.read_bytes()


def _find(recording: Recording, model: Model, telephone: bool) -> tuple[Mask, Mask]:
    """Which tags the windows with sound have, (windows, tags), and which of these should have the recording's own."""
    try:
        probabilities, levels = score_body(_body(recording, telephone), model)
    except BadRequestError as error:
        raise TrainingError(f"{recording.path}: {error}") from None
    sounding = windows_with_sound(levels)
    expected = windows_with_tag(recording, len(levels), model)
    return (probabilities >= model.info.thresholds)[sounding], expected[sounding]


def _judge_line(recordings: list[Recording], model: Model, telephone: bool) -> dict[str, Any]:
    """All recordings over one kind of line: findings per sub-folder and per file."""
    parts: dict[str, list[tuple[Mask, Mask]]] = {}
    files, folders = {}, {}
    for recording in tqdm(recordings, desc="telephone" if telephone else "studio", unit="file"):
        found, expected = _find(recording, model, telephone)
        parts.setdefault(recording.folder, []).append((found, expected))
        each = findings(found, expected, model.info.tags, recording.folder)
        files[recording.name] = {"origin": recording.origin, **asdict(each)}
    for name, pairs in parts.items():
        found, expected = (np.concatenate(masks) for masks in zip(*pairs, strict=True))
        pooled = findings(found, expected, model.info.tags, name)
        verdict = meets_bar(pooled) if name in EXCLUSIVE_TAGS else None  # only these have a bar
        folders[name] = {"meets_bar": verdict, **asdict(pooled)}
    return {"folders": folders, "files": files}


def judge_recordings(folder: Path, model_file: Path, report_file: Path, telephone: bool) -> None:
    """Judges a model on a folder of recordings, writes the report and prints it as a table.

    Args:
        folder: The recordings (see above).
        model_file: The model.
        report_file: JSON that is written.
        telephone: Whether to judge them over a telephone line too.

    Raises:
        TrainingError: the folder, one of its files or the model cannot be read.
    """
    recordings = list_recordings(folder)
    try:
        model = load_model(model_file, torch.device("cpu"))
    except ModelFileError as error:
        raise TrainingError(str(error)) from None
    lines = {"studio": _judge_line(recordings, model, False)}
    if telephone:
        lines["telephone"] = _judge_line(recordings, model, True)
    report = {"model": model.info.name, "version": model.info.version, "lines": lines}
    report_file.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print("\n".join(table(report)))


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def table(report: dict[str, Any]) -> Iterable[str]:
    """The report's lines as they are printed: sub-folders first, then files."""
    yield f"{'':44} windows    tag in      falsely | others"
    for line, parts in report["lines"].items():
        for kind in ("folders", "files"):
            for name, each in parts[kind].items():
                falsely = " ".join(f"{tag} {_percent(share)}" for tag, share in each["false_shares"].items())
                others = " ".join(f"{tag} {_percent(share)}" for tag, share in each["others"].items())
                verdict = {True: " meets the bar", False: " misses the bar"}.get(each.get("meets_bar"), "")
                share = f"{_percent(each['share']):>6} of {each['expected']:<5}"
                yield f"{f'{line} {name}':44} {each['windows']:7} {share} {falsely} | {others}{verdict}"

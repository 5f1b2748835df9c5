"""A pool of mixed clips, each kept twice: as mixed, and after a codec. Training asks for the same answer to both."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from tqdm import tqdm

from training.errors import TrainingError
from training.mixes.batch import Batch
from training.mixes.codecs import HARSH_CODECS, USUAL_CODECS, Codec, through_codec
from training.mixes.mixing import Mixer
from training.mixes.transmission import Transmission
from training.settings import CLIP_SAMPLES
from training.stems import read_split

_BLOCK = 64  # clips that go through one codec in a row
_BLOCKS = 96
_LOSSY = tuple(codec for codec in USUAL_CODECS if codec.suffix != "flac")


def _is_usual(block: int) -> bool:
    """Two blocks of three go through codecs that people use, the third through a harsh one."""
    return block % 3 < 2


def _codec_of(block: int) -> Codec:
    if _is_usual(block):
        return _LOSSY[(block - block // 3) % len(_LOSSY)]
    return HARSH_CODECS[block // 3 % len(HARSH_CODECS)]


def make_coded_pool(work: Path) -> None:
    """Mix and code the pool's blocks under WORK/pool; blocks that exist are kept."""
    folder = work / "pool"
    folder.mkdir(parents=True, exist_ok=True)
    bank, transmission = read_split(work, "train"), Transmission.drawn(1)
    for number in tqdm(range(_BLOCKS), desc="pool", unit="block"):
        path = folder / f"{number:03}.npz"
        if path.exists():
            continue
        batch = Mixer(bank, transmission, 10_000 + number).draw(_BLOCK)
        clean = (batch.clips.numpy().reshape(-1) * 32767).astype(np.int16)
        coded = through_codec(clean, _codec_of(number))
        partial = path.with_suffix(".partial.npz")
        pair = np.stack([clean, coded]).reshape(2, _BLOCK, CLIP_SAMPLES)
        np.savez(partial, pair=pair, targets=batch.targets.numpy(), known=batch.known.numpy())
        partial.rename(path)


class CodedPool:
    """Draws from the pool: clips after a harsh codec, and pairs of a clip as mixed and after a usual codec."""

    def __init__(self, work: Path, seed: int) -> None:
        paths = [work / "pool" / f"{number:03}.npz" for number in range(_BLOCKS)]
        blocks = [np.load(path) for path in paths if path.exists()]
        if len(blocks) < _BLOCKS:
            raise TrainingError(f"coded pairs are missing under {work / 'pool'}; run the step: pool")
        self._pairs: npt.NDArray[np.int16] = np.concatenate([block["pair"] for block in blocks], axis=1)
        self._targets = np.concatenate([block["targets"] for block in blocks])
        self._known = np.concatenate([block["known"] for block in blocks])
        usual = np.repeat([_is_usual(number) for number in range(_BLOCKS)], _BLOCK)
        self._usual, self._harsh = np.flatnonzero(usual), np.flatnonzero(~usual)
        self._rng = np.random.default_rng(seed)

    def draw(self, harsh: int, pairs: int) -> Batch:
        """First `harsh` clips after harsh codecs, then `pairs` clips as mixed, then the same after usual codecs."""
        alone, chosen = self._rng.choice(self._harsh, harsh), self._rng.choice(self._usual, pairs, replace=False)
        clips = np.concatenate([self._pairs[1, alone], self._pairs[0, chosen], self._pairs[1, chosen]])
        gains = 10 ** (-self._rng.uniform(0, 15, harsh + pairs) / 20) / 32768
        gains = np.concatenate([gains, gains[harsh:]]).astype(np.float32)
        order = np.concatenate([alone, chosen, chosen])
        labels = (torch.from_numpy(each[order]) for each in (self._targets, self._known))
        return Batch(torch.from_numpy(clips * gains[:, None]), *labels)

"""A pool of mixed clips in pairs: as mixed, and through a codec. Training asks for the same answer to both."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from tqdm import tqdm

from training.codecs import HARSH_CODECS, USUAL_CODECS, Codec, through_codec
from training.errors import TrainingError
from training.mixing import Batch, Mixer
from training.rooms import Channels
from training.settings import CLIP_SAMPLES
from training.synthesis import read_split

_BLOCK = 64  # clips that go through one codec in a row
_BLOCKS = 48
_LOSSY = tuple(codec for codec in USUAL_CODECS if codec.suffix != "flac")


def _codec_of(block: int) -> Codec:
    """Two blocks of three through what people send, the third through something harsh."""
    if block % 3 < 2:
        return _LOSSY[(block - block // 3) % len(_LOSSY)]
    return HARSH_CODECS[block // 3 % len(HARSH_CODECS)]


def make_pool(work: Path) -> None:
    """Mix and code the pool's blocks under WORK/pool; blocks that are there are kept."""
    folder = work / "pool"
    folder.mkdir(parents=True, exist_ok=True)
    bank, channels = read_split(work, "train"), Channels.drawn(1)
    for number in tqdm(range(_BLOCKS), desc="pool", unit="block"):
        path = folder / f"{number:03}.npz"
        if path.exists():
            continue
        batch = Mixer(bank, channels, 10_000 + number).draw(_BLOCK)
        clean = (batch.clips.numpy().reshape(-1) * 32767).astype(np.int16)
        coded = through_codec(clean, _codec_of(number))
        partial = path.with_suffix(".partial.npz")
        pair = np.stack([clean, coded]).reshape(2, _BLOCK, CLIP_SAMPLES)
        np.savez(partial, pair=pair, targets=batch.targets.numpy(), known=batch.known.numpy())
        partial.rename(path)


class Pool:
    """Draws pairs from the pool: clips [2 * pairs, ...], first all as mixed, then the same through their codecs."""

    def __init__(self, work: Path, seed: int) -> None:
        blocks = [np.load(path) for path in sorted((work / "pool").glob("[0-9]*.npz")) if "partial" not in path.name]
        if not blocks:
            raise TrainingError(f"no coded pairs under {work / 'pool'}; run the step: pool")
        self._pairs: npt.NDArray[np.int16] = np.concatenate([block["pair"] for block in blocks], axis=1)
        self._targets = np.concatenate([block["targets"] for block in blocks])
        self._known = np.concatenate([block["known"] for block in blocks])
        self._rng = np.random.default_rng(seed)

    def draw(self, pairs: int) -> Batch:
        """Random pairs; both of a pair at the same drawn level."""
        chosen = self._rng.choice(len(self._targets), pairs, replace=False)
        gains = 10 ** (-self._rng.uniform(0, 15, pairs) / 20)
        clips = self._pairs[:, chosen].astype(np.float32) * (gains[:, None] / 32768).astype(np.float32)
        twice = [np.concatenate([each[chosen]] * 2) for each in (self._targets, self._known)]
        return Batch(torch.from_numpy(clips.reshape(-1, CLIP_SAMPLES)), *(torch.from_numpy(each) for each in twice))

"""A pool of mixed clips, each kept twice: as mixed, and after a codec. Training asks for the same answer to both."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from training.errors import TrainingError
from training.mixes.bank import Bank
from training.mixes.batch import Batch
from training.mixes.codecs import HARSH_CODECS, USUAL_CODECS, Codec, through_codec
from training.mixes.mixing import Mixer
from training.mixes.transmission import Transmission
from training.settings import CLIP_SAMPLES

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


def make_coded_pool(work: Path, bank: Bank, processes: int) -> None:
    """Mix and code the pool's blocks under WORK/pool, several at a time; blocks that exist are kept."""
    folder, transmission = work / "pool", Transmission.drawn(1)
    folder.mkdir(parents=True, exist_ok=True)
    missing = [number for number in range(_BLOCKS) if not _path(work, number).exists()]

    def make(number: int) -> None:
        batch = Mixer(bank, transmission, 10_000 + number).draw(_BLOCK)
        clean = (batch.clips.cpu().numpy().reshape(-1) * 32767).astype(np.int16)
        pair = np.stack([clean, through_codec(clean, _codec_of(number))]).reshape(2, _BLOCK, CLIP_SAMPLES)
        partial = _path(work, number).with_suffix(".partial.npz")
        np.savez(partial, pair=pair, targets=batch.targets.cpu().numpy(), known=batch.known.cpu().numpy())
        partial.rename(_path(work, number))

    with ThreadPoolExecutor(processes) as threads:
        list(tqdm(threads.map(make, missing), total=len(missing), desc="pool", unit="block"))


def _path(work: Path, number: int) -> Path:
    return work / "pool" / f"{number:03}.npz"


class CodedPool:
    """Draws from the pool: clips after a harsh codec, and pairs of a clip as mixed and after a usual codec."""

    def __init__(self, work: Path, seed: int, device: torch.device) -> None:
        paths = [_path(work, number) for number in range(_BLOCKS)]
        blocks = [np.load(path) for path in paths if path.exists()]
        if len(blocks) < _BLOCKS:
            raise TrainingError(f"coded pairs are missing under {work / 'pool'}; run the step: pool")
        self._device = device
        self._pairs = torch.from_numpy(np.concatenate([block["pair"] for block in blocks], axis=1)).to(device)
        self._targets, self._known = (
            torch.from_numpy(np.concatenate([block[name] for block in blocks])).to(device)
            for name in ("targets", "known")
        )
        usual = np.repeat([_is_usual(number) for number in range(_BLOCKS)], _BLOCK)
        self._usual, self._harsh = np.flatnonzero(usual), np.flatnonzero(~usual)
        self._rng = np.random.default_rng(seed)

    def draw(self, harsh: int, pairs: int) -> Batch:
        """First `harsh` clips after harsh codecs, then `pairs` clips as mixed, then the same after usual codecs."""
        drawn = self._rng.choice(self._harsh, harsh), self._rng.choice(self._usual, pairs, replace=False)
        alone, chosen = (torch.from_numpy(each).to(self._device) for each in drawn)
        clips = torch.cat([self._pairs[1, alone], self._pairs[0, chosen], self._pairs[1, chosen]])
        gains = 10 ** (-self._rng.uniform(0, 15, harsh + pairs) / 20) / 32768
        scales = torch.from_numpy(np.concatenate([gains, gains[harsh:]]).astype(np.float32)).to(self._device)
        order = torch.cat([alone, chosen, chosen])
        return Batch(clips * scales[:, None], self._targets[order], self._known[order])

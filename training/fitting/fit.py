"""Trains the network: fresh mixes and coded pairs in every batch; writes checkpoints that a later run continues."""

from __future__ import annotations

import ctypes
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm import tqdm

from training.fitting.checkpoint import State, learning_rate
from training.fitting.losses import disagreement, masked_loss
from training.fitting.network import MELS
from training.mixes.bank import Bank
from training.mixes.batch import Batch, hops_of, window_starts
from training.mixes.coded_pool import CodedPool
from training.mixes.mixing import Mixer
from training.mixes.transmission import Transmission
from training.settings import CLIP_HOPS

# The clips of a batch: fresh mixes; from the pool, clips through harsh codecs and pairs (clean, coded).
_FRESH, _HARSH, _PAIRS = 44, 4, 8
_AGREEMENT = 40.0  # weight of the squared difference between the answers to the two of a pair (about 1e-4)
_CHECKPOINT_EVERY = 250


@dataclass(frozen=True)
class Run:
    """How a stage of the training runs.

    Attributes:
        updates: the update at which it ends.
        times: how many usual batches one update takes: 1 on a processor, more on a GPU.
        threads: of the processor.
    """

    updates: int
    times: int = 1
    threads: int = 1


def keep_freed_memory() -> None:
    """Make glibc keep freed memory: returning each large tensor to the system takes a quarter of a step."""
    trim_threshold, mmap_max = -1, -4  # M_TRIM_THRESHOLD and M_MMAP_MAX of malloc.h
    c_library = ctypes.CDLL(None)
    if hasattr(c_library, "mallopt"):
        c_library.mallopt(trim_threshold, 2**31 - 1)
        c_library.mallopt(mmap_max, 0)


def drawn_ahead(mixer: Mixer, pool: CodedPool | None, times: int = 1) -> Generator[Batch, None, None]:
    """Endless batches. A second thread mixes the next batch while the network trains on this one."""
    with ThreadPoolExecutor(1) as beside:
        coming = beside.submit(mixer.draw, _FRESH * times)
        while True:
            fresh = coming.result()
            coming = beside.submit(mixer.draw, _FRESH * times)
            yield _joined(fresh, pool.draw(_HARSH * times, _PAIRS * times)) if pool else fresh


def _joined(fresh: Batch, pairs: Batch) -> Batch:
    return Batch(
        torch.cat([fresh.clips, pairs.clips]),
        torch.cat([fresh.targets, pairs.targets]),
        torch.cat([fresh.known, pairs.known]),
    )


def hide_bands(features: Tensor, generator: torch.Generator) -> Tensor:
    """In about a third of the clips, up to 8 neighbouring mel bands at the floor (SpecAugment's frequency mask)."""
    clips = len(features) // CLIP_HOPS
    first = torch.randint(0, MELS, (clips, 1), generator=generator)
    width = torch.randint(1, 9, (clips, 1), generator=generator) * (torch.rand(clips, 1, generator=generator) < 0.33)
    band = torch.arange(MELS)
    hidden = ((band >= first) & (band < first + width)).to(features.device)
    return features.masked_fill(hidden.repeat_interleave(CLIP_HOPS, 0)[:, None, :], features.min().item())


def train_step(state: State, batch: Batch, pairs: int, generator: torch.Generator) -> Tensor:
    """One update; returns the loss and the disagreement. Only the encoder runs in bfloat16, which is twice as fast."""
    tagger, device = state.tagger.train(), batch.clips.device
    with torch.no_grad():
        features, levels = tagger.log_mel(hops_of(batch.clips))
        unpaired = len(features) - 2 * pairs * CLIP_HOPS
        features[:unpaired] = hide_bands(features[:unpaired], generator)
    with torch.autocast(device.type, torch.bfloat16):
        embeddings = tagger.encoder(features)
        logits = tagger.all_logits(embeddings, levels, window_starts(len(batch.clips)).to(device)).float()
    loss = masked_loss(logits, batch)
    apart = disagreement(logits, pairs) if pairs else torch.zeros_like(loss)
    torch.autograd.backward(loss + _AGREEMENT * apart)
    nn.utils.clip_grad_norm_(tagger.parameters(), 2.0)
    state.optimiser.step()
    state.optimiser.zero_grad()
    return torch.stack([loss.detach(), apart.detach()])


def fit(state: State, bank: Bank, pool: CodedPool | None, run: Run, checkpoint: Path) -> None:
    """Train on mixes of the bank, and on the pool where there is one; the state is kept in CHECKPOINT."""
    torch.set_num_threads(run.threads)
    keep_freed_memory()
    batches = drawn_ahead(Mixer(bank, Transmission.drawn(2), seed=state.update), pool, run.times)
    generator = torch.Generator().manual_seed(state.update)
    means, pairs = torch.zeros(2, device=bank.samples.device), _PAIRS * run.times if pool else 0
    bar = tqdm(initial=state.update, total=run.updates, desc=checkpoint.stem, unit="update", mininterval=10)
    while state.update < run.updates:
        for group in state.optimiser.param_groups:
            group["lr"] = learning_rate(state.update, run.updates)
        means = means.lerp(train_step(state, next(batches), pairs, generator), 0.02)
        state.update += 1
        state.follow()
        bar.update()
        if state.update % _CHECKPOINT_EVERY == 0 or state.update == run.updates:
            state.save(checkpoint)
            bar.write(f"update {state.update}: loss {means[0]:.4f}, disagreement {means[1]:.6f}")
    batches.close()
    bar.close()

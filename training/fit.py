"""Trains the network: fresh mixes and coded pairs in every batch; checkpoints that a later run goes on from."""

from __future__ import annotations

import copy
import ctypes
import math
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from training.catalogue import TAG_NAMES
from training.errors import TrainingError
from training.mixing import WINDOWS, Batch, Mixer
from training.network import MELS, Tagger
from training.pool import Pool
from training.rooms import Channels
from training.settings import CLIP_HOPS, HOP_SAMPLES
from training.synthesis import read_split

# The clips of a batch: fresh mixes; from the pool, clips through harsh codecs and pairs (clean, coded).
_FRESH, _HARSH, _PAIRS = 44, 4, 8
_WARM_UPDATES = 300
_SMOOTHING = 0.02  # targets are 0.01 and 0.99: logits stay moderate, and with them the effect of a codec
_AGREEMENT = 40.0  # weight of the squared difference between the answers to the two of a pair (about 1e-4)
_EMA_DECAY = 0.9985
_CHECKPOINT_EVERY = 250


def window_starts(clips: int) -> Tensor:
    """The first hops of all windows of a batch whose hops stand in one tensor, clip by clip: int64[clips * WINDOWS]."""
    return (torch.arange(clips)[:, None] * CLIP_HOPS + torch.arange(WINDOWS)).flatten()


def hops_of(clips: Tensor) -> Tensor:
    """Clips [B, CLIP_SAMPLES] as hops [B * CLIP_HOPS, HOP_SAMPLES]."""
    return clips.reshape(-1, HOP_SAMPLES)


def masked_loss(logits: Tensor, batch: Batch) -> Tensor:
    """Binary cross-entropy with smoothed targets, over what is known."""
    targets = batch.targets.flatten(0, 1) * (1 - _SMOOTHING) + _SMOOTHING / 2
    known = batch.known.flatten(0, 1)
    loss = functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    return (loss * known).sum() / known.sum()


def disagreement(logits: Tensor, pairs: int) -> Tensor:
    """Mean squared difference of the probabilities of the clean and the coded one of each pair (the last clips)."""
    clean, coded = torch.sigmoid(logits[-2 * pairs * WINDOWS :]).chunk(2)
    return functional.mse_loss(clean, coded)


def hide_bands(features: Tensor, generator: torch.Generator) -> Tensor:
    """In about a third of the clips, up to 8 neighbouring mel bands at the floor (SpecAugment's frequency mask)."""
    clips = len(features) // CLIP_HOPS
    first = torch.randint(0, MELS, (clips, 1), generator=generator)
    width = torch.randint(1, 9, (clips, 1), generator=generator) * (torch.rand(clips, 1, generator=generator) < 0.33)
    band = torch.arange(MELS)
    hidden = (band >= first) & (band < first + width)
    return features.masked_fill(hidden.repeat_interleave(CLIP_HOPS, 0)[:, None, :], float(features.min()))


@dataclass(frozen=True)
class Schedule:
    """How fast a stage of the training learns.

    Attributes:
        first_update: updates that earlier stages made.
        peak_rate: the highest learning rate.
    """

    first_update: int = 0
    peak_rate: float = 3e-3

    def learning_rate(self, update: int, updates: int) -> float:
        """Linear warm-up from the stage's first update, then a cosine down to a hundredth at the last one."""
        done, length = update - self.first_update, updates - self.first_update
        if done < _WARM_UPDATES:
            return self.peak_rate * (done + 1) / _WARM_UPDATES
        progress = min(1.0, (done - _WARM_UPDATES) / max(1, length - _WARM_UPDATES))
        return self.peak_rate * (0.01 + 0.99 * (0.5 + 0.5 * math.cos(math.pi * progress)))


def keep_freed_memory() -> None:
    """Tell glibc to keep what is freed: giving each large tensor back to the system costs a quarter of a step."""
    trim_threshold, mmap_max = -1, -4  # M_TRIM_THRESHOLD and M_MMAP_MAX of malloc.h
    c_library = ctypes.CDLL(None)
    if hasattr(c_library, "mallopt"):
        c_library.mallopt(trim_threshold, 2**31 - 1)
        c_library.mallopt(mmap_max, 0)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """What `State.save` wrote, or a former version of it: its parts by their names.

    Raises:
        TrainingError: the file is something else.
    """
    try:
        parts = torch.load(path, weights_only=True)
    except OSError:
        raise
    except Exception:  # torch names no exception type for a file that is not its own
        parts = None
    if not isinstance(parts, dict):
        raise TrainingError(f"{path} is no checkpoint: the step fit writes them")
    return parts


@dataclass
class State:
    """Everything that a run goes on from."""

    tagger: Tagger
    average: Tagger
    optimiser: torch.optim.Optimizer
    update: int = 0
    schedule: Schedule = Schedule()

    @classmethod
    def fresh(cls) -> State:
        """An untrained network."""
        torch.manual_seed(0)
        tagger = Tagger(len(TAG_NAMES)).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        decayed = [each for each in tagger.parameters() if each.ndim > 1]
        plain = [each for each in tagger.parameters() if each.ndim <= 1]
        groups = [{"params": decayed, "weight_decay": 0.02}, {"params": plain, "weight_decay": 0.0}]
        return cls(tagger, copy.deepcopy(tagger).eval(), torch.optim.AdamW(groups, betas=(0.9, 0.98)))

    def save(self, path: Path) -> None:
        """Write the checkpoint in one step, so that a killed run leaves the last one whole."""
        parts = {"tagger": self.tagger.state_dict(), "average": self.average.state_dict()}
        partial = path.with_suffix(".partial")
        progress = {"update": self.update, "schedule": asdict(self.schedule)}
        torch.save(parts | progress | {"optimiser": self.optimiser.state_dict()}, partial)
        partial.rename(path)

    def load(self, path: Path, written_by: str = "fit") -> None:
        """Go on from a checkpoint, which the step `written_by` writes.

        Raises:
            TrainingError: there is none, or it is of another network or version; this state is of no use then.
        """
        if not path.exists():
            raise TrainingError(f"{path} is missing; run the step: {written_by}")
        parts = read_checkpoint(path)
        try:
            self.tagger.load_state_dict(parts["tagger"])
            self.average.load_state_dict(parts["average"])
            self.optimiser.load_state_dict(parts["optimiser"])
            self.update, self.schedule = parts["update"], Schedule(**parts["schedule"])
        except (KeyError, RuntimeError, TypeError, ValueError) as error:
            raise TrainingError(
                f"{path} is of another version of the training: move it away, and begin anew or, if its network is the "
                "shallower one, go on from it: python -m training grow FILE"
            ) from error

    @torch.no_grad()
    def follow(self) -> None:
        """Move the average a little towards the network (faster at the start)."""
        decay = min(_EMA_DECAY, (1 + self.update) / (10 + self.update))
        for mean, each in zip(self.average.state_dict().values(), self.tagger.state_dict().values(), strict=True):
            if mean.is_floating_point():
                mean.lerp_(each, 1 - decay)
            else:
                mean.copy_(each)


def drawn_ahead(mixer: Mixer, pool: Pool) -> Generator[Batch, None, None]:
    """Batches without end; the next one is mixed in a second thread while this one is learnt from."""
    with ThreadPoolExecutor(1) as beside:
        coming = beside.submit(mixer.draw, _FRESH)
        while True:
            fresh = coming.result()
            coming = beside.submit(mixer.draw, _FRESH)
            yield _joined(fresh, pool.draw(_HARSH, _PAIRS))


def _joined(fresh: Batch, pairs: Batch) -> Batch:
    return Batch(
        torch.cat([fresh.clips, pairs.clips]),
        torch.cat([fresh.targets, pairs.targets]),
        torch.cat([fresh.known, pairs.known]),
    )


def train_step(state: State, batch: Batch, pairs: int, generator: torch.Generator) -> tuple[float, float]:
    """One update; returns the loss and the disagreement. The encoder runs in bfloat16 (twice as fast), the rest not."""
    tagger = state.tagger.train()
    with torch.no_grad():
        features, levels = tagger.log_mel(hops_of(batch.clips))
        paired = 2 * pairs * CLIP_HOPS
        features[:-paired] = hide_bands(features[:-paired], generator)
    with torch.autocast("cpu", torch.bfloat16):
        embeddings = tagger.encoder(features)
        logits = tagger.score(embeddings, levels, window_starts(len(batch.clips))).float()
    loss, apart = masked_loss(logits, batch), disagreement(logits, pairs)
    torch.autograd.backward(loss + _AGREEMENT * apart)
    nn.utils.clip_grad_norm_(tagger.parameters(), 2.0)
    state.optimiser.step()
    state.optimiser.zero_grad()
    return float(loss.detach()), float(apart.detach())


def fit(work: Path, updates: int, threads: int) -> None:
    """Train up to `updates` updates from WORK's stems and pool; goes on from WORK/checkpoint.pt if there is one."""
    torch.set_num_threads(threads)
    keep_freed_memory()
    state, checkpoint = State.fresh(), work / "checkpoint.pt"
    if checkpoint.exists():
        state.load(checkpoint)
    mixer = Mixer(read_split(work, "train"), Channels.drawn(2), seed=state.update)
    batches = drawn_ahead(mixer, Pool(work, seed=state.update))
    generator = torch.Generator().manual_seed(state.update)
    means = torch.zeros(2)
    bar = tqdm(initial=state.update, total=updates, desc="fit", unit="update", mininterval=10)
    while state.update < updates:
        for group in state.optimiser.param_groups:
            group["lr"] = state.schedule.learning_rate(state.update, updates)
        means = means.lerp(torch.tensor(train_step(state, next(batches), _PAIRS, generator)), 0.02)
        state.update += 1
        state.follow()
        bar.update()
        if state.update % _CHECKPOINT_EVERY == 0 or state.update == updates:
            state.save(checkpoint)
            bar.write(f"update {state.update}: loss {means[0]:.4f}, disagreement {means[1]:.6f}")
    batches.close()
    bar.close()

"""Synthesises all stems into shards, several at a time. Shards that exist are kept."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import numpy as np
from tqdm import tqdm

from training.sources.recipes import Shard, all_shards
from training.stems import stem_folder, write_shard


def _make(job: tuple[Path, Shard]) -> str:
    work, shard = job
    os.nice(5)
    write_shard(stem_folder(work, shard.split) / shard.name, shard.make(np.random.default_rng(shard.seed)))
    return shard.name


def synthesise(work: Path, processes: int) -> None:
    """Make every shard that is missing under WORK/stems."""
    jobs = [
        (work, shard) for shard in all_shards() if not (stem_folder(work, shard.split) / f"{shard.name}.json").exists()
    ]
    # Set before the processes start, so that each has one thread and they do not hinder each other.
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    with multiprocessing.get_context("spawn").Pool(processes, maxtasksperchild=20) as pool:
        bar = tqdm(pool.imap_unordered(_make, jobs), total=len(jobs), desc="synthesise", unit="shard")
        for name in bar:
            bar.set_postfix_str(name)

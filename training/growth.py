"""A second stage: a trained, shallower network goes on with more layers, which at first change nothing."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from training.errors import TrainingError
from training.fit import Schedule, State
from training.network import Residual, Tagger

# Layers of the network that is described by `training.network` -> the same ones in the network before it grew.
_LAYER_BEFORE = {0: 0, 2: 2, 4: 4, 5: 5, 7: 7, 9: 8}
# A stage that begins with what is known needs no more, and forgets less.
_PEAK_RATE = 2e-3


def grow(shallow: Path, checkpoint: Path) -> State:
    """Write CHECKPOINT, from which `fit` goes on: the weights of SHALLOW, and blocks that pass on what they get.

    Raises:
        TrainingError: SHALLOW is missing or no checkpoint of the shallower network, or CHECKPOINT is there already.
    """
    if checkpoint.exists():
        raise TrainingError(f"{checkpoint} exists already; move it away, or give another --work")
    if not shallow.exists():
        raise TrainingError(f"{shallow} is missing; name the checkpoint of the shallower network")
    parts, state = torch.load(shallow, weights_only=True), State.fresh()
    try:
        _take_over(state.tagger, parts["tagger"])
        _take_over(state.average, parts["average"])
    except (KeyError, RuntimeError) as error:
        raise TrainingError(f"{shallow} is no checkpoint of the shallower network: {error}") from None
    state.update, state.schedule = parts["update"], Schedule(parts["update"], _PEAK_RATE)
    state.save(checkpoint)
    return state


def _take_over(tagger: Tagger, weights: dict[str, Tensor]) -> None:
    for index, layer in enumerate(tagger.encoder.layers):
        if index in _LAYER_BEFORE:
            layer.load_state_dict(_below(f"encoder.layers.{_LAYER_BEFORE[index]}.", weights))
        elif isinstance(layer, Residual):
            _pass_on(layer)
    beside = {name: each for name, each in weights.items() if not name.startswith("encoder.layers.")}
    missing = tagger.load_state_dict(beside, strict=False)
    if missing.unexpected_keys:
        raise KeyError(missing.unexpected_keys)


def _below(prefix: str, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): each for name, each in weights.items() if name.startswith(prefix)}


def _pass_on(block: Residual) -> None:
    """Let the block add nothing to its input, until it has learnt to."""
    norm = block.conv[1]
    assert isinstance(norm, nn.BatchNorm2d)  # as `training.network._conv` builds them
    nn.init.zeros_(norm.weight)

"""A second stage of training: the weights of a shallower network, and new layers that change nothing at first."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from training.errors import TrainingError
from training.fitting.checkpoint import Schedule, State, read_checkpoint
from training.fitting.network import Residual, Tagger

# Layers of `training.fitting.network.Encoder`: the blocks that the shallower network lacked, and the one they moved.
_NEW_BLOCKS = (8, 11, 12)
_NAME_BEFORE, _NAME_NOW = "encoder.layers.8.", "encoder.layers.9."
# Lower than the first stage's, so that the weights that are trained already change less.
_PEAK_RATE = 2e-3


def grow(shallow: Path, checkpoint: Path) -> None:
    """Write CHECKPOINT, which `fit` continues: the weights of SHALLOW, and new blocks that change nothing yet.

    Raises:
        TrainingError: SHALLOW is missing or not a checkpoint of the shallower network, or CHECKPOINT exists.
    """
    if checkpoint.exists():
        raise TrainingError(f"{checkpoint} exists already; move it away, or name another --work")
    if not shallow.exists():
        raise TrainingError(f"{shallow} is missing; name the checkpoint of the shallower network")
    parts, state = read_checkpoint(shallow), State.fresh()
    try:
        _take_over(state.tagger, parts["tagger"])
        _take_over(state.average, parts["average"])
        state.update, state.schedule = parts["update"], Schedule(parts["update"], _PEAK_RATE)
    except (KeyError, RuntimeError) as error:  # the latter from torch, over several lines
        reason = " ".join(str(error).split())[:200]
        raise TrainingError(f"{shallow} is not a checkpoint of the shallower network: {reason}") from None
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    state.save(checkpoint)
    print(f"{checkpoint}: {state.update} updates are made; the step fit continues up to --updates")


def _take_over(tagger: Tagger, weights: dict[str, Tensor]) -> None:
    """Load all weights of the shallower network into the layers where they belong now."""
    grown = {name.replace(_NAME_BEFORE, _NAME_NOW): each for name, each in weights.items()}
    for index in _NEW_BLOCKS:
        block = tagger.encoder.layers[index]
        assert isinstance(block, Residual)  # as `training.fitting.network.Encoder` builds them
        _pass_on(block)
        grown |= block.state_dict(prefix=f"encoder.layers.{index}.")
    tagger.load_state_dict(grown)


def _pass_on(block: Residual) -> None:
    """Make the block add nothing to its input until it has been trained."""
    norm = block.conv[1]
    assert isinstance(norm, nn.BatchNorm2d)  # as `training.fitting.network._conv` builds them
    nn.init.zeros_(norm.weight)

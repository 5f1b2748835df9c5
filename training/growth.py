"""A second stage: a trained, shallower network goes on with more layers, which at first change nothing."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from training.errors import TrainingError
from training.fit import Schedule, State, read_checkpoint
from training.network import Residual, Tagger

# Of the encoder's layers in `training.network`: the blocks that the shallower network lacked, and what they moved.
_NEW_BLOCKS = (8, 11, 12)
_NAME_BEFORE, _NAME_NOW = "encoder.layers.8.", "encoder.layers.9."
# A stage that begins with what is known needs no more, and forgets less.
_PEAK_RATE = 2e-3


def grow(shallow: Path, checkpoint: Path) -> None:
    """Write CHECKPOINT, from which `fit` goes on: the weights of SHALLOW, and blocks that pass on what they get.

    Raises:
        TrainingError: SHALLOW is missing or no checkpoint of the shallower network, or CHECKPOINT is there already.
    """
    if checkpoint.exists():
        raise TrainingError(f"{checkpoint} exists already; move it away, or give another --work")
    if not shallow.exists():
        raise TrainingError(f"{shallow} is missing; name the checkpoint of the shallower network")
    parts, state = read_checkpoint(shallow), State.fresh()
    try:
        _take_over(state.tagger, parts["tagger"])
        _take_over(state.average, parts["average"])
        state.update, state.schedule = parts["update"], Schedule(parts["update"], _PEAK_RATE)
    except (KeyError, RuntimeError) as error:  # the latter from torch, over several lines
        reason = " ".join(str(error).split())[:200]
        raise TrainingError(f"{shallow} is no checkpoint of the shallower network: {reason}") from None
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    state.save(checkpoint)
    print(f"{checkpoint}: {state.update} updates are made; the step fit goes on up to --updates")


def _take_over(tagger: Tagger, weights: dict[str, Tensor]) -> None:
    """Load the shallower network's weights, all of them, each into the layer that it is now."""
    grown = {name.replace(_NAME_BEFORE, _NAME_NOW): each for name, each in weights.items()}
    for index in _NEW_BLOCKS:
        block = tagger.encoder.layers[index]
        assert isinstance(block, Residual)  # as `training.network.Encoder` builds them
        _pass_on(block)
        grown |= block.state_dict(prefix=f"encoder.layers.{index}.")
    tagger.load_state_dict(grown)


def _pass_on(block: Residual) -> None:
    """Let the block add nothing to its input, until it has learnt to."""
    norm = block.conv[1]
    assert isinstance(norm, nn.BatchNorm2d)  # as `training.network._conv` builds them
    nn.init.zeros_(norm.weight)

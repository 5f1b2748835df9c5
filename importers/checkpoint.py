"""Reads checkpoint files, never running code that is in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from importers.errors import ImporterError

StateDict = Mapping[str, Tensor]

# Older training scripts save NumPy arrays and numbers beside the weights. Rebuilding these runs no code of the file's.
# The two functions are known under the names that NumPy 1 gave them, which wrote these files.
_HARMLESS: list[Any] = [
    np.ndarray,
    np.dtype,
    *(type(np.dtype(kind)) for kind in "bBhHiIlLfd"),
    (np.empty(0).__reduce__()[0], "numpy.core.multiarray._reconstruct"),
    (np.float64(0).__reduce__()[0], "numpy.core.multiarray.scalar"),
]


def read_state_dict(file: Path) -> dict[str, Tensor]:
    """Reads the weights of a checkpoint.

    Takes a bare state dict or one under the key "model" or "state_dict", with or without DataParallel's "module.".

    Raises:
        ImporterError: It cannot be read, or there are no weights in it.
    """
    try:
        with torch.serialization.safe_globals(_HARMLESS):
            content = torch.load(file, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise ImporterError(f"there is no file {file}") from error
    except Exception as error:  # torch names no exception type for a broken or unsafe file
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ImporterError(f"{file} cannot be read as a PyTorch checkpoint: {reason}") from error
    for key in ("model", "state_dict"):
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping) or not any(isinstance(value, Tensor) for value in content.values()):
        raise ImporterError(f"{file} holds no weights: it should be the state dict of a network")
    return {name.removeprefix("module."): value for name, value in content.items() if isinstance(value, Tensor)}


def require(weights: StateDict, names: Sequence[str], *, what: str) -> None:
    """Checks that a state dict is of the kind that an importer reads.

    Raises:
        ImporterError: A name is missing.
    """
    missing = [name for name in names if name not in weights]
    if missing:
        found = ", ".join(list(weights)[:3])
        raise ImporterError(f"this is no checkpoint of {what}: it has no {missing[0]!r} (but {found}, ...)")


def load_weights(network: nn.Module, weights: StateDict, *, what: str) -> None:
    """Gives a network its weights; every one must be there, in the right shape, and no other.

    Raises:
        ImporterError: They do not fit.
    """
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        details = "; ".join(line.strip() for line in str(error).splitlines()[1:4])
        raise ImporterError(f"the weights do not fit {what}: {details[:600]}") from error

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
# The two functions that do it have one name in files of NumPy 1 and another in those of NumPy 2.
_REBUILDERS = {"_reconstruct": np.empty(0).__reduce__()[0], "scalar": np.float64(0).__reduce__()[0]}
_HARMLESS: list[Any] = [
    np.ndarray,
    np.dtype,
    *(type(np.dtype(kind)) for kind in "bBhHiIlLfd"),
    *((call, f"numpy.{core}.multiarray.{name}") for name, call in _REBUILDERS.items() for core in ("core", "_core")),
]
_UNSAFE = "Unsupported global"  # in torch's message where a file wants to run code


def read_state_dict(file: Path) -> dict[str, Tensor]:
    """Reads the weights of a checkpoint.

    Takes a bare state dict or one under the key "model" or "state_dict", with or without DataParallel's "module.".

    Raises:
        ImporterError: It cannot be read, or it holds no weights.
    """
    try:
        with torch.serialization.safe_globals(_HARMLESS):
            content = torch.load(file, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise ImporterError(f"{file} does not exist") from error
    except Exception as error:  # torch names no exception type for a broken or unsafe file
        raise ImporterError(_reason(file, str(error))) from error
    for key in ("model", "state_dict"):
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping) or not any(isinstance(value, Tensor) for value in content.values()):
        raise ImporterError(f"{file} holds no weights: it should be the state dict of a network")
    return {name.removeprefix("module."): value for name, value in content.items() if isinstance(value, Tensor)}


def _reason(file: Path, message: str) -> str:
    if _UNSAFE in message:
        return (
            f"{file} holds more than weights; loading that could run code. If you trust it, save its weights alone: "
            'torch.save(torch.load(FILE, weights_only=False)["model"], "weights.pt")'
        )
    return f"{file} cannot be read as a PyTorch checkpoint: {(message.splitlines() or ['it is empty'])[0]}"


def require(weights: StateDict, names: Sequence[str], *, what: str) -> None:
    """Checks that a state dict is of the kind that an importer reads.

    Raises:
        ImporterError: A name is missing.
    """
    missing = [name for name in names if name not in weights]
    if missing:
        found = ", ".join(list(weights)[:3])
        raise ImporterError(f"this is not a checkpoint of {what}: it has no {missing[0]!r} (but {found}, ...)")


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

"""A model file -> a model on its device, tried, in the form that is served."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch
from torch.export.passes import move_to_device_pass

from handler.arrays import Floats
from handler.model.cuda_graphs import Gpu
from handler.model.file import METADATA_FILE, ModelFileError, ModelInfo, read_program
from handler.model.forms import AUTO, EXPORTED, fed, served_form
from handler.model.program import Inputs, Program
from handler.text import quoted

# Rows beyond a single window in the batches that a model is tried on.
_TRIED_ROWS = (0, 4)


class Model:
    """A loaded model on its device.

    Args:
        info: What the file says about it.
        program: The callable of the file's contract, from the host's memory to the host's memory.
        device: Where it runs.
        form: In which form it runs, for the log.
        seconds_per_window: What a window takes in a batch of a few; 0 where it was not measured.

    Attributes:
        info: As above.
        device: As above.
        form: As above.
        seconds_per_window: As above.
    """

    def __init__(
        self,
        info: ModelInfo,
        program: Program,
        device: torch.device,
        form: str = EXPORTED,
        seconds_per_window: float = 0.0,
    ) -> None:
        self.info = info
        self.form = form
        self.device = device
        self.seconds_per_window = seconds_per_window
        self._program = program

    @torch.inference_mode()
    def score(self, hops: torch.Tensor, starts: torch.Tensor) -> Floats:
        """Scores windows.

        Args:
            hops: float32 of shape (N, hop_samples).
            starts: int64 of shape (M,), in [0, N - window_hops]; M >= 1.

        Returns:
            float32 probabilities of shape (M, tags).
        """
        return self._program(hops, starts).numpy()


def load_model(path: Path, device: torch.device, *, form: str = AUTO) -> Model:
    """Loads a model file, moves it to the device, tries it, and makes the form that is served.

    Args:
        path: The file.
        device: Where it is to run.
        form: The name of a form (handler/model/forms.py), "exported" for the program as the file has it, or "auto" for
            the first form on the device whose answers are right.

    Raises:
        ModelFileError: It is not a torch.export program, its metadata are missing or wrong, or it does not give one
            finite probability per window and tag.
        FormError: The form that was asked for cannot be served.
    """
    exported, info = read_program(path)
    if device.type == "cuda":
        _calculate_in_full()
    try:
        program = move_to_device_pass(exported, device).module()
        gpu = Gpu(device) if device.type == "cuda" else None
    except Exception as error:  # an operation without a kernel for the device raises any kind
        raise ModelFileError(f"{path.name} cannot be moved to {device}: {quoted(str(error))}") from error
    for num_rows in _TRIED_ROWS:
        _try(program if gpu is None else fed(program, gpu), info, num_rows)
    name, served = served_form(program, info, gpu=gpu, wanted=form, example=_noise(info, _TRIED_ROWS[-1]))
    try:
        torch.cuda.empty_cache()  # gives back what trying took, if it was a GPU's
        seconds = _seconds_per_window(served, info)
    except RuntimeError as error:  # an error that breaks a GPU's context breaks it for the whole process
        raise ModelFileError(
            f"{path.name} fails on {device} after other forms of it were tried; SENSE_MODEL_FORM=exported leaves them "
            f"out: {quoted(str(error))}"
        ) from error
    return Model(info, served, device, name, seconds)


def _calculate_in_full() -> None:
    """No rounding to TF32, and no sums in float16: what is called float32 gives what a CPU gives, nearly to the bit."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction = False
    torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = False


def _noise(info: ModelInfo, num_rows: int) -> Inputs:
    """A batch of `num_rows` hops more than one window has, and the starts of all its windows."""
    generator = torch.Generator().manual_seed(num_rows)
    hops = torch.rand(info.grid.window_hops + num_rows, info.hop_samples, generator=generator) - 0.5
    return hops * (num_rows > 0), torch.arange(num_rows + 1)  # silence where there is a single window


@torch.inference_mode()
def _try(program: Program, info: ModelInfo, num_rows: int) -> None:
    """Scores silence or noise, which also warms the device up."""
    hops, starts = _noise(info, num_rows)
    try:
        probabilities = program(hops, starts).numpy()
    except Exception as error:  # the program may raise anything on hops of the length that it claims
        raise ModelFileError(
            f"the model fails on {hops.shape[0]} hops of {info.hop_samples} samples, which is what "
            f"{METADATA_FILE} says it takes: {quoted(str(error))}"
        ) from error
    _check_outputs(probabilities, (len(starts), len(info.tags)))


@torch.inference_mode()
def _seconds_per_window(program: Program, info: ModelInfo) -> float:
    """The least of a few runs: other work of the machine only adds to it."""
    hops, starts = _noise(info, _TRIED_ROWS[-1])
    seconds = []
    for _ in range(3):
        start_seconds = time.perf_counter()
        program(hops, starts)
        seconds.append(time.perf_counter() - start_seconds)
    return min(seconds) / len(starts)


def _check_outputs(probabilities: Floats, expected_shape: tuple[int, int]) -> None:
    if probabilities.shape != expected_shape or probabilities.dtype != np.float32:
        raise ModelFileError(
            f"the model gives {probabilities.dtype} outputs of shape {probabilities.shape} for {expected_shape[0]} "
            f"windows and names {expected_shape[1]} tags; it must give float32 of shape {expected_shape}"
        )
    if not np.all((probabilities >= 0) & (probabilities <= 1)):
        raise ModelFileError("the model's outputs for silence or noise are not probabilities between 0 and 1")

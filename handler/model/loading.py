"""A model file -> a model on its device, tried, in the fastest form that gives its probabilities."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch
from torch.export.passes import move_to_device_pass

from handler.arrays import Floats
from handler.model.cuda_graphs import SIZES, FixedSizes, Gpu
from handler.model.file import METADATA_FILE, ModelFileError, ModelInfo, read_program
from handler.model.forms import AS_EXPORTED, Form, Program, fastest_form
from handler.model.half_precision import in_half_precision
from handler.model.torchscript import frozen
from handler.text import quoted

# Rows beyond a single window in the batches that a model is tried on.
_TRIED_ROWS = (0, 4)
# Windows in the batches that another form is compared on. On a GPU first more than the largest fixed size, then fewer,
# beside which a larger batch's hops are left over.
_CPU_WINDOWS = (1, 5, 32)
_GPU_WINDOWS = (SIZES[-1] + 40, 512, 100, 20, 1)
# How far another form may be off, in probability. Another order of additions gives some 1e-7. Half precision moves the
# bundled model by up to 3e-3 (docs/record/speed.md); a step of sensitivity moves a threshold of 0.5 by 0.23.
_MAX_DIFFERENCE = 1e-4
_MAX_HALF_DIFFERENCE = 5e-3


class Model:
    """A loaded model on its device.

    Args:
        info: What the file says about it.
        program: The callable of the contract above, from the host's memory to the host's memory.
        device: Where it runs.
        form: In which form it runs, for the log.

    Attributes:
        info: As above.
        device: As above.
        form: As above.
        seconds_per_window: What a window takes in a batch of a few; 0 where it was not measured.
    """

    def __init__(self, info: ModelInfo, program: Program, device: torch.device, form: str = AS_EXPORTED) -> None:
        self.info = info
        self.form = form
        self.device = device
        self.seconds_per_window = 0.0
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


def load_model(path: Path, device: torch.device, *, as_exported: bool = False) -> Model:
    """Loads a model file, moves it to the device and tries it, in the fastest form that gives its probabilities.

    Args:
        path: The file.
        device: Where it is to run.
        as_exported: Whether the program runs as the file has it, and no other form is tried.

    Raises:
        ModelFileError: It is no torch.export program, its metadata are missing or wrong, or it does not give one
            finite probability per window and tag.
    """
    program, info = read_program(path)
    if device.type == "cuda":
        _calculate_in_full()
    try:
        module = move_to_device_pass(program, device).module()
    except Exception as error:  # whatever an operation without a kernel for the device raises
        raise ModelFileError(f"{path.name} cannot be moved to {device}: {quoted(str(error))}") from error
    plain = _fed(module, device)
    model = Model(info, plain, device)
    for num_rows in _TRIED_ROWS:
        _tried(model, num_rows)
    if not as_exported:
        forms = _gpu_forms(module, info, device) if device.type == "cuda" else _cpu_forms(module, info)
        name, fastest = fastest_form(plain, forms, hop_samples=info.hop_samples, window_hops=info.grid.window_hops)
        model = Model(info, fastest, device, name)
    try:
        torch.cuda.empty_cache()  # gives back what trying took, if it was a GPU's
        model.seconds_per_window = _seconds_per_window(model)
    except RuntimeError as error:  # what breaks a GPU's context breaks it for the whole process
        raise ModelFileError(
            f"{path.name} fails on {device} after other forms of it were tried; SENSE_MODEL_FORM=exported leaves them "
            f"out: {quoted(str(error))}"
        ) from error
    return model


def _fed(module: torch.nn.Module, device: torch.device) -> Program:
    """The program as it is, from the host's memory to the host's memory."""
    return lambda hops, starts: module(hops.to(device), starts.to(device)).cpu()


def _cpu_forms(module: torch.nn.Module, info: ModelInfo) -> list[Form]:
    # Not timed: what it is for, to leave Python's lock to others, does not show in one thread.
    example = _noise(info, _TRIED_ROWS[-1])
    return [Form("frozen", lambda: frozen(module, example), _MAX_DIFFERENCE, _CPU_WINDOWS, is_timed=False)]


def _gpu_forms(module: torch.nn.Module, info: ModelInfo, device: torch.device) -> list[Form]:
    def recorded(program: Program) -> Program:
        return FixedSizes(program, Gpu(device), hop_samples=info.hop_samples, window_hops=info.grid.window_hops)

    return [
        Form("float16 in CUDA graphs", lambda: recorded(in_half_precision(module)), _MAX_HALF_DIFFERENCE, _GPU_WINDOWS),
        Form("float32 in CUDA graphs", lambda: recorded(module), _MAX_DIFFERENCE, _GPU_WINDOWS),
    ]


def _calculate_in_full() -> None:
    """No rounding to TF32, and no sums in float16: what is called float32 gives what a CPU gives, nearly to the bit."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction = False


def _noise(info: ModelInfo, num_rows: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A batch of `num_rows` hops more than one window has, and the starts of all its windows."""
    generator = torch.Generator().manual_seed(num_rows)
    hops = torch.rand(info.grid.window_hops + num_rows, info.hop_samples, generator=generator) - 0.5
    return hops * (num_rows > 0), torch.arange(num_rows + 1)  # silence where there is a single window


def _tried(model: Model, num_rows: int) -> Floats:
    """Scores silence or noise, which also warms the device up."""
    info = model.info
    hops, starts = _noise(info, num_rows)
    try:
        probabilities = model.score(hops, starts)
    except Exception as error:  # whatever the program raises on hops of the length that it claims
        raise ModelFileError(
            f"the model fails on {hops.shape[0]} hops of {info.hop_samples} samples, which is what "
            f"{METADATA_FILE} says it takes: {quoted(str(error))}"
        ) from error
    _check_outputs(probabilities, (len(starts), len(info.tags)))
    return probabilities


def _seconds_per_window(model: Model) -> float:
    """The least of a few runs: whatever else the machine does only adds to it."""
    hops, starts = _noise(model.info, _TRIED_ROWS[-1])
    seconds = []
    for _ in range(3):
        start_seconds = time.perf_counter()
        model.score(hops, starts)
        seconds.append(time.perf_counter() - start_seconds)
    return min(seconds) / len(starts)


def _check_outputs(probabilities: Floats, expected_shape: tuple[int, int]) -> None:
    if probabilities.shape != expected_shape or probabilities.dtype != np.float32:
        raise ModelFileError(
            f"the model gives {probabilities.dtype} outputs of shape {probabilities.shape} for {expected_shape[0]} "
            f"windows and names {expected_shape[1]} tags; float32 of shape {expected_shape} is wanted"
        )
    if not np.all((probabilities >= 0) & (probabilities <= 1)):
        raise ModelFileError("the model's outputs for silence or noise are no probabilities between 0 and 1")

"""Which form of a program is served: the one that was asked for, or the first on the device whose answers are right.

A form is another way to run the same program. Each has a module of its own and a line in the tables below. Nothing is
timed: workers that start together disturb each other's times, and all of them must serve the same form.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch

from handler.model.comparison import Distance, Reference
from handler.model.cuda_graphs import SIZES, Device, FixedSizes
from handler.model.file import ModelInfo
from handler.model.half_precision import in_half_precision
from handler.model.program import Inputs, Program
from handler.model.tf32 import in_tf32
from handler.model.torchscript import frozen
from handler.text import quoted

logger = logging.getLogger(__name__)

AUTO, EXPORTED = "auto", "exported"
# Another order of additions moves a probability by some 1e-7.
_MAX_DIFFERENCE = 1e-4
# A twentieth of a step of sensitivity. On recordings float16 is at 0.03 for EfficientAT mn04, which changes 1 of 56,637
# tags of windows; bfloat16 at 0.14 changes 22 (docs/record/half_precision.md).
_MAX_LOGIT_RMS = 0.05
# Of the sounds that forms are compared on. More than the largest fixed size, in calls of the smallest.
_GPU_WINDOWS = 18 * SIZES[0]
_CPU_WINDOWS = 32
# TorchScript settles on how it runs a graph in the first calls of a size.
_CPU_CALLS = [slice(0, num_windows) for num_windows in (1, 5, _CPU_WINDOWS) for _ in range(3)]


class FormError(ValueError):
    """A form cannot be served; the message says why."""


@dataclass(frozen=True)
class Form:
    """A way to run a program.

    Attributes:
        name: In SENSE_MODEL_FORM and in the log.
        make: Makes it of the exported program and an example of what that takes, in the host's memory.
        is_rounded: Whether it calculates with fewer digits than float32 has.
        is_automatic: Whether it is served unasked.
    """

    name: str
    make: Callable[[Program, Inputs], Program]
    is_rounded: bool = False
    is_automatic: bool = True

    def is_right(self, found: Distance) -> bool:
        """Whether probabilities are near enough to the exported program's."""
        return found.logit_rms <= _MAX_LOGIT_RMS if self.is_rounded else found.largest <= _MAX_DIFFERENCE


# The first right one is served.
GPU_FORMS = (
    Form("float16", lambda program, _: in_half_precision(program, torch.float16), is_rounded=True),
    Form("bfloat16", lambda program, _: in_half_precision(program, torch.bfloat16), is_rounded=True),
    Form("tf32", lambda program, _: in_tf32(program), is_rounded=True),
    Form("float32", lambda program, _: program),
)
# Not every CPU has bfloat16, and the same recording should get the same answer from all: it has to be asked for.
CPU_FORMS = (
    Form("torchscript", frozen),
    Form(
        "bfloat16",
        lambda program, example: frozen(in_half_precision(program, torch.bfloat16), example),
        is_rounded=True,
        is_automatic=False,
    ),
)


def served_form(
    program: Program, info: ModelInfo, *, gpu: Device | None = None, wanted: str = AUTO, example: Inputs
) -> tuple[str, Program]:
    """Makes the form that is to be served, some seconds in all.

    Args:
        program: As it was exported, on its device, where it is known to work.
        info: What it takes.
        gpu: The device, if it is not the CPU.
        wanted: The name of a form, "exported", or "auto": the first right one, else the exported program.
        example: Hops and starts that it takes, in the host's memory.

    Returns:
        The form's name, and what runs it from the host's memory to the host's memory. The log says why those before it
        were not taken.

    Raises:
        FormError: The form that is wanted cannot be made here, or is not right.
    """
    exported = program if gpu is None else fed(program, gpu)
    if wanted == EXPORTED:
        return EXPORTED, exported
    forms = CPU_FORMS if gpu is None else GPU_FORMS
    candidates = [form for form in forms if wanted == form.name or (wanted == AUTO and form.is_automatic)]
    if not candidates and wanted != AUTO:
        raise FormError(
            f"SENSE_MODEL_FORM={wanted} does not run on {'a CPU' if gpu is None else 'a GPU'}; "
            f"{', '.join([AUTO, EXPORTED, *(form.name for form in forms)])} do"
        )
    reference = _reference(exported, info, gpu)
    for form in candidates:
        try:
            return form.name, _checked(form, form.make(program, example), info, gpu, reference, wanted == form.name)
        except Exception as error:  # of any kind: a form's own, TorchScript's, CUDA's
            if wanted == form.name:
                raise FormError(f"SENSE_MODEL_FORM={wanted} cannot be served: {quoted(str(error))}") from error
            logger.info("the model is not served as %s: %s", form.name, quoted(str(error)))
    return EXPORTED, exported


def fed(program: Program, gpu: Device) -> Program:
    """A program on a GPU, from the host's memory to the host's memory."""

    def run(hops: torch.Tensor, starts: torch.Tensor) -> torch.Tensor:
        placed = [gpu.on_device(*each.shape, dtype=each.dtype).copy_(each) for each in (hops, starts)]
        return program(*placed).cpu()

    return run


def _reference(exported: Program, info: ModelInfo, gpu: Device | None) -> Reference:
    return Reference(exported, info, _CPU_WINDOWS if gpu is None else _GPU_WINDOWS, SIZES[0])


def _checked(
    form: Form, made: Program, info: ModelInfo, gpu: Device | None, reference: Reference, is_asked_for: bool
) -> Program:
    """Compares a form in every way in which it runs; returns the way that is served.

    Raises:
        FormError: It is not right. A rounded form that an operator asked for only has to give numbers.
    """
    for program, calls in _ways(made, info, gpu, reference):
        found = reference.distance(program, calls)
        suffices = is_asked_for and form.is_rounded and math.isfinite(found.logit_rms)
        if not (form.is_right(found) or suffices):
            raise FormError(f"its probabilities differ by {found}")
    if not form.is_right(found):
        logger.warning("%s is served as asked for, though its probabilities differ by %s", form.name, found)
    return program


def _ways(
    made: Program, info: ModelInfo, gpu: Device | None, reference: Reference
) -> Iterator[tuple[Program, Sequence[slice]]]:
    """How a form runs from the host's memory to the host's memory, the way that is served last; and calls to check it.

    A GPU's graphs are recorded only after the form itself was found to be right.
    """
    if gpu is None:
        yield made, _CPU_CALLS
        return
    yield fed(made, gpu), reference.calls(SIZES[0])
    recorded = FixedSizes(made, gpu, hop_samples=info.hop_samples, window_hops=info.grid.window_hops)
    # Falling: beside fewer windows, a larger batch's hops are left over.
    yield recorded, [slice(0, num_windows) for num_windows in (_GPU_WINDOWS, 100, 20, 1)]

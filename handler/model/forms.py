"""Which form of a program is served: the first of some that gives what the exported program gives, and faster.

What a form is worth depends on the program, on the device and on the libraries' versions, so it is tried each time that
a worker loads the model. Whatever goes wrong with a form, the program as it was exported is there to be served.
"""

from __future__ import annotations

import logging
import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from handler.text import quoted

logger = logging.getLogger(__name__)

# From hops and starts to probabilities, as in a model file, all in the host's memory.
Program = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
Inputs = tuple[torch.Tensor, torch.Tensor]

AS_EXPORTED = "as exported"
# TorchScript settles on how it runs a graph in the first ones.
_SETTLING_RUNS = 3
# A clip or two, and a full batch: the windows on which a form that is timed has to be faster.
_TIMED_WINDOWS = (20, 512)
_TIMED_RUNS = 5
# A hop can last a minute, and then no batch holds hundreds.
_MAX_SAMPLES = 1 << 26
# Tones reach down from half the sample rate by so many octaves, levels from full scale by so many decades.
_OCTAVES = 8
_DECADES = 3


class UnfitFormError(ValueError):
    """A form is not to be served; the message says why."""


@dataclass(frozen=True)
class Form:
    """A way to run a program.

    Attributes:
        name: For the log.
        make: Makes what runs it.
        max_difference: How far its probabilities may be from the exported program's.
        windows: In the batches on which they are compared, which also warm it up.
        is_timed: Whether it is taken only where it was faster.
    """

    name: str
    make: Callable[[], Program]
    max_difference: float
    windows: Sequence[int]
    is_timed: bool = True


def fastest_form(plain: Program, forms: Sequence[Form], *, hop_samples: int, window_hops: int) -> tuple[str, Program]:
    """Tries forms of a program, some seconds in all.

    Args:
        plain: The program as it was exported, which is known to work.
        forms: The others, the best first.
        hop_samples: Samples in a hop.
        window_hops: Hops in a window.

    Returns:
        Name and program of the first form that is fit to be served, or of the exported one. The log says why those
        before it were not.
    """

    def sounds(num_windows: int) -> Inputs:
        num_windows = min(num_windows, max(1, _MAX_SAMPLES // hop_samples))
        return tones_in_noise(num_windows + window_hops - 1, hop_samples), torch.arange(num_windows)

    for form in forms:
        try:
            return form.name, _fit(form, plain, sounds)
        except Exception as error:  # whatever it is, there is a form that works
            logger.info("the model is not served as %s: %s", form.name, quoted(str(error)))
    return AS_EXPORTED, plain


def tones_in_noise(num_hops: int, hop_samples: int) -> torch.Tensor:
    """Makes hops that show how exactly a form calculates: each a tone in noise, both at any level; every eighth silent.

    Returns:
        float32 of shape (num_hops, hop_samples), in [-1, 1]. The same ones for the same numbers.
    """
    generator = torch.Generator().manual_seed(num_hops)
    levels = 10 ** (-_DECADES * torch.rand(2, num_hops, 1, generator=generator))
    cycles = hop_samples / 2 ** (1 + _OCTAVES * torch.rand(num_hops, 1, generator=generator))
    tones = torch.sin(2 * torch.pi * cycles * torch.linspace(0, 1, hop_samples))
    hops = levels[0] * tones + levels[1] * torch.randn(num_hops, hop_samples, generator=generator)
    hops[7::8] = 0
    return hops.clamp(-1, 1)


def _fit(form: Form, plain: Program, sounds: Callable[[int], Inputs]) -> Program:
    """Makes a form; raises UnfitFormError where it is not to be served. Nothing holds the memory of one that is not."""
    program = form.make()
    for num_windows in form.windows:
        _compare(program, plain, sounds(num_windows), form.max_difference)
    if form.is_timed:
        ratios = [_time_ratio(program, plain, sounds(num_windows)) for num_windows in _TIMED_WINDOWS]
        if not math.prod(ratios) < 1:
            raise UnfitFormError(f"it takes {' and '.join(f'{ratio:.2f}' for ratio in ratios)} times as long")
    return program


@torch.inference_mode()
def _compare(program: Program, plain: Program, batch: Inputs, max_difference: float) -> None:
    expected = plain(*batch)
    for _ in range(_SETTLING_RUNS):
        difference = float((program(*batch) - expected).abs().max())
        if not difference <= max_difference:  # nor is one that is no number
            raise UnfitFormError(f"its probabilities differ by {difference:.1e}")


def _time_ratio(program: Program, plain: Program, batch: Inputs) -> float:
    """What a form takes by what the plain program takes, in turns, since other workers may be starting meanwhile."""
    own, others = [], []
    for _ in range(_TIMED_RUNS):
        own.append(_seconds(program, batch))
        others.append(_seconds(plain, batch))
    return statistics.median(own) / statistics.median(others)


@torch.inference_mode()
def _seconds(program: Program, batch: Inputs) -> float:
    """Until the probabilities are in the host's memory."""
    start_seconds = time.perf_counter()
    program(*batch)
    return time.perf_counter() - start_seconds

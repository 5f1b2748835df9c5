from __future__ import annotations

import json
import math

import pytest
import torch

from handler.model import comparison
from handler.model.comparison import Reference, distance, tones_in_noise
from handler.model.file import ModelInfo, parse_info
from handler.model.program import Program
from tests.support.toy_model import TOY_INFO


def info_of(hop_samples: int) -> ModelInfo:
    return parse_info(json.dumps({**TOY_INFO, "sample_rate": hop_samples}))


class Noting:
    """The mean square of a window's first hop; notes how many windows each call has."""

    def __init__(self, difference: float = 0.0) -> None:
        self.calls: list[int] = []
        self._difference = difference

    def __call__(self, hops: torch.Tensor, starts: torch.Tensor) -> torch.Tensor:
        self.calls.append(len(starts))
        assert len(hops) == len(starts) + 1
        return (hops[starts] ** 2).mean(1, keepdim=True) + self._difference


def test_a_distance_is_in_probabilities_and_in_steps_of_sensitivity() -> None:
    expected = torch.tensor([[0.5, 0.9, 0.0], [0.1, 1.0, 1.0]])
    logits = torch.logit(expected, 1e-6) + torch.tensor([[1.0, 0, 0], [-1.0, 0, 0]])
    found = distance(torch.sigmoid(logits), expected)
    assert found.logit_rms == pytest.approx(math.sqrt(2 / 6), rel=1e-2)
    assert found.largest == pytest.approx(1 / (1 + math.exp(-1)) - 0.5, rel=1e-4)
    assert str(found) == "2.3e-01 at most, 5.8e-01 rms on the logit scale"


def test_no_number_is_no_distance() -> None:
    found = distance(torch.tensor([0.5, torch.nan]), torch.tensor([0.5, 0.5]))
    assert math.isnan(found.largest)
    assert math.isnan(found.logit_rms)


def test_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"outputs have the shape \(3, 1\), not \(2, 3\)"):
        distance(torch.zeros(3, 1), torch.zeros(2, 3))


@pytest.mark.parametrize(("num_windows", "call_windows", "expected"), [(64, 32, [32, 32]), (40, 32, [32, 8])])
def test_the_exported_program_runs_in_calls_of_one_size(
    num_windows: int, call_windows: int, expected: list[int]
) -> None:
    program = Noting()
    Reference(program, info_of(100), num_windows, call_windows)
    assert program.calls == expected


@pytest.mark.parametrize(("difference", "calls"), [(0.0, [7]), (0.25, [1, 5, 40])])
def test_a_program_is_compared_in_the_calls_that_are_named(difference: float, calls: list[int]) -> None:
    reference = Reference(Noting(), info_of(100), 40, 16)
    program = Noting(difference)
    found = reference.distance(program, [slice(0, num_windows) for num_windows in calls])
    assert program.calls == calls
    assert found.largest == pytest.approx(difference, abs=1e-6)


def test_windows_from_the_middle_are_compared_with_their_own() -> None:
    reference = Reference(Noting(), info_of(100), 40, 16)
    assert reference.distance(Noting(), reference.calls(7)).largest == 0


def test_a_program_that_is_wrong_in_one_size_of_call_is_noticed() -> None:
    def wrong_in_small_calls(hops: torch.Tensor, starts: torch.Tensor) -> torch.Tensor:
        return Noting(0.9 if len(starts) < 5 else 0.0)(hops, starts)

    reference = Reference(Noting(), info_of(100), 40, 16)
    assert reference.distance(wrong_in_small_calls, [slice(0, 40), slice(0, 1)]).largest == pytest.approx(0.9)


def test_long_hops_are_compared_in_small_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "_MAX_SAMPLES", 8_000)
    for hop_samples, num_windows in ((1_000, 8), (9_000, 1)):
        program: Program = (noting := Noting())
        reference = Reference(program, info_of(hop_samples), 600, 600)
        assert reference.num_windows == num_windows
        reference.distance(program, [slice(0, 600)])
        assert noting.calls == [num_windows] * 2


@pytest.mark.parametrize(("num_hops", "hop_samples"), [(1, 5), (40, 16_000), (40, 160)])
def test_sounds_are_audio_at_many_levels(num_hops: int, hop_samples: int) -> None:
    hops = tones_in_noise(num_hops, hop_samples)
    assert (hops.shape, hops.dtype) == ((num_hops, hop_samples), torch.float32)
    assert hops.abs().max() <= 1
    assert torch.equal(hops, tones_in_noise(num_hops, hop_samples))
    levels = hops.abs().amax(1)
    assert (levels == 0).sum() == num_hops // 8
    if num_hops == 40:
        assert levels.max() > 0.5
        assert levels[levels > 0].min() < 0.05

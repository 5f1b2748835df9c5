from __future__ import annotations

import logging

import pytest
import torch

from handler.model import forms
from handler.model.forms import AS_EXPORTED, Form, Program, fastest_form, tones_in_noise

WINDOWS = (5, 1)
SHAPE = {"hop_samples": 64, "window_hops": 2}


class Clock:
    """Time that passes only where a program says so: other work of the machine does not count."""

    seconds = 0.0

    @classmethod
    def perf_counter(cls) -> float:
        return cls.seconds


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "time", Clock)


def taking(seconds: float) -> Program:
    """The mean square of a window's first hop, after so many seconds."""

    def run(hops: torch.Tensor, starts: torch.Tensor) -> torch.Tensor:
        Clock.seconds += seconds
        return (hops[starts] ** 2).mean(1, keepdim=True)

    return run


loudness, quick, slow = taking(2), taking(1), taking(3)


def off_by(difference: float) -> Program:
    return lambda hops, starts: quick(hops, starts) + difference


def no_number(hops: torch.Tensor, starts: torch.Tensor) -> torch.Tensor:
    return quick(hops, starts) * torch.nan


def failing(hops: torch.Tensor, starts: torch.Tensor) -> torch.Tensor:
    raise RuntimeError("no kernel image is available")


def of_other_shape(hops: torch.Tensor, starts: torch.Tensor) -> torch.Tensor:
    return torch.zeros(len(starts) + 1, 3)


def form(program: Program, name: str = "other", *, is_timed: bool = True) -> Form:
    return Form(name, lambda: program, 1e-3, WINDOWS, is_timed=is_timed)


def unmakeable() -> Program:
    raise AssertionError("Torch not compiled with CUDA enabled")


def test_a_faster_form_is_taken() -> None:
    assert fastest_form(loudness, [form(quick)], **SHAPE) == ("other", quick)


def test_the_first_fit_form_is_taken() -> None:
    assert fastest_form(loudness, [form(quick, "first"), form(quick, "second")], **SHAPE)[0] == "first"
    assert fastest_form(loudness, [form(failing, "first"), form(quick, "second")], **SHAPE)[0] == "second"


def test_a_form_within_its_tolerance_is_taken() -> None:
    assert fastest_form(loudness, [form(off_by(9e-4))], **SHAPE)[0] == "other"


def test_a_form_that_is_not_timed_may_be_slower() -> None:
    assert fastest_form(loudness, [form(slow, is_timed=False)], **SHAPE)[0] == "other"


@pytest.mark.parametrize(
    ("unfit", "reason"),
    [
        (form(failing), "no kernel image is available"),
        (Form("other", unmakeable, 1e-3, WINDOWS), "not compiled with CUDA"),
        (form(off_by(2e-3)), "its probabilities differ by 2.0e-03"),
        (form(no_number), "its probabilities differ by nan"),
        (form(of_other_shape), "size of tensor"),
        (form(slow), "it takes 1.50 and 1.50 times as long"),
        (form(taking(2)), "it takes 1.00 and 1.00 times as long"),
    ],
)
def test_an_unfit_form_is_not_taken_and_the_log_says_why(
    unfit: Form, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        assert fastest_form(loudness, [unfit], **SHAPE) == (AS_EXPORTED, loudness)
    (record,) = caplog.records
    assert "not served as other" in record.message
    assert reason in record.message


def test_a_form_may_be_slower_with_few_windows_if_it_is_faster_in_all() -> None:
    def run(hops: torch.Tensor, starts: torch.Tensor) -> torch.Tensor:
        return taking(3 if len(starts) < 100 else 1)(hops, starts)

    assert fastest_form(loudness, [form(run)], **SHAPE)[0] == "other"


def test_a_form_that_is_wrong_in_one_size_of_batch_alone_is_not_taken() -> None:
    def wrong_in_small_batches(hops: torch.Tensor, starts: torch.Tensor) -> torch.Tensor:
        return quick(hops, starts) + (len(starts) < 5)

    assert fastest_form(loudness, [form(wrong_in_small_batches)], **SHAPE)[0] == AS_EXPORTED


def test_without_another_form_the_program_runs_as_exported() -> None:
    assert fastest_form(loudness, [], **SHAPE) == (AS_EXPORTED, loudness)


def test_long_hops_are_tried_in_small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "_MAX_SAMPLES", 8_000)
    sizes = []

    def noting(hops: torch.Tensor, starts: torch.Tensor) -> torch.Tensor:
        sizes.append(len(starts))
        return torch.zeros(len(starts), 1)

    for hop_samples in (1_000, 9_000):
        assert fastest_form(
            loudness, [Form("other", lambda: noting, 1, (600, 1))], hop_samples=hop_samples, window_hops=1
        )
    assert (max(sizes), min(sizes)) == (8, 1)


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

from __future__ import annotations

import json
import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
import torch

from handler.model import forms
from handler.model.comparison import distance, tones_in_noise
from handler.model.cuda_graphs import FixedSizes
from handler.model.file import ModelInfo, parse_info, read_program
from handler.model.forms import CPU_FORMS, GPU_FORMS, Form, FormError, served_form
from handler.model.program import Inputs, Program, UnsuitableProgramError
from handler.settings import MODEL_FORMS
from tests.support.simulated_gpu import SimulatedGpu
from tests.support.toy_model import TOY_INFO

pytestmark = pytest.mark.slow

BUNDLED = Path(__file__).parents[4] / "model" / "model.pt2"
INFO = parse_info(json.dumps({**TOY_INFO, "sample_rate": 64}))
EXAMPLE = torch.zeros(3, 64), torch.arange(2)


def loudness(hops: torch.Tensor, starts: torch.Tensor) -> torch.Tensor:
    """The mean amplitude of a window's first hop, which is never near 0 or 1 on the logit scale."""
    return 0.25 + 0.5 * hops[starts].abs().mean(1, keepdim=True).expand(-1, 4)


def off_by(logits: float) -> Program:
    return lambda hops, starts: torch.sigmoid(torch.logit(loudness(hops, starts)) + logits)


def no_number(hops: torch.Tensor, starts: torch.Tensor) -> torch.Tensor:
    return loudness(hops, starts) * torch.nan


def failing(hops: torch.Tensor, starts: torch.Tensor) -> torch.Tensor:
    raise RuntimeError("no kernel image is available")


def of_other_shape(hops: torch.Tensor, starts: torch.Tensor) -> torch.Tensor:
    return torch.zeros(len(starts) + 1, 4)


def wrong_for_one_window(hops: torch.Tensor, starts: torch.Tensor) -> torch.Tensor:
    return loudness(hops, starts) * (len(starts) > 1)


def unmakeable(program: Program, example: Inputs) -> Program:
    raise UnsuitableProgramError("it multiplies nothing after a logarithm")


def form(program: Program, name: str = "first", *, is_rounded: bool = False, is_automatic: bool = True) -> Form:
    return Form(name, lambda exported, example: program, is_rounded, is_automatic)


@pytest.fixture(autouse=True)
def small_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "FixedSizes", partial(FixedSizes, sizes=(2, 9)))
    monkeypatch.setattr(forms, "SIZES", (2, 9))
    monkeypatch.setattr(forms, "_GPU_WINDOWS", 20)


@pytest.fixture(params=["CPU", "GPU"])
def served(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[str, Program]]:
    """Chooses among forms of `loudness` on a device."""

    def choose(*candidates: Form, wanted: str = "auto") -> tuple[str, Program]:
        monkeypatch.setattr(forms, f"{request.param}_FORMS", candidates)
        gpu = SimulatedGpu() if request.param == "GPU" else None
        return served_form(loudness, INFO, gpu=gpu, wanted=wanted, example=EXAMPLE)

    return choose


Choose = Callable[..., tuple[str, Program]]


# --- the choice ---


def test_the_first_form_that_is_right_is_served(served: Choose) -> None:
    assert served(form(loudness), form(loudness, "second"))[0] == "first"
    assert served(form(failing), form(loudness, "second"))[0] == "second"


def test_a_form_that_is_not_automatic_has_to_be_asked_for(served: Choose) -> None:
    candidates = form(failing), form(loudness, "second", is_automatic=False)
    assert served(*candidates)[0] == "exported"
    assert served(*candidates, wanted="second")[0] == "second"


def test_without_a_right_form_the_exported_program_is_served(served: Choose) -> None:
    for candidates in ((), (form(failing), form(no_number))):
        name, program = served(*candidates)
        assert name == "exported"
        assert torch.equal(program(*EXAMPLE), loudness(*EXAMPLE))


@pytest.mark.parametrize("is_rounded", [False, True])
@pytest.mark.parametrize(
    ("unfit", "reason"),
    [
        (failing, "no kernel image is available"),
        (off_by(0.06), "its probabilities differ by "),
        (off_by(0.5), "5.0e-01 rms on the logit scale"),
        (no_number, "its probabilities differ by nan at most"),
        (of_other_shape, "its outputs have the shape"),
    ],
)
def test_an_unfit_form_is_not_served_and_the_log_says_why(
    served: Choose, unfit: Program, reason: str, is_rounded: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        assert served(form(unfit, is_rounded=is_rounded))[0] == "exported"
    (record,) = caplog.records
    assert "not served as first" in record.message
    assert reason in record.message


def test_a_form_that_is_wrong_for_a_single_window_is_not_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "CPU_FORMS", (form(wrong_for_one_window),))
    assert served_form(loudness, INFO, example=EXAMPLE)[0] == "exported"


def test_a_rounded_form_may_differ_by_a_twentieth_of_a_step_of_sensitivity(served: Choose) -> None:
    assert served(form(off_by(0.04), is_rounded=True))[0] == "first"
    assert served(form(off_by(0.04)))[0] == "exported"


# --- a form that is asked for ---


def test_the_form_that_is_asked_for_is_served(served: Choose) -> None:
    candidates = form(loudness), form(loudness, "second")
    assert [served(*candidates, wanted=name)[0] for name in ("exported", "first", "second")] == [
        "exported",
        "first",
        "second",
    ]


@pytest.mark.parametrize(
    ("asked_for", "reason"),
    [
        (form(failing), "no kernel image is available"),
        (form(off_by(0.06)), "its probabilities differ by"),
        (form(no_number, is_rounded=True), "its probabilities differ by nan"),
        (Form("first", unmakeable), "it multiplies nothing after a logarithm"),
    ],
)
def test_a_form_that_is_asked_for_and_not_right_is_refused(served: Choose, asked_for: Form, reason: str) -> None:
    with pytest.raises(FormError, match=f"SENSE_MODEL_FORM=first cannot be served: .*{reason}"):
        served(asked_for, form(loudness, "second"), wanted="first")


def test_a_rounded_form_is_served_as_asked_for_and_the_log_says_how_far_it_is_off(
    served: Choose, caplog: pytest.LogCaptureFixture
) -> None:
    assert served(form(off_by(0.5), is_rounded=True), wanted="first")[0] == "first"
    (record,) = caplog.records
    assert "first is served as asked for, though its probabilities differ by" in record.message
    assert "5.0e-01 rms on the logit scale" in record.message


def test_a_form_that_does_not_run_on_the_device_is_refused(served: Choose) -> None:
    with pytest.raises(FormError, match=r"SENSE_MODEL_FORM=other does not run on a .PU; auto, exported, first do"):
        served(form(loudness), wanted="other")


def test_every_form_has_its_value_of_the_setting() -> None:
    assert set(MODEL_FORMS) == {"auto", "exported", *(form.name for form in (*CPU_FORMS, *GPU_FORMS))}


# --- on a GPU ---


def test_nothing_is_recorded_of_a_form_that_is_not_right(monkeypatch: pytest.MonkeyPatch) -> None:
    gpu = SimulatedGpu()
    monkeypatch.setattr(forms, "GPU_FORMS", (form(off_by(0.5)), form(loudness, "second")))
    assert served_form(loudness, INFO, gpu=gpu, example=EXAMPLE)[0] == "second"
    assert gpu.num_recorded == 2  # one form's two sizes


@pytest.fixture(scope="module")
def bundled() -> Iterator[tuple[torch.nn.Module, ModelInfo]]:
    num_threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as in a worker
    program, info = read_program(BUNDLED)
    yield program.module(), info
    torch.set_num_threads(num_threads)


@pytest.mark.parametrize("name", ["auto", "bfloat16", "tf32", "float32"])
def test_the_bundled_model_has_every_form(bundled: tuple[torch.nn.Module, ModelInfo], name: str) -> None:
    module, info = bundled
    served, _ = served_form(module, info, gpu=SimulatedGpu(), wanted=name, example=EXAMPLE)
    assert served == ("float16" if name == "auto" else name)


@pytest.mark.parametrize(("wanted", "expected"), [("auto", "torchscript"), ("bfloat16", "bfloat16")])
def test_a_cpu_serves_bfloat16_only_if_it_is_asked_for(
    bundled: tuple[torch.nn.Module, ModelInfo], wanted: str, expected: str
) -> None:
    module, info = bundled
    inputs = tones_in_noise(20, info.hop_samples), torch.arange(19)
    name, program = served_form(module, info, wanted=wanted, example=inputs)
    assert name == expected
    with torch.inference_mode():
        apart = distance(program(*inputs), module(*inputs))
    assert apart.logit_rms < 0.05
    assert (apart.largest > 1e-5) == (expected == "bfloat16")


def test_where_nothing_can_be_recorded_the_exported_program_is_served(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def missing(*_: object, **__: object) -> None:
        raise RuntimeError("operation not permitted when stream is capturing")

    monkeypatch.setattr(forms, "FixedSizes", missing)
    monkeypatch.setattr(forms, "GPU_FORMS", (form(loudness), form(loudness, "second")))
    with caplog.at_level(logging.INFO):
        assert served_form(loudness, INFO, gpu=SimulatedGpu(), example=EXAMPLE)[0] == "exported"
    assert [record.message.partition(":")[0] for record in caplog.records] == [
        "the model is not served as first",
        "the model is not served as second",
    ]


# --- workers that start at once ---


class BusyGpu(SimulatedGpu):
    """One of many on the same slow device: a replay waits for the others' and takes a time of its own."""

    _device = threading.Lock()

    def recorded(self, call: Callable[[], torch.Tensor]) -> tuple[Callable[[], None], torch.Tensor]:
        replay, result = super().recorded(call)

        def slow_replay() -> None:
            with self._device:
                time.sleep(random.expovariate(1_000))  # what the device takes, not a wait for it
                replay()

        return slow_replay, result


@pytest.mark.parametrize(
    ("candidates", "expected"),
    [
        ((form(loudness), form(loudness, "second")), "first"),
        ((form(off_by(0.5), is_rounded=True), form(loudness, "second")), "second"),
        ((form(failing), form(no_number, "second")), "exported"),
    ],
)
def test_eight_workers_that_start_at_once_serve_the_same_form_twenty_times_in_a_row(
    candidates: tuple[Form, ...], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forms, "GPU_FORMS", candidates)
    together = threading.Barrier(8, timeout=60)

    def start(_: int) -> str:
        together.wait()
        return served_form(loudness, INFO, gpu=BusyGpu(), example=EXAMPLE)[0]

    with ThreadPoolExecutor(8) as workers:
        for _ in range(20):
            assert list(workers.map(start, range(8))) == [expected] * 8

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from handler.model import loading
from handler.model.file import ModelFileError, parse_info
from handler.model.forms import FormError
from handler.model.half_precision import in_half_precision
from handler.model.loading import Model, load_model
from handler.windows import WindowGrid
from tests.support import audio
from tests.support.simulated_gpu import placed_answer
from tests.support.toy_model import SAMPLE_RATE, TOY_INFO

pytestmark = pytest.mark.slow

CPU = torch.device("cpu")
BUNDLED = Path(__file__).parents[4] / "model" / "model.pt2"
NAMES = ["Music", "Speech", "Siren", "Laughter"]


@pytest.fixture(scope="module")
def toy(toy_model: Path) -> Model:
    return load_model(toy_model, CPU)


@pytest.fixture(scope="module")
def program(toy_model: Path) -> torch.export.ExportedProgram:
    return torch.export.load(toy_model)


class Constant(torch.nn.Module):
    """The same output for every window and tag, whatever it hears."""

    def __init__(self, value: float, num_tags: int) -> None:
        super().__init__()
        self.value = value
        self.num_tags = num_tags

    def forward(self, hops: torch.Tensor, starts: torch.Tensor) -> torch.Tensor:
        return hops[starts, : self.num_tags] * 0 + self.value


def exported(module: torch.nn.Module) -> torch.export.ExportedProgram:
    sizes = {"hops": {0: torch.export.Dim("n", min=2, max=99)}, "starts": {0: torch.export.Dim("m", min=1, max=99)}}
    return torch.export.export(module, (torch.zeros(3, SAMPLE_RATE), torch.arange(2)), dynamic_shapes=sizes)


def saved(path: Path, program: torch.export.ExportedProgram, info: Mapping[str, object] = TOY_INFO) -> Path:
    torch.export.save(program, path, extra_files={"sense.json": json.dumps(info)})
    return path


def with_tag(**fields: object) -> dict[str, object]:
    return {"tags": [*({"name": name, "threshold": 0.5} for name in NAMES[:3]), {"name": "Last", **fields}]}


def hops_of(*amplitudes: float, hertz: float = 1_000) -> torch.Tensor:
    """A row of one second per amplitude of a tone that the toy knows."""
    return torch.from_numpy(np.stack([audio.tone(hertz, amplitude, 1.0, SAMPLE_RATE) for amplitude in amplitudes]))


# --- a good file ---


def test_a_model_file_says_everything_about_itself(toy: Model) -> None:
    info = toy.info
    assert (info.name, info.version, info.sample_rate, info.hop_samples) == ("toy", "1", 16_000, 16_000)
    assert (info.grid, list(info.tags)) == (WindowGrid(Fraction(1), 2), NAMES)
    assert (info.thresholds.dtype, info.thresholds.tolist()) == (np.dtype(np.float32), [0.5] * 4)


def test_a_window_is_scored_from_its_hops(toy: Model) -> None:
    scores = toy.score(hops_of(0.2, 0.6, 0.4), torch.tensor([0, 1]))
    assert scores[:, NAMES.index("Siren")] == pytest.approx([0.4, 0.5], abs=1e-4)


def test_scores_are_float32_probabilities_of_windows_and_tags(toy: Model) -> None:
    scores = toy.score(torch.randn(7, SAMPLE_RATE), torch.arange(6))
    assert (scores.shape, scores.dtype) == ((6, 4), np.dtype(np.float32))
    assert ((scores >= 0) & (scores <= 1)).all()


def test_a_single_window_is_scored(toy: Model) -> None:
    assert toy.score(hops_of(0.6, 0.6), torch.tensor([0])).shape == (1, 4)


def test_windows_may_stand_in_any_order_and_twice(toy: Model) -> None:
    hops = hops_of(0.1, 0.3, 0.5, 0.7)
    in_order = toy.score(hops, torch.arange(3))
    assert toy.score(hops, torch.tensor([2, 0, 0, 1])) == pytest.approx(in_order[[2, 0, 0, 1]], abs=1e-6)


def test_a_window_scores_the_same_in_any_company(toy: Model) -> None:
    hops = hops_of(*np.linspace(0, 1, 40))
    together = toy.score(hops, torch.arange(39))
    alone = [toy.score(hops[start : start + 2], torch.tensor([0]))[0] for start in range(39)]
    assert together == pytest.approx(np.stack(alone), abs=1e-6)


def test_scoring_records_no_gradients(toy: Model) -> None:
    # numpy() refuses a tensor that records them.
    assert toy.score(hops_of(0.1, 0.2).requires_grad_(), torch.tensor([0])).shape == (1, 4)


# --- files that cannot be served ---


@pytest.mark.parametrize("content", [b"", b"x", b"PK\x03\x04", b"\x80\x02K\x01."])
def test_another_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.pt2"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=r"other.pt2 is not a torch.export program"):
        load_model(path, CPU)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"the model file missing.pt2 is not there"):
        load_model(tmp_path / "missing.pt2", CPU)


@pytest.mark.parametrize("extra_files", [{}, {"other.json": "{}"}, {"sense.json": ""}])
def test_a_program_without_sense_json_is_no_model(
    tmp_path: Path, program: torch.export.ExportedProgram, extra_files: dict[str, str]
) -> None:
    path = tmp_path / "bare.pt2"
    torch.export.save(program, path, extra_files=extra_files)
    with pytest.raises(ModelFileError, match=r"sense\.json"):
        load_model(path, CPU)


@pytest.mark.parametrize("num_named", [3, 5])
def test_more_or_fewer_outputs_than_tags_are_named(
    tmp_path: Path, program: torch.export.ExportedProgram, num_named: int
) -> None:
    info = {**TOY_INFO, "tags": [{"name": str(index), "threshold": 0.5} for index in range(num_named)]}
    with pytest.raises(ModelFileError, match=rf"shape \(1, 4\) for 1 windows and names {num_named} tags"):
        load_model(saved(tmp_path / "unlike.pt2", program, info), CPU)


def test_hops_of_another_length_than_the_program_takes_are_named(
    tmp_path: Path, program: torch.export.ExportedProgram
) -> None:
    with pytest.raises(ModelFileError, match="fails on 2 hops of 8000 samples"):
        load_model(saved(tmp_path / "unlike.pt2", program, {**TOY_INFO, "sample_rate": 8_000}), CPU)


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.1, 1.1])
def test_outputs_that_are_no_probabilities_are_refused(tmp_path: Path, value: float) -> None:
    with pytest.raises(ModelFileError, match="are not probabilities between 0 and 1"):
        load_model(saved(tmp_path / "wild.pt2", exported(Constant(value, 4))), CPU)


class Other(torch.nn.Module):
    """Sound probabilities of another type than float32."""

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self.dtype = dtype

    def forward(self, hops: torch.Tensor, starts: torch.Tensor) -> torch.Tensor:
        return (hops[starts, :4] * 0 + 1).to(self.dtype)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.int64, torch.bool])
def test_outputs_of_another_type_than_float32_are_refused(tmp_path: Path, dtype: torch.dtype) -> None:
    with pytest.raises(ModelFileError, match="float32"):
        load_model(saved(tmp_path / "other.pt2", exported(Other(dtype))), CPU)


def test_a_model_for_a_fixed_number_of_windows_is_refused(tmp_path: Path) -> None:
    program = torch.export.export(Constant(0.5, 4), (torch.zeros(3, SAMPLE_RATE), torch.arange(2)))
    with pytest.raises(ModelFileError, match="hops"):
        load_model(saved(tmp_path / "fixed.pt2", program), CPU)


@pytest.mark.parametrize(
    "changed",
    [
        {"hop_seconds": "1/0"},
        {"hop_seconds": 1e300},
        {"sample_rate": float("inf")},
        {"sample_rate": 16_000.7},
        {"window_hops": 10**12},
        {"window_hops": 2.5},
        {"tags": [{"name": "a", "threshold": [0.5, 0.5]}]},
    ],
)
def test_an_absurd_field_is_refused(changed: dict[str, object]) -> None:
    with pytest.raises(ModelFileError, match=r"sense\.json"):
        parse_info(json.dumps({**TOY_INFO, **changed}))


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_the_extreme_probabilities_are_fine(tmp_path: Path, value: float) -> None:
    model = load_model(saved(tmp_path / "sure.pt2", exported(Constant(value, 4))), CPU)
    assert (model.score(hops_of(0.1, 0.2), torch.tensor([0])) == value).all()


# --- sense.json ---


@pytest.mark.parametrize("field", ["name", "version", "sample_rate", "hop_seconds", "window_hops", "tags"])
def test_a_missing_field_is_named(field: str) -> None:
    info = {key: value for key, value in TOY_INFO.items() if key != field}
    with pytest.raises(ModelFileError, match=field):
        parse_info(json.dumps(info))


@pytest.mark.parametrize("field", ["name", "threshold"])
def test_a_missing_field_of_a_tag_is_named(field: str) -> None:
    fields = {"name": "Last", "threshold": 0.5}
    del fields[field]
    with pytest.raises(ModelFileError, match=field):
        parse_info(json.dumps({**TOY_INFO, "tags": [fields]}))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "3", '"x"', "{}"])
def test_what_is_no_object_cannot_be_read(text: str) -> None:
    with pytest.raises(ModelFileError, match=r"sense\.json of the model file cannot be read"):
        parse_info(text)


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"tags": []}, "it names no tag"),
        (with_tag(name="Music", threshold=0.5), "a tag is named twice"),
        (with_tag(threshold=0), "a threshold is not one number between 0 and 1"),
        (with_tag(threshold=1), "a threshold is not one number between 0 and 1"),
        (with_tag(threshold=-0.5), "a threshold is not one number between 0 and 1"),
        (with_tag(threshold=1.5), "a threshold is not one number between 0 and 1"),
        (with_tag(threshold=float("nan")), "a threshold is not one number between 0 and 1"),
        (with_tag(threshold=None), "a threshold is not one number between 0 and 1"),
        # Between 0 and 1 as a double, but not as a float32.
        (with_tag(threshold=1e-50), "a threshold is not one number between 0 and 1"),
        (with_tag(threshold=1 - 1e-12), "a threshold is not one number between 0 and 1"),
        ({"sample_rate": 0}, "sample_rate is not from 1 to 384000"),
        ({"sample_rate": -16_000}, "sample_rate is not from 1 to 384000"),
        ({"hop_seconds": 0}, "a window is not longer than 0 s"),
        ({"hop_seconds": -1}, "a window is not longer than 0 s"),
        ({"window_hops": 0}, "a window is not longer than 0 s"),
        ({"hop_seconds": 0.00001}, "a hop is not a whole number of samples"),
        ({"hop_seconds": "1/3"}, "a hop is not a whole number of samples"),
        ({"sample_rate": 11_025, "hop_seconds": 0.5}, "a hop is not a whole number of samples"),
    ],
)
def test_a_wrong_field_is_named(changed: dict[str, object], problem: str) -> None:
    with pytest.raises(ModelFileError, match=problem):
        parse_info(json.dumps({**TOY_INFO, **changed}))


@pytest.mark.parametrize(
    "changed",
    [
        {"sample_rate": "fast"},
        {"hop_seconds": "long"},
        {"hop_seconds": float("nan")},
        {"window_hops": None},
        {"tags": 3},
    ],
)
def test_a_field_of_the_wrong_kind_cannot_be_read(changed: dict[str, object]) -> None:
    with pytest.raises(ModelFileError, match=r"sense\.json of the model file"):
        parse_info(json.dumps({**TOY_INFO, **changed}))


@pytest.mark.parametrize(
    ("sample_rate", "hop_seconds", "hop_samples"),
    [(16_000, 1, 16_000), (32_000, 0.96, 30_720), (44_100, 0.1, 4_410), (16_000, "1/3200", 5), (11_025, 2.0, 22_050)],
)
def test_hops_are_whole_samples_exactly(sample_rate: int, hop_seconds: object, hop_samples: int) -> None:
    info = parse_info(json.dumps({**TOY_INFO, "sample_rate": sample_rate, "hop_seconds": hop_seconds}))
    assert info.hop_samples == hop_samples


# --- forms ---


@pytest.mark.parametrize(("wanted", "form"), [("auto", "torchscript"), ("exported", "exported")])
def test_a_model_is_loaded_in_the_form_that_is_wanted(toy_model: Path, toy: Model, wanted: str, form: str) -> None:
    model = load_model(toy_model, CPU, form=wanted)
    assert model.form == form
    batch = hops_of(0.2, 0.6, 0.4), torch.tensor([0, 1])
    assert model.score(*batch) == pytest.approx(toy.score(*batch), abs=1e-6)


def test_a_form_of_another_device_is_refused(toy_model: Path) -> None:
    with pytest.raises(FormError, match="SENSE_MODEL_FORM=float16 does not run on a CPU"):
        load_model(toy_model, CPU, form="float16")


def test_a_window_takes_time(toy: Model) -> None:
    assert 0 < toy.seconds_per_window < 10


def test_a_gpu_rounds_float32_nowhere() -> None:
    matmul = torch.backends.cuda.matmul
    switches = [(torch.backends.cudnn, "allow_tf32"), (matmul, "allow_tf32")]
    switches.append((matmul, "allow_fp16_reduced_precision_reduction"))
    before = [getattr(backend, name) for backend, name in switches]
    try:
        for backend, name in switches:
            setattr(backend, name, True)
        loading._calculate_in_full()
        assert not any(getattr(backend, name) for backend, name in switches)
    finally:
        for (backend, name), value in zip(switches, before, strict=True):
            setattr(backend, name, value)


def test_a_form_that_breaks_the_device_is_named_with_the_way_out(
    toy_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> float:
        raise torch.AcceleratorError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(loading, "_seconds_per_window", broken)
    with pytest.raises(ModelFileError, match=r"SENSE_MODEL_FORM=exported leaves them out: .*illegal memory access"):
        load_model(toy_model, CPU)


# --- where its tensors are ---


@pytest.mark.parametrize("form", [lambda module: module, in_half_precision])
def test_the_bundled_model_moves_to_a_gpu_as_a_whole(form: Callable[[torch.nn.Module], torch.nn.Module]) -> None:
    answer = placed_answer(BUNDLED, 33, form)
    assert (answer.device.type, answer.dtype) == ("cuda", torch.float32)


@pytest.mark.parametrize("form", [lambda module: module, in_half_precision])
def test_a_model_that_is_not_moved_would_be_noticed(
    form: Callable[[torch.nn.Module], torch.nn.Module], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.support.simulated_gpu.move_to_device_pass", lambda program, device: program)
    with pytest.raises(RuntimeError, match="cuda:0"):
        placed_answer(BUNDLED, 33, form)

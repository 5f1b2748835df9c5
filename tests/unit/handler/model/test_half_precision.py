from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.fx import Interpreter, Node

from handler.model.file import read_program
from handler.model.half_precision import in_half_precision
from handler.model.program import UnsuitableProgramError
from importers.__main__ import main as import_checkpoint
from tests.support.seeded_checkpoints import efficientat_weights, panns_weights, write_checkpoint
from tests.support.simulated_gpu import placed_answer

pytestmark = pytest.mark.slow

BUNDLED = Path(__file__).parents[4] / "model" / "model.pt2"
HOP_SAMPLES = 256
MIXING = ("conv1d", "conv2d", "linear", "matmul")
Module = torch.nn.Module


class Tagger(torch.nn.Module):
    """Powers of a spectrum through a bank of bands, their logarithms through a network, as most taggers do."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.bank = torch.nn.Parameter(torch.rand(HOP_SAMPLES // 2 + 1, 16))
            self.conv = torch.nn.Conv1d(2, 8, 3, padding=1)
            self.norm = torch.nn.BatchNorm1d(8)
            self.score = torch.nn.Linear(8, 3)

    def features(self, hops: torch.Tensor) -> torch.Tensor:
        power = torch.view_as_real(torch.fft.rfft(hops)).square().sum(-1) * 1e4
        return torch.log(torch.matmul(power, self.bank) + 1e-6) / 10

    def network(self, images: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.norm(self.conv(images))).mean(2)

    def forward(self, hops: torch.Tensor, starts: torch.Tensor) -> torch.Tensor:
        features = self.features(hops)
        images = torch.stack((features[starts], features[starts + 1]), 1)
        return torch.sigmoid(self.score(self.network(images)))


class Explicit(Tagger):
    """With types in its graph, and an operation of several results."""

    def network(self, images: torch.Tensor) -> torch.Tensor:
        left, right = self.conv(images).to(torch.float32).chunk(2, 1)
        gated = torch.cat((left * torch.sigmoid(right), right + torch.ones(1, dtype=torch.float32)), 1)
        return torch.softmax(gated, 1, dtype=torch.float32).mean(2) * 8


class Overflowing(Tagger):
    """Whose features are larger than any float16."""

    def features(self, hops: torch.Tensor) -> torch.Tensor:
        return super().features(hops) * 1e6

    def network(self, images: torch.Tensor) -> torch.Tensor:
        return super().network(images) / 1e6


class Raw(Tagger):
    """Without a logarithm."""

    def features(self, hops: torch.Tensor) -> torch.Tensor:
        return hops[:, :16]


class Unmixed(Tagger):
    """Multiplies nothing after the logarithm."""

    def forward(self, hops: torch.Tensor, starts: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(self.features(hops)[starts])


class Surprise(Tagger):
    """The surprise of its answer, as a second logarithm after its network."""

    def forward(self, hops: torch.Tensor, starts: torch.Tensor) -> torch.Tensor:
        return -torch.log(super().forward(hops, starts))


def exported(module: Module) -> Module:
    sizes = {"hops": {0: torch.export.Dim("n", min=2, max=99)}, "starts": {0: torch.export.Dim("m", min=1, max=98)}}
    return torch.export.export(module.eval(), inputs(3), dynamic_shapes=sizes).module()


def inputs(num_hops: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(num_hops)
    return torch.rand(num_hops, HOP_SAMPLES, generator=generator) - 0.5, torch.arange(num_hops - 1)


class Types(Interpreter):
    """Notes what each operation gives."""

    def __init__(self, module: torch.fx.GraphModule) -> None:
        super().__init__(module)
        self.found: list[tuple[str, torch.dtype]] = []

    def run_node(self, n: Node) -> Any:  # noqa: ANN401
        result = super().run_node(n)
        if n.op == "call_function" and isinstance(result, torch.Tensor):
            self.found.append((str(n.target).removeprefix("aten.").partition(".")[0], result.dtype))
        return result


@torch.inference_mode()
def types(module: torch.fx.GraphModule, *example: torch.Tensor) -> list[tuple[str, torch.dtype]]:
    run = Types(module)
    run.run(*example)
    return run.found


@torch.inference_mode()
def difference(module: Module, num_hops: int = 9, dtype: torch.dtype = torch.float16) -> float:
    expected = module(*inputs(num_hops))
    answer = in_half_precision(module, dtype)(*inputs(num_hops))
    assert answer.dtype == torch.float32
    return float((answer - expected).abs().max())


@pytest.mark.parametrize("kind", [Tagger, Explicit])
@pytest.mark.parametrize("num_hops", [2, 40])
def test_probabilities_move_a_little(kind: type[Module], num_hops: int) -> None:
    assert 0 < difference(exported(kind()), num_hops) < 2e-3


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_the_network_alone_is_in_half_precision(dtype: torch.dtype) -> None:
    found = types(in_half_precision(exported(Tagger()), dtype), *inputs(5))
    assert [dtype for name, dtype in found if name in MIXING] == [torch.float32, dtype, dtype]
    assert dict(found)["log"] == dict(found)["sigmoid"] == torch.float32
    assert dict(found)["batch_norm"] == dict(found)["relu"] == dtype


@pytest.mark.parametrize("kind", [Tagger, Explicit])
def test_weights_are_converted_once(kind: type[Module]) -> None:
    graph = in_half_precision(exported(kind())).graph
    conversions = [node for node in graph.nodes if "aten.to" in str(node.target)]
    assert conversions
    assert not [node for node in conversions if node.args[0].op == "get_attr" and "weight" in node.args[0].name]


def test_the_original_stays_as_it_is() -> None:
    module = exported(Tagger())
    with torch.inference_mode():
        before = module(*inputs(5))
        in_half_precision(module)
        assert torch.equal(module(*inputs(5)), before)
    assert {weight.dtype for weight in module.parameters()} == {torch.float32}


def test_weights_of_the_original_are_not_held() -> None:
    half = in_half_precision(exported(Tagger()))
    float32 = {name for name, each in half.state_dict().items() if each.dtype == torch.float32}
    assert float32 == {"bank"}


def test_what_overflows_float16_shows_and_has_room_in_bfloat16() -> None:
    assert math.isnan(difference(exported(Overflowing())))
    assert difference(exported(Overflowing()), dtype=torch.bfloat16) < 2e-2


@pytest.mark.parametrize(
    ("kind", "reason"),
    [(Raw, "nothing after a logarithm"), (Unmixed, "nothing after a logarithm"), (Surprise, "nothing after a logar")],
)
def test_a_program_of_unknown_range_stays_in_float32(kind: type[Module], reason: str) -> None:
    with pytest.raises(UnsuitableProgramError, match=reason):
        in_half_precision(exported(kind()))


def test_what_is_no_exported_program_has_no_such_form() -> None:
    with pytest.raises(UnsuitableProgramError, match="not a graph"):
        in_half_precision(Tagger())


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Model files of other families, with small networks."""
    folder = tmp_path_factory.mktemp("imported")
    checkpoints = {"efficientat": efficientat_weights(), "panns": {"model": panns_weights(16_000)}}
    for family, content in checkpoints.items():
        names = {"efficientat": "mn01_as.pt", "panns": "Cnn14_16k.pth"}
        checkpoint = write_checkpoint(folder / names[family], content)
        assert import_checkpoint([family, str(checkpoint), "--output", str(folder / f"{family}.pt2")]) == 0
    return {family: folder / f"{family}.pt2" for family in checkpoints}


@pytest.mark.parametrize("family", ["efficientat", "panns"])
def test_an_imported_network_moves_to_a_gpu_as_a_whole(imported: dict[str, Path], family: str) -> None:
    answer = placed_answer(imported[family], 33, in_half_precision)
    assert (answer.device.type, answer.dtype, answer.shape[0]) == ("cuda", torch.float32, 32)


@pytest.mark.parametrize("family", ["bundled", "efficientat", "panns"])
@torch.inference_mode()
def test_all_of_a_network_is_in_half_precision(imported: dict[str, Path], family: str) -> None:
    program, info = read_program({**imported, "bundled": BUNDLED}[family])
    hops = torch.rand(6, info.hop_samples, generator=torch.Generator().manual_seed(0)) - 0.5
    found = types(in_half_precision(program.module()), hops, torch.arange(5))
    mixing = [dtype for name, dtype in found if name in MIXING]
    assert mixing == [torch.float32] + [torch.float16] * (len(mixing) - 1)  # the first one is the bank of bands
    assert len(mixing) > 10
    assert {dtype for name, dtype in found if name.startswith("log")} == {torch.float32}
    assert found[-1][1] == torch.float32

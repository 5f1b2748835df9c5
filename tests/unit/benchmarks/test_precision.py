from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import torch

from benchmarks.precision import Tf32, judged, rounded, rows
from handler.model.program import bare_graph


def test_tf32_has_ten_bits_of_mantissa_and_is_rounded_to_nearest() -> None:
    values = (
        torch.randn(500, 2, generator=torch.Generator().manual_seed(0)) * 10 ** torch.linspace(-20, 20, 500)[:, None]
    )
    mantissas, exponents = np.frexp(values.double().numpy())
    expected = np.ldexp(np.round(mantissas * 2**11), exponents - 11)
    assert np.array_equal(rounded(values).double().numpy(), expected)


def test_other_arguments_stay_as_they_are() -> None:
    for value in (torch.ones(3) / 3, torch.arange(6).view(2, 3), torch.ones(2, 2, dtype=torch.float16) / 3, 0.1, None):
        assert rounded(value) is value


def test_products_alone_are_rounded() -> None:
    class Network(torch.nn.Module):
        def forward(self, hops: torch.Tensor, starts: torch.Tensor) -> torch.Tensor:
            return (hops @ hops.T)[starts] + 1 / 3

    inputs = torch.full((3, 4), 1 / 3), torch.arange(2)
    module = torch.export.export(Network(), inputs).module()
    product = 4 * (1365 / 4096) ** 2  # 1/3 with a mantissa of 1.0101010101 in binary
    answer = Tf32(bare_graph(module)).run(*inputs)
    assert math.isclose(float(answer[0, 0]), product + 1 / 3, rel_tol=1e-6)


def test_a_tag_that_appears_and_one_that_goes_both_change() -> None:
    scored = {"exported": torch.tensor([[0.49, 0.51], [0.1, 0.9]]), "tf32": torch.tensor([[0.51, 0.49], [0.2, 0.8]])}
    ((sounds, form, largest, _, changed, heard),) = rows("noise", scored, torch.tensor([0.5, 0.5]))
    assert (sounds, form, largest, changed, heard) == ("noise", "tf32", "1.0e-01", "2 of 4 (50.0000%)", "2")


def test_recordings_of_a_split_are_drawn_the_same_each_time(tmp_path: Path) -> None:
    lines = [{"path": f"{number}.opus", "split": "judge" if number % 2 else "train"} for number in range(40)]
    manifest = tmp_path / "manifest.jsonl"
    manifest.write_text("".join(json.dumps(line) + "\n" for line in lines))
    drawn = judged(manifest, "judge", 5)
    assert drawn == judged(manifest, "judge", 5)
    assert len(set(drawn)) == 5
    assert {path.parent for path in drawn} == {tmp_path}
    assert all(int(path.stem) % 2 for path in drawn)
    assert len(judged(manifest, "judge", 300)) == 20

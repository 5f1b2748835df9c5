"""The rates of a model's forms on a CPU."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from benchmarks import forms_on_cpu
from handler.model.forms import CPU_FORMS


def test_every_form_has_a_row_of_rates_and_of_how_far_it_is_off(
    toy_model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(forms_on_cpu, "BATCHES", (4, 8))
    monkeypatch.setattr(forms_on_cpu, "CPU_FORMS", CPU_FORMS[:1])  # the toy has no logarithm: nothing to round after it
    num_threads = torch.get_num_threads()
    forms_on_cpu.main(["--model", str(toy_model)])
    torch.set_num_threads(num_threads)
    _, _, exported, script = capsys.readouterr().out.splitlines()
    assert exported.startswith("| exported ")
    assert script.startswith("| torchscript ")
    for row in (exported, script):
        *rates, apart = (float(cell) for cell in row.split("|")[2:-1])
        assert len(rates) == 2
        assert min(rates) > 0
        assert apart < 1e-4

"""The command line: what a user sees who runs a step too early."""

from __future__ import annotations

from pathlib import Path

import pytest

from training.__main__ import main


@pytest.mark.parametrize(
    ("step", "advice"),
    [("pool", "synthesise"), ("fit", "synthesise"), ("judge", "fit"), ("export", "fit"), ("plots", "judge")],
)
def test_a_step_without_the_one_before_says_which_to_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], step: str, advice: str
) -> None:
    assert main([step, "--work", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert error.endswith(f"run the step: {advice}\n")


def test_without_recordings_training_says_that_it_takes_synthesis_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["listen", "--work", str(tmp_path)]) == 0
    assert "--recordings" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_an_unknown_step_lists_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["tune"])
    assert "synthesise" in capsys.readouterr().err

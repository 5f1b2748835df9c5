"""What is kept of a server's words."""

from __future__ import annotations

import io

from deploy.torchserve.output import Output

LINES = [
    b"2026-01-01T00:00:00,000 [INFO ] main org.pytorch.serve.ModelServer - Loading\n",
    b"2026-01-01T00:00:01,000 [WARN ] W-9000 - MODEL_LOG - cannot serve: model.pt2 is not a torch.export program\n",
    b"2026-01-01T00:00:02,000 [WARN ] W-9000 - MODEL_LOG - cannot serve: again\n",
    b"2026-01-01T00:00:03,000 [ERROR] W-9000 - Load model failed: cochl-sense, error: Worker died.\n",
    b"\xff not UTF-8, and no line end",
]


def heard(lines: list[bytes]) -> tuple[Output, bytes]:
    target = io.BytesIO()
    output = Output(lines, target)
    output.join(10)
    return output, target.getvalue()


def test_every_line_is_passed_on_as_it_is() -> None:
    assert heard(LINES)[1] == b"".join(LINES)


def test_why_the_handler_cannot_serve_is_kept_from_its_first_words_on() -> None:
    output, _ = heard(LINES)
    assert output.refusal == "cannot serve: model.pt2 is not a torch.export program"
    assert output.failure is not None
    assert output.failure.startswith("Load model failed")


def test_the_last_words_are_those_that_tell_of_something_wrong() -> None:
    words = heard(LINES)[0].last_words()
    assert words.count("cannot serve") == 2
    assert "Loading" not in words


def test_without_trouble_they_are_simply_the_last_ones() -> None:
    output, _ = heard(LINES[:1])
    assert "Loading" in output.last_words()
    assert (output.refusal, output.failure) == (None, None)


def test_a_target_that_takes_nothing_more_does_not_stop_the_reading() -> None:
    target = io.BytesIO()
    target.close()
    output = Output(LINES, target)
    output.join(10)
    assert output.refusal is not None

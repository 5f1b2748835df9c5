from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from handler.windows import HopCutter, WindowGrid
from tests.support.properties import LAW

TWO_SECONDS = WindowGrid(Fraction(1), 2)


@pytest.mark.parametrize(
    ("seconds", "num_windows"),
    [
        ("1/1000000", 1),
        ("0.5", 1),
        ("1.999", 1),
        ("2", 1),
        ("2.001", 1),
        ("2.999999", 1),
        ("3", 2),
        ("3.012", 2),
        ("3599.99", 3_598),
        ("3600", 3_599),
        ("360000", 359_999),
    ],
)
def test_windows_of_a_recording(seconds: str, num_windows: int) -> None:
    assert TWO_SECONDS.num_windows(Fraction(seconds)) == num_windows


@pytest.mark.parametrize(("seconds", "num_hops"), [("0.5", 2), ("1.999", 2), ("2", 2), ("2.001", 2), ("3.012", 3)])
def test_hops_of_a_recording(seconds: str, num_hops: int) -> None:
    assert TWO_SECONDS.num_hops(Fraction(seconds)) == num_hops


def test_a_sample_too_few_makes_no_window() -> None:
    assert TWO_SECONDS.num_windows(Fraction(3 * 44_100 - 1, 44_100)) == 1
    assert TWO_SECONDS.num_windows(Fraction(3 * 44_100, 44_100)) == 2


def test_a_window_is_its_hops_long() -> None:
    assert WindowGrid(Fraction(1, 3), 5).window_seconds == Fraction(5, 3)


@LAW
@given(
    num_samples=st.integers(1, 5_000),
    sample_rate=st.integers(1, 200),
    hop_samples=st.integers(1, 200),
    window_hops=st.integers(1, 5),
)
def test_windows_are_those_that_fit_whole_sample_by_sample(
    num_samples: int, sample_rate: int, hop_samples: int, window_hops: int
) -> None:
    grid = WindowGrid(Fraction(hop_samples, sample_rate), window_hops)
    starts = range(0, num_samples, hop_samples)
    fitting = sum(start + hop_samples * window_hops <= num_samples for start in starts)
    assert grid.num_windows(Fraction(num_samples, sample_rate)) == max(1, fitting)


@LAW
@given(st.fractions(0, 100), st.fractions("1/10", 10), st.integers(1, 5))
def test_hops_are_exactly_those_in_windows(duration: Fraction, hop_seconds: Fraction, window_hops: int) -> None:
    grid = WindowGrid(hop_seconds, window_hops)
    in_windows = {start + hop for start in range(grid.num_windows(duration)) for hop in range(window_hops)}
    assert len(in_windows) == grid.num_hops(duration)


def cut(blocks: Sequence[torch.Tensor], hop_samples: int, num_hops: int) -> torch.Tensor:
    cutter = HopCutter(hop_samples)
    return torch.cat([*(cutter.push(block) for block in blocks), cutter.finish(num_hops)])


@LAW
@given(
    num_samples=st.integers(0, 300),
    cuts=st.lists(st.integers(0, 300), max_size=8),
    hop_samples=st.integers(1, 50),
    num_hops=st.integers(0, 12),
)
def test_any_division_into_blocks_gives_the_same_hops(
    num_samples: int, cuts: list[int], hop_samples: int, num_hops: int
) -> None:
    samples = torch.arange(1.0, num_samples + 1)
    blocks = torch.tensor_split(samples, sorted(cuts))
    assert torch.equal(cut(blocks, hop_samples, num_hops), cut([samples], hop_samples, num_hops))


@LAW
@given(num_samples=st.integers(0, 300), hop_samples=st.integers(1, 50), missing_hops=st.integers(1, 5))
def test_finish_fills_up_with_silence(num_samples: int, hop_samples: int, missing_hops: int) -> None:
    samples = torch.arange(1.0, num_samples + 1)
    num_hops = num_samples // hop_samples + missing_hops
    hops = cut([samples], hop_samples, num_hops)
    assert hops.shape == (num_hops, hop_samples)
    assert torch.equal(hops.flatten(), torch.cat([samples, torch.zeros(hops.numel() - num_samples)]))


@pytest.mark.parametrize("num_hops", [0, 1, 2])
def test_finish_drops_a_rest_that_is_not_wanted(num_hops: int) -> None:
    cutter = HopCutter(4)
    cutter.push(torch.ones(11))
    assert (tuple(cutter.finish(num_hops).shape), cutter.num_hops) == ((0, 4), 2)


def test_a_hop_is_given_out_as_soon_as_it_is_whole() -> None:
    cutter = HopCutter(4)
    assert [cutter.push(torch.ones(size)).shape[0] for size in (3, 1, 0, 9, 3)] == [0, 1, 0, 2, 1]


def test_hops_given_out_are_counted() -> None:
    cutter = HopCutter(4)
    cutter.push(torch.ones(9))
    cutter.finish(5)
    assert cutter.num_hops == 5


@pytest.mark.parametrize(
    ("seconds", "start"),
    [
        ("2.95", "0.95"),
        ("2.25", "0.25"),
        ("2.2499", None),
        ("3.3", "1.3"),
        ("3", None),
        ("2", None),
        ("1.99", None),
        ("0.5", None),
        ("3600.999", "3598.999"),
    ],
)
def test_a_tail_window_ends_where_the_recording_ends(seconds: str, start: str | None) -> None:
    grid = WindowGrid(Fraction(1), 2)
    assert grid.tail_start_seconds(Fraction(seconds)) == (None if start is None else Fraction(start))


@LAW
@given(
    st.fractions("0.1", "3", max_denominator=50), st.integers(1, 5), st.fractions("0.01", "100", max_denominator=999)
)
def test_a_tail_window_begins_within_a_hop_of_the_last_window(
    hop: Fraction, window_hops: int, seconds: Fraction
) -> None:
    grid = WindowGrid(hop, window_hops)
    start, last = grid.tail_start_seconds(seconds), (grid.num_windows(seconds) - 1) * hop
    assert start is None or (last + Fraction(1, 4) <= start < last + hop and start + grid.window_seconds == seconds)


@LAW
@given(st.lists(st.integers(0, 9)), st.integers(1, 4), st.integers(1, 3))
def test_the_tail_is_the_end_of_the_stream(blocks: list[int], hop_samples: int, tail_hops: int) -> None:
    cutter, stream = HopCutter(hop_samples, tail_hops), torch.arange(sum(blocks), dtype=torch.float32)
    for block in torch.split(stream, blocks):
        cutter.push(block)
    if len(stream) >= hop_samples * tail_hops:
        assert cutter.tail().shape == (tail_hops, hop_samples)
        assert cutter.tail().flatten().tolist() == stream[-hop_samples * tail_hops :].tolist()

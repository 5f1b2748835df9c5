"""Which ports are chosen."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Iterator

import pytest

from deploy.errors import ServingError
from deploy.ports import ANY, HOST, LISTENERS, choose, free_port, inner_ports, require_free, usual_ports


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        listener.listen()
        yield int(listener.getsockname()[1])


def test_a_taken_port_is_passed_over(taken: int) -> None:
    chosen = choose({"first": (taken, ANY), "second": (ANY,)})
    assert taken not in chosen.values()
    assert len(set(chosen.values())) == 2


def test_names_that_share_candidates_get_different_ports() -> None:
    numbers = iter(range(25_000, 26_000))
    assert len(set(choose({"first": numbers, "second": numbers}).values())) == 2


def test_a_taken_port_is_named(taken: int) -> None:
    for ask in (require_free, usual_ports):
        with pytest.raises(ServingError, match=f"port {taken} is taken"):
            ask(taken)


def test_the_port_asked_for_is_the_one_of_inference() -> None:
    port = free_port()
    ports = usual_ports(port)
    assert (ports["inference"], set(ports)) == (port, set(LISTENERS))


def test_inner_ports_lie_where_sagemaker_allows_them_and_spare_the_fronts() -> None:
    ports = inner_ports(25_000, (25_000, 25_999))
    assert len(set(ports.values())) == len(LISTENERS)
    assert all(25_000 < port <= 25_999 for port in ports.values())


def test_the_fronts_port_is_spared_where_any_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    given = itertools.chain([9_000], itertools.count(9_001))
    monkeypatch.setattr("deploy.ports._hold", lambda number, held: next(given))
    assert 9_000 not in inner_ports(9_000).values()


def test_too_narrow_a_range_is_said() -> None:
    with pytest.raises(ServingError, match="SAGEMAKER_SAFE_PORT_RANGE has fewer than 5 free ports"):
        inner_ports(25_000, (25_000, 25_003))

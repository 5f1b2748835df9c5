"""Which allocator TorchServe's processes get."""

from __future__ import annotations

import pytest

from deploy.torchserve.allocator import preloaded


def test_a_system_with_tcmalloc_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.util.find_library", {"tcmalloc_minimal": "libtcmalloc_minimal.so.4"}.get)
    assert preloaded({"PATH": "/bin"}) == {"LD_PRELOAD": "libtcmalloc_minimal.so.4"}


def test_a_system_without_goes_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.util.find_library", lambda _: None)
    assert preloaded({}) == {}


@pytest.mark.parametrize("chosen", ["", "libjemalloc.so.2"])
def test_an_operators_own_choice_stands(chosen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.util.find_library", {"tcmalloc_minimal": "libtcmalloc_minimal.so.4"}.get)
    assert preloaded({"LD_PRELOAD": chosen}) == {}

"""What SageMaker's stock PyTorch toolkit makes of model.tar.gz; how it is started stands in conftest.py."""

from __future__ import annotations

import requests

from deploy.torchserve.launch import TorchServe


def test_the_stock_containers_archive_tags(stock_container: TorchServe, mixture: bytes) -> None:
    """Its sensitivity comes from the environment, as that of a batch transform job must."""
    headers = {"Content-Type": "audio/mp3"}
    answer = requests.post(f"{stock_container.url}/invocations", data=mixture, headers=headers, timeout=60).json()
    reported = [{tag["name"] for tag in window["tags"]} & {"Siren", "Laughter"} for window in answer["data"]]
    assert reported == [set(), set()]
    headers["X-Amzn-SageMaker-Custom-Attributes"] = 'X-Default-Sensitivity=2,X-Tags-Sensitivity={"Laughter": 0}'
    answer = requests.post(f"{stock_container.url}/invocations", data=mixture, headers=headers, timeout=60).json()
    reported = [{tag["name"] for tag in window["tags"]} & {"Siren", "Laughter"} for window in answer["data"]]
    assert reported == [{"Siren", "Laughter"}] * 2


def test_the_archives_own_configuration_is_in_force(stock_container: TorchServe) -> None:
    """The toolkit's time-out is lost with its glued line; the archive brings its own."""
    described = requests.get(f"{stock_container.url}/models/model", timeout=10).json()[0]
    expected = {"responseTimeout": 3600, "batchSize": 3, "maxBatchDelay": 1}
    assert {name: described[name] for name in expected} == expected


def test_sagemakers_health_check(stock_container: TorchServe) -> None:
    assert requests.get(f"{stock_container.url}/ping", timeout=2).status_code == 200

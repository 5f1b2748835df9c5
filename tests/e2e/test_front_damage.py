"""One case of the damage matrix for each container and kind of damage, through the front."""

from __future__ import annotations

import json
from random import Random

import pytest

from deploy.http_call import call
from local_sagemaker.containers import Container
from tests.support import damage

MAX_SECONDS = 30.0


@pytest.mark.parametrize("container_name", damage.CONTAINERS)
def test_damage_is_answered_in_json_and_is_never_the_servers_fault(
    async_container: Container, container_name: str
) -> None:
    chance, answers = Random(container_name), {}
    for kind, cases in damage.KINDS.items():
        case = chance.choice(list(cases(chance.choice(damage.CONTAINERS[container_name]))))
        headers = {"Content-Type": case.content_type}
        answers[kind, case.name] = call(
            "POST", f"{async_container.url}/invocations", headers, case.body, timeout_seconds=MAX_SECONDS
        )
    assert {name: answer for name, answer in answers.items() if answer.status not in (200, 400)} == {}
    assert all(("data" in json.loads(answer.body)) == (answer.status == 200) for answer in answers.values())

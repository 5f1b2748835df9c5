"""The examples of docs/sagemaker.md with the SageMaker Python SDK, in both versions, which `make test-sdk` installs."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from deploy.archive import TREE
from local_sagemaker import storage
from local_sagemaker.gateway import LocalSageMaker
from tests.e2e.conftest import clean_environment

PAGE = (TREE / "docs" / "sagemaker.md").read_text().partition("\n## SageMaker Python SDK\n")[2].partition("\n## ")[0]
PLACES = {"<your-image>": "cochl-sense", "<your-role>": "arn:aws:iam::123456789012:role/tagger"}
SCRIPTS = dict(zip((2, 3), re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL), strict=True))
SECONDS = 540


@pytest.mark.parametrize("version", SCRIPTS)
def test_an_example(sagemaker: LocalSageMaker, mixture: bytes, tmp_path: Path, version: int) -> None:
    recordings = tmp_path / "recordings"
    recordings.mkdir()
    for file in (tmp_path / "test.mp3", recordings / "one.mp3", recordings / "two.mp3"):
        file.write_bytes(mixture)
    script = re.sub("|".join(PLACES), lambda place: PLACES[place[0]], SCRIPTS[version])
    run = subprocess.run(
        [TREE / "build" / "sdk" / str(version) / "bin" / "python", "-c", script],
        cwd=tmp_path,
        env=clean_environment(**sagemaker.environment()),
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert run.returncode == 0, run.stderr
    heard = [[name for name in ("Laughter", "Siren", "Speech") if name in line] for line in run.stdout.splitlines()]
    # At sensitivity 1 the real-time endpoint hears more than the asynchronous one at 0; the list of files has none.
    assert [names for names in heard if names] == [["Laughter", "Speech"], ["Laughter"]]
    s3 = sagemaker.client("s3")
    answers = [key for key in storage.keys(s3, "s3://cochl-sense/") if key.endswith(("one.mp3.out", "two.mp3.out"))]
    assert len(answers) == 2
    for key in answers:
        assert b"Laughter" in s3.get_object(Bucket="cochl-sense", Key=key)["Body"].read()
        s3.delete_object(Bucket="cochl-sense", Key=key)

"""The notebook in examples/ runs from top to bottom against the local SageMaker, and lies there without outputs."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from local_sagemaker.gateway import LocalSageMaker
from tests.conftest import TREE
from tests.e2e.conftest import clean_environment

NOTEBOOKS = sorted((TREE / "examples").glob("*.ipynb"))
# What Jupyter shows after the last cell is the picture; a script can only look at it.
PICTURE = "\nprint('pictures:', [len(axes.get_images()) for axes in figure.axes[:1]])\n"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_is_kept_without_outputs(path: os.PathLike[str]) -> None:
    with open(path, encoding="utf-8") as file:
        cells = json.load(file)["cells"]
    of_code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert [(cell["outputs"], cell["execution_count"]) for cell in of_code] == [([], None)] * len(of_code)


def test_the_notebook_on_sagemaker(sagemaker: LocalSageMaker) -> None:
    notebook = json.loads((TREE / "examples" / "sagemaker.ipynb").read_text())
    cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    environment = clean_environment(
        **sagemaker.environment(), PYTHONPATH=str(TREE / "client"), MPLBACKEND="Agg", PYTHONWARNINGS="ignore"
    )
    ran = subprocess.run(
        [sys.executable, "-c", "\n".join(cells) + PICTURE],
        cwd=TREE / "examples",
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert ran.returncode == 0, ran.stderr
    said = ran.stdout.splitlines()
    assert said[:2] == ["notebook InService", "notebook-async InService"]
    assert "'name': 'demo.mp3'" in said[2]
    # samples/demo.mp3 has 12 s, so windows begin at 0 to 10 s.
    assert "asynchronous: 11 windows" in said
    assert "transform job: Completed - 11 windows" in said
    assert said[-1] == "pictures: [1]"
    names = [endpoint["EndpointName"] for endpoint in sagemaker.client("sagemaker").list_endpoints()["Endpoints"]]
    assert not any(name.startswith("notebook") for name in names)

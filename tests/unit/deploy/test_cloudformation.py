from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from deploy.archive import TREE

TEMPLATES = sorted((TREE / "deploy" / "cloudformation").glob("*.yaml"))


def test_there_is_a_template_for_everything() -> None:
    assert [template.stem for template in TEMPLATES] == ["async", "batch", "canary", "realtime", "role"]


def test_cfn_lint_finds_nothing() -> None:
    program = Path(sys.executable).with_name("cfn-lint")
    run = subprocess.run([program, *TEMPLATES], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.stem)
def test_no_statement_allows_everything(template: Path) -> None:
    text = template.read_text()
    for line in text.splitlines():
        assert not line.strip().startswith("Action: ") or ":*" not in line, line
        assert "Action: *" not in line
        assert 'Action: "*"' not in line
    # These actions cannot be limited to resources: the registry's token, metrics, descriptions of a VPC.
    assert text.count('Resource: "*"') == (3 if template.stem == "role" else 0)

"""Guided fuzzing: atheris mutates the corpus, and keeps what reaches new branches of the handler.

Each target runs in a process of its own, since libFuzzer ends the process that it runs in. What it finds and what it
keeps go to build/fuzz/; only the small corpus beside this module is committed.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

# A folder for each of tests/fuzz/targets.py, which only the processes below may import: atheris has to come first.
CORPUS = Path(__file__).parent / "corpus"
_FINDINGS = Path("build/fuzz")
# For one input: bytes, seconds, and memory of the whole process.
_LIMITS = ("-max_len=8192", "-timeout=30", "-rss_limit_mb=3000")


def is_available() -> bool:
    """Returns whether atheris is installed. It is not on Python 3.10."""
    return importlib.util.find_spec("atheris") is not None


def run(seconds: float, seed: int) -> int:
    """Fuzzes one target after the other, each for its share of the time; returns how many had a finding."""
    targets = sorted(folder.name for folder in CORPUS.iterdir())
    return sum(_run_target(target, int(seconds / len(targets)), seed) for target in targets)


def _run_target(target: str, seconds: int, seed: int) -> bool:
    kept, log = _FINDINGS / "corpus" / target, _FINDINGS / f"{target}.log"
    kept.mkdir(parents=True, exist_ok=True)
    options = [*_LIMITS, f"-max_total_time={max(1, seconds)}", f"-seed={seed + 1}"]
    command = [sys.executable, "-m", __name__, target, str(kept), str(CORPUS / target), *options]
    command += [f"-artifact_prefix={_FINDINGS}/{target}-"]
    with log.open("w") as output:
        status = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, check=False).returncode
    progress = re.findall(r"^#\d.*", log.read_text(errors="replace"), re.MULTILINE)
    print(f"{target}: {progress[-1] if progress else 'did not start'}", flush=True)
    if status:
        print(f"{target}: exit status {status}, see {log}", file=sys.stderr, flush=True)
    return status != 0


def _fuzz(target: str, arguments: list[str]) -> None:
    """Becomes libFuzzer; does not return."""
    import atheris

    with atheris.instrument_imports(include=["handler"]):
        targets = importlib.import_module("tests.fuzz.targets")
    atheris.Setup([target, *arguments], targets.TARGETS[target])
    atheris.Fuzz()


if __name__ == "__main__":
    _fuzz(sys.argv[1], sys.argv[2:])

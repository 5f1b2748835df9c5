"""What the set-up installs, and what it says when something goes wrong."""

from __future__ import annotations

import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from scripts import set_up
from tests.conftest import TREE


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty tree with two lock files, in which the set-up works."""
    monkeypatch.setattr(set_up, "TREE", tmp_path)
    monkeypatch.setattr(set_up, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(set_up, "STAMP", tmp_path / ".venv" / "installed.json")
    monkeypatch.setattr(set_up, "LOGS", tmp_path / "build" / "logs")
    set_up.LOGS.mkdir(parents=True)
    for name in ("requirements.lock", "requirements-dev.lock"):
        (tmp_path / name).write_text(f"{name}==1\n")
    return tmp_path


def make_venv(folder: Path) -> None:
    """Makes a virtual environment with a script named pip, which is all that is looked at."""
    venv.create(folder, symlinks=True)
    (folder / "bin" / "pip").write_text(f"#!{folder}/bin/python\n")


@pytest.fixture
def commands(tree: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What would have been run, on a machine that has everything but .venv."""
    ran: list[list[str]] = []

    def run_logged(command: list[str], log: Path, *, required: bool = True) -> None:
        ran.append(command)
        if "venv" in command:
            make_venv(tree / ".venv")

    monkeypatch.setattr(set_up, "run_logged", run_logged)
    monkeypatch.setattr(set_up, "install", lambda arguments, cpu_index=None: ran.append(["pip", *arguments]))
    monkeypatch.setattr("shutil.which", lambda program, **_: f"/usr/bin/{program}")
    monkeypatch.setattr("ctypes.util.find_library", lambda name: f"lib{name}.so")
    return ran


def pip_runs(commands: list[list[str]]) -> list[list[str]]:
    """What pip would have installed, paths by their names."""
    return [[Path(word).name for word in command[1:]] for command in commands if command[0] == "pip"]


def test_a_second_run_installs_nothing_until_a_lock_file_changes(tree: Path, commands: list[list[str]]) -> None:
    lock = tree / "requirements.lock"
    set_up.set_up(lock)
    assert [command[0] for command in commands] == [sys.executable, "pip"]
    set_up.set_up(lock)
    assert len(commands) == 2
    lock.write_text("another==2\n")
    set_up.set_up(lock)
    assert commands[2:] == [["pip", "--require-hashes", "-r", str(lock)]]


def test_the_development_lock_stands_for_the_serving_one_too(tree: Path, commands: list[list[str]]) -> None:
    set_up.set_up(tree / "requirements-dev.lock")
    set_up.set_up(tree / "requirements.lock")
    assert pip_runs(commands) == [["--require-hashes", "-r", "requirements-dev.lock"]]


def test_an_interrupted_installation_goes_on(
    tree: Path, commands: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(arguments: list[str]) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(set_up, "install", interrupt)
        with pytest.raises(KeyboardInterrupt):
            set_up.set_up(tree / "requirements.lock")
    set_up.set_up(tree / "requirements.lock")
    assert pip_runs(commands) == [["--require-hashes", "-r", "requirements.lock"]]


def test_a_moved_environment_is_made_anew(tree: Path, commands: list[list[str]]) -> None:
    make_venv(tree / "elsewhere")
    (tree / "elsewhere").rename(tree / ".venv")
    set_up.write_stamp(tree / "requirements.lock", cpu=False)
    set_up.set_up(tree / "requirements.lock")
    assert "--clear" in commands[0]


def test_a_linked_environment_is_refused_and_left_alone(tree: Path, commands: list[list[str]]) -> None:
    make_venv(tree / "elsewhere")
    (tree / ".venv").symlink_to(tree / "elsewhere")
    (tree / "elsewhere" / "keep").touch()
    with pytest.raises(set_up.SetUpError, match=r"\.venv is a link to .*elsewhere: remove the link"):
        set_up.set_up(tree / "requirements.lock")
    assert commands == []
    assert (tree / "elsewhere" / "keep").exists()


def test_missing_system_packages_are_installed(
    tree: Path, commands: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)
    monkeypatch.setattr("shutil.which", lambda program, **_: None if program == "nginx" else f"/usr/bin/{program}")
    set_up.set_up(tree / "requirements.lock")
    installed = [command[command.index("install") :] for command in commands if "install" in command]
    assert [command[-1] for command in installed] == ["ffmpeg", "libtcmalloc-minimal4"]
    assert "nginx" in installed[1]


def test_without_the_right_to_install_only_ffmpeg_is_a_must(
    tree: Path, commands: list[list[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr("shutil.which", lambda name, **_: None if name in ("sudo", "nginx") else f"/usr/bin/{name}")
    set_up.set_up(tree / "requirements.lock")
    assert "going on, with a slower server: nginx missing" in capsys.readouterr().out
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)
    with pytest.raises(set_up.SetUpError, match=r"ffmpeg missing: install as root \(apt-get install ffmpeg\)"):
        set_up.set_up(tree / "requirements.lock")


def fake_pip(tree: Path, script: str) -> None:
    """Puts a shell script in the place of .venv's Python."""
    python = tree / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)


def test_large_downloads_show_and_the_rest_is_logged(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [
        "Collecting torch==2.11.0",
        "  Downloading torch-2.11.0-cp311-cp311-manylinux_2_28_x86_64.whl (530.7 MB)",
        "  Using cached triton-3.6.0-cp311-cp311-manylinux.whl (188.1 MB)",
        "  Downloading six-1.17.0-py2.py3-none-any.whl (11 kB)",
        "Installing collected packages: six, torch, numpy",
    ]
    fake_pip(tree, "\n".join(f"echo '{line}'" for line in lines))
    set_up.install(["-r", "requirements.lock"])
    shown = [line.partition("]")[2].strip() for line in capsys.readouterr().out.splitlines()]
    assert shown == [lines[1].strip(), lines[2].strip(), "Installing collected packages"]
    assert (set_up.LOGS / "pip.log").read_text().splitlines() == lines


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "No space left"),
        ("WARNING: Retrying: Failed to establish a new connection: Name or service not known", "check the network"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.\nmore", "DO NOT MATCH THE HASHES"),
        ("ERROR: No matching distribution found for a==3\nmore", "No matching distribution found for a==3"),
        ("", "without a word"),
    ],
)
def test_a_failure_of_pip_is_one_line(tree: Path, said: str, message: str) -> None:
    fake_pip(tree, f"echo '{said}'; exit 1")
    with pytest.raises(set_up.SetUpError, match=message) as raised:
        set_up.install(["-r", "requirements.lock"])
    assert "\n" not in str(raised.value)
    assert str(set_up.LOGS / "pip.log") in str(raised.value)


def test_a_failed_command_is_named_with_its_last_line(tmp_path: Path) -> None:
    with pytest.raises(set_up.SetUpError, match=r"`sh -c .*` failed \(E: no such package\)"):
        set_up.run_logged(["sh", "-c", "echo Reading; echo E: no such package; exit 100"], tmp_path / "log")


def test_too_small_a_disk_is_refused_before_the_download(tree: Path) -> None:
    with pytest.raises(set_up.SetUpError, match=r"GB free, 1000000000 GB are needed"):
        set_up.check_disk(10**18)


@pytest.fixture
def lock_with_torch(tree: Path) -> Path:
    """A lock file with what has CPU builds, what only CUDA needs, and more."""
    lock = tree / "requirements.lock"
    entries = [
        "# made by uv\ncuda-toolkit==13.0.2 ; sys_platform == 'linux' \\\n    --hash=sha256:00\n",
        "nvidia-nccl-cu13==2.28.9 ; sys_platform == 'linux' \\\n    --hash=sha256:00\n",
        "torch==2.11.0 \\\n    --hash=sha256:00\n    # via torchserve\n",
        "torch-model-archiver==0.12.0 \\\n    --hash=sha256:01\n",
        "torchaudio==2.11.0 \\\n    --hash=sha256:00\n",
        "torchcodec==0.17.0 \\\n    --hash=sha256:00\n",
        "torchserve==0.12.0 \\\n    --hash=sha256:02\n",
        "triton==3.6.0 ; sys_platform == 'linux' \\\n    --hash=sha256:00\n",
    ]
    lock.write_text("".join(entries))
    return lock


def test_cpu_builds_come_from_their_index_and_the_rest_by_hash(
    tree: Path, lock_with_torch: Path, commands: list[list[str]]
) -> None:
    headers = tree / ".venv" / "lib" / "python3" / "site-packages" / "torch" / "include"
    headers.mkdir(parents=True)
    set_up.set_up(lock_with_torch, cpu=True, cpu_index="http://index/cpu")
    assert not headers.exists()
    builds, rest = [command for command in commands if command[0] == "pip"]
    pins = ["torch==2.11.0", "torchaudio==2.11.0", "torchcodec==0.17.0"]
    assert builds == ["pip", "--no-compile", "--no-deps", "--index-url", "http://index/cpu", *pins]
    assert rest[:-1] == ["pip", "--no-compile", "--require-hashes", "-r"]
    written = Path(rest[-1]).read_text()
    assert re.findall(r"^\w\S*", written, re.MULTILINE) == ["torch-model-archiver==0.12.0", "torchserve==0.12.0"]
    assert re.findall(r"sha256:\d+", written) == ["sha256:01", "sha256:02"]


def test_cpu_builds_stay_until_the_environment_is_removed(lock_with_torch: Path, commands: list[list[str]]) -> None:
    set_up.set_up(lock_with_torch, cpu=True)
    set_up.set_up(lock_with_torch)
    assert len(commands) == 3  # venv, builds, rest
    lock_with_torch.write_text("torch==2.12.0\n")
    set_up.set_up(lock_with_torch)
    assert commands[3][-1] == "torch==2.12.0"
    assert len(commands) == 5


def test_cpu_builds_never_share_an_environment_with_cuda(lock_with_torch: Path, commands: list[list[str]]) -> None:
    set_up.set_up(lock_with_torch)
    set_up.set_up(lock_with_torch, cpu=True)
    assert [command[1:3] for command in commands if command[0] == sys.executable] == [["-m", "venv"]] * 2


@pytest.mark.parametrize(
    "said",
    [
        "WARNING: Retrying after connection broken: Name or service not known",
        "ERROR: No matching distribution found for torch==2.11.0",
    ],
)
def test_an_index_of_cpu_builds_that_does_not_answer_is_one_line(tree: Path, said: str) -> None:
    fake_pip(tree, f"echo '{said}'; exit 1")
    with pytest.raises(set_up.SetUpError, match="^http://index/cpu cannot be reached, or lacks .* CPU_"):
        set_up.install(["torch==2.11.0"], cpu_index="http://index/cpu")


def test_an_index_of_cuda_builds_is_refused(tree: Path, lock_with_torch: Path, commands: list[list[str]]) -> None:
    library = tree / ".venv" / "lib" / "python3" / "site-packages" / "torch" / "lib" / "libtorch_cuda.so"
    library.parent.mkdir(parents=True)
    library.touch()
    with pytest.raises(set_up.SetUpError, match="http://pypi has CUDA builds of PyTorch"):
        set_up.set_up(lock_with_torch, cpu=True, cpu_index="http://pypi")
    assert not set_up.has_cpu_builds()


@pytest.mark.parametrize(("machine", "index_is_used"), [(("Linux", "aarch64"), True), (("Darwin", "arm64"), False)])
def test_machines_without_cuda_get_cpu_builds(
    lock_with_torch: Path,
    commands: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
    machine: tuple[str, str],
    *,
    index_is_used: bool,
) -> None:
    monkeypatch.setattr("platform.system", lambda: machine[0])
    monkeypatch.setattr("platform.machine", lambda: machine[1])
    set_up.set_up(lock_with_torch)
    assert set_up.has_cpu_builds()
    assert any("--index-url" in command for command in commands) == index_is_used
    homebrew = [command for command in commands if command[0] == "brew"]
    assert homebrew == ([] if index_is_used else [["brew", "install", "ffmpeg"]])


def test_other_machines_are_refused(
    lock_with_torch: Path, commands: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.system", lambda: "Windows")
    with pytest.raises(set_up.SetUpError, match="this is Windows on"):
        set_up.set_up(lock_with_torch)
    assert commands == []


def test_another_python_gives_one_clear_line() -> None:
    """One that fails, and one that is not there."""
    for python in ("false", "python3.99"):
        run = subprocess.run(
            ["make", f"PYTHON={python}", "setup"], cwd=TREE, capture_output=True, text=True, check=False
        )
        lines = [line for line in run.stderr.splitlines() if not line.startswith("make")]
        assert run.returncode != 0
        assert lines == [
            f"set-up: {python} is not Python 3.10 to 3.13: install one (apt-get install python3), "
            "or name one: make PYTHON=python3.12"
        ]


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_lock_files_hold_hashes_and_nothing_of_the_machine_that_made_them(name: str) -> None:
    text = (TREE / name).read_text()
    entries = re.split(r"\n(?=\S)", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).strip())
    assert len(entries) > 30
    for entry in entries:
        assert re.match(r"[a-z0-9._-]+==[\w.]+( ; [^\\]+)? \\\n", entry), entry[:200]
        assert "--hash=sha256:" in entry
    assert not re.search(r"://|--(extra-)?index-url|--find-links|file:| @ ", text)

"""CUDA's forward-compatibility libraries: for a host whose NVIDIA driver is older than the image's CUDA needs.

On a host with a newer driver they do harm: they put an older libcuda before the host's own. So they go on the library
path only where they are needed. SageMaker's batch transform, for example, runs on driver 535.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

DRIVER_VERSION_FILE = Path("/proc/driver/nvidia/version")
# NVIDIA's base images keep them here.
COMPAT_FOLDERS = (Path("/usr/local/cuda/compat"), Path("/usr/local/cuda-13.0/compat"))
# The major version of the Linux driver that CUDA 13 needs (NVIDIA's CUDA Toolkit release notes, table 3).
NEEDED_DRIVER = 580


def driver_version(text: str) -> int | None:
    """Returns the major version in the text of /proc/driver/nvidia/version, or None."""
    match = re.search(r"^NVRM version: .*?\s(\d+)\.\d+(?:\.\d+)?\s", text, re.MULTILINE)
    return int(match[1]) if match else None


def read_driver_version(file: Path = DRIVER_VERSION_FILE) -> int | None:
    """Returns the major version of this host's NVIDIA driver, None where there is none."""
    return driver_version(file.read_text(errors="replace")) if file.exists() else None


def library_path(
    environment: Mapping[str, str], version: int | None, compat_folders: Sequence[Path] = COMPAT_FOLDERS
) -> dict[str, str]:
    """Returns the LD_LIBRARY_PATH that TorchServe needs beyond `environment`, empty where it needs none.

    Args:
        environment: What the container was started with.
        version: Major version of the host's driver, None without one.
        compat_folders: Where an image may keep the libraries; the first that exists counts.
    """
    folder = next((folder for folder in compat_folders if folder.is_dir()), None)
    if version is None or version >= NEEDED_DRIVER or folder is None:
        return {}
    present = environment.get("LD_LIBRARY_PATH")
    return {"LD_LIBRARY_PATH": f"{folder}:{present}" if present else str(folder)}

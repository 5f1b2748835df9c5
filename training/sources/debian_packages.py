"""The Debian packages that synthesis needs, and their installation."""

from __future__ import annotations

import os
import shutil
import subprocess

from training.errors import TrainingError

PACKAGES: tuple[str, ...] = (
    *("fluidsynth", "fluid-soundfont-gm", "fluid-soundfont-gs", "musescore-general-soundfont", "opl3-soundfont"),
    *("timgm6mb-soundfont", "csound-soundfont", "avldrums.lv2-soundfont", "timidity", "freepats"),
    *("espeak-ng", "flite", "festival", "festvox-kallpc16k", "festvox-kdlpc16k", "festvox-us-slt-hts"),
    *("festvox-italp16k", "festvox-itapc16k", "festvox-czech-dita", "festvox-czech-machac", "festvox-czech-ph"),
    *("festvox-suopuhe-lj", "festvox-suopuhe-mv", "festvox-ca-ona-hts", "festvox-ru", "ffmpeg"),
)


def missing_packages() -> list[str]:
    """The packages of PACKAGES that are not installed."""
    if shutil.which("dpkg-query") is None:
        raise TrainingError("training needs a Debian or Ubuntu machine (dpkg-query was not found)")
    query = ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *PACKAGES]
    listing = subprocess.run(query, capture_output=True, text=True, check=False).stdout.split("\n")
    installed = {line.split()[0] for line in listing if line.endswith(" installed")}
    return [name for name in PACKAGES if name not in installed]


def install_missing() -> None:
    """Install what is missing with apt-get, as root.

    Raises:
        TrainingError: not root, or apt-get failed; the text names the command to run.
    """
    missing = missing_packages()
    if not missing:
        return
    command = ["apt-get", "install", "-y", "--no-install-recommends", *missing]
    if os.geteuid() != 0:
        raise TrainingError(f"packages are missing; run: sudo {' '.join(command)}")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if result.returncode:
        reason = (result.stderr.strip().splitlines() or ["no message"])[-1]
        raise TrainingError(f"apt-get could not install the packages ({reason}); run: {' '.join(command)}")

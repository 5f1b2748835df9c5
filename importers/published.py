"""Published checkpoints of AudioSet, by name: fetched once into a cache, and checked."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pooch

from importers.errors import ImporterError

_EFFICIENTAT = "https://github.com/fschmid56/EfficientAT/releases/download/v0.0.1/"
_AST = "ast-finetuned-audioset-10-10-0.4593"
_CHUNK_BYTES = 1 << 16
_TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class Published:
    """A checkpoint that its authors publish.

    Attributes:
        family: The importer that reads it.
        base_url: Where its files are.
        files: Their names, each with its SHA-256 where that is known, else "".
        folder: The folder that they make, for importers that read a folder; else "".
    """

    family: str
    base_url: str
    files: Mapping[str, str]
    folder: str = ""


PUBLISHED: Mapping[str, Published] = {
    "efficientat-mn04": Published(
        "efficientat",
        _EFFICIENTAT,
        {"mn04_as_mAP_432.pt": "899a8c6217063f6941793102a2780b3dd788ab11fce468d9cf5f0577c453321c"},
    ),
    "efficientat-mn10": Published(
        "efficientat",
        _EFFICIENTAT,
        {"mn10_as_mAP_471.pt": "0bd7dc2443af498c289a2e739f02ebb515d6aa3fd3ab9db539c86123ae368a4e"},
    ),
    "efficientat-mn20": Published("efficientat", _EFFICIENTAT, {"mn20_as_mAP_478.pt": ""}),
    "cnn14": Published(
        "panns",
        "https://zenodo.org/record/3987831/files/",
        {"Cnn14_mAP=0.431.pth": "0dc499e40e9761ef5ea061ffc77697697f277f6a960894903df3ada000e34b31"},
    ),
    "ast": Published(
        "huggingface",
        f"https://huggingface.co/MIT/{_AST}/resolve/f826b80d28226b62986cc218e5cec390b1096902/",
        {
            "config.json": "",
            "preprocessor_config.json": "",
            "model.safetensors": "ae0c1e2ad4e1381d851fa9bf298ba13ebc9c5a914cdee2dbe427a6583869924d",
        },
        folder=_AST,
    ),
}


def default_cache() -> Path:
    """The user's cache folder for checkpoints."""
    return Path(pooch.os_cache("cochl-sense"))


def fetch(published: Published, cache: Path, base_url: str = "") -> Path:
    """Returns a checkpoint's file or folder in the cache, after downloading what is missing.

    Args:
        published: Which one.
        cache: Where files are kept.
        base_url: Another place that has files of these names; "" for the authors' own.

    Raises:
        ImporterError: A file cannot be fetched, or is not the published one.
    """
    folder, base = cache / published.folder, (base_url or published.base_url).rstrip("/")
    urls = {name: f"{base}/{quote(name)}" for name in published.files}
    try:
        for name, sha256 in published.files.items():
            _fetch_file(urls[name], folder / name, sha256)
    except (OSError, ValueError) as error:  # requests' errors are OSErrors, a wrong sum is a ValueError
        listed = [
            f"  {name}  from {urls[name]}" + f"  SHA-256 {sha256}" * bool(sha256)
            for name, sha256 in published.files.items()
        ]
        advice = f"If this machine cannot reach that: put these into {folder}, and run the same command again"
        raise ImporterError("\n".join([str(error).splitlines()[0], advice, *listed])) from error
    return folder if published.folder else folder / next(iter(published.files))


def _fetch_file(url: str, file: Path, sha256: str) -> None:
    is_new = not file.exists()
    pooch.get_logger().setLevel(logging.ERROR)
    print(f"importers: {'fetching' if is_new else 'checking'} {url if is_new else file}", file=sys.stderr, flush=True)
    pooch.retrieve(
        url,
        known_hash=f"sha256:{sha256}" if sha256 else None,
        fname=file.name,
        path=file.parent,
        downloader=pooch.HTTPDownloader(progressbar=True, chunk_size=_CHUNK_BYTES, timeout=_TIMEOUT_SECONDS),
    )
    if not sha256:
        print(f"importers: {file.name} has SHA-256 {pooch.file_hash(str(file))}, unchecked", file=sys.stderr)

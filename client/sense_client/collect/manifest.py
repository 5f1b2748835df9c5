"""A ManifestFile: which objects of a bucket a transform job takes.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TransformS3DataSource.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from sense_client.sinks import write_whole


def write_manifest(path: Path, root: str, keys: Iterable[str]) -> None:
    """Writes a manifest.

    Args:
        path: The file.
        root: Where the keys begin, ``s3://bucket/prefix/``.
        keys: What follows there.

    Raises:
        OSError: It cannot be written.
    """
    entries = (f",\n{json.dumps(key)}" for key in keys)
    write_whole(path, [f"[{json.dumps({'prefix': root})}", *entries, "]\n"])

"""Bodies that a trusted front has written to disk. TorchServe passes on the file's name instead of the bytes.

TorchServe needs 107 s and several gigabytes to take in a body of 1 GiB. A front (deploy/) spools it in 5 s and passes
the request on without a body, with the file's path in a header of its own. The header counts only if SENSE_SPOOL_FOLDER
names the folder, and only for files in that folder. Set SENSE_SPOOL_FOLDER only if every request to TorchServe comes
through that front: the front replaces the header if a caller sends one.
"""

from __future__ import annotations

import mmap
import os
import stat
from collections.abc import Mapping
from pathlib import Path

HEADER = "X-Sense-Body-File"
# The Content-Type of a form. The front keeps it from TorchServe, which would look for the form's parts in the body.
FORM_TYPE_HEADER = "X-Sense-Form-Type"


class SpoolError(RuntimeError):
    """The front named no usable file in the spool folder: our fault, or a request that bypassed the front."""


class _SpooledFile(mmap.mmap):
    """A mapped file that remembers its path."""

    path: Path


def is_removed(body: memoryview) -> bool:
    """Returns whether the front has removed the file of a spooled body, as it does when the caller hangs up."""
    return isinstance(body.obj, _SpooledFile) and not body.obj.path.exists()


def map_spooled_body(headers: Mapping[str, str], spool_folder: Path) -> memoryview:
    """Maps the file that holds a request's body into memory.

    Args:
        headers: The request's headers, names in lower case.
        spool_folder: The only folder that files are taken from.

    Returns:
        The bytes. They are empty if the front named no file, because there is no body. The file may be removed
        meanwhile: the mapping keeps its contents.

    Raises:
        SpoolError: The file is not directly in the folder, is not a regular file, or cannot be opened.
    """
    path = Path(headers.get(HEADER.lower(), ""))
    if path == Path():
        return memoryview(b"")
    if path.parent != spool_folder or path.name in ("", ".", ".."):
        raise SpoolError(f"{HEADER} names {path}, which is not in {spool_folder}")
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise SpoolError(f"the spooled body {path} cannot be opened: {error.strerror}") from error
    try:
        return _mapped(descriptor, path)
    finally:
        os.close(descriptor)


def _mapped(descriptor: int, path: Path) -> memoryview:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise SpoolError(f"the spooled body {path} is not a regular file")
    if status.st_size == 0:
        return memoryview(b"")
    # A private copy-on-write mapping: torch takes writable memory without a warning, and nothing writes to it.
    mapped = _SpooledFile(descriptor, 0, access=mmap.ACCESS_COPY)
    mapped.path = path
    return memoryview(mapped)

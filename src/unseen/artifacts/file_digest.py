"""Digest of a file."""

import hashlib
from pathlib import Path

_CHUNK_BYTES = 1 << 20


def sha256_of(path: Path | str) -> str:
    """Compute the SHA-256 digest of a file, which is read 1 MiB at a time.

    Args:
        path: the file.

    Returns:
        The digest, as 64 hexadecimal digits.

    Raises:
        OSError: the file cannot be read.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "data.bin"
        >>> _ = file.write_bytes(b"abc")
        >>> sha256_of(file)
        'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
    """
    digest = hashlib.sha256()
    with Path(path).open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()

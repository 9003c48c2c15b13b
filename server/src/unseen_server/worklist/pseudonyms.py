"""Pseudonyms of patients, studies and file names, and the site's key that they depend on.

A pseudonym is HMAC-SHA256 of the text under the key of the site. A store that was made without pseudonyms contains the
text itself.

The key is next to the store in ``site.key``. Anyone who has it can test a guess (accession numbers are short), so it
is as confidential as the films. The database alone reveals nothing.
"""

import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Literal, overload

from unseen.artifacts import replacing
from unseen_server.worklist.states import WorklistError

Kind = Literal["patient", "issuer", "study", "instance", "accession", "name", "film", "note", "report"]
_BYTES = 32
_LONGEST = 200  # characters of an identifier in a plain store: DICOM allows 64, and PostgreSQL indexes no long text


class Pseudonyms:
    """Text to what the database may hold of it.

    >>> names = Pseudonyms(bytes(32), plain=False)
    >>> names.of("patient", "1234 ") == names.of("patient", "1234"), names.of("patient", "1234")[:8]
    (True, '6289bfc8')
    >>> Pseudonyms(bytes(32), plain=True).of("patient", "1234")
    '1234'
    """

    def __init__(self, key: bytes, *, plain: bool) -> None:
        self.key = key
        self.plain = plain

    def of(self, kind: Kind, text: str) -> str:
        """Return the text that is stored instead of `text`, with or without DICOM's padding.

        An identifier that is much longer than DICOM allows has a pseudonym in a plain store, too.
        """
        stripped = text.strip()
        plain = self.plain and (kind == "name" or len(stripped) <= _LONGEST)
        return stripped if plain else self.sealed(kind, stripped)

    def sealed(self, kind: Kind, text: str) -> str:
        """Return the HMAC of `text`, in a plain store too: 64 hexadecimal digits."""
        message = f"{kind}\0{text}".encode(errors="surrogatepass")
        return hmac.new(self.key, message, hashlib.sha256).hexdigest()

    @overload
    def hidden(self, kind: Kind, stored: str) -> str: ...
    @overload
    def hidden(self, kind: Kind, stored: str | None) -> str | None: ...
    def hidden(self, kind: Kind, stored: str | None) -> str | None:
        """Return what is shown of a stored value where names are hidden: its keyed hash, in a plain store too."""
        return self.sealed(kind, stored) if self.plain and stored else stored

    @property
    def fingerprint(self) -> str:
        """A short digest that differs between keys and does not reveal the key."""
        return hashlib.sha256(b"fingerprint\0" + self.key).hexdigest()[:16]


def site_key(path: Path) -> bytes | None:
    """Return the key at `path`; None where there is no such file.

    Raises WorklistError for a file that is no key.
    """
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        return None
    if len(key) != _BYTES:
        raise WorklistError(f"{path}: {len(key)} bytes, a site key has {_BYTES}. Copy it from a backup of this store.")
    return key


def make_site_key(path: Path) -> bytes:
    """Make a new key at `path`, which only the owner can read."""
    return write_site_key(path, secrets.token_bytes(_BYTES))


def write_site_key(path: Path, key: bytes) -> bytes:
    """Write `key` at `path`, whole or not at all, for the owner alone."""
    with replacing(path) as temporary:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key)
    return key

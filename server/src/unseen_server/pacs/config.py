"""`pacs.toml`: what the node is called, where it listens, and whom it knows.

`load` reads the file once; every mistake in it is one line that names the file and the key.
"""

from __future__ import annotations

import itertools
import re
import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, PrivateAttr, ValidationInfo, field_validator, model_validator

from unseen.artifacts import RecipeError, UserError, reason_of, validated
from unseen_server.pacs.non_dicom_settings import (
    FhirSettings,
    Hl7Settings,
    HttpSettings,
    Listening,
    Networks,
    PacsTable,
    SyslogSettings,
)
from unseen_server.service.ip_networks import networks_of

PAGE = "docs/how-to/pacs.md"
Port = Annotated[int, Field(ge=1, le=65535)]
Title = Annotated[str, Field(pattern=r"^[!-\[\]-~]([ -\[\]-~]{0,14}[!-\[\]-~])?$")]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.\-]*$", max_length=64)]
Strings = Annotated[tuple[str, ...], Field(strict=False)]
Results = Annotated[tuple[Literal["sr", "capture", "overlay"], ...], Field(strict=False)]
Confirmation = Literal["commitment", "qido", "find"]


class PacsConfigError(UserError, ValueError):
    """A pacs.toml that cannot be used; one line a mistake, each with the file and the key."""


class Tls(PacsTable):
    """`[tls]`: a second port with TLS, and the certificate that the node shows as a client, too."""

    port: Listening = 2762
    certificate: str
    key: str
    ca: str


class Limits(PacsTable):
    """`[limits]`: what one peer, or all together, may take."""

    associations: int = Field(default=10, ge=1, le=1000)
    pdu_bytes: int = Field(default=65536, ge=4096, le=2**20)
    object_bytes: int = Field(default=2**28, ge=2**16, le=2**32)
    idle_s: float = Field(default=60, gt=0, le=86400)


class Peer(PacsTable):
    """`[[peers]]`: another application, where it is reached, and what it may do."""

    name: Name
    ae_title: Title | None = None
    host: str = ""
    port: Port | None = None
    tls: bool = False
    addresses: Networks = ()
    source: str = Field(default="", max_length=200)
    settle_s: float | None = Field(default=None, ge=0, le=86400)
    closes: Literal["quiet", "association"] = "quiet"
    send: Results = ()
    results_of: Strings = ()
    confirm: Confirmation | None = None
    dicomweb: str = Field(default="", pattern=r"^(https?://[^\s]+)?$")
    dicomweb_user: str = Field(default="", pattern=r"^[^:\r\n]*$", max_length=200)
    dicomweb_password_file: str = ""
    dicomweb_token_file: str = ""
    timeout_s: float = Field(default=30, gt=0, le=3600)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.ae_title is None and not self.dicomweb:
            raise ValueError(f'peer "{self.name}" cannot be reached and may not connect: give ae_title, or dicomweb')
        if self.ae_title is not None and not self.host and not self.addresses:
            raise ValueError(f'peer "{self.name}": give host, or addresses from where it may connect')
        if self.port is not None and (self.ae_title is None or not self.host):
            raise ValueError(f'peer "{self.name}": a port needs ae_title and host')
        if self.send and not self.called and not self.dicomweb:
            raise ValueError(f'peer "{self.name}" has send, but no place: give host and port, or dicomweb')
        if self.confirm == "qido" and not self.dicomweb:
            raise ValueError(f'peer "{self.name}": confirm = "qido" needs dicomweb')
        self._check_web_login()
        if self.confirm in ("commitment", "find") and not self.called:
            raise ValueError(f'peer "{self.name}": confirm = "{self.confirm}" needs ae_title, host and port')
        return self

    def _check_web_login(self) -> None:
        secrets = (self.dicomweb_password_file, self.dicomweb_token_file)
        if any(secrets) and not self.dicomweb:
            raise ValueError(f'peer "{self.name}" has a password or token for DICOMweb, but no dicomweb: add it')
        if all(secrets):
            raise ValueError(f'peer "{self.name}": give dicomweb_password_file or dicomweb_token_file, not both')
        if bool(self.dicomweb_user) != bool(self.dicomweb_password_file):
            raise ValueError(f'peer "{self.name}": dicomweb_user and dicomweb_password_file go together')
        if self.dicomweb and urlsplit(self.dicomweb).username is not None:
            raise ValueError(
                f'peer "{self.name}": dicomweb holds a user or a password, and logs show this address. '
                "Give dicomweb_user and dicomweb_password_file"
            )

    @property
    def called(self) -> bool:
        """True if the peer can be called by DICOM: it has an AE title, a host and a port."""
        return self.ae_title is not None and bool(self.host) and self.port is not None

    @property
    def films_source(self) -> str:
        """The source of the films that it sends."""
        return self.source or self.name

    @property
    def received_as(self) -> tuple[str, float | None, str]:
        """Settings by which its films are received: two peers that are alike in them need not be told apart."""
        return self.films_source, self.settle_s, self.closes

    @property
    def confirms_by(self) -> Confirmation:
        """Way in which the peer confirms that it keeps a result."""
        return self.confirm or ("commitment" if self.called else "qido")


class PacsConfig(PacsTable):
    """The whole file.

    >>> PacsConfig.model_validate({"peers": [{"name": "archive", "ae_title": "ORTHANC", "host": "127.0.0.1"}]}).ae_title
    'TRIAGE'
    """

    ae_title: Title = "TRIAGE"
    host: str = "0.0.0.0"
    port: Listening = 11112
    settle_s: float = Field(default=60, ge=0, le=86400)
    tls: Tls | None = None
    limits: Limits = Limits()
    peers: Annotated[tuple[Peer, ...], Field(strict=False)] = ()
    hl7: Hl7Settings | None = None
    fhir: FhirSettings | None = None
    http: HttpSettings | None = None
    syslog: SyslogSettings | None = None
    _folder: Path = PrivateAttr(default=Path())

    @field_validator("peers")
    @classmethod
    def _are_told_apart(cls, peers: tuple[Peer, ...], info: ValidationInfo) -> tuple[Peer, ...]:
        names = [peer.name for peer in peers]
        if double := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"two peers are called {sorted(double)[0]}: give each a name of its own")
        for one, other in itertools.combinations(peers, 2):
            if one.ae_title is None or one.ae_title != other.ae_title or one.received_as == other.received_as:
                continue
            if place := _shared_place(one, other):
                raise ValueError(
                    f'peers "{one.name}" and "{other.name}" both have ae_title {one.ae_title} and may both connect '
                    f"from {place}, so that films of one could get the source of the other: give each an ae_title of "
                    "its own, or addresses of its own, or both the same source, settle_s and closes"
                )
        if info.data.get("tls") is None and (without := [peer.name for peer in peers if peer.tls]):
            raise ValueError(f'peer "{without[0]}" has tls = true, but there is no table [tls] with a certificate')
        return peers

    @model_validator(mode="after")
    def _has_what_its_tables_need(self) -> Self:
        if self.fhir is not None and self.http is None:
            raise ValueError("[fhir] answers at the address of [http], and there is no such table: add [http]")
        wanting = {
            "hl7": self.hl7 is not None and self.hl7.tls,
            "http": self.http is not None and self.http.tls,
            "syslog": self.syslog is not None and self.syslog.transport == "tls",
        }
        if self.tls is None and (named := [name for name, tls in wanting.items() if tls]):
            raise ValueError(f"[{named[0]}] uses TLS, but there is no table [tls] with a certificate")
        return self

    def peer(self, name: str) -> Peer:
        """Return the peer of this name. Raises PacsConfigError with the names that there are."""
        for peer in self.peers:
            if peer.name == name:
                return peer
        known = ", ".join(peer.name for peer in self.peers) or "none"
        raise PacsConfigError(f'no peer is called "{name}". The peers of this file are: {known}')

    def settles_s(self, peer: Peer) -> float:
        """Return the seconds without a film after which a study of this peer counts as complete."""
        return self.settle_s if peer.settle_s is None else peer.settle_s

    def file(self, given: str) -> Path:
        """Return a file that the configuration names, relative to its own folder."""
        return self._folder / given


def _shared_place(one: Peer, other: Peer) -> str | None:
    """Return an address, network or host from which both peers may connect; names of hosts are not resolved."""
    places = [peer.addresses or (peer.host,) for peer in (one, other)]
    for first, second in itertools.product(*places):
        if first.casefold() == second.casefold():
            return first
        try:
            networks = networks_of((first,)) + networks_of((second,))
        except ValueError:  # the name of a host
            continue
        small, large = sorted(networks, key=lambda network: -network.prefixlen)
        if small.version == large.version and small.network_address in large:
            return first if networks[0] is small else second
    return None


def load(path: Path) -> PacsConfig:
    """Read a pacs.toml.

    Raises PacsConfigError: it is not there, not TOML, a key is unknown, missing or out of bounds, or a file that it
    names is not there.
    """
    try:
        table: dict[str, object] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise PacsConfigError(f"{path}: cannot be read ({reason_of(error)}). Write it as {PAGE} shows") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise PacsConfigError(f"{path}: not TOML: {error}. Strings need quotes; see {PAGE}") from error
    try:
        config = validated(table, PacsConfig)
    except RecipeError as error:
        lines = [f"{path}: {line}" for line in _without_secrets(str(error), table).splitlines()]
        raise PacsConfigError("\n".join([*lines, f"Correct the file; {PAGE} explains each key"])) from error
    config._folder = path.resolve().parent
    if config.tls is not None:
        for key in ("certificate", "key", "ca"):
            if not (file := config.file(getattr(config.tls, key))).is_file():
                raise PacsConfigError(f"{path}: tls.{key}: there is no file {file}. Give a PEM file; see {PAGE}")
    for number, peer in enumerate(config.peers):
        for key in ("dicomweb_password_file", "dicomweb_token_file"):
            if (given := getattr(peer, key)) and not (file := config.file(given)).is_file():
                what = f"there is no file {file}. Write the secret into it, in one line; see {PAGE}"
                raise PacsConfigError(f"{path}: peers.{number}.{key}: {what}")
    return config


def _without_secrets(text: str, table: dict[str, object]) -> str:
    """Return an error's text, which may repeat what stands in the file, without passwords and tokens."""
    text = re.sub(r"(https?://)[^/\s]*@", r"\1(not shown)@", text)
    fhir = table.get("fhir")
    token = fhir.get("token") if isinstance(fhir, dict) else None
    return text.replace(token, "(not shown)") if isinstance(token, str) and token else text

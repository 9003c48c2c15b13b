"""Sections of pacs.toml for what is not DICOM: `[hl7]`, `[fhir]`, `[http]`, `[syslog]`; `config` has the others."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from unseen_server.service.ip_networks import checked_networks

Listening = Annotated[int, Field(ge=0, le=65535)]
Networks = Annotated[tuple[str, ...], Field(strict=False), AfterValidator(checked_networks)]
AccessionField = Literal["OBR-2", "OBR-3", "OBR-18", "OBR-19", "OBR-20", "ORC-2", "ORC-3", "IPC-1"]
UidField = Literal["ZDS-1", "IPC-3"]


class PacsTable(BaseModel):
    """Table of pacs.toml."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Hl7Fields(PacsTable):
    """Fields of a message that are read; part of `[hl7]`.

    Args:
        system: what the reporting system is called here; "": as it calls itself in MSH-3 and MSH-4.
        accession: where the accession number stands: the first of these that is filled.
        study_uid: where the StudyInstanceUID stands, if anywhere.
        observations: OBX-3 identifiers (as "59776-5" or "&IMP") whose values are read: without them the reason for the
            examination may be read as a finding. None: all are.
        match_patient: a report closes no study of a patient that PID-3 does not have.
        match_issuer: ADT^A40 moves only studies whose issuer is the assigning authority, or that have none.
        charset: as in MSH-18, for messages that name no character set.
    """

    system: str = Field(default="", max_length=100)
    accession: Annotated[tuple[AccessionField, ...], Field(strict=False, min_length=1)] = ("OBR-18", "OBR-3")
    study_uid: Annotated[tuple[UidField, ...], Field(strict=False)] = ("ZDS-1", "IPC-3")
    observations: Annotated[tuple[str, ...], Field(strict=False)] = ()
    match_patient: bool = True
    match_issuer: bool = False
    charset: str = ""


class Hl7Settings(Hl7Fields):
    """`[hl7]`: where reports come in by HL7 v2 over MLLP.

    Args:
        addresses: from where messages may come (IP or CIDR); none: from this machine alone.
        tls: whether connections are TLS, with the certificates of [tls]; clients must show theirs.
        reports: the site's table of codes and phrases, a file.
        connections, connections_each: how many may be open at the same time, of all addresses and of one.
        message_bytes, message_s: how long a message may be, and how long its arrival may take.
        idle_s: how long a connection may stand open between messages.
    """

    host: str = "0.0.0.0"
    port: Listening = 2575
    tls: bool = False
    addresses: Networks = ()
    reports: str = Field(min_length=1)
    connections: int = Field(default=20, ge=1, le=1000)
    connections_each: int = Field(default=5, ge=1, le=1000)
    message_bytes: int = Field(default=2**20, ge=1024, le=2**26)
    message_s: float = Field(default=30, gt=0, le=3600)
    idle_s: float = Field(default=3600, gt=0, le=86400)


class FhirSettings(PacsTable):
    """`[fhir]`: reports by FHIR R4, `POST /fhir/DiagnosticReport` at the address of `[http]`.

    Args:
        token: what a sender shows as its bearer token.
        reports: the site's table of codes and phrases, a file.
        system: what the reporting system is called here.
        accession: system (a URI) of the identifier that is the accession number; "": the identifier of type ACSN.
        match_patient: a report closes no study of a patient whose number it does not have.
    """

    token: str = Field(repr=False)
    reports: str = Field(min_length=1)
    system: str = Field(default="FHIR", min_length=1, max_length=100)
    accession: str = ""
    match_patient: bool = True

    @model_validator(mode="after")
    def _has_a_secret(self) -> Self:
        if not (len(self.token) >= 16 and self.token.isascii() and self.token.isprintable()):  # not shown in the error
            raise ValueError("token needs 16 or more characters of ASCII, such as `openssl rand -hex 32` writes")
        return self


class HttpSettings(PacsTable):
    """`[http]`: where `/metrics`, `/live`, `/ready` and FHIR answer.

    Args:
        tls: with the certificate of [tls]; clients need none.
    """

    host: str = "127.0.0.1"
    port: Listening = 8043
    tls: bool = False


class SyslogSettings(PacsTable):
    """`[syslog]`: where audit events are sent as DICOM audit messages.

    Args:
        transport: udp (RFC 5426), tcp (RFC 6587, octet counting) or tls (RFC 5425), the last with the certificates of
            [tls].
        source: what this installation is called in AuditSourceIdentification.
        every_s: how often new events are looked for.
    """

    host: str = Field(min_length=1)
    port: Annotated[int, Field(ge=1, le=65535)] = 514
    transport: Literal["udp", "tcp", "tls"] = "udp"
    source: str = Field(default="unseen", min_length=1, max_length=100)
    every_s: float = Field(default=5, gt=0, le=3600)

"""An Orthanc of the tests' own: an archive on free ports, storage in a temporary folder, gone when the tests are.

`start_orthanc(folder, modalities={"node": ("TRIAGE", "127.0.0.1", 11112)})` runs one; the fixture `orthanc` is one that
knows no peer. It stores whatever any application entity sends, and answers the queries of those that it knows.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any  # JSON of Orthanc's own

import pytest

AE_TITLE = "ORTHANC"
PLUGINS = Path("/usr/share/orthanc/plugins")
_ATTEMPTS = 5  # a free port may be taken by another process before Orthanc has it
_LOOK_S = 0.02

Modality = tuple[str, str, int]  # AE title, host, port


class OrthancError(RuntimeError):
    """Orthanc did not start, or refused a request; the message holds what it wrote."""


@dataclass(kw_only=True)
class Orthanc:
    """A running Orthanc; `stop` and `start` make an outage: what it stored stays.

    Args:
        folder: storage, index, configuration and log.
        ae_title: its own.
        dicom_port: where it listens for DIMSE, on 127.0.0.1.
        http_port: where it listens for its own API, DICOMweb and its web pages.
    """

    program: str
    folder: Path
    ae_title: str
    dicom_port: int
    http_port: int
    settings: Mapping[str, Any]
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """Address of its API and of Orthanc Explorer (`/app/explorer.html`)."""
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def dicomweb(self) -> str:
        """The base address of QIDO-RS, WADO-RS and STOW-RS."""
        return f"{self.url}/dicom-web"

    @property
    def log(self) -> str:
        """Its log of this run and earlier ones."""
        return (self.folder / "orthanc.log").read_text(encoding="utf-8", errors="replace")

    def start(self) -> None:
        """Start it and wait until it answers. Raises OrthancError where it ends instead."""
        configuration = self.folder / "orthanc.json"
        configuration.write_text(json.dumps(self._configuration(), indent=1), encoding="utf-8")
        with (self.folder / "orthanc.log").open("ab") as log:
            self._process = subprocess.Popen([self.program, str(configuration)], stdout=log, stderr=log)
        while True:
            if self._process.poll() is not None:
                raise OrthancError(f"Orthanc ended with status {self._process.returncode}:\n{self.log[-3000:]}")
            try:
                if (
                    self.json("/system", timeout_s=1.0)["DicomPort"] == self.dicom_port
                ):  # another one may have had the port
                    return
            except OSError:  # not yet listening; or whoever has the port keeps silent
                pass
            time.sleep(_LOOK_S)

    def stop(self, *, kill: bool = False) -> None:
        """End it, by SIGTERM or by SIGKILL, and wait until it is over."""
        if self._process is None:
            return
        self._process.kill() if kill else self._process.terminate()
        self._process.wait()
        self._process = None

    def request(
        self, path: str, *, data: bytes | None = None, method: str | None = None, timeout_s: float = 60.0
    ) -> bytes:
        """Return its API's answer to GET, or to POST where there are data.

        Raises OrthancError where it answers with an error, OSError where it does not answer.
        """
        asked = urllib.request.Request(f"{self.url}{path}", data=data, method=method)
        try:
            with urllib.request.urlopen(asked, timeout=timeout_s) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            raise OrthancError(f"{error.code} for {path}: {error.read().decode(errors='replace')}") from error

    def json(self, path: str, *, data: bytes | None = None, timeout_s: float = 60.0) -> Any:  # Any: JSON
        """Return the same, parsed: `json("/instances")`, `json("/tools/find", data=b'{…}')`."""
        return json.loads(self.request(path, data=data, timeout_s=timeout_s))

    def put(self, file: bytes) -> dict[str, Any]:
        """Store a DICOM file by its API; the answer names the instance and says `Success` or `AlreadyStored`."""
        stored: dict[str, Any] = self.json("/instances", data=file)
        return stored

    def instances(self) -> dict[str, str]:
        """SOP Instance UID of all that it holds → the identifier by which its API knows it."""
        found = self.json("/instances?expand")
        return {each["MainDicomTags"]["SOPInstanceUID"]: each["ID"] for each in found}

    def file(self, instance_uid: str) -> bytes:
        """The DICOM file of an instance that it holds."""
        return self.request(f"/instances/{self.instances()[instance_uid]}/file")

    def _configuration(self) -> dict[str, Any]:
        plugins = [str(path) for name in ("OrthancDicomWeb", "OrthancGdcm") if (path := _plugin(name)).exists()]
        return {
            "Name": self.ae_title,
            "StorageDirectory": str(self.folder / "storage"),
            "IndexDirectory": str(self.folder / "storage"),
            "TemporaryDirectory": str(self.folder),
            "DicomAet": self.ae_title,
            "DicomPort": self.dicom_port,
            "DicomCheckCalledAet": True,
            "HttpPort": self.http_port,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            "Plugins": plugins,
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "EnableWado": True},
            "DefaultEncoding": "Utf8",
            "SyncStorageArea": False,
            "SaveJobs": False,
            "DicomAssociationCloseDelay": 0,
            **self.settings,
        }


@contextmanager
def start_orthanc(
    folder: Path,
    *,
    modalities: Mapping[str, Modality | Mapping[str, Any]] | None = None,
    ae_title: str = AE_TITLE,
    program: str = "Orthanc",
    **settings: Any,
) -> Iterator[Orthanc]:
    """Yield a running Orthanc, as a context.

    Args:
        folder: an empty folder that is the caller's alone.
        modalities: name → AE title, host, port of a peer (or Orthanc's own table of one): it answers their queries,
            sends to them by `/modalities/<name>/store`, and reports storage commitment to them.
        settings: more of Orthanc's configuration, or other values: `DicomTlsEnabled=True`.

    Raises OrthancError where it does not start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    settings = {"DicomModalities": {name: _peer(each) for name, each in (modalities or {}).items()}} | settings
    for attempt in range(_ATTEMPTS):
        dicom_port, http_port = free_ports(2)
        orthanc = Orthanc(
            program=program,
            folder=folder,
            ae_title=ae_title,
            dicom_port=dicom_port,
            http_port=http_port,
            settings=settings,
        )
        try:
            orthanc.start()
        except OrthancError:
            if attempt == _ATTEMPTS - 1 or "in use" not in orthanc.log:
                raise
            (folder / "orthanc.log").unlink()
        else:
            break
    try:
        yield orthanc
    finally:
        orthanc.stop(kill=True)  # SIGTERM takes three seconds, and what it stored is thrown away


def free_ports(count: int) -> list[int]:
    """So many different ports of 127.0.0.1 where nobody listens."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def _plugin(name: str) -> Path:
    return Path(os.environ.get("ORTHANC_PLUGINS") or PLUGINS) / f"lib{name}.so"


def _peer(modality: Modality | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(modality, Mapping):
        return dict(modality)
    title, host, port = modality
    return {"AET": title, "Host": host, "Port": port, "AllowStorageCommitment": True}


@pytest.fixture
def orthanc(tmp_path: Path, program: Callable[..., str]) -> Iterator[Orthanc]:
    """An empty Orthanc of the test's own, which knows no peer."""
    with start_orthanc(tmp_path / "orthanc", program=program("Orthanc")) as running:
        yield running
    shutil.rmtree(tmp_path / "orthanc", ignore_errors=True)

"""A node over a store of its own, on ports of its own, and peers that talk to it: DCMTK's programs, and pynetdicom."""

from __future__ import annotations

import io
import logging
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmwrite, uid
from pydicom.dataset import Dataset, FileMetaDataset
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.pdu import A_ASSOCIATE_RQ, P_DATA_TF
from pynetdicom.pdu_primitives import A_ASSOCIATE, ImplementationClassUIDNotification, MaximumLengthNotification
from pynetdicom.presentation import build_context

from tests.cli.conftest import say  # noqa: F401  a fixture
from tests.data.making import data_set
from tests.pacs.orthanc_server import free_ports, orthanc  # noqa: F401  a fixture
from tests.system_programs import system_path
from tests.worklist.conftest import (  # noqa: F401  fixtures
    clock,
    folder,
    judge_with,
    lungs_found_once,
    make_place,
    own_place,
    place,
    postgresql,
    screener,
    small_disk,
    sqlite_file,
    store,
)
from unseen_server.pacs.config import PacsConfig
from unseen_server.pacs.node import Node
from unseen_server.worklist.store import Store

CR = str(uid.ComputedRadiographyImageStorage)
DX = str(uid.DigitalXRayImageStorageForPresentation)
VERIFICATION = "1.2.840.10008.1.1"
PATIENCE_S = 30.0
"""For what must come: only a test that fails waits so long."""

logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)


def soon(happened: Callable[[], Any], what: str) -> Any:  # Any: whatever the caller looks for
    """Wait until something is so, and return it."""
    until = time.monotonic() + PATIENCE_S
    while not (found := happened()):
        assert time.monotonic() < until, f"waited {PATIENCE_S:g} s for {what}"
        time.sleep(0.03)
    return found


def film(number: int, *, study: str = "1.2.3.1", syntax: str = uid.ExplicitVRLittleEndian, **tags: Any) -> Dataset:
    """Return a small DX film with file meta information; another number is another instance with other pixels."""
    pixels = np.random.default_rng(number).integers(0, 4095, (48, 48), dtype=np.uint16)
    identity = {
        "SOPInstanceUID": f"1.2.3.4.{number}",
        "StudyInstanceUID": study,
        "SeriesInstanceUID": f"{study}.1",
        "PatientID": "P1",
        "AccessionNumber": "A1",
        "StudyDate": "20260101",
    }
    made = data_set(pixels, bits=12, sop_class=tags.pop("SOPClassUID", DX), **{**identity, **tags})
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = made.SOPClassUID, made.SOPInstanceUID
    meta.TransferSyntaxUID = uid.UID(syntax)
    made.file_meta = meta
    return made


def in_bytes(dataset: Dataset) -> bytes:
    out = io.BytesIO()
    dcmwrite(out, dataset, enforce_file_format=True)
    return out.getvalue()


def peer(name: str = "ward", **more: Any) -> dict[str, Any]:
    """Return a table [[peers]] for somebody on this machine."""
    return {"name": name, "ae_title": name.upper(), "host": "127.0.0.1"} | more


@dataclass
class Running:
    """A node that listens, and its store."""

    node: Node
    store: Store
    reports: list[Any] = field(default_factory=list)

    @property
    def port(self) -> int:
        return self.node.listener.port

    def films(self) -> int:
        """Return the numbers of rows of films and of attachments."""
        with self.store.database.reading() as connection:
            return sum(
                connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()
                for table in ("films", "attachments")
            )


StartNode = Callable[..., Running]


@pytest.fixture
def start_node(folder: Path, sqlite_file: Path) -> Iterator[StartNode]:  # noqa: F811
    """`start_node(peers=[peer()], limits={…})`: a node over the store in `folder`, ended with the test."""
    home = folder / "worklist"
    home.mkdir(mode=0o700)
    shutil.copy(sqlite_file, home)
    with ExitStack() as stack:

        def start(
            *, patience_s: float = 20.0, node: dict[str, Any] | None = None, files: Path | None = None, **settings: Any
        ) -> Running:
            settings = {"host": "127.0.0.1", "port": 0, "peers": [peer()]} | settings
            config = PacsConfig.model_validate(settings)
            config._folder = files or folder
            store = stack.enter_context(Store.open(home, patience_s=patience_s))
            reports: list[Any] = []
            made = Node(config, store, **({"on_report": reports.append} | (node or {})))
            running = Running(made, store, reports)
            stack.enter_context(made)
            return running

        yield start


@contextmanager
def associated(
    port: int,
    contexts: Sequence[tuple[str, Sequence[str]]],
    *,
    ae_title: str = "WARD",
    called: str = "TRIAGE",
    **more: Any,
) -> Iterator[Association]:
    """Yield an association by pynetdicom alone, as a peer opens one; it may have been rejected."""
    ae = AE(ae_title)
    ae.acse_timeout = ae.dimse_timeout = ae.connection_timeout = PATIENCE_S
    found = ae.associate(
        "127.0.0.1",
        port,
        contexts=[build_context(abstract, list(syntaxes)) for abstract, syntaxes in contexts],
        ae_title=called,
        **more,
    )
    try:
        yield found
    finally:
        if found.is_established:
            found.release()


PLAIN = (uid.ExplicitVRLittleEndian,)


def request_for_verification(*, calling: str = "WARD", called: str = "TRIAGE") -> bytes:
    """An A-ASSOCIATE-RQ for verification."""
    primitive = A_ASSOCIATE()
    primitive.application_context_name = "1.2.840.10008.3.1.1.1"
    primitive.calling_ae_title, primitive.called_ae_title = calling, called
    length, implementation = MaximumLengthNotification(), ImplementationClassUIDNotification()
    length.maximum_length_received = 16384
    implementation.implementation_class_uid = uid.UID("1.2.3")
    primitive.user_information = [length, implementation]
    context = build_context(VERIFICATION, list(PLAIN))
    context.context_id = 1
    primitive.presentation_context_definition_list = [context]
    return A_ASSOCIATE_RQ(primitive).encode()


def store_films(port: int, films: Sequence[Dataset], **more: Any) -> list[Dataset]:
    """Return the statuses that a peer gets for each."""
    kinds = {(str(one.SOPClassUID), (str(one.file_meta.TransferSyntaxUID),)) for one in films}
    with associated(port, sorted(kinds), **more) as association:
        assert association.is_established
        return [association.send_c_store(one) for one in films]


def dcmtk(program: str, *words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program, *map(str, words)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PATH": system_path()},
    )


def free_port() -> int:
    """Return a port that nobody listens on now."""
    return free_ports(1)[0]


@dataclass
class Archive:
    """A peer that listens, by pynetdicom alone; `answer` decides the status of what it is sent."""

    port: int
    stored: list[Dataset] = field(default_factory=list)
    events: list[Dataset] = field(default_factory=list)
    asked: list[Dataset] = field(default_factory=list)


@contextmanager
def archive(
    *,
    handlers: Sequence[Any] = (),
    classes: Sequence[str] = (CR, DX, VERIFICATION),
    roles: Sequence[str] = (),
    store_status: Callable[[], int] = lambda: 0x0000,
    ae_title: str = "ARCHIVE",
    port: int = 0,
    **more: Any,
) -> Iterator[Archive]:
    """Yield an archive that takes what it is sent, until the block ends.

    Args:
        roles: classes for which a requestor may take either role.
    """
    ae = AE(ae_title)
    ae.require_called_aet = True
    for one in classes:
        ae.add_supported_context(one, [*PLAIN, uid.ImplicitVRLittleEndian])
    for one in roles:
        ae.add_supported_context(one, [*PLAIN, uid.ImplicitVRLittleEndian], scu_role=True, scp_role=True)

    def on_store(event: evt.Event) -> int:
        status = store_status()
        if status == 0x0000:
            found = event.dataset
            found.file_meta = event.file_meta
            made.stored.append(found)
        return status

    def report(event: evt.Event) -> tuple[int, None]:
        made.events.append(event.event_information)
        return 0x0000, None

    bound = [(evt.EVT_C_STORE, on_store), (evt.EVT_C_ECHO, lambda event: 0x0000), (evt.EVT_N_EVENT_REPORT, report)]
    server = ae.start_server(("127.0.0.1", port), block=False, evt_handlers=[*bound, *handlers], **more)
    made = Archive(server.server_address[1])
    try:
        yield made
    finally:
        server.shutdown()
        for association in ae.active_associations:
            association.abort()


def after_answer(association: Association, act: Callable[[], None]) -> threading.Thread:
    """Do something in a thread as soon as the answer to the request in hand was sent; return the thread."""
    sent = threading.Event()

    def note(event: evt.Event) -> None:
        if isinstance(event.pdu, P_DATA_TF):
            sent.set()

    def wait() -> None:
        if sent.wait(PATIENCE_S):
            act()

    association.bind(evt.EVT_PDU_SENT, note)
    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    return thread


def threads_of(node: Node) -> list[threading.Thread]:
    """Return the threads of the active associations of a node."""
    return [thread for server in node.listener._servers for thread in server.active_associations]

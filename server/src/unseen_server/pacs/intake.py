"""Intake of DICOM objects into the worklist: the header is read, the pixels are not.

The bytes are stored as the peer sent them. A refused object raises `RefusedObjectError`, which has the DIMSE status.
"""

from __future__ import annotations

import io
import logging
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filereader import read_dataset
from pydicom.tag import BaseTag
from pydicom.uid import UID
from pynetdicom import evt
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.dsutils import encode_file_meta

from unseen.artifacts import UserError
from unseen_server.pacs.config import PacsConfig, Peer
from unseen_server.pacs.identifiers import is_ours
from unseen_server.worklist.received_header import ReceivedHeader
from unseen_server.worklist.states import BusyError, DamagedError, NoRoomError, TooLargeError, WorklistError
from unseen_server.worklist.store import Store

_log = logging.getLogger("unseen")

# PS3.4, table B.2-1: the failures of C-STORE
OUT_OF_RESOURCES: Final = 0xA700
DOES_NOT_MATCH: Final = 0xA900
NOT_UNDERSTOOD: Final = 0xC000
TOO_LARGE: Final = 0xC001
BUSY: Final = 0xC002
NOT_STORED: Final = 0xC003
FAILED: Final = 0xC0FF

_CHUNK: Final = 1 << 20
_LAST_GROUP: Final = 0x0027
"""Last group with elements on identity, equipment and relationship; pixels and contents come after it."""


class RefusedObjectError(UserError, RuntimeError):
    """An object that is refused; the message is sent to the peer and has 64 characters at most."""

    def __init__(self, sentence: str, *, status: int) -> None:
        super().__init__(sentence)
        self.status = status


class Discarded(io.BytesIO):
    """Replacement for the buffer of a data set above the limit: it accepts the rest and stores nothing."""

    def write(self, data: object, /) -> int:
        return 0


@dataclass(frozen=True, kw_only=True)
class Taken:
    """An object that was acknowledged: its StudyInstanceUID, and whether this node made the object."""

    study: str
    ours: bool


class Intake:
    """Intake of objects of peers into a store. Threads may share one."""

    def __init__(self, store: Store, config: PacsConfig) -> None:
        self._store, self._config = store, config
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, bool]] = Counter()

    def counts(self) -> dict[tuple[str, bool], int]:
        """Return the number of objects since the start, by peer and by acceptance (True: stored, False: refused)."""
        with self._lock:
            return dict(self._counts)

    def _count(self, peer: Peer, *, taken: bool) -> None:
        with self._lock:
            self._counts[peer.name, taken] += 1

    def take(self, body: io.BytesIO, meta: FileMetaDataset, peer: Peer) -> Taken:
        """Store one object; it is durable when this returns. A film that this node made is acknowledged and not stored.

        Args:
            body: the data set as received, without preamble and file meta information.
            meta: its file meta information: SOP class and instance as announced, and the transfer syntax of `body`.
            peer: the sender.

        Raises:
            RefusedObjectError: the object is refused, and nothing was stored.
        """
        if isinstance(body, Discarded):
            raise RefusedObjectError("The object is above object_bytes of the node.", status=TOO_LARGE)
        dataset = _header_of(body, meta)
        header = ReceivedHeader.of(dataset)
        announced = (str(meta.MediaStorageSOPClassUID), str(meta.MediaStorageSOPInstanceUID))
        if (header.sop_class, header.instance) != announced:
            raise RefusedObjectError("SOP class or instance UID differs from the data set's.", status=DOES_NOT_MATCH)
        ours = is_ours(dataset)
        if ours and header.is_film:
            _log.warning("pacs.own_object peer=%s: acknowledged, not scored", peer.name)
            return Taken(study=header.study, ours=True)
        try:
            self._store.films.receive(
                _pieces(meta, body),
                name=header.instance,
                source=peer.films_source,
                actor=actor_of(peer),
                header=header,
                settle_s=self._config.settles_s(peer),
            )
        except NoRoomError as error:
            raise RefusedObjectError("The disk is full. Send it again later.", status=OUT_OF_RESOURCES) from error
        except TooLargeError as error:
            raise RefusedObjectError("The object is above the limit of the worklist.", status=TOO_LARGE) from error
        except BusyError as error:
            raise RefusedObjectError("The worklist is busy. Send it again.", status=BUSY) from error
        except DamagedError as error:
            _log.error("pacs.damaged %s", error)
            raise RefusedObjectError(
                "The worklist is out of order. Send it again later.", status=OUT_OF_RESOURCES
            ) from error
        except WorklistError as error:
            _log.warning("pacs.not_stored peer=%s: %s", peer.name, error)
            raise RefusedObjectError("The worklist refused the object; see its log.", status=NOT_STORED) from error
        return Taken(study=header.study, ours=ours)

    def answer(self, event: evt.Event, peer: Peer) -> tuple[Dataset, Taken | None]:
        """Return the status for a C-STORE request, and the object if it was taken. No failure ends the association."""
        try:
            assert isinstance(event.request, C_STORE)
            if event.request.DataSet is None:
                raise RefusedObjectError("The request has no data set.", status=NOT_UNDERSTOOD)
            taken = self.take(event.request.DataSet, event.file_meta, peer)
            self._count(peer, taken=True)
            return status_of(0x0000), taken
        except RefusedObjectError as refused:
            self._count(peer, taken=False)
            cause = f" cause={type(refused.__cause__).__name__}" if refused.__cause__ is not None else ""
            _log.warning("pacs.refused peer=%s status=0x%04X why=%s%s", peer.name, refused.status, refused, cause)
            return status_of(refused.status, str(refused)), None
        except Exception:  # a bug of ours must not look like success
            self._count(peer, taken=False)
            _log.exception("pacs.failed peer=%s", peer.name)
            return status_of(FAILED, "The node failed; see its log."), None

    def close_studies(self, studies: Iterable[str], peer: Peer) -> None:
        """Close these studies, which the peer has declared complete."""
        for study in studies:
            try:
                self._store.studies.mark_complete(study, source=peer.films_source, actor=actor_of(peer))
            except WorklistError as error:  # the study is complete after `settle_s` instead
                _log.warning("pacs.study_not_closed peer=%s: %s", peer.name, error)


def status_of(status: int, comment: str = "") -> Dataset:
    """Return a response's status; its comment is cut to 64 characters of the default repertoire (PS3.7, E.1)."""
    answer = Dataset()
    answer.Status = status
    if comment:
        answer.ErrorComment = comment.encode("ascii", "replace").decode()[:64]
    return answer


def actor_of(peer: Peer) -> str:
    """Return a peer's name in the audit trail."""
    return f"{peer.name} (DICOM)"


def _header_of(body: io.BytesIO, meta: FileMetaDataset) -> Dataset:
    """Return the elements up to `_LAST_GROUP`."""

    def after(tag: BaseTag, vr: str | None, length: int) -> bool:
        return tag.group > _LAST_GROUP

    syntax = UID(meta.TransferSyntaxUID)
    body.seek(0)
    try:
        found = read_dataset(body, syntax.is_implicit_VR, syntax.is_little_endian, stop_when=after)
        return Dataset(found)
    except Exception as error:  # pydicom raises many kinds for damaged data
        raise RefusedObjectError("The data set cannot be parsed.", status=NOT_UNDERSTOOD) from error


def _pieces(meta: FileMetaDataset, body: io.BytesIO) -> Iterator[bytes]:
    """Yield the object as a DICOM file (PS3.10), in pieces, so that memory holds it only once."""
    yield bytes(128) + b"DICM" + encode_file_meta(meta)
    body.seek(0)
    while piece := body.read(_CHUNK):
        yield piece

"""A study from a peer into the worklist: C-GET, C-MOVE to this node, or WADO-RS. Films arrive as any others do.

C-MOVE needs a node that runs under our AE title and is known to the peer; the other two need none.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Final, Literal

from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID
from pynetdicom import evt
from pynetdicom.association import Association
from pynetdicom.presentation import PresentationContext, build_context, build_role

from unseen.data import readable_syntaxes, uid_name
from unseen_server.pacs import calling
from unseen_server.pacs.calling import NotReachedError
from unseen_server.pacs.config import PacsConfig, Peer
from unseen_server.pacs.intake import Intake, RefusedObjectError
from unseen_server.pacs.offered_classes import DOCUMENTS_KEPT, FILMS, IMAGES_KEPT, UNCOMPRESSED
from unseen_server.pacs.peer_search import dicomweb, web_failure

MOVE: Final = UID("1.2.840.10008.5.1.4.1.2.2.2")
GET: Final = UID("1.2.840.10008.5.1.4.1.2.2.3")
By = Literal["get", "move", "wado"]

_PATIENCE: Final = 10
"""A peer may bring a study from a tape: it gets ten times its timeout_s for the whole of it."""


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """Result of fetching a study: objects received, and those that did not come, with the sentence of the last."""

    received: int
    failed: int
    sentence: str = ""


def fetch(config: PacsConfig, peer: Peer, study: str, intake: Intake, *, by: By | None = None) -> Fetched:
    """Fetch a study; it is complete for the worklist then.

    Args:
        by: None: WADO-RS where the peer cannot be called by DIMSE; else C-GET, or C-MOVE where it does not offer that.

    Raises NotReachedError: there is no answer, or a refusal.
    """
    if by == "wado" or (by is None and not peer.called):
        fetched = _by_wado(config, peer, study, intake)
    elif by == "move":
        fetched = _by_move(config, peer, study)
    else:
        found = _by_get(config, peer, study, intake)
        if found is None and by == "get":
            raise NotReachedError(f'"{peer.name}" does not offer C-GET. Give --by move, or --by wado')
        fetched = _by_move(config, peer, study) if found is None else found
    if fetched.received and not fetched.failed:
        intake.close_studies([study], peer)
    return fetched


def _wanted(study: str) -> Dataset:
    identifier = Dataset()
    identifier.QueryRetrieveLevel = "STUDY"
    identifier.StudyInstanceUID = study
    return identifier


def _by_get(config: PacsConfig, peer: Peer, study: str, intake: Intake) -> Fetched | None:
    """Fetch by C-GET; None where the peer does not offer it."""
    said: list[str] = []

    def store(event: evt.Event) -> Dataset:
        status, _ = intake.answer(event, peer)
        if status.Status:
            said.append(str(status.get("ErrorComment", "")))
        return status

    # one context a syntax: of several in one context the peer would choose one, and have to convert films to it
    contexts = [build_context(GET, list(UNCOMPRESSED))]
    contexts += [build_context(kind, syntax) for kind in FILMS for syntax in readable_syntaxes()]
    contexts += [build_context(kind, list(UNCOMPRESSED)) for kind in (*IMAGES_KEPT, *DOCUMENTS_KEPT)]
    roles = [build_role(kind, scp_role=True) for kind in (*FILMS, *IMAGES_KEPT, *DOCUMENTS_KEPT)]
    with calling.association(config, peer, contexts, roles=roles, handlers=[(evt.EVT_C_STORE, store)]) as association:
        if not _takes(association.accepted_contexts, GET):
            return None
        association.dimse_timeout = peer.timeout_s * _PATIENCE
        return _followed(peer, association, study, said)


def _by_move(config: PacsConfig, peer: Peer, study: str) -> Fetched:
    with calling.association(config, peer, [build_context(MOVE, list(UNCOMPRESSED))]) as association:
        association.dimse_timeout = peer.timeout_s * _PATIENCE
        return _followed(peer, association, study, [], to=config.ae_title)


def _followed(peer: Peer, association: Association, study: str, said: list[str], *, to: str | None = None) -> Fetched:
    """Return the count of sub-operations in the last answer of C-GET, or of C-MOVE `to` an AE title (PS3.4, C.4.2,
    C.4.3).
    """
    wanted = _wanted(study)
    answers = association.send_c_get(wanted, GET) if to is None else association.send_c_move(wanted, to, MOVE)
    last = Dataset()
    for status, _ in answers:
        last = status
    if "Status" not in last:
        raise calling.no_answer(peer, "the request for a study")
    if last.Status == 0xA801:
        raise NotReachedError(
            f'"{peer.name}" does not know where {to} is. Add this AE title, its host and port to the list of that peer'
        )
    received = int(last.get("NumberOfCompletedSuboperations") or 0) + int(last.get("NumberOfWarningSuboperations") or 0)
    failed = int(last.get("NumberOfFailedSuboperations") or 0)
    if last.Status not in (0x0000, 0xB000) and not failed:
        raise NotReachedError(f'"{peer.name}" refused to send the study (status 0x{last.Status:04X})')
    return Fetched(received=received, failed=failed, sentence=said[-1] if said else "")


def _by_wado(config: PacsConfig, peer: Peer, study: str, intake: Intake) -> Fetched:
    received, failed, sentence = 0, 0, ""
    try:
        for one in dicomweb(config, peer).iter_study(study, media_types=(("application/dicom", "*"),)):
            syntax = str(one.file_meta.TransferSyntaxUID)
            kind = str(one.SOPClassUID)
            known = readable_syntaxes() if kind in (*FILMS, *IMAGES_KEPT) else UNCOMPRESSED
            if kind not in (*FILMS, *IMAGES_KEPT, *DOCUMENTS_KEPT) or syntax not in known:
                failed, sentence = failed + 1, f"{uid_name(kind)} in {uid_name(syntax)} is not taken"
                continue
            try:
                intake.take(*_encoded(one), peer)
                received += 1
            except RefusedObjectError as refused:
                failed, sentence = failed + 1, str(refused)
    except OSError as error:  # what requests raises is one
        raise web_failure(peer, error, "the request for a study") from error
    return Fetched(received=received, failed=failed, sentence=sentence)


def _encoded(one: Dataset) -> tuple[io.BytesIO, FileMetaDataset]:
    """Return the data set as it came, and its file meta information."""
    body, meta = io.BytesIO(), one.file_meta
    syntax = UID(meta.TransferSyntaxUID)
    dcmwrite(body, Dataset(one), implicit_vr=syntax.is_implicit_VR, little_endian=syntax.is_little_endian)
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = one.SOPClassUID, one.SOPInstanceUID
    return body, meta


def _takes(contexts: list[PresentationContext], kind: UID) -> bool:
    return any(context.abstract_syntax == kind for context in contexts)

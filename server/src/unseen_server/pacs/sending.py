"""Objects to a peer: C-STORE, or STOW-RS where it has DICOMweb and no AE title. One outcome for each object.

A refusal is a failure, whatever else went well: `Accepted` means that the peer has confirmed this very object.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pydicom.dataset import Dataset
from pydicom.uid import UID
from pynetdicom.association import Association
from pynetdicom.presentation import PresentationContext, build_context
from pynetdicom.status import code_to_category

from unseen_server.pacs import calling
from unseen_server.pacs.calling import NotReachedError
from unseen_server.pacs.config import PacsConfig, Peer
from unseen_server.pacs.offered_classes import UNCOMPRESSED
from unseen_server.pacs.peer_search import dicomweb, web_failure

NOT_SUPPORTED: Final = 0x0122
_REFUSED: Final = {
    0xA7: "is out of resources",
    0xA9: "finds that the object does not match its SOP class",
    0xC0: "cannot understand the object",
}
_UNTRIED: Final = (408, 429, 500, 502, 503, 504)
"""HTTP statuses that say nothing of the object: it is to be sent again."""


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """The peer has stored the instance; `note` where it reports that it changed something."""

    instance: str
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class RefusedInstance:
    """The peer has refused the instance, with this status (DIMSE, or HTTP below 0x1000 by STOW-RS)."""

    instance: str
    status: int
    sentence: str


@dataclass(frozen=True, kw_only=True)
class NotReached:
    """Unknown result of a sending: no association, or no answer."""

    instance: str
    sentence: str


Outcome = Accepted | RefusedInstance | NotReached


def send(config: PacsConfig, peer: Peer, objects: Sequence[Dataset]) -> list[Outcome]:
    """Send objects with file meta information to a peer; the outcomes are in their order."""
    if not peer.called and peer.dicomweb:
        return [_stow(config, peer, one) for one in objects]
    outcomes: list[Outcome] = []
    try:
        with calling.association(config, peer, _contexts(objects)) as association:
            for one in objects:
                outcomes.append(_store(peer, association, one))
    except NotReachedError as error:
        outcomes += [NotReached(instance=_uid(one), sentence=str(error)) for one in objects[len(outcomes) :]]
    return outcomes


def _contexts(objects: Sequence[Dataset]) -> list[PresentationContext]:
    wanted: dict[tuple[str, str], list[str | UID]] = {}
    for one in objects:
        syntax = UID(one.file_meta.TransferSyntaxUID)
        key = (str(one.SOPClassUID), str(syntax) if syntax.is_compressed else "")
        wanted[key] = [syntax] if syntax.is_compressed else list(UNCOMPRESSED)
    return [build_context(kind, syntaxes) for (kind, _), syntaxes in wanted.items()]


def _store(peer: Peer, association: Association, one: Dataset) -> Outcome:
    instance, syntax = _uid(one), UID(one.file_meta.TransferSyntaxUID)
    if not any(
        context.abstract_syntax == one.SOPClassUID
        and (
            context.transfer_syntax[0] == syntax
            or not (syntax.is_compressed or context.transfer_syntax[0].is_compressed)
        )
        for context in association.accepted_contexts
    ):
        kind = f"{UID(one.SOPClassUID).name} in {syntax.name}"
        return RefusedInstance(instance=instance, status=NOT_SUPPORTED, sentence=f'"{peer.name}" does not take {kind}')
    try:
        answer = association.send_c_store(one)
    except RuntimeError as error:  # the association has ended since the object before
        raise calling.no_answer(peer, "an object") from error
    if "Status" not in answer:
        raise calling.no_answer(peer, "an object")
    status = int(answer.Status)
    comment = " ".join(str(answer.get("ErrorComment") or "").split())[:64]
    if code_to_category(status) in ("Success", "Warning"):  # a warning: stored, with attributes coerced or discarded
        return Accepted(instance=instance, note=f"0x{status:04X} {comment}".strip() if status else "")
    why = _REFUSED.get(status >> 8, "cannot understand the object" if status >> 12 == 0xC else "refuses the object")
    said = f": {comment}" if comment else ""
    return RefusedInstance(
        instance=instance, status=status, sentence=f'"{peer.name}" {why} (status 0x{status:04X}{said})'
    )


def _stow(config: PacsConfig, peer: Peer, one: Dataset) -> Outcome:
    instance = _uid(one)
    try:
        answer = dicomweb(config, peer).store_instances([one])
    except OSError as error:  # what requests raises is one
        response = getattr(error, "response", None)
        status = 0 if response is None else int(response.status_code)
        sentence = str(web_failure(peer, error, "an object"))
        if not status or status in _UNTRIED:
            return NotReached(instance=instance, sentence=sentence)
        return RefusedInstance(instance=instance, status=status, sentence=sentence)
    for failure in answer.get("FailedSOPSequence") or ():
        reason = int(failure.get("FailureReason", 0x0110))
        return RefusedInstance(
            instance=instance, status=reason, sentence=f'"{peer.name}" refuses the object (reason 0x{reason:04X})'
        )
    if any(str(item.ReferencedSOPInstanceUID) == instance for item in answer.get("ReferencedSOPSequence") or ()):
        return Accepted(instance=instance)
    return NotReached(instance=instance, sentence=f'"{peer.name}" did not say whether it has stored the object')


def _uid(one: Dataset) -> str:
    return str(one.SOPInstanceUID)

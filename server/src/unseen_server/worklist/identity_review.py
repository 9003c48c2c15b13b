"""Review of the studies with one Study Instance UID: identities that agree are joined, others marked as in conflict.

A merge of the patients' numbers (ADT^A40) joins the studies that agree by then, and decides on them again. A copy of a
film that came under another number also counts: its number is kept with the attachment. `identity_conflicts` has the
rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, or_, select

from unseen.screening import AUDIT_SHARE, Policy, study_decision
from unseen_server.worklist import clearing
from unseen_server.worklist.joining import take_in
from unseen_server.worklist.patient_identities import PatientClaim, claim_of, disagreeing_copies
from unseen_server.worklist.statements import rows_of, update_row
from unseen_server.worklist.study_decisions import enter_study, latest, unless_stopped
from unseen_server.worklist.tables import activations, decisions, studies
from unseen_server.worklist.transactions import Found, Writing, decision_of

if TYPE_CHECKING:
    from unseen_server.worklist.states import Act

_REPORTED: Final = ("reported", "reported_elsewhere", "set_aside")


def agreeing_study(
    connection: Connection, uid: str, *, but: int, patient: str | None, issuer: str | None
) -> Found | None:
    """Return the study that disputes a UID under the same patient number and issuer.

    Args:
        connection: a connection.
        uid: pseudonym of the StudyInstanceUID.
        but: number of a study that is left out.
        patient: pseudonym of the patient number.
        issuer: pseudonym of its issuer.

    Returns:
        The study's row; None without one.
    """
    mine = PatientClaim(patient=patient, issuer=issuer)
    return next((one for one in _members(connection, uid) if one.id != but and mine.agrees(claim_of(one))), None)


def review(writing: Writing, uid: str, *, actor: str) -> None:
    """Bring all studies with a StudyInstanceUID to where their identities put them.

    Studies that agree are joined. Where patient numbers or issuers disagree, each study is marked and decided on again:
    a cleared or reported one is opened again, and its new result goes out. Where they agree by now, the mark is
    removed.

    Args:
        writing: a transaction that is alone.
        uid: pseudonym of the StudyInstanceUID.
        actor: for the audit trail.
    """
    connection = writing.connection
    kept: list[Found] = []
    reopened: dict[int, bool] = {}
    for study in sorted(_members(connection, uid), key=lambda one: (one.uid != uid, one.id)):
        place = next((i for i, one in enumerate(kept) if claim_of(one).agrees(claim_of(study))), None)
        if place is None:
            kept.append(study)
            continue
        target = kept[place]
        late = target.state in _REPORTED and study.state not in _REPORTED
        reopened[target.id] = reopened.get(target.id, False) or late
        take_in(writing, target, study, actor=actor)
        named = {key: getattr(study, key) for key in ("patient", "issuer", "accession") if getattr(target, key) is None}
        values = {"uid": uid} if target.uid is None and study.uid == uid else {}
        if values | named:
            update_row(connection, studies, target.id, values | named)
        kept[place] = rows_of(connection, studies, id=target.id).one()
    disputed = len(kept) > 1 or bool(disagreeing_copies(connection, kept))
    for study in kept:
        marked = study.disputed_uid is not None
        if marked != disputed:
            value = uid if disputed else None
            update_row(connection, studies, study.id, {"disputed_uid": value})
            writing.log(actor, "study.identity_disputed" if disputed else "study.identity_settled", study.public_id)
        if marked != disputed or study.id in reopened:
            reopen = reopened.get(study.id, False) or (disputed and not marked)
            _decide_again(writing, study.id, act="reopen" if reopen else "judge", actor=actor)


def _members(connection: Connection, uid: str) -> Sequence[Found]:
    """Return the studies with this UID, and those that dispute it."""
    of_uid = or_(studies.c.uid == uid, studies.c.disputed_uid == uid)
    return connection.execute(select(studies).where(of_uid).order_by(studies.c.id)).all()


def _decide_again(writing: Writing, number: int, *, act: Act, actor: str) -> None:
    """Decide on a study by what is known of its films; nothing where none of them was judged: a worker will."""
    connection = writing.connection
    study = rows_of(connection, studies, id=number).one()
    of_it = select(decisions).where(decisions.c.study_id == number).order_by(decisions.c.id.desc()).limit(1)
    last = connection.execute(of_it).one_or_none()
    judged = latest(writing, number)
    if last is None or not judged:
        return
    whole = study_decision(judged, policy_digest=decision_of(last).policy_digest)
    whole = unless_stopped(whole, clearing.stopped(connection, whole.policy_digest))
    share = _audit_share(connection, whole.policy_digest)
    digest = last.model_digest
    enter_study(writing, study, whole, last.model, model_digest=digest, audit_share=share, actor=actor, act=act)


def _audit_share(connection: Connection, digest: str) -> float:
    """Return the share of cleared studies that is read all the same; the default if no activation of it is stored."""
    kept = select(activations.c.policy).where(activations.c.policy_digest == digest, activations.c.policy.is_not(None))
    policy = connection.execute(kept.limit(1)).scalar_one_or_none()
    return AUDIT_SHARE if policy is None else Policy.model_validate_json(policy).audit_share

"""Reports and merges in HL7 messages that arrive: ORU^R01 to reports, ADT^A40 to merges of patients.

Pure functions over what `hl7_parsing` reads.
An ORU has an OBR for each thing that was ordered, and the OBX after it; those of one accession number are one report.
A message is read once from its begin to its end, and its identifiers and orders are counted (`MOST_IDENTIFIERS`,
`MOST_ORDERS`) before anything is looked up: the work grows as the message does.
HL7 v2.5.1, sections 7.3.1 (ORU), 7.4.1.25 and table 0123 (OBR-25), 7.4.2.11 and table 0085 (OBX-11), 3.3.40 (A40).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from unseen_server.pacs.hl7_parsing import Hl7Error, Message, Segment, time_us
from unseen_server.pacs.report_intake import MOST_IDENTIFIERS, MOST_ORDERS, ReceivedReport

if TYPE_CHECKING:
    from unseen_server.pacs.non_dicom_settings import Hl7Fields
    from unseen_server.worklist.outside_reports import Status

PRELIMINARY: Final = frozenset("OISARPMN")
"""Ordered, in progress, scheduled, some results, not verified, preliminary, part of several, results pending."""
GONE: Final = frozenset("DWX")  # deleted, wrong (of another patient), cannot be had
_USED: Final = frozenset((("ORU", "R01"), ("ADT", "A40")))
_TRIAL: Final = {"T": "training", "D": "debugging"}
_TEXTS: Final = frozenset(("TX", "FT", "ST"))
_CODED: Final = frozenset(("CE", "CWE", "CNE", "CF", "IS", "ID"))


@dataclass(frozen=True, kw_only=True)
class Merge:
    """Two numbers of one patient: the one given up, the one that stays, and whose numbers they are."""

    prior: str = field(repr=False)
    surviving: str = field(repr=False)
    issuer: str | None


@dataclass(kw_only=True)
class _Order:
    """An OBR with the segments around it that belong to it."""

    request: Segment
    before: list[Segment]
    after: list[Segment] = field(default_factory=list)
    patients: tuple[str, ...] = ()


def not_used(message: Message) -> str:
    """Return the reason why a message is acknowledged without effect; "" if it has one.

    Raises Hl7Error where MSH-9 names no type.
    """
    code, event = message.kind
    if not re.fullmatch("[A-Z][A-Z0-9]{2}", code):
        raise Hl7Error("MSH-9 names no type of message, such as ORU^R01.")
    if (trial := message.header.part(11).upper()) in _TRIAL:
        return f"Not used: MSH-11 is {trial} ({_TRIAL[trial]})."
    if (code, event) in _USED:
        return ""
    return f"Not used: messages {'^'.join(filter(None, (code, event)))[:20]} have no effect here."


def system_of(message: Message, fields: Hl7Fields) -> str:
    """Return the name of the sending system, in letters that a log may contain."""
    own = "/".join(filter(None, (message.header.part(3), message.header.part(4))))
    said = fields.system or own or "HL7"
    return "".join(letter if letter.isprintable() else "?" for letter in said)[:100]


def reports_of(message: Message, fields: Hl7Fields) -> list[ReceivedReport]:
    """Return the reports of an ORU^R01, one for each accession number. Raises Hl7Error."""
    orders = _orders(message)
    if not orders:
        raise Hl7Error("The message has no segment OBR, so it reports nothing.")
    shared = _shared(message, (*fields.accession, *fields.study_uid))
    alike: dict[tuple[str, str], list[_Order]] = {}
    for number, order in enumerate(orders, start=1):
        accession, uid = _first(order, fields.accession, shared), _first(order, fields.study_uid, shared)
        if not accession and not uid:
            raise Hl7Error(
                f"OBR {number} has no accession number: {', '.join(fields.accession)} are empty. Send it there, or set "
                "accession in [hl7]."
            )
        alike.setdefault((accession, uid), []).append(order)
    system = system_of(message, fields)
    return [
        _report(of_one, message=message, system=system, accession=accession, uid=uid, fields=fields)
        for (accession, uid), of_one in alike.items()
    ]


def _orders(message: Message) -> list[_Order]:
    """Return the orders of a message, each once, with what follows it. Raises Hl7Error above `MOST_ORDERS`."""
    found: dict[object, _Order] = {}
    latest: _Order | None = None
    patient: Segment | None = None
    patients: tuple[str, ...] | None = ()
    waiting: list[Segment] = []
    for segment in message.segments[1:]:
        if segment.name == "PID":
            patient, patients, waiting = segment, None, []
        elif segment.name == "ORC":
            waiting = [segment]
        elif segment.name == "OBR":
            _keep(found, latest)
            if patients is None:
                patients = () if patient is None else identifiers_of(patient)
            latest = _Order(request=segment, before=waiting, patients=patients)
            waiting = []
        elif latest is not None:
            latest.after.append(segment)
    _keep(found, latest)
    return list(found.values())


def _keep(found: dict[object, _Order], order: _Order | None) -> None:
    """Add an order that is not there yet; OBR-1, its number, does not distinguish two."""
    if order is None:
        return
    segments = (order.request, *order.before, *order.after)
    found.setdefault((tuple(order.request.fields[2:]), *(tuple(one.fields) for one in segments[1:])), order)
    if len(found) > MOST_ORDERS:
        raise Hl7Error(f"The message has more than {MOST_ORDERS} different OBR, the limit. Send fewer in a message.")


def identifiers_of(patient: Segment) -> tuple[str, ...]:
    """Return the different numbers of PID-3. Raises Hl7Error above `MOST_IDENTIFIERS`."""
    return tuple(dict.fromkeys(number for _, number in _authorities(patient, 3) if number))


def _authorities(segment: Segment, field_number: int) -> list[tuple[str, str]]:
    """Return the assigning authority and the number of each different repetition. Raises Hl7Error above the limit."""
    repetitions = dict.fromkeys(segment.repetitions(field_number))
    found = dict.fromkeys(
        (segment.part(field_number, 4, of=one), segment.part(field_number, of=one)) for one in repetitions
    )
    if len(found) > MOST_IDENTIFIERS:
        raise Hl7Error(
            f"{segment.name}-{field_number} has {len(found)} different numbers, the limit is {MOST_IDENTIFIERS}. "
            "Send the numbers of one patient."
        )
    return list(found)


def _shared(message: Message, places: Sequence[str]) -> dict[str, str]:
    """Return the values of the segments IPC and ZDS, which occur once for all orders, by their place."""
    found: dict[str, str] = {}
    for segment in message.segments:
        for place in places if segment.name in ("ZDS", "IPC") else ():
            name, number = place.split("-")
            if segment.name == name and place not in found and (value := segment.part(int(number))):
                found[place] = value
    return found


def _first(order: _Order, places: Sequence[str], shared: Mapping[str, str]) -> str:
    """Return the first of these fields that is filled."""
    for place in places:
        name, number = place.split("-")
        for segment in (order.request, *order.before, *order.after):
            if segment.name == name and (value := segment.part(int(number))):
                return value
        if place in shared:
            return shared[place]
    return ""


def _report(
    orders: list[_Order], *, message: Message, system: str, accession: str, uid: str, fields: Hl7Fields
) -> ReceivedReport:
    codes: list[str] = []
    texts: list[str] = []
    statuses: list[Status] = []
    issued: list[int] = []
    for order in orders:
        observations = [one for one in order.after if one.name == "OBX"]
        statuses.append(_status(order.request, observations))
        if (moment := time_us(order.request.part(22))) is not None:
            issued.append(moment)
        for one in observations:
            if one.part(11) not in GONE and _is_wanted(one, fields.observations):
                _read(one, codes, texts)
    return ReceivedReport(
        system=system,
        accession=accession,
        study_uid=uid,
        patients=orders[0].patients if fields.match_patient else (),
        status=_together(statuses),
        codes=tuple(codes),
        text="\n".join(texts),
        issued_us=max(issued, default=None),
        sent_us=time_us(message.header.part(7)),
    )


def _is_wanted(observation: Segment, wanted: Sequence[str]) -> bool:
    identifier = observation.part(3)
    whole, _, suffix = identifier.partition("&")
    return not wanted or identifier in wanted or whole in wanted or (bool(suffix) and f"&{suffix}" in wanted)


def _read(observation: Segment, codes: list[str], texts: list[str]) -> None:
    """Add the codes and the text of an OBX; an abnormal flag counts as the code `OBX-8=A`."""
    kind = observation.part(2)
    if kind in _TEXTS:
        texts.append(observation.text(5))
    elif kind in _CODED:
        for one in observation.repetitions(5):
            found = [code for code in (observation.part(5, 1, of=one), observation.part(5, 4, of=one)) if code]
            codes.extend(found)
            if not found:
                texts.append(observation.part(5, 2, of=one))
    codes.extend(f"OBX-8={observation.part(8, of=one)}" for one in observation.repetitions(8))


def _status(request: Segment, observations: Sequence[Segment]) -> Status:
    """Return the status of a report, by OBR-25, and if that is empty or final by OBX-11 as well."""
    said = request.part(25)
    each = [one.part(11) for one in observations]
    if said in PRELIMINARY:
        return "preliminary"
    if said == "X" or (each and all(one in GONE for one in each)):
        return "withdrawn"
    if said not in ("", "F", "C"):
        raise Hl7Error(f'OBR-25 is "{said[:10]}", which is no status of a result (HL7 table 0123).')
    if said == "C" or "C" in each:
        return "corrected"
    if not said and each and all(one in PRELIMINARY for one in each if one not in GONE):
        return "preliminary"
    return "final"


def _together(statuses: Sequence[Status]) -> Status:
    """Return the status of a report of several parts: it is final when all of it is."""
    if "preliminary" in statuses:
        return "preliminary"
    if all(one == "withdrawn" for one in statuses):
        return "withdrawn"
    return "corrected" if "corrected" in statuses else "final"


def merges_of(message: Message, fields: Hl7Fields) -> list[Merge]:
    """Return the merges of an ADT^A40: MRG names numbers that are given up, the PID before it those that stay.

    None where each patient is merged with itself. Raises Hl7Error where it is not clear which number takes the place
    of which, and above `MOST_IDENTIFIERS` merges.
    """
    found: dict[Merge, None] = {}
    named = False
    patient: Segment | None = None
    stay: list[tuple[str, str]] | None = None
    for segment in message.segments:
        if segment.name == "PID":
            patient, stay = segment, None
        elif segment.name == "MRG":
            if patient is None:
                raise Hl7Error("A segment MRG comes before any PID: nobody knows whose number stays.")
            if stay is None:
                stay = [one for one in _authorities(patient, 3) if one[1]]
            given_up = _authorities(segment, 1)
            named = named or bool(given_up)
            found |= dict.fromkeys(_merges(stay, given_up, fields))
            if len(found) > MOST_IDENTIFIERS:
                raise Hl7Error(
                    f"The message has more than {MOST_IDENTIFIERS} merges, the limit. Send fewer in a message."
                )
    if not named:
        raise Hl7Error("The message merges nothing: it has no segment MRG with a number in MRG-1.")
    return list(found)


def _merges(stay: list[tuple[str, str]], given_up: list[tuple[str, str]], fields: Hl7Fields) -> list[Merge]:
    found = []
    for authority, prior in given_up:
        fitting = [number for issuer, number in stay if issuer == authority] or (
            [stay[0][1]] if len(stay) == 1 and not (authority and stay[0][0]) else []
        )
        if not prior or len(set(fitting)) != 1:
            raise Hl7Error(
                "A number of MRG-1 has no counterpart in PID-3, or several. Give one number of the same assigning "
                "authority in each."
            )
        if fitting[0] != prior:
            issuer = authority.split("&")[0] or None
            found.append(Merge(prior=prior, surviving=fitting[0], issuer=issuer if fields.match_issuer else None))
    return found

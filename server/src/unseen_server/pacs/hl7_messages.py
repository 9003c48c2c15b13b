"""What HL7 messages say: ORU^R01 to reports, ADT^A40 to merges of patients. Pure functions over `er7`.

An ORU has an OBR for each thing that was ordered, and the OBX after it; those of one accession number are one report.
HL7 v2.5.1, sections 7.3.1 (ORU), 7.4.1.25 and table 0123 (OBR-25), 7.4.2.11 and table 0085 (OBX-11), 3.3.40 (A40).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from unseen_server.pacs.er7 import Hl7Error, Message, Segment, time_us
from unseen_server.pacs.report_intake import ReceivedReport

if TYPE_CHECKING:
    from unseen_server.pacs.report_settings import Hl7Fields
    from unseen_server.worklist.outside_reports import Status

PRELIMINARY: Final = frozenset("OISARP")  # ordered, in progress, scheduled, some results, not verified, preliminary
GONE: Final = frozenset("DWX")  # deleted, wrong (of another patient), cannot be had
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


def system_of(message: Message, fields: Hl7Fields) -> str:
    """What the sending system is called: of letters that a log may hold."""
    own = "/".join(filter(None, (message.header.part(3), message.header.part(4))))
    said = fields.system or own or "HL7"
    return "".join(letter if letter.isprintable() else "?" for letter in said)[:100]


def reports_of(message: Message, fields: Hl7Fields) -> list[ReceivedReport]:
    """The reports of an ORU^R01, one for each accession number. Raises Hl7Error."""
    orders = _orders(message)
    if not orders:
        raise Hl7Error("The message has no segment OBR, so it reports nothing.")
    alike: dict[tuple[str, str], list[_Order]] = {}
    for number, order in enumerate(orders, start=1):
        accession, uid = _first(order, fields.accession), _first(order, fields.study_uid)
        if not accession and not uid:
            raise Hl7Error(
                f"OBR {number} has no accession number: {', '.join(fields.accession)} are empty. Send it there, or set "
                "accession in [hl7]."
            )
        alike.setdefault((accession, uid), []).append(order)
    system = system_of(message, fields)
    return [
        _report(of_one, system=system, accession=accession, uid=uid, fields=fields)
        for (accession, uid), of_one in alike.items()
    ]


def _orders(message: Message) -> list[_Order]:
    found: list[_Order] = []
    patients: tuple[str, ...] = ()
    waiting: list[Segment] = []
    for segment in message.segments[1:]:
        if segment.name == "PID":
            numbers = (segment.part(3, of=one) for one in segment.repetitions(3))
            patients, waiting = tuple(filter(None, numbers)), []
        elif segment.name == "ORC":
            waiting = [segment]
        elif segment.name == "OBR":
            found.append(_Order(request=segment, before=waiting, patients=patients))
            waiting = []
        elif found:
            found[-1].after.append(segment)
    for order in found:  # IPC and ZDS stand once, for all that follow or went before
        order.after += [one for one in message.segments if one.name in ("ZDS", "IPC") and one not in order.after]
    return found


def _first(order: _Order, places: Sequence[str]) -> str:
    """The first of these fields that is filled."""
    for place in places:
        name, number = place.split("-")
        for segment in (order.request, *order.before, *order.after):
            if segment.name == name and (value := segment.part(int(number))):
                return value
    return ""


def _report(orders: list[_Order], *, system: str, accession: str, uid: str, fields: Hl7Fields) -> ReceivedReport:
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
    """How far a report is, by OBR-25, and where that is empty or final by OBX-11 as well."""
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
    """The status of a report of several parts: it is final when all of it is."""
    if "preliminary" in statuses:
        return "preliminary"
    if all(one == "withdrawn" for one in statuses):
        return "withdrawn"
    return "corrected" if "corrected" in statuses else "final"


def merges_of(message: Message, fields: Hl7Fields) -> list[Merge]:
    """The merges of an ADT^A40: MRG names numbers that are given up, the PID before it those that stay.

    Raises Hl7Error where it is not clear which number takes the place of which.
    """
    found: list[Merge] = []
    patient: Segment | None = None
    for segment in message.segments:
        if segment.name == "PID":
            patient = segment
        elif segment.name == "MRG":
            if patient is None:
                raise Hl7Error("A segment MRG comes before any PID: nobody knows whose number stays.")
            found += _merges(patient, segment, fields)
    if not found:
        raise Hl7Error("The message merges nothing: it has no segment MRG with a number in MRG-1.")
    return found


def _merges(patient: Segment, merge: Segment, fields: Hl7Fields) -> list[Merge]:
    stay = [(patient.part(3, 4, of=one), patient.part(3, of=one)) for one in patient.repetitions(3)]
    stay = [one for one in stay if one[1]]
    found = []
    for one in merge.repetitions(1):
        authority, prior = merge.part(1, 4, of=one), merge.part(1, of=one)
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

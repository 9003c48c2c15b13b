"""Header of a DICOM object that was received, and objects that are no film: kept with their study, never listed.

An object that is not a CR or DX For Presentation, such as a report or the For Processing image, is no film.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from pydicom.multival import MultiValue

from unseen.data import FILM_CLASSES
from unseen_server.worklist.patient_merging import patient_of
from unseen_server.worklist.stored_text import clean
from unseen_server.worklist.tables import attachments
from unseen_server.worklist.transactions import Found, Writing

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


_LONGEST_UID = 64


@dataclass(frozen=True, kw_only=True)
class ReceivedHeader:
    """The few attributes of a DICOM object by which it is taken in, as written; "" where one is absent.

    Args:
        intent: Presentation Intent Type (PS3.3 C.8.11.7).

    >>> ReceivedHeader(sop_class="1.2.840.10008.5.1.4.1.1.1").is_film
    True
    >>> ReceivedHeader(sop_class="1.2.840.10008.5.1.4.1.1.88.33").is_film
    False
    """

    sop_class: str
    instance: str = field(default="", repr=False)
    study: str = field(default="", repr=False)
    patient: str = field(default="", repr=False)
    issuer: str = field(default="", repr=False)
    accession: str = field(default="", repr=False)
    intent: str = ""

    @classmethod
    def of(cls, dataset: Dataset) -> Self:
        """Return the header of a data set; attributes that cannot be parsed count as absent."""

        def text(keyword: str) -> str:
            try:
                value = dataset.get(keyword)
            except Exception:  # pydicom raises many kinds for damaged values; the film is kept all the same
                return ""
            if isinstance(value, MultiValue):  # a backslash in it; joined as the film's decoder does
                value = "\\".join(map(str, value))
            return "" if value is None else clean(str(value)).strip()

        return cls(
            sop_class=text("SOPClassUID"),
            instance=text("SOPInstanceUID"),
            study=text("StudyInstanceUID"),
            patient=text("PatientID"),
            issuer=text("IssuerOfPatientID"),
            accession=text("AccessionNumber"),
            intent=text("PresentationIntentType").upper(),
        )

    @property
    def is_film(self) -> bool:
        """A CR or a DX, For Presentation: it is listed and scored."""
        return self.sop_class in FILM_CLASSES and self.intent in ("", "FOR PRESENTATION")

    @property
    def identifiers(self) -> dict[str, str]:
        """Identifiers with the names of `Film.identifiers`, without those that are absent."""
        named = {
            "PatientID": self.patient,
            "IssuerOfPatientID": self.issuer,
            "StudyInstanceUID": self.study,
            "SOPInstanceUID": self.instance,
            "AccessionNumber": self.accession,
        }
        return {keyword: value for keyword, value in named.items() if value}


def attach(writing: Writing, header: ReceivedHeader, sha256: str, size: int, *, source: str, actor: str) -> Found:
    """Keep an object that is no film with its study; returns its row."""
    names = writing.names
    public_id = f"f-{names.sealed('film', sha256)[:20]}"
    row = writing.connection.execute(
        attachments.insert()
        .values(
            public_id=public_id,
            uid=names.of("study", header.study) if header.study else None,
            patient=patient_of(writing.connection, names.of("patient", header.patient)) if header.patient else None,
            issuer=names.of("issuer", header.issuer) if header.issuer else None,
            instance=names.of("instance", header.instance) if header.instance else None,
            sop_class=header.sop_class[:_LONGEST_UID],
            sha256=sha256,
            bytes=size,
            source=source,
            changed="[]",
            received_us=writing.now_us,
        )
        .returning(*attachments.c)
    ).one()
    writing.log(actor, "object.received", public_id, bytes=size, source=source, sop_class=row.sop_class)
    return row

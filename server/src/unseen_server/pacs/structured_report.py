"""The structured report: a Comprehensive SR (PS3.3, A.35.3), PRELIMINARY and UNVERIFIED: nobody has read it.

Where a film has a strongest place it is a measurement report (PS3.16, TID 1500). The containers, in this order:

- *Image Library* (TID 1600): the study's films.
- *Imaging Measurements*: a group for each film that has a strongest place (TID 1410): the point, the score and what is
  known of its rank. Every group has a point: OHIF 3 stops at a group without one.
- *Qualitative Evaluations*: decision, reason, rank, digests and the sentence on research use, in words.

Without any place it is a basic imaging report (TID 2000), *X-Ray Report*: the same without measurements, its words
under *Findings*. OHIF 3 shows a report of this title as text, and fails at a measurement report without a point.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from highdicom import sr
from highdicom.coding_schemes import CodingSchemeIdentificationItem
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import ComprehensiveSRStorage

from unseen.artifacts import LIMITS
from unseen_server.pacs import identifiers
from unseen_server.pacs.study_result import DECISIONS, strongest_place

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pydicom.sr.coding import Code

    from unseen_server.pacs.study_result import FilmResult, Replaced, StudyResult

SCHEME: Final = "99UNSEEN"
"""The coding scheme of what no standard has a code for; identified in each report (PS3.3, C.12.1.1.7)."""


def concept(value: str, meaning: str) -> sr.CodedConcept:
    """Return a code of our own."""
    return sr.CodedConcept(value=value, scheme_designator=SCHEME, meaning=meaning)


SCORE: Final = concept("score", "Anomaly score")
PROBABILITY: Final = concept("probability", "Probability of being abnormal")
PERCENTILE: Final = concept("percentile", "Share of reference films with a lower score")
DECISION: Final = concept("decision", "Decision")
STUDY_PROBABILITY: Final = concept("study-probability", "Probability of being abnormal, of the study")
PRIORITY: Final = concept("priority", "Priority; higher is read earlier")
REASON: Final = concept("reason", "Reason")
RANK: Final = concept("rank", "Place in the reading list")
POLICY: Final = concept("policy", "Policy, SHA-256")
MODEL: Final = concept("model", "Model weights, SHA-256")
SUPERSEDES: Final = concept("supersedes", "Supersedes")
_PLACE: Final = concept("strongest", "Place that differs most from the reference films")
_CHEST_XRAY: Final = sr.CodedConcept(value="399208008", scheme_designator="SCT", meaning="Plain chest X-ray")
_EVALUATIONS: Final = sr.CodedConcept(value="C0034375", scheme_designator="UMLS", meaning="Qualitative Evaluations")


def structured_report(result: StudyResult) -> Dataset:
    """Return the report of a decision; the headers of its films are repaired.

    Points are in pixels of the film, column first. A report that supersedes earlier ones names them (Predecessor
    Documents Sequence, C.17.2.3).
    """
    evidence = [identifiers.nameless(film.header) for film in result.films]
    report = sr.ComprehensiveSR(
        evidence=evidence,
        content=_content(result, evidence),
        sop_instance_uid=identifiers.instance_uid(site=result.site, decision=result.decision, kind="sr"),
        instance_number=1,
        is_complete=True,
        previous_versions=[_previous(one, evidence[0]) for one in _earlier_reports(result)] or None,
        coding_schemes=[
            CodingSchemeIdentificationItem(
                designator=SCHEME,
                name="Codes of unseen",
                uid=identifiers.CODING_SCHEME,
                responsible_organization=identifiers.MANUFACTURER,
            )
        ],
        **identifiers.shared(result, "sr"),
    )
    return identifiers.finished(report, result, result.films[0].header)


def _content(result: StudyResult, headers: Sequence[Dataset]) -> Dataset:
    groups = [group for film in result.films for group in _group(result, film)]
    report = sr.MeasurementReport(
        observation_context=sr.ObservationContext(
            observer_device_context=sr.ObserverContext(
                observer_type=codes.DCM.Device,
                observer_identifying_attributes=sr.DeviceObserverIdentifyingAttributes(
                    uid=identifiers.DEVICE,
                    name=result.station,
                    manufacturer_name=identifiers.MANUFACTURER,
                    model_name=result.model_name,
                ),
            )
        ),
        procedure_reported=_CHEST_XRAY,
        imaging_measurements=groups or [_empty_group()],
    )
    root: Dataset = report[0]
    *before, measurements = root.ContentSequence
    if groups:
        contents = [*before, _library(headers), measurements, _evaluations(result, _EVALUATIONS)]
    else:
        root.ConceptNameCodeSequence = [sr.CodedConcept.from_code(codes.cid7000.XRayReport)]
        root.ContentTemplateSequence[0].TemplateIdentifier = "2000"
        contents = [*before, _library(headers), _evaluations(result, codes.DCM.Findings)]
    root.ContentSequence = sr.ContentSequence(contents)
    return root


def _group(result: StudyResult, film: FilmResult) -> Iterator[sr.PlanarROIMeasurementsAndQualitativeEvaluations]:
    """TID 1410, of a film that was scored and has a strongest place."""
    place = strongest_place(film)
    if film.score is None or place is None:
        return
    row, column = place
    header = film.header
    measured = [(SCORE, film.score, codes.UCUM.NoUnits)]
    if film.probability is not None:
        measured.append((PROBABILITY, 100.0 * film.probability, codes.UCUM.Percent))
    if film.percentile is not None:
        measured.append((PERCENTILE, film.percentile, codes.UCUM.Percent))
    yield sr.PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(
            uid=identifiers.uid_of("place", result.site, result.decision, header.SOPInstanceUID),
            identifier="Differs most here",
        ),
        referenced_region=sr.ImageRegion(
            graphic_type=sr.GraphicTypeValues.POINT,
            graphic_data=np.array([[column, row]]),
            source_image=sr.SourceImageForRegion(
                referenced_sop_class_uid=header.SOPClassUID, referenced_sop_instance_uid=header.SOPInstanceUID
            ),
        ),
        finding_type=_PLACE,
        algorithm_id=sr.AlgorithmIdentification(
            name=result.model_name,
            version=result.version,
            parameters=[f"weights SHA-256 {result.model_sha256}", f"policy SHA-256 {result.policy_digest or 'none'}"],
        ),
        measurements=[sr.Measurement(name=name, value=float(value), unit=unit) for name, value, unit in measured],
    )


def _empty_group() -> sr.MeasurementsAndQualitativeEvaluations:
    """highdicom wants a group where the standard does not; it is taken out again."""
    return sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(uid=identifiers.DEVICE, identifier="none")
    )


def _library(headers: Sequence[Dataset]) -> sr.ContainerContentItem:
    """TID 1600; highdicom's own wants attributes that films lack."""
    contains = sr.RelationshipTypeValues.CONTAINS
    group = sr.ContainerContentItem(name=codes.DCM.ImageLibraryGroup, relationship_type=contains)
    group.ContentSequence = sr.ContentSequence(
        [
            sr.ImageContentItem(
                name=sr.CodedConcept(value="260753009", scheme_designator="SCT", meaning="Source"),
                referenced_sop_class_uid=header.SOPClassUID,
                referenced_sop_instance_uid=header.SOPInstanceUID,
                relationship_type=contains,
            )
            for header in headers
        ]
    )
    library = sr.ContainerContentItem(name=codes.DCM.ImageLibrary, relationship_type=contains)
    library.ContentSequence = sr.ContentSequence([group])
    return library


def _evaluations(result: StudyResult, heading: sr.CodedConcept | Code) -> sr.ContainerContentItem:
    contains = sr.RelationshipTypeValues.CONTAINS
    words = {
        REASON: result.reason,
        STUDY_PROBABILITY: "not calibrated" if result.probability is None else f"{100 * result.probability:.6g} %",
        RANK: result.rank,
        PRIORITY: f"{result.priority:.6g}",
        MODEL: result.model_sha256,
        POLICY: result.policy_digest,
        SUPERSEDES: "an earlier report on this study, which no longer holds" if _earlier_reports(result) else "",
        sr.CodedConcept.from_code(codes.DCM.Comment): LIMITS,
    }
    decided = sr.CodeContentItem(
        name=DECISION, value=concept(result.action, DECISIONS[result.action]), relationship_type=contains
    )
    texts = [
        sr.TextContentItem(name=name, value=text, relationship_type=contains) for name, text in words.items() if text
    ]
    evaluations = sr.ContainerContentItem(name=heading, relationship_type=contains)
    evaluations.ContentSequence = sr.ContentSequence([decided, *texts])
    return evaluations


def _earlier_reports(result: StudyResult) -> list[Replaced]:
    return [one for one in result.replaces if one.sop_class == ComprehensiveSRStorage]


def _previous(replaced: Replaced, header: Dataset) -> Dataset:
    previous = Dataset()
    previous.StudyInstanceUID, previous.SeriesInstanceUID = header.StudyInstanceUID, replaced.series
    previous.SOPClassUID, previous.SOPInstanceUID = replaced.sop_class, replaced.instance
    return previous

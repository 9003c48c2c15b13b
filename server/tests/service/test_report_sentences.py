"""Sentences of reports: a negated finding is never abnormal, and a positive report never normal."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unseen_server.service.outside_report_codes import ReportCodes, parsed

STARTER = """
[codes]
abnormal = ["ABN", "OBX-8=A"]
normal = ["NORM"]
[phrases]
abnormal = ["pneumothorax", "consolidation", "pleural effusion", "nodule"]
unsure = ["cannot be excluded", "follow-up recommended"]
normal = ["no acute findings", "normal chest radiograph"]
"""
GERMAN = """
[phrases]
abnormal = ["Pneumothorax", "Erguss", "Infiltrat"]
normal = ["Normalbefund"]
"""
JAPANESE = """
[phrases]
abnormal = ["気胸", "胸水", "結節"]
normal = ["異常なし"]
"""

NORMAL = [  # normal, or no outcome; never abnormal
    "No pneumothorax or pleural effusion.",
    "There is no pleural effusion.",
    "Lungs are clear. No focal consolidation.",
    "Rule out consolidation. Impression: No acute findings.",
    "Resolved pneumothorax. No acute findings.",
    "No focal consolidation, pleural effusion, or pneumothorax.",
    "No focal consolidation, pleural effusion, pneumothorax or edema is identified.",
    "The lungs are clear without focal consolidation, pneumothorax or effusion.",
    "No evidence of pneumothorax.",
    "No definite nodule.",
    "No large pleural effusion.",
    "Neither pneumothorax nor pleural effusion is seen.",
    "Pneumothorax is not seen.",
    "Pleural effusion and pneumothorax are not identified.",
    "Pneumothorax: none. Pleural effusion: none.",
    "PNEUMOTHORAX: NO. CONSOLIDATION: NEGATIVE.",
    "NO PNEUMOTHORAX OR\nPLEURAL EFFUSION.",
    "There is no\npneumothorax and no consolidation.",
    "The previously seen pneumothorax has resolved.",
    "Interval resolution of the left pleural effusion.",
    "Pneumothorax is no longer seen.",
    "The consolidation has completely cleared.",
    "Pneumothorax has been excluded.",
    "Negative for pneumothorax.",
    "The pleural spaces are free of pleural effusion.",
    "Absence of consolidation.",
    "The film does not show a nodule.",
    "Clinical indication: pneumothorax. No acute findings.",
    "History of pneumothorax. No acute findings.",
    "Reason for exam: consolidation. Findings: Lungs are clear. Impression: No acute findings.",
    "Evaluate for pneumothorax. Normal chest radiograph.",
    "Normal chest radiograph. No consolidation/pleural effusion.",
    "No pneumothorax, pleural effusion, consolidation.",
    "No pneumothorax and pleural effusion.",
    "No suspicious nodule.",
    "No signs of consolidation, specifically no pleural effusion.",
    "No indication that the patient has a pneumothorax.",
    "Unremarkable. Pleural effusion absent.",
    "No new consolidation.",
    "No pneumothorax is seen after removal of the chest tube.",
    "Heart size is normal; no pleural effusion; no nodule.",
    "1. No pneumothorax.\n2. No pleural effusion.",
    "The patient denies pneumothorax in the past.",
    "No pneumothorax is seen, nor pleural effusion.",
    "No progression to consolidation.",
    "No visible pneumothorax, pleural effusion.",
    "Absent pleural effusion.",
    "Treated consolidation, now resolved.",
    "No (pleural) effusion, no nodule.",
    "There is no pneumothorax or, allowing for the supine position, pleural effusion.",
    "No acute findings. Pneumothorax, no.",
]
ABNORMAL = [  # abnormal, or no outcome; never normal
    "Small apical pneumothorax.",
    "No acute findings except for a small nodule in the left apex.",
    "No acute findings apart from a mass.",
    "No pneumothorax. Large left pleural effusion.",
    "No pneumothorax, but a small pleural effusion.",
    "No change in the left pneumothorax.",
    "Pneumothorax has not resolved.",
    "Pleural effusion is present, pneumothorax is not seen.",
    "No pneumothorax left, pneumothorax right",
    "Consolidation without pleural effusion.",
    "No acute findings on the left. A mass on the right.",
    "This is not a normal chest radiograph.",
    "No longer a normal chest radiograph: new consolidation.",
    "No acute findings\nLeft pneumothorax",
    "NO ACUTE FINDINGS\nPNEUMOTHORAX RIGHT",
    "Compared with the prior normal chest radiograph there is a new opacity.",
    "No pneumothorax and small left pleural effusion. No acute findings.",
    "No pneumothorax, small left pleural effusion. No acute findings.",
    "Possible nodule in the left apex. No acute findings.",
    "Pleural effusion has decreased, pneumothorax has resolved.",
    "Partially resolved pneumothorax. No acute findings.",
    "Pneumothorax? No acute findings.",
    "No prior study for comparison, and the right lower lobe shows consolidation.",
    "No acute findings in the bones. Consolidation in the right lower lobe.",
    "Resolving consolidation.",
    "Persistent pleural effusion, no pneumothorax.",
    "Consolidation does not involve the left lung. Normal chest radiograph otherwise.",
    "Known fracture. No acute findings.",
    "Not only a nodule but also consolidation.",
    "Cardiomegaly. No acute findings.",
    "No acute findings cannot be stated.",
    "No acute findings, with the exception of a pneumothorax.",
    "Consolidation on the right, not seen previously. Normal chest radiograph otherwise.",
    "Hardly a normal chest radiograph.",
    "No doubt pneumothorax. No acute findings.",
    "There is without doubt a pneumothorax. No acute findings.",
    "Not a single nodule but several. No acute findings.",
    "No acute findings. There is air under the diaphragm.",
]
CERTAIN = [  # what plain positive sentences must not lose
    "Small apical pneumothorax.",
    "There is consolidation in the right lower lobe.",
    "No pneumothorax. Large left pleural effusion.",
    "No pneumothorax, but a small pleural effusion.",
    "Consolidation without pleural effusion.",
    "Pleural effusion is present, pneumothorax is not seen.",
    "No change in the left pneumothorax.",
    "Pneumothorax has not resolved.",
    "Persistent pleural effusion, no pneumothorax.",
    "Consolidation suspicious for pneumonia.",
    "Findings: right pleural effusion. Impression: pleural effusion.",
    "Right nodule, left lung clear.",
    "There is without doubt a pneumothorax.",
    "Interval increase in the right pleural effusion.",
]
NONE = [  # says nothing by this table
    "See the CT.",
    "Comparison with the film of last year.",
    "Technique: two views. No contrast medium.",
    "Hydropneumothoraxes",
]


@pytest.fixture(scope="module")
def starter() -> ReportCodes:
    return parsed(STARTER)


@pytest.mark.parametrize("text", NORMAL)
def test_a_negated_finding_is_never_abnormal(starter: ReportCodes, text: str) -> None:
    assert starter.read(text=text).outcome in ("normal", None)


@pytest.mark.parametrize("text", ABNORMAL)
def test_a_positive_report_is_never_normal(starter: ReportCodes, text: str) -> None:
    assert starter.read(text=text).outcome in ("abnormal", "unsure", None)


@pytest.mark.parametrize("text", CERTAIN)
def test_a_plain_finding_is_abnormal(starter: ReportCodes, text: str) -> None:
    assert starter.read(text=text).outcome == "abnormal"


@pytest.mark.parametrize(
    "text", [one for one in NORMAL if "no acute findings" in one.lower() or "normal chest" in one.lower()]
)
def test_a_plain_normal_report_is_normal(starter: ReportCodes, text: str) -> None:
    assert starter.read(text=text).outcome == "normal"


@pytest.mark.parametrize("text", NONE)
def test_a_report_without_a_phrase_has_no_outcome(starter: ReportCodes, text: str) -> None:
    assert starter.read(text=text).outcome is None


@pytest.mark.parametrize(
    ("text", "outcomes"),
    [
        ("A lesion cannot be excluded.", ("unsure",)),
        ("Pneumothorax cannot be excluded.", ("unsure",)),
        ("Follow-up recommended.", ("unsure",)),
        ("No follow-up recommended. No acute findings.", ("normal",)),
    ],
)
def test_a_doubt_of_the_table_is_unsure(starter: ReportCodes, text: str, outcomes: tuple[str, ...]) -> None:
    assert starter.read(text=text).outcome in outcomes


@pytest.mark.parametrize(
    ("table", "text", "outcomes"),
    [
        (GERMAN, "Kein Pneumothorax, kein Erguss.", (None,)),
        (GERMAN, "Kein Nachweis eines Pneumothorax oder Erguss.", (None,)),
        (GERMAN, "Ein Infiltrat ist nicht nachweisbar.", (None,)),
        (GERMAN, "Weder Pneumothorax noch Erguss.", (None,)),
        (GERMAN, "Kein\nErguss.", (None,)),
        (GERMAN, "Kein Pneumothorax, aber ein Erguss links.", ("abnormal",)),
        (GERMAN, "Erguss links ohne Pneumothorax.", ("abnormal",)),
        (GERMAN, "Zustand nach Pneumothorax. Normalbefund.", ("normal",)),
        (GERMAN, "Kein Normalbefund.", (None,)),
        (JAPANESE, "気胸なし。胸水なし。", (None,)),
        (JAPANESE, "気胸や胸水は認めません。", (None,)),
        (JAPANESE, "気胸、胸水を認めない。", (None,)),
        (JAPANESE, "左に気胸があります。", ("abnormal",)),
        (JAPANESE, "胸水を認める。気胸なし。", ("abnormal",)),
        (JAPANESE, "胸部に異常なし。", ("normal",)),
    ],
)
def test_negations_of_other_languages_are_read(table: str, text: str, outcomes: tuple[str | None, ...]) -> None:
    assert parsed(table).read(text=text).outcome in outcomes


FINDINGS = st.sampled_from(["pneumothorax", "consolidation", "pleural effusion", "nodule"])
NEGATIONS = st.sampled_from(
    ["No {}.", "There is no {}.", "No evidence of {}.", "Without {}.", "No {} is seen.", "{} is not seen."]
)
JOINED = st.lists(FINDINGS, min_size=1, max_size=4, unique=True).flatmap(
    lambda names: st.sampled_from(
        [" or ".join(names), ", ".join(names[:-1]) + " or " + names[-1] if names[1:] else names[0]]
    )
)


@settings(max_examples=200, deadline=None)
@given(NEGATIONS, JOINED, st.sampled_from(["", "Heart size normal. ", "Lines in place. "]), st.booleans())
def test_a_list_of_negated_findings_is_normal_or_none(negation: str, names: str, first: str, upper: bool) -> None:
    text = first + negation.format(names)
    table = parsed(STARTER)
    assert table.read(text=text.upper() if upper else text).outcome is None
    assert table.read(text=f"{text} No acute findings.").outcome in ("normal", None)


@settings(max_examples=200, deadline=None)
@given(NEGATIONS, FINDINGS, FINDINGS, st.sampled_from(["Left {}.", "There is a {}.", "A small {} is present."]))
def test_a_finding_after_a_negated_one_is_abnormal(negation: str, negated: str, other: str, positive: str) -> None:
    text = f"{negation.format(negated)} {positive.format(other)} No acute findings."
    assert parsed(STARTER).read(text=text).outcome == "abnormal"

"""A site's table maps its own codes and phrases, in its order; what it does not have is not guessed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unseen_server.service.outside_report_codes import Match, ReportCodesError, load_report_codes, parsed

TABLE = """
[codes]
abnormal = ["ABN"]
normal = ["NORM"]
unsure = ["U"]
[phrases]
abnormal = ["pneumothorax", "Erguss", "異常"]
unsure = ["cannot be excluded"]
normal = ["no pneumothorax", "no acute  findings", "kein Erguss", "異常なし"]
ignore = ["history of pneumothorax"]
"""


@pytest.mark.parametrize(
    ("codes", "text", "outcome"),
    [
        (("NORM",), "", "normal"),
        (("norm",), "", None),
        (("X", " ABN "), "", "abnormal"),
        (("NORM", "ABN"), "", "abnormal"),
        (("NORM",), "A pneumothorax.", "abnormal"),
        ((), "NO ACUTE\n\tFINDINGS", "normal"),
        ((), "no pneumothorax", "normal"),
        ((), "No pneumothorax left, pneumothorax right", "abnormal"),
        ((), "Small lesion; tumour cannot be excluded. No pneumothorax.", "unsure"),
        ((), "history of pneumothorax", None),
        ((), "hydropneumothorax", None),
        ((), "no evidence of pneumothorax", None),
        ((), "Kein ERGUSS.", "normal"),
        ((), "胸部に異常なし。", "normal"),
        ((), "胸部に異常あり。", "abnormal"),
        ((), "", None),
    ],
)
def test_a_report_has_the_outcome_that_the_table_gives_it(
    codes: tuple[str, ...], text: str, outcome: str | None
) -> None:
    assert parsed(TABLE).read(codes=codes, text=text).outcome == outcome


def test_the_order_is_the_tables_own_where_it_has_one() -> None:
    turned = 'order = ["normal", "unsure", "abnormal"]\n' + TABLE
    assert parsed(turned).read(codes=("NORM", "ABN")).outcome == "normal"


def test_the_rule_that_decided_is_named() -> None:
    assert parsed(TABLE).read(codes=("U",), text="No pneumothorax") == Match(outcome="unsure", rule='code "U"')
    assert parsed(TABLE).read(text="no pneumothorax").rule == 'phrase "no pneumothorax"'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[codes]\nnormal = [NORM]", "not TOML: .*line 2.*need quotes"),
        ("[code]\nnormal = []", "code: unknown; did you mean codes"),
        ("[codes]\nnormal = 'N'", r"codes.normal"),
        ("[codes]\nnormal = [1]", r"codes.normal"),
        ("[codes]\nnormal = ['']", r"codes.normal"),
        ("[phrases]\nnormal = [' ']", r"phrases.normal holds an empty entry"),
        (
            "[phrases]\nnormal = ['Fine']\nabnormal = ['fine']",
            r"phrases.normal: leave it in one",
        ),
        ("order = ['normal']\n[codes]\nnormal = ['N']", "order has normal: name abnormal, unsure, normal"),
        ("", "no code and no phrase is given"),
    ],
)
def test_a_mistake_is_named_with_file_key_and_cure(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "codes.toml"
    path.write_text(text)
    with pytest.raises(ReportCodesError, match=words) as raised:
        load_report_codes(path)
    assert str(path) in str(raised.value) and "docs/how-to/reports.md" in str(raised.value)


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ReportCodesError, match=r"none.toml: cannot be read"):
        load_report_codes(tmp_path / "none.toml")


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=200), st.lists(st.text(max_size=20), max_size=5))
def test_any_text_has_an_outcome_of_the_table_or_none(text: str, codes: list[str]) -> None:
    match = parsed(TABLE).read(codes=codes, text=text)
    assert (match.outcome is None) == (match.rule == "")
    assert parsed(TABLE).read(codes=codes, text=f"{text} no acute findings").outcome is not None


@given(st.lists(st.sampled_from("abc"), max_size=8))
def test_a_phrase_inside_a_longer_one_does_not_count(words: list[str]) -> None:
    table = parsed('[phrases]\nabnormal = ["b"]\nignore = ["a b", "b c"]\nnormal = ["x"]')
    lone = any(
        word == "b" and words[max(place - 1, 0) : place] != ["a"] and words[place + 1 : place + 2] != ["c"]
        for place, word in enumerate(words)
    )
    assert (table.read(text=" ".join(words)).outcome == "abnormal") == lone

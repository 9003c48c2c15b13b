"""HL7 messages are read as they are written: character sets, escapes, repetitions, status, numbers; hl7apy agrees."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hl7apy.parser import parse_message, parse_segment
from hl7apy.validation import Validator
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.pacs.reports_in import oru, report
from unseen_server.pacs.hl7_acknowledgement import acknowledgement
from unseen_server.pacs.hl7_incoming import Merge, merges_of, reports_of
from unseen_server.pacs.hl7_parsing import Hl7Error, Message, parsed
from unseen_server.pacs.non_dicom_settings import Hl7Fields
from unseen_server.pacs.report_intake import ReceivedReport

FIELDS = Hl7Fields()


def read(message: str | bytes, codec: str = "utf-8", **fields: object) -> ReceivedReport:
    """Return the one report of a message."""
    content = message.encode(codec) if isinstance(message, str) else message
    (found,) = reports_of(parsed(content), Hl7Fields.model_validate(fields))
    return found


@pytest.mark.parametrize(
    ("charset", "codec", "text"),
    [
        ("", "utf-8", "größer 気胸"),
        ("UNICODE UTF-8", "utf-8", "größer 気胸"),
        ("8859/1", "latin-1", "größer"),
        ("8859/5", "iso8859-5", "пневмоторакс"),
        ("ISO IR87", "iso2022_jp", "気胸があります"),
        ("~ISO IR87", "iso2022_jp", "左に気胸、|ではない"),
        ("ASCII~ISO IR 87", "iso2022_jp", "気胸"),
        ("GB 18030-2000", "gb18030", "气胸"),
        ("KS X 1001", "euc_kr", "기흉"),
    ],
)
def test_a_report_is_read_in_the_character_set_of_its_message(charset: str, codec: str, text: str) -> None:
    written = text.replace("|", "\\F\\")
    message = oru("OBR|1||A1", f"OBX|1|TX|&GDT||{written}||||||F", charset=charset)
    assert read(message, codec).text == text


@pytest.mark.parametrize("charset", ["UTF-9", "8859/12", "UNICODE UTF-16"])
def test_an_unknown_character_set_is_refused_with_its_name(charset: str) -> None:
    with pytest.raises(Hl7Error, match=rf'MSH-18 names .*"{charset.replace(" ", "")}"'):
        parsed(oru("OBR|1||A1", charset=charset).encode())


def test_bytes_outside_of_the_named_set_are_refused_and_a_site_may_name_one_for_silent_senders() -> None:
    message = oru("OBR|1||A1", "OBX|1|TX|&GDT||größer||||||F").encode("latin-1")
    with pytest.raises(Hl7Error, match=r"Byte \d+ of the message is not in its character set"):
        parsed(message)
    (found,) = reports_of(parsed(message, charset="8859/1"), FIELDS)
    assert found.text == "größer"


def test_text_of_several_lines_repetitions_and_observations_is_one_text() -> None:
    found = read(
        oru(
            "OBR|1||A1",
            "OBX|1|FT|&GDT||one\\.br\\two \\T\\ \\X33\\~three \\H\\four\\N\\||||||F",
            "OBX|2|TX|&IMP||five||||||F",
            "NTE|1||not a result",
            "OBX|3|ED|PDF||^application^pdf^Base64^AAAA||||||F",
            "OBX|4|TX|&GDT||deleted||||||D",
        )
    )
    assert found.text == "one\ntwo & 3\nthree four\nfive"


def test_line_feeds_end_segments_where_nothing_else_does_and_else_are_text() -> None:
    message = report("one")
    assert read(message.replace("\r", "\r\n")).text == read(message.replace("\r", "\n")).text == "one"
    assert read(message.replace("one", "one\ntwo")).text == "one\ntwo"


def test_other_encoding_characters_are_those_of_the_message() -> None:
    message = "MSH:$%/*:RIS:N:::::ORU$R01:1:P:2.5\rOBR:1::A1$x\rOBX:1:TX:*GDT::one/S/two%/F/::::::F\r"
    found = read(message)
    assert (found.accession, found.text) == ("A1", "one$two\n|")


def test_codes_are_those_of_coded_values_and_of_abnormal_flags() -> None:
    found = read(
        oru("OBR|1||A1", "OBX|1|CWE|X||NORM^Normal^L^N2^other~ABN^Abnormal|||A~H|||F", "OBX|2|CWE|X||^said so||||||F")
    )
    assert found.codes == ("NORM", "N2", "ABN", "OBX-8=A", "OBX-8=H")
    assert found.text == "said so"


def test_a_site_names_the_observations_that_are_findings() -> None:
    message = oru(
        "OBR|1||A1",
        "OBX|1|TX|11329-0^History^LN||pneumothorax?||||||F",
        "OBX|2|TX|59776-5&IMP^Impression^LN||no||||||F",
        "OBX|3|TX|59776-5^Findings^LN||yes||||||F",
    )
    assert read(message, observations=["&IMP"]).text == "no"
    assert read(message, observations=["59776-5"]).text == "no\nyes"


@pytest.mark.parametrize(
    ("request_status", "each", "status"),
    [
        ("F", "F", "final"),
        ("", "F", "final"),
        ("", "", "final"),
        ("C", "F", "corrected"),
        ("F", "FC", "corrected"),
        ("P", "F", "preliminary"),
        ("R", "R", "preliminary"),
        ("A", "F", "preliminary"),
        ("", "PR", "preliminary"),
        ("", "PF", "final"),
        ("X", "", "withdrawn"),
        ("F", "DW", "withdrawn"),
    ],
)
def test_the_status_is_that_of_the_request_and_of_its_observations(request_status: str, each: str, status: str) -> None:
    observations = [f"OBX|1|TX|&GDT||x||||||{one}" for one in each]
    assert read(oru(f"OBR|1||A1|c{'|' * 21}{request_status}", *observations)).status == status


def test_a_status_that_is_none_is_refused() -> None:
    with pytest.raises(Hl7Error, match='OBR-25 is "Q"'):
        read(oru(f"OBR|1||A1|c{'|' * 21}Q"))


def test_the_accession_number_stands_where_the_site_says() -> None:
    message = oru("ORC|RE|PL1|FI1", f"OBR|1|PL2|FI2^RIS|c{'|' * 14}A18", "ZDS|1.2.3^X^Application^DICOM")
    assert (read(message).accession, read(message).study_uid) == ("A18", "1.2.3")
    places = {"OBR-2": "PL2", "OBR-3": "FI2", "ORC-2": "PL1", "ORC-3": "FI1"}
    assert {place: read(message, accession=[place]).accession for place in places} == places
    assert read(message, accession=["OBR-19", "ORC-3"], study_uid=[]).study_uid == ""
    with pytest.raises(Hl7Error, match="OBR 1 has no accession number: OBR-19 are empty"):
        read(message, accession=["OBR-19"], study_uid=[])


def test_orders_of_one_accession_number_are_one_report_and_others_their_own() -> None:
    message = oru(
        f"OBR|1||A1|c{'|' * 18}20260102|||F", "OBX|1|TX|&GDT||one||||||F",
        f"OBR|2||A2|c{'|' * 21}F", "OBX|1|TX|&GDT||other||||||F",
        f"OBR|3||A1|c{'|' * 18}20260103|||C", "OBX|1|TX|&GDT||two||||||F",
    )  # fmt: skip
    one, other = reports_of(parsed(message.encode()), FIELDS)
    assert (one.accession, one.text, one.status) == ("A1", "one\ntwo", "corrected")
    assert one.issued_us == int(datetime(2026, 1, 3, tzinfo=UTC).timestamp() * 1e6)
    assert (other.accession, other.text, other.status, other.issued_us) == ("A2", "other", "final", None)
    assert one.patients == other.patients == ("N7", "P1")
    assert read(report("x"), match_patient=False).patients == ()


@pytest.mark.parametrize(
    ("pid", "mrg", "found"),
    [
        ("P2", "P1", [("P1", "P2", None)]),
        ("P2^^^NORTH~N9^^^STATE", "P1^^^NORTH~N8^^^STATE", [("P1", "P2", "NORTH"), ("N8", "N9", "STATE")]),
        ("P2^^^NORTH&1.2&ISO~N9^^^STATE", "P1^^^NORTH&1.2&ISO", [("P1", "P2", "NORTH")]),
        ("P2^^^NORTH~N9^^^STATE", "P1^^^NORTH~N9^^^STATE", [("P1", "P2", "NORTH")]),
        ("P2^^^NORTH", "P1", [("P1", "P2", None)]),
    ],
)
def test_a_merge_pairs_numbers_of_one_authority(pid: str, mrg: str, found: list[tuple[str, str, str | None]]) -> None:
    message = f"MSH|^~\\&|HIS|N|||||ADT^A40|1|P|2.5\rPID|1||{pid}\rMRG|{mrg}\r"
    fields = Hl7Fields(match_issuer=True)
    assert merges_of(parsed(message.encode()), fields) == [
        Merge(prior=prior, surviving=stays, issuer=issuer) for prior, stays, issuer in found
    ]


@pytest.mark.parametrize(
    ("segments", "words"),
    [
        ("PID|1||P2^^^NORTH~P3^^^SOUTH\rMRG|P1", "no counterpart"),
        ("PID|1||P2^^^NORTH\rMRG|P1^^^SOUTH", "no counterpart"),
        ("PID|1||\rMRG|P1", "no counterpart"),
        ("MRG|P1", "before any PID"),
        ("PID|1||P2", "merges nothing"),
        ("PID|1||P2\rMRG|", "merges nothing"),
    ],
)
def test_a_merge_that_is_not_clear_is_refused(segments: str, words: str) -> None:
    with pytest.raises(Hl7Error, match=words):
        merges_of(parsed(f"MSH|^~\\&|HIS|N|||||ADT^A40|1|P|2.5\r{segments}\r".encode()), FIELDS)


MARKS = {"FIELD": "|", "COMPONENT": "^", "SUBCOMPONENT": "&", "REPETITION": "~", "ESCAPE": "\\", "SEGMENT": "\r"}
WRITTEN = st.text(
    st.characters(codec="utf-8", exclude_characters="|^&~\\\r\n", exclude_categories=("C", "Z")), max_size=9
)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.lists(WRITTEN, min_size=1, max_size=3), min_size=1, max_size=2), max_size=4))
def test_fields_repetitions_and_components_are_those_that_hl7apy_reads(values: list[list[list[str]]]) -> None:
    line = "|".join(["ZZZ", *("~".join("^".join(parts) for parts in one) for one in values)])
    own = parsed(f"MSH|^~\\&|\r{line}\r".encode()).segments[1]
    other = parse_segment(line, version="2.5", encoding_chars=MARKS)
    for number in range(1, len(values) + 1):
        theirs = [one.to_er7(MARKS) for one in getattr(other, f"zzz_{number}")]
        pairs = [[one.rstrip("^") for one in found] for found in (own.repetitions(number), theirs)]
        assert [one for one in pairs[0] if one] == [one for one in pairs[1] if one], line


@pytest.mark.parametrize("code", ["AA", "AE", "AR"])
@pytest.mark.parametrize("version", ["2.3.1", "2.5", "2.5.1"])
def test_an_acknowledgement_is_a_message_that_hl7apy_accepts(code: str, version: str) -> None:
    asked = report("x", message="M|7&1".replace("|", "")).replace("2.5.1", version)
    answer = acknowledgement(
        asked.encode(), code=code, sentence="Read | it & again.", application="UNSEEN", now=datetime.now(UTC)
    ).decode()
    message = parse_message(answer, find_groups=False)
    assert (message.msa.msa_1.to_er7(), message.msa.msa_2.to_er7()) == (code, "M7&1")
    assert (message.msh.msh_5.to_er7(), message.msh.msh_6.to_er7()) == ("RIS", "NORTH")
    assert parsed(answer.encode()).segments[1].text(3) == "Read | it & again."
    if version != "2.3.1":
        assert Validator.validate(parse_message(answer))


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=300), st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace"))))
def test_whatever_comes_is_a_message_or_a_sentence(content: bytes) -> None:
    for tried in (content, b"MSH|^~\\&|" + content, report("x").encode() + content):
        try:
            message = parsed(tried)
            assert isinstance(message, Message)
            reports_of(message, FIELDS)
        except Hl7Error as error:
            assert str(error).endswith((".", "&."))
        answer = acknowledgement(tried, code="AE", sentence="x", application="U", now=datetime(2026, 1, 1))
        assert parsed(answer).kind[0] == "ACK"


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 400), st.integers(0, 400), st.binary(max_size=8))
def test_a_report_that_is_damaged_anywhere_is_a_report_or_a_sentence(at: int, cut: int, put: bytes) -> None:
    whole = oru(
        "ORC|RE|1|2", f"OBR|1||A1|c{'|' * 21}F", "OBX|1|CWE|X||A^b||||||F", "OBX|2|FT|&GDT||one~two||||||F"
    ).encode()
    try:
        for one in reports_of(parsed(whole[:at] + put + whole[at + cut :]), FIELDS):
            assert one.accession or one.study_uid
    except Hl7Error as error:
        assert str(error).endswith(".")


def test_an_escaped_backslash_is_no_escape_sequence() -> None:
    assert read(report("C:\\E\\.br\\E\\x\\.br\\y")).text == "C:\\.br\\x\ny"

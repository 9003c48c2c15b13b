"""Folders, globs and manifests: which entries they give, in which order, and what a broken manifest says."""

from __future__ import annotations

import os
import unicodedata
from datetime import date
from pathlib import Path
from zlib import crc32

import numpy as np
import polars as pl
import pytest

from tests.data import making
from unseen.data.film import Film, NotRead
from unseen.data.manifest import ManifestError, SourceError, parse_manifest, read_manifest, stream_manifest
from unseen.data.parquet_limits import ParquetLimits
from unseen.data.parquet_manifest import parquet_rows
from unseen.data.patient_fold import fold_by_patient
from unseen.data.reading import NotReadError, films
from unseen.runs.cohort import own_films

FILM = making.image(making.ramp())
FORKED = pytest.mark.usefixtures("forked_readers")


@pytest.fixture
def ward(tmp_path: Path) -> Path:
    folder = tmp_path / "ward"
    (folder / "sub").mkdir(parents=True)
    for name in ("b.png", "a.png", "sub/c.png", ".hidden.png"):
        (folder / name).write_bytes(FILM)
    (folder / "notes.txt").write_text("no film")
    for name in ("Thumbs.db", "sub/desktop.ini", "sub/DICOMDIR", "~$notes.docx"):
        (folder / name).write_bytes(b"\0" * 64)
    os.mkfifo(folder / "pipe")
    os.symlink(folder, folder / "sub" / "loop")
    os.symlink("nowhere", folder / "broken.png")
    os.symlink("itself.png", folder / "itself.png")
    return folder


def test_a_folder_is_read_to_its_depth_in_order_without_hidden_and_system_files(ward: Path) -> None:
    found = films(ward)
    names = [Path(entry.name).relative_to(ward).as_posix() for entry in found.entries]
    assert names == ["a.png", "b.png", "broken.png", "itself.png", "notes.txt", "sub/c.png"]
    assert {entry.source for entry in found.entries} == {"ward"}
    assert [type(result) for result in found] == [Film, Film, NotRead, NotRead, NotRead, Film]
    assert all(entry.patient == entry.name for entry in found.entries)


def test_a_link_to_itself_next_to_the_folders_of_labels_takes_no_label(ward: Path) -> None:
    for label in ("normal", "abnormal"):
        (ward / label).mkdir()
        (ward / label / "a.png").write_bytes(FILM)
    assert {entry.label for entry in films(ward).entries} == {None, "normal", "abnormal"}
    assert len(own_films(str(ward))) == len(films(ward))


def test_films_can_be_iterated_again(ward: Path) -> None:
    found = films(ward / "*.png")
    assert [f.name for f in found] == [f.name for f in found] == [e.name for e in found.entries]
    assert len(found) == 4


def test_a_list_of_sources_is_read_one_after_the_other(ward: Path) -> None:
    names = [Path(e.name).name for e in films([ward / "sub" / "c.png", ward / "b.png", str(ward / "a*")]).entries]
    assert names == ["c.png", "b.png", "a.png"]


def test_a_missing_file_is_a_row_and_a_glob_without_a_match_an_error(ward: Path) -> None:
    [result] = films(ward / "gone.png")
    assert isinstance(result, NotRead)
    assert "no such file" in result.reason
    with pytest.raises(SourceError, match="matches no file"):
        films(ward / "*.dcm")


def test_a_name_with_brackets_is_a_name_first(ward: Path) -> None:
    (ward / "[a].png").write_bytes(FILM)
    [result] = films(ward / "[a].png")
    assert isinstance(result, Film)


def test_strict_raises_at_the_first_file_that_is_not_read(ward: Path) -> None:
    with pytest.raises(NotReadError, match=r"broken\.png") as caught:
        list(films(ward, strict=True))
    assert isinstance(caught.value.not_read, NotRead)


def test_studies_of_one_name_at_two_sites_are_of_two_patients_where_no_patient_is_known(ward: Path) -> None:
    rows = ["a.png,A,1,", "b.png,A,1,", "sub/c.png,B,1,", "gone.png,A,1,", "a.png,A,1,p1"]
    (ward / "m.csv").write_text("\n".join(["file,source,study,patient", *rows]), encoding="utf-8")
    a, b, other, gone, known = (film.patient for film in films(ward / "m.csv"))
    assert a == b == gone != other and known == "p1"
    fold_of = {entry.name: fold_by_patient(entry.patient) for entry in films(ward / "m.csv").entries[:2]}
    assert len(set(fold_of.values())) == 1


def test_a_manifest_gives_labels_sources_patients_and_further_columns(ward: Path) -> None:
    (ward / "m.csv").write_text(
        "file,label,source,patient,study,age\r\na.png,normal,site1,p1,s1,61\r\n\r\nsub/c.png,abnormal,,,,\r\ngone.png,,,,\r\na.png,normal,site1,p1,s1,61\r\n"
    )
    found = films(ward / "m.csv")
    first, second, third, fourth = found
    assert isinstance(first, Film)
    assert (first.name, first.label, first.source, first.patient, first.study) == (
        "a.png",
        "normal",
        "site1",
        "p1",
        "s1",
    )
    assert first.columns == {"age": "61"}
    assert (second.label, second.source, second.patient, second.study) == ("abnormal", "ward", "sub/c.png", "sub/c.png")
    assert isinstance(third, NotRead)
    assert (third.name, third.label, third.source, third.patient) == ("gone.png", None, "ward", "gone.png")
    assert isinstance(fourth, Film)
    assert fourth.pixel_sha256 == first.pixel_sha256
    assert [e.name for e in found.select(lambda e: e.label == "normal").entries] == ["a.png", "a.png"]


@pytest.mark.parametrize(
    "data, words",
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"\nfile,label\na.png,normal\n", "or its first line is"),
        (b"path,label\na.png,normal\n", "no `file` column"),
        (b"file|label\na.png|normal\n", "by commas, semicolons or tabs"),
        (b"file,label\na.png,normal\nb.png,healthy\n", "line 3: the label is 'healthy'"),
        (b"file,label\na.png,Normal\n", "line 2"),
        (b"file\n\xff\xfe\n", "not UTF-8"),
        (b"file\na\0b\n", "zero byte"),
        (b"file,label\n,normal\n", "line 2: the `file` cell is empty"),
        (b"file,label\na,b.png,normal\n", "line 2: 3 cells under 2 columns"),
        (b"file,file\na,b\n", "`file` is there 2 times"),
        (b'file\n"a.png\n', "not valid CSV"),
    ],
)
def test_a_broken_manifest_says_where_and_why(data: bytes, words: str) -> None:
    with pytest.raises(ManifestError) as caught:
        parse_manifest(data, path=Path("ward/m.csv"))
    assert words in str(caught.value)
    assert "ward/m.csv" in str(caught.value)


def test_a_manifest_with_a_byte_order_mark_is_read() -> None:
    [entry] = parse_manifest("\ufefffile\nä.png\n".encode(), path=Path("m.csv"))
    assert entry.name == "ä.png"


@pytest.mark.parametrize(
    "header, separator", [('"reader; site; ward; room",label', ","), ('label;"first, second, third"', ";")]
)
def test_separators_within_a_quoted_name_of_a_column_do_not_count(header: str, separator: str) -> None:
    (entry,) = parse_manifest(f"file{separator}{header}\na.png{2 * separator}\n".encode(), path=Path("m.csv"))
    assert entry.name == "a.png" and len(entry.columns) == 1


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_columns_are_separated_as_the_header_is(separator: str, tmp_path: Path) -> None:
    lines = [
        "file|label|note",
        'a.png|normal|"one, two; three"',
        "||",
        "b.png|abnormal|2,5" if separator != "," else "",
    ]
    data = "\r\n".join(line.replace("|", separator) for line in lines).encode()
    (tmp_path / "m.csv").write_bytes(data)
    first, *others = parse_manifest(data, path=tmp_path / "m.csv")
    assert (first.name, first.label, first.columns) == ("a.png", "normal", {"note": "one, two; three"})
    assert [one.columns["note"] for one in others] == ([] if separator == "," else ["2,5"])
    assert (first, *others) == read_manifest(tmp_path / "m.csv")


@pytest.mark.parametrize(
    "written, how",
    [
        ("sub\\c.png", "with / between the folders"),
        (" sub/c.png ", "without the spaces around it"),
        ("sub/c.PNG", "with the suffix .png"),
        (unicodedata.normalize("NFD", "sub/é.png"), "whose letters have another Unicode form (NFC)"),
        (unicodedata.normalize("NFC", "sub/ü.png"), "whose letters have another Unicode form (NFD)"),
    ],
)
def test_another_spelling_of_a_missing_file_is_named(written: str, how: str, ward: Path) -> None:
    for name in (unicodedata.normalize("NFC", "é.png"), unicodedata.normalize("NFD", "ü.png")):
        (ward / "sub" / name).write_bytes(FILM)
    (ward / "m.csv").write_text(f"file\n{written}\n", encoding="utf-8")
    [result] = films(ward / "m.csv")
    assert isinstance(result, NotRead)
    assert result.reason == f"There is no such file, but there is one {how}. Correct the path, or the manifest's " + (
        "`file` cell."
    )


def test_a_missing_manifest_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="cannot be read"):
        films(tmp_path / "gone.csv")


def test_masks_are_loaded_when_asked_for(ward: Path) -> None:
    (ward / "mask.png").write_bytes(making.image(making.ramp() > 99))
    (ward / "lesion.png").write_bytes(making.image((making.ramp() > 200).astype(np.uint8)))
    (ward / "m.csv").write_text("file,mask,lesion\na.png,mask.png,lesion.png\nb.png,,\n")
    [plain, _] = films(ward / "m.csv")
    assert plain.lungs is plain.lesion is None
    [masked, without] = films(ward / "m.csv", masks=True, lesions=True)
    assert np.array_equal(masked.lungs, making.ramp() > 99)
    assert np.array_equal(masked.lesion, making.ramp() > 200)
    assert without.lungs is None
    assert next(iter(films(ward / "m.csv", lesions=True))).lungs is None, "a test sees lesions, never lung masks"


def test_a_mask_that_does_not_fit_is_a_reason(ward: Path) -> None:
    (ward / "mask.png").write_bytes(making.image(making.ramp(41, 48)))
    (ward / "m.csv").write_text("file,mask\na.png,mask.png\na.png,gone.png\n")
    small, gone = films(ward / "m.csv", masks=True)
    assert "the film 48×40" in small.reason
    assert "column `mask`" in gone.reason


def test_every_film_of_the_shared_sets_is_read(shared_data: Path) -> None:
    for name in ("ms_cxr", "kermany", "nih_cxr8"):
        found = films(shared_data / name / "manifest.csv", masks=True).select(lambda e: crc32(e.name.encode()) % 8 == 0)
        for film in found:
            assert isinstance(film, Film), film
            assert (film.lungs is not None) == (name == "ms_cxr")


@FORKED
def test_a_parquet_manifest_gives_the_entries_of_the_csv(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("file,label,source,age,seen\na.png,normal,ward,61,2026-11-01\nb.png,,,7,\n")
    table = {
        "file": ["a.png", "b.png"],
        "label": ["normal", None],
        "source": ["ward", None],
        "age": [61, 7],
        "seen": [date(2026, 11, 1), None],
    }
    pl.DataFrame(table).write_parquet(tmp_path / "m.parquet")
    assert films(tmp_path / "m.parquet").entries == films(tmp_path / "m.csv").entries
    assert tuple(stream_manifest(tmp_path / "m.csv")) == films(tmp_path / "m.csv").entries


@FORKED
def test_a_parquet_manifest_is_read_some_rows_at_a_time(tmp_path: Path) -> None:
    pl.DataFrame({"file": [f"{n}.png" for n in range(7)]}).write_parquet(tmp_path / "m.parquet")
    rows = list(parquet_rows(tmp_path / "m.parquet", limits=ParquetLimits(rows_at_once=3)))
    assert rows == [["file"], *([f"{n}.png"] for n in range(7))]


@FORKED
@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"path": ["a.png"]}, "there is no `file` column; the columns are: path"),
        ({"file": ["a.png", ""]}, "row 2: the `file` cell is empty"),
        ({"file": ["a.png", "b.png"], "label": ["normal", "ill"]}, "row 2: the label is 'ill'"),
        ({"file": ["a.png"], "boxes": [[1, 2]]}, "cannot be read as Parquet"),
        ({"file": ["a\0b.png"]}, "holds a zero byte"),
    ],
)
def test_a_parquet_manifest_that_is_wrong_names_the_row(
    tmp_path: Path, table: dict[str, list[object]], words: str
) -> None:
    pl.DataFrame(table).write_parquet(tmp_path / "m.parquet")
    with pytest.raises(ManifestError, match=words) as refused:
        films(tmp_path / "m.parquet")
    assert str(refused.value).startswith(f"{tmp_path / 'm.parquet'}")


@FORKED
def test_a_manifest_that_is_no_parquet_or_no_text_is_refused_as_it_is_streamed(tmp_path: Path) -> None:
    (tmp_path / "m.parquet").write_text("file\na.png\n")
    (tmp_path / "m.csv").write_bytes(b"file\n\xff.png\n")
    for name, words in (("m.parquet", "cannot be read as Parquet"), ("m.csv", "is not UTF-8"), ("x.csv", "No such")):
        with pytest.raises(ManifestError, match=words):
            list(stream_manifest(tmp_path / name))


def test_a_name_that_is_no_utf8_is_read_and_named_in_text(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"ward\xe9")
    folder.mkdir()
    (folder / os.fsdecode(b"a\xff.png")).write_bytes(making.image(making.ramp()))
    [film] = films(folder)
    assert isinstance(film, Film), film
    assert (film.name, film.source) == (rf"{tmp_path}/ward\xe9/a\xff.png", r"ward\xe9")
    assert film.patient == film.study == film.name

"""Rules for every file: a name that describes its content, no path of a machine, no large file."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
RESEARCH_ONLY = "Research use only. Not a medical device. Not for diagnosis."

# Written in pieces, so that this file does not match itself.
MACHINE_PATHS = re.compile(
    "|".join(
        ("/wor" + "k/", "/far" + "m[a-z-]*/", "/op" + "t/pypi", "/tm" + "p/build", "/ro" + "ot/", "/ho" + "me/[a-z]")
    )
)
REGISTRIES = re.compile("|".join(("index" + "-url", "find" + "-links", "fil" + "e://", "pythonhosted" + r"\.org")))


def kept_files() -> list[Path]:
    """Tracked files, and those that would be on the next `git add`."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def kept_links() -> list[Path]:
    """Symbolic links that are tracked."""
    words = ("git", "ls-files", "-z", "--stage")
    listed = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / entry.partition("\t")[2] for entry in listed.split("\0") if entry.startswith("120000 ")]


def test_no_file_has_a_name_that_says_nothing() -> None:
    nameless = {"util", "utils", "helper", "helpers", "misc", "common"}
    for path in kept_files():
        assert not nameless & {part.split(".")[0] for part in path.relative_to(ROOT).parts}, path


def test_no_file_knows_the_machine_it_was_made_on() -> None:
    for path in kept_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for pattern in (MACHINE_PATHS, REGISTRIES):
            found = pattern.search(text)
            assert not found, f"{path.relative_to(ROOT)}: {found.group() if found else ''}"


def test_every_link_leads_to_something_in_the_repository() -> None:
    for link in kept_links():
        assert link.exists() and link.resolve().is_relative_to(ROOT), link


def test_no_large_file_and_no_film_is_kept() -> None:
    models = (
        ROOT / "models" / "src" / "unseen_models"
    )  # as a whole no more than 25 MB: tests/detectors/test_shipped_models.py
    for path in kept_files():
        assert path.stat().st_size <= 5 * 2**20 or models in path.parents, path
        assert path.suffix.lower() not in {".dcm", ".dicom", ".pt", ".pkl", ".pickle"}, path


def test_the_research_only_sentence_is_where_a_reader_begins() -> None:
    for name in ("README.md", "docs/index.md", "src/unseen/__init__.py", "mkdocs.yml", "CITATION.cff"):
        assert RESEARCH_ONLY in (ROOT / name).read_text(encoding="utf-8"), name


def test_the_changelog_always_has_an_unreleased_block() -> None:
    assert "\n## [Unreleased]\n" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")

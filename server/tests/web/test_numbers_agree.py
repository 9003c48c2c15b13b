"""Nouns on the pages agree with their numbers: one film is "1 film", not "1 films"."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import unseen_server

WEB = Path(unseen_server.__path__[0]) / "web"
NOUNS = (
    "accounts|attempts|blocks|characters|copies|days|elements|entries|files|films|findings|groups|images|labels|models|"
    "normals|numbers|pairs|parts|patients|points|priors|reports|rounds|rows|samples|scores|sources|statistics|steps|"
    "studies|tests|trainings|versions|views"
)
KINDS = "abnormal|cleared|generated|labelled|new|normal|other|unread|weaker"
# A computed number and a noun that is always in the plural. Numbers in capitals are constants, all above 1.
SAID = re.compile(rf"\{{(?![A-Z_]+[: }}])[^{{}}]*\}}(?: (?:{KINDS}))* (?:{NOUNS})\b")


@pytest.mark.parametrize("pattern", ["static/js/*.js", "*.py", "templates/*.j2"])
def test_a_computed_number_on_a_page_has_a_noun_that_agrees(pattern: str) -> None:
    paths = sorted(WEB.glob(pattern))
    assert paths
    found = [
        f"{path.name}: {said.group()}"
        for path in paths
        for line in path.read_text(encoding="utf-8").splitlines()
        if not line.lstrip().startswith(("*", "/", "#"))
        for said in SAID.finditer(line)
    ]
    assert found == [], "\n".join(found)

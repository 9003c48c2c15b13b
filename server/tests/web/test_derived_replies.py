"""Replies derived from dataclasses: types and descriptions have one definition, and the fields that are shown a list.

A new field of a dataclass is shown to every client, blind readers included, unless the reply excludes it: add it to
`SHOWN` here, or exclude it there.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field

import unseen_server
from unseen_server.web.listed_study import Listed
from unseen_server.web.response_model import ResponseModel
from unseen_server.web.shapes import Decided, FilmResponse, FindingResponse, StudyResponse
from unseen_server.worklist.listing import ListedStudy

DIFFERENT = {  # their fields have the names of a dataclass's, and other types
    "ViewResponse": "`wanted` is checked, the stored one is not",
    "Point": "a share has a reply of its own where it is not known",
}


@dataclass(frozen=True, kw_only=True)
class _Value:
    shown: Annotated[int, Field(description="a number")]
    hidden: str = "secret"


class _Reply(ResponseModel, _Value):
    """A reply."""

    hidden: str = Field(exclude=True)
    added: bool = False


def test_a_reply_has_the_fields_and_descriptions_of_its_dataclass_and_its_own() -> None:
    assert _Reply.model_validate(_Value(shown=3)).model_dump() == {"shown": 3, "added": False}
    assert _Reply.from_value(_Value(shown=3), added=True).model_dump() == {"shown": 3, "added": True}
    schema = _Reply.model_json_schema(mode="serialization")
    assert schema["properties"]["shown"]["description"] == "a number"
    assert sorted(schema["required"]) == ["added", "shown"]


SHOWN: dict[type[ResponseModel], str] = {
    Listed: "acts assigned_to changed claimed claimed_by clause code conflict disagree film films flag how measure "
    "models number of outcome overdue priority probability reason received reported_by score seen source state study "
    "view why words",
    StudyResponse: "accession audit_sample decision draft entry films history patient reports",
    FilmResponse: "aside bytes copies decision file_format film findings judged name needed received seen sha256 "
    "source tags version_of view_position",
    FindingResponse: "box inner made map_sha256 model parts score",
    Decided: "action p_value policy_digest priority probability reason score",
}
"""Fields that readers see, a blind one with null where `worklist.details` and `listing` leave the value out."""


@pytest.mark.parametrize("reply", SHOWN)
def test_a_reply_shows_the_fields_that_were_decided_about(reply: type[ResponseModel]) -> None:
    shown = set(reply.model_json_schema(mode="serialization")["properties"])
    assert shown == set(SHOWN[reply].split()), "does a blind reader see it? Decide in SHOWN or by Field(exclude=True)"


def test_a_row_leaves_out_what_would_identify_the_audit_sample() -> None:
    shown = Listed.model_json_schema(mode="serialization")["properties"]
    hidden = {field.name for field in fields(ListedStudy)} - set(shown)
    assert hidden == {"model", "policy", "apart", "versions", "claims", "scores"}


def _classes() -> Iterator[type[Any]]:  # Any: classes of all types
    for module in pkgutil.walk_packages(unseen_server.__path__, "unseen_server."):
        if (
            module.name.partition(".")[2].startswith(("web", "worklist", "service"))
            and ".migrations" not in module.name
        ):
            found = importlib.import_module(module.name)
            yield from (one for one in vars(found).values() if isinstance(one, type) and one.__module__ == module.name)


def test_no_reply_repeats_the_fields_of_a_dataclass() -> None:
    classes = set(_classes())
    dataclasses = {frozenset(field.name for field in fields(one)) for one in classes if is_dataclass(one)}
    copies = {
        one.__name__
        for one in classes
        if issubclass(one, BaseModel)
        and not one.__name__.startswith("_")
        and not any(is_dataclass(base) for base in one.__mro__)
        and len(one.model_fields) > 1
        and frozenset(one.model_fields) in dataclasses
    }
    assert copies == set(DIFFERENT), "derive the reply from the dataclass: see web/response_model.py"

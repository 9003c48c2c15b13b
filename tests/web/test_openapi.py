"""schemathesis sends what the description allows, and what it does not, as each kind of caller: no 500, and no answer
that the description does not know. The same examples each time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.web.conftest import LOCAL, ROOT, Api, token_of
from tests.worklist.conftest import MakePlace, Place

pytestmark = pytest.mark.slow
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
FEW, MANY = 2, 25  # examples of each operation, for each caller, of what it takes and as many of what it does not
NIGHTLY = [pytest.param(role, marks=pytest.mark.nightly) for role in ("nobody", "reader")]
HOST = {"Host": LOCAL.removeprefix("http://")}


@pytest.fixture
def place(make_place: MakePlace) -> Place:
    return make_place("sqlite")


def operations(api: Api) -> list[Any]:  # Any: schemathesis' operations
    schema = schemathesis.openapi.from_asgi(f"{ROOT}/openapi.json", api.app, headers=HOST)
    return [found.ok() for found in schema.get_all_operations()]


def sending(
    operation: Any,
    mode: GenerationMode,
    headers: dict[str, str],
    names: dict[str, list[str]],
    seen: set[int],
    examples: int,
) -> Callable[[], None]:
    """A function that sends an operation's examples and checks each answer."""

    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), data=st.data())
    def send(case: Any, data: st.DataObject) -> None:
        for name, known in names.items():  # every other time a study that is there
            if name in (case.path_parameters or {}) and data.draw(st.booleans()):
                case.path_parameters[name] = data.draw(st.sampled_from(known))
        checks = CHECKS if mode is GenerationMode.POSITIVE else [not_a_server_error]
        answer = case.call_and_validate(base_url=LOCAL, headers=headers, checks=checks)
        seen.add(answer.status_code)

    return send


@pytest.mark.parametrize("examples", [FEW, pytest.param(MANY, marks=[pytest.mark.nightly, pytest.mark.timeout(2700)])])
@pytest.mark.parametrize("role", [*NIGHTLY, "admin"])
def test_nothing_that_can_be_sent_breaks_the_server(api: Api, judged: Any, role: str, examples: int) -> None:
    films = [judged(1, "read"), judged(2, "not_scored"), judged(3, "clear")]
    names = {"study": [one.study for one in films], "film": [one.film_id for one in films]}
    seen: set[int] = set()
    for operation in operations(api):
        headers = dict(HOST)
        if role != "nobody":
            headers["Authorization"] = f"Bearer {token_of(api.store, 'ann', role)}"
        for mode in GenerationMode:
            try:
                sending(operation, mode, headers, names, seen, examples)()
            except Unsatisfiable:
                assert mode is GenerationMode.NEGATIVE, "an operation that takes nothing cannot be given it wrongly"
            except BaseException as error:
                error.add_note(f"{operation.label} as {role}, {mode}")
                raise
    assert 500 not in seen and {200, 422, 401 if role == "nobody" else 404} <= seen
    assert api.store.verify_audit() is None

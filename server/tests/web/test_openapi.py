"""schemathesis sends what the description allows, and what it does not, as each kind of caller: no 500, and no answer
that the description does not know. The same examples each time. `make test` sends one request to each eighth operation
(each is asked by `test_roles`), and one that the description does not allow to each sixteenth; `make nightly` sends
many of both, as every kind of caller.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis.errors import Unsatisfiable

from tests.web.conftest import Api, token_of

pytestmark = pytest.mark.slow
FEW, MANY = 1, 25  # examples of each operation, for each caller, of what it takes and as many of what it does not
NIGHTLY = [pytest.param(role, marks=pytest.mark.nightly) for role in ("nobody", "reader")]


@pytest.mark.parametrize("examples", [FEW, pytest.param(MANY, marks=[pytest.mark.nightly, pytest.mark.timeout(2700)])])
@pytest.mark.parametrize("role", [*NIGHTLY, "admin"])
def test_nothing_that_can_be_sent_breaks_the_server(api: Api, judged: Any, role: str, examples: int) -> None:
    from tests.web.openapi_cases import HOST, GenerationMode, operations, sending

    films = [judged(1, "read"), judged(2, "not_scored"), judged(3, "clear")]
    names = {"study": [one.study for one in films], "film": [one.film_id for one in films]}
    seen: set[int] = set()
    for number, operation in enumerate(operations(api)):
        headers = dict(HOST)
        if role != "nobody":
            headers["Authorization"] = f"Bearer {token_of(api.store, 'ann', role)}"
        for mode in GenerationMode:
            if examples == FEW and number % (16 if mode is GenerationMode.NEGATIVE else 8):
                continue
            try:
                sending(operation, mode, headers, names, seen, examples)()
            except Unsatisfiable:
                assert mode is GenerationMode.NEGATIVE, "an operation that takes nothing cannot be given it wrongly"
            except BaseException as error:
                error.add_note(f"{operation.label} as {role}, {mode}")
                raise
    assert 500 not in seen and {200, 422, 401 if role == "nobody" else 404} <= seen
    assert api.store.audit.verify() is None

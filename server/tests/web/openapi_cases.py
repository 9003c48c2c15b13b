"""Requests of schemathesis by the server's description. Imported by the test that runs it: it takes a second."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.web.conftest import LOCAL, ROOT, Api

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
HOST = {"Host": LOCAL.removeprefix("http://")}


schemathesis.serializer.alias("multipart/related", "application/octet-stream")  # it knows no such body


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
    """Return a function that sends an operation's examples and checks each answer."""

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

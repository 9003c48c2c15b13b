"""A session that asks without end is slowed down, and nobody else is."""

from __future__ import annotations

from tests.web.conftest import MakeApi, said
from tests.worklist.conftest import own_place
from unseen_server.web.pace import Pace

place = own_place


def test_one_session_is_slowed_down_and_the_others_are_not(make_api: MakeApi) -> None:
    api = make_api()
    api.app.state.served.pace = Pace(per_s=0.1, burst=3)
    assert [api.reader.get("/me").status_code for _ in range(4)] == [200, 200, 200, 429]
    refused = api.reader.get("/me")
    assert 1 <= int(refused.headers["retry-after"]) <= 10 and "more often" in said(refused)
    assert api.other.get("/me").status_code == 200


def test_after_a_pause_it_may_ask_again() -> None:
    now = [0.0]
    pace = Pace(per_s=2, burst=1, clock=lambda: now[0])
    assert pace.wait_s("a") == 0 and pace.wait_s("a") == 0.5
    now[0] = 0.5
    assert pace.wait_s("a") == 0

"""Addresses from which peers may connect, and what the check reports about those that are not fixed."""

from __future__ import annotations

import threading

import pytest

from tests.pacs.conftest import peer, soon
from unseen_server.pacs import peer_addresses
from unseen_server.pacs.check import PeerCheck, check
from unseen_server.pacs.config import PacsConfig
from unseen_server.pacs.peer_addresses import PeerAddresses


def config_of(*peers: dict[str, object]) -> PacsConfig:
    return PacsConfig.model_validate({"peers": list(peers)})


def open_findings(**more: object) -> list[PeerCheck]:
    config = config_of(peer(**more))
    return [found for found in check(config, config.peers[0]) if found.what == "fixed address"]


@pytest.mark.parametrize(
    ("places", "sentences"),
    [
        (["10.1.0.0/16"], ["10.1.0.0/16 has 65,536 addresses"]),
        (["10.0.0.4/30", "10.1.0.7"], ["10.0.0.4/30 has 4 addresses"]),
        (
            ["2001:db8::/120", "0.0.0.0/0"],
            ["2001:db8::/120 has 256 addresses", "0.0.0.0/0 has 4,294,967,296 addresses"],
        ),
        (["10.1.0.7", "10.1.0.8/32", "::1"], []),
    ],
)
def test_the_check_reports_the_cost_of_each_network(places: list[str], sentences: list[str]) -> None:
    found = open_findings(addresses=places)
    assert [one.sentence[: len(sentence)] for one, sentence in zip(found, sentences, strict=True)] == sentences
    assert all("16 of the 64 places" in one.sentence and "10 s" in one.sentence for one in found)
    assert not [one for one in found if one.works or one.needed], "a cost is no mistake"


def test_the_check_reports_a_name_and_not_an_address() -> None:
    assert [one.sentence[:20] for one in open_findings(host="localhost")] == ["localhost is a name,"]
    assert open_findings(host="127.0.0.1") == open_findings(host="localhost", addresses=["127.0.0.1"]) == []


def test_names_are_resolved_in_advance_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer_addresses, "EVERY_S", 0.01)
    answers = {"ct": ["10.0.0.7"]}
    asked: list[str] = []

    def resolve(host: str) -> list[str]:
        asked.append(host)
        assert threading.current_thread().name == "pacs-addresses", "a connection must not wait for a name server"
        return answers[host]

    known = PeerAddresses(config_of(peer(host="ct"), peer("other", addresses=["10.0.0.9"])), resolve=resolve)
    known.start()
    try:
        assert (known.knows("10.0.0.7"), known.knows("10.0.0.8"), known.knows("10.0.0.9")) == (True, False, True)
        answers["ct"] = ["10.0.0.8"]
        soon(lambda: known.knows("10.0.0.8"), "the new address")
        assert not known.knows("10.0.0.7")
        answers["ct"] = []
        before = len(asked)
        soon(lambda: len(asked) > before + 2, "a name server that is out of reach")
        assert known.knows("10.0.0.8") and known.of("ct") == ("10.0.0.8",)
    finally:
        known.stop()


def test_a_slow_name_server_holds_up_no_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer_addresses, "_FIRST_S", 0.05)
    let_go = threading.Event()

    def resolve(host: str) -> list[str]:
        let_go.wait()
        return ["10.0.0.7"]

    known = PeerAddresses(config_of(peer(host="ct")), resolve=resolve)
    known.start()
    try:
        assert not known.knows("10.0.0.7")
        let_go.set()
        soon(lambda: known.knows("10.0.0.7"), "the late answer")
    finally:
        let_go.set()
        known.stop()

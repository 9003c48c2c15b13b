"""Register of clients that wait to be identified: whom it closes, and that a quick client is never among them."""

from __future__ import annotations

import random

from unseen_server.service.waiting_clients import WaitingClients, address_group


def test_slow_clients_of_one_address_close_only_each_other() -> None:
    waiting: WaitingClients[str] = WaitingClients(most=64, most_each=16)
    others = [waiting.enter(f"known {number}", f"10.0.0.{number}") for number in range(8)]
    closed = [waiting.enter(f"slow {number}", "192.0.2.1") for number in range(1000)]
    assert others == [None] * 8
    assert closed == [None] * 16 + [f"slow {number}" for number in range(984)]
    assert [waiting.leave(f"known {number}") for number in range(8)] == [True] * 8


def test_slow_clients_of_many_addresses_close_no_client_that_is_quick() -> None:
    draw = random.Random(0)
    waiting: WaitingClients[int] = WaitingClients(most=64, most_each=16)
    for number in range(5000):
        waiting.enter(number, f"10.0.{draw.randrange(50)}.1")
        assert waiting.enter(-1, "10.1.0.1") != -1
        waiting.enter(10_000 + number, f"10.0.{draw.randrange(50)}.1")
        assert waiting.leave(-1), "a client that sent its request while two others came was closed"
    assert len(waiting) <= 64


def test_the_register_forgets_addresses_without_clients() -> None:
    waiting: WaitingClients[int] = WaitingClients(most=4, most_each=2)
    for number in range(100):
        waiting.enter(number, f"10.0.0.{number}")
    for client in waiting.all():
        waiting.leave(client)
    assert len(waiting) == 0 and not waiting._count


def test_a_network_of_ipv6_counts_as_one_client() -> None:
    waiting: WaitingClients[int] = WaitingClients(most=64, most_each=2)
    assert [waiting.enter(number, f"2001:db8::{number:x}") for number in range(4)] == [None, None, 0, 1]
    assert address_group("2001:db8::1%eth0") == address_group("2001:db8:0:0:ffff::") == "2001:db8::/64"
    assert address_group("2001:db8:0:1::1") != address_group("2001:db8::1")

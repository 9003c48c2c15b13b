"""pacs.toml: what it says where something in it is wrong, and what is taken for granted."""

from __future__ import annotations

from pathlib import Path

import pytest

from unseen.artifacts.errors import UserError
from unseen_server.pacs.config import PacsConfig, load
from unseen_server.pacs.known_peers import peer_of

WEB = 'dicomweb = "http://a/"\n'
ARCHIVE = '[[peers]]\nname = "archive"\nae_title = "ORTHANC"\nhost = "127.0.0.1"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prot = 1", "prot: unknown; did you mean port?"),
        (ARCHIVE + "hst = 'x'", "peers.0.hst: unknown; did you mean host?"),
        ("[limits]\nasociations = 4", "limits.asociations: unknown; did you mean associations?"),
        ("[tls]\ncertificat = 'x'", "tls.certificat: unknown; did you mean certificate?"),
        ('ae_title = "THIS_TITLE_IS_TOO_LONG"', "ae_title: seen"),
        (ARCHIVE + "addresses = ['10.0.0.1/8']", "10.0.0.1/8 is neither an IP address nor a network"),
        (ARCHIVE + "addresses = ['10.0.0.0%eth0/8']", "10.0.0.0%eth0/8 is neither an IP address nor a network"),
        (ARCHIVE + ARCHIVE, "two peers are called archive"),
        (
            ARCHIVE + ARCHIVE.replace('"archive"', '"second"'),
            "both have ae_title ORTHANC and may both connect from 127",
        ),
        (
            ARCHIVE + ARCHIVE.replace('"archive"', '"second"') + 'addresses = ["::ffff:127.0.0.0/104"]\n',
            'peers "archive" and "second" both have ae_title ORTHANC and may both connect from 127.0.0.1',
        ),
        (ARCHIVE + "port = 104\ntls = true", "there is no table [tls]"),
        (ARCHIVE + 'send = ["sr"]', "no place: give host and port, or dicomweb"),
        (ARCHIVE + 'closes = "end"', "should be 'quiet' or 'association'"),
        (ARCHIVE + 'confirm = "qido"', 'confirm = "qido" needs dicomweb'),
        (ARCHIVE + 'confirm = "commitment"', 'confirm = "commitment" needs ae_title, host and port'),
        ('[[peers]]\nname = "a"', "give ae_title, or dicomweb"),
        ('[[peers]]\nname = "a"\nae_title = "A"', "give host, or addresses"),
        ('[[peers]]\nname = "a"\ndicomweb = "http://a/"\nport = 104', "a port needs ae_title and host"),
        (ARCHIVE + 'dicomweb_token_file = "token"', "but no dicomweb: add it"),
        (ARCHIVE + WEB + 'dicomweb_user = "unseen"', "dicomweb_user and dicomweb_password_file go together"),
        (ARCHIVE + WEB + 'dicomweb_token_file = "t"', "peers.0.dicomweb_token_file: there is no file"),
        (ARCHIVE + WEB + 'dicomweb_password_file = "p"\ndicomweb_token_file = "t"', "not both"),
        (ARCHIVE + 'dicomweb = "http://unseen:secret@a/"', "logs show this address"),
        ("[tls]\ncertificate = 'a'\nkey = 'b'\nca = 'c'", "tls.certificate: there is no file"),
        ("port = ", "not TOML"),
    ],
)
def test_a_mistake_is_named_with_the_file_the_key_and_the_cure(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "pacs.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as raised:
        load(path)
    message = str(raised.value)
    assert "unseen:secret" not in message
    assert message.startswith(str(path)) and said in message and "docs/how-to/pacs.md" in message


def test_a_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        load(tmp_path / "pacs.toml")


def test_an_empty_file_is_a_node_that_knows_nobody(tmp_path: Path) -> None:
    (tmp_path / "pacs.toml").write_text("")
    config = load(tmp_path / "pacs.toml")
    assert (config.ae_title, config.port, config.settle_s, config.peers) == ("TRIAGE", 11112, 60, ())
    with pytest.raises(UserError, match='no peer is called "archive"'):
        config.peer("archive")


def test_what_a_peer_leaves_out_comes_from_the_node(tmp_path: Path) -> None:
    (tmp_path / "pacs.toml").write_text("settle_s = 20\n" + ARCHIVE + "port = 4242\n")
    config = load(tmp_path / "pacs.toml")
    peer = config.peer("archive")
    assert (peer.films_source, config.settles_s(peer), peer.confirms_by) == ("archive", 20, "commitment")


def config_of(**peer: object) -> PacsConfig:
    return PacsConfig.model_validate({"peers": [{"name": "a", "ae_title": "A"} | peer]})


@pytest.mark.parametrize(
    ("addresses", "address", "known"),
    [
        (["10.1.0.0/16"], "10.1.255.1", True),
        (["10.1.0.0/16"], "10.2.0.1", False),
        (["10.1.0.0/16"], "::ffff:10.1.0.1", True),
        (["fe80::/10"], "fe80::1%eth0", True),
        (["fe80::%eth0/10"], "fe80::1%eth0", True),
        (["fe80::1%eth0"], "fe80::1", True),
        (["fe80::1%eth0"], "fe80::2", False),
        (["127.0.0.1", "::1"], "::1", True),
    ],
)
def test_a_peer_is_known_by_its_addresses(addresses: list[str], address: str, known: bool) -> None:
    found = peer_of(config_of(addresses=addresses), ae_title="A", address=address, secure=False)
    assert isinstance(found, str) is not known


def test_without_addresses_those_of_the_host_count() -> None:
    config = config_of(host="archive.example")
    for place, known in (("10.0.0.7", True), ("10.0.0.8", False)):
        found = peer_of(config, ae_title="A", address=place, secure=False, resolve=lambda host: ["10.0.0.7"])
        assert isinstance(found, str) is not known
    assert isinstance(peer_of(config, ae_title="A", address="10.0.0.7", secure=False, resolve=lambda host: []), str)


def test_of_two_peers_with_one_title_the_address_decides() -> None:
    peers = [
        {"name": name, "ae_title": "A", "addresses": [place]} for name, place in (("x", "10.0.0.1"), ("y", "10.0.0.2"))
    ]
    config = PacsConfig.model_validate({"peers": peers})
    found = peer_of(config, ae_title="A", address="10.0.0.2", secure=False)
    assert not isinstance(found, str) and found.name == "y"


@pytest.mark.parametrize(
    ("one", "other", "refused"),
    [
        ({"host": "ct.example"}, {"host": "CT.example"}, True),
        ({"host": "ct.example"}, {"host": "mr.example"}, False),
        ({"addresses": ["10.0.0.0/8", "10.1.0.7"]}, {"host": "10.1.0.7"}, True),
        ({"addresses": ["fe80::1%eth0"]}, {"addresses": ["fe80::/10"]}, True),
        ({"addresses": ["10.0.0.0/8"]}, {"addresses": ["::/0"]}, False),
        ({"host": "10.1.0.7"}, {"ae_title": None, "dicomweb": "http://10.1.0.7/"}, False),
        ({"host": "10.1.0.7", "port": 104}, {"host": "10.1.0.7", "port": 105}, True),
        ({"host": "10.1.0.7", "port": 104, "source": "s"}, {"host": "10.1.0.7", "port": 105, "source": "s"}, False),
        ({"host": "10.1.0.7", "source": "s"}, {"host": "10.1.0.7", "source": "s", "settle_s": 9}, True),
    ],
)
def test_two_peers_with_one_title_and_one_address_are_refused(
    one: dict[str, object], other: dict[str, object], refused: bool
) -> None:
    peers = [{"name": "x", "ae_title": "A"} | one, {"name": "y", "ae_title": "A"} | other]
    if not refused:
        assert len(PacsConfig.model_validate({"peers": peers}).peers) == 2
        return
    for both in (peers, peers[::-1]):
        with pytest.raises(ValueError, match="both have ae_title A and may both connect from"):
            PacsConfig.model_validate({"peers": both})

"""The how-to of the node: its examples are read, its table names each key, its Orthanc does as it is written."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import BaseModel

from tests.pacs.conftest import StartNode, dcmtk, film, in_bytes, peer, soon
from tests.pacs.orthanc_server import free_ports, start_orthanc
from unseen_server.pacs.config import Limits, PacsConfig, Peer, Tls

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "how-to" / "pacs.md").read_text(encoding="utf-8")
REFERENCE = (DOCS / "reference" / "pacs-node.md").read_text(encoding="utf-8")
SERVER = (DOCS / "how-to" / "install-a-server.md").read_text(encoding="utf-8")


def block(language: str, page: str = PAGE) -> list[str]:
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```", page, flags=re.MULTILINE | re.DOTALL)
    return ["\n".join(line.removeprefix(indent) for line in text.splitlines()) for indent, text in found]


@pytest.mark.parametrize("text", [text for page in (PAGE, REFERENCE, SERVER) for text in block("toml", page)])
def test_each_example_of_pacs_toml_is_read(text: str) -> None:
    config = PacsConfig.model_validate(tomllib.loads(text))
    assert config.peers or config.tls is not None


def keys(model: type[BaseModel], tables: dict[str, type[BaseModel]], before: str = "") -> set[str]:
    found = set()
    for name in model.model_fields:
        found |= keys(tables[name], {}, f"{name}.") if name in tables else {before + name}
    return found


def test_the_table_names_each_key_with_its_default() -> None:
    rows = re.findall(
        r"^\| (`.*?`) \| (.*?) \|", REFERENCE.split("## Settings")[1].split("## Films in")[0], flags=re.MULTILINE
    )
    named = {key: default for cell, default in rows for key in re.findall(r"`([^`]+)`", cell)}
    others = {"hl7", "fhir", "http", "syslog"}  # on the page of reports
    known = keys(PacsConfig, {"tls": Tls, "limits": Limits, "peers": Peer})
    assert set(named) == known - others | {f"[{name}]" for name in others}
    for model, before in ((PacsConfig, ""), (Limits, "limits."), (Tls, "tls.")):
        for name, field in model.model_fields.items():
            if isinstance(field.default, int | float | str):
                assert named[before + name].strip("`") == str(field.default), before + name


def test_orthanc_as_on_the_page_sends_its_films_to_the_node(
    start_node: StartNode, program: Callable[..., str], tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    settings = json.loads(block("json")[0])
    script = tmp_path / settings["LuaScripts"][0]
    script.write_text(block("lua")[0], encoding="utf-8")
    modalities = settings["DicomModalities"]
    modalities["triage"]["Port"] = port
    with start_orthanc(
        tmp_path / "orthanc",
        modalities=modalities,
        ae_title=settings["DicomAet"],
        program=program("Orthanc"),
        LuaScripts=[str(script)],
    ) as orthanc:
        node = start_node(port=port, peers=[peer("archive", ae_title="ORTHANC", port=orthanc.dicom_port)])
        for number, modality in ((1, "DX"), (2, "CT")):
            (tmp_path / "film.dcm").write_bytes(in_bytes(film(number, Modality=modality)))
            sent = dcmtk(program("storescu"), "-aec", "ORTHANC", "127.0.0.1", orthanc.dicom_port, tmp_path / "film.dcm")
            assert sent.returncode == 0, sent.stderr
        soon(lambda: node.store.films.holds("1.2.3.4.1"), "the film")
        assert node.films() == 1

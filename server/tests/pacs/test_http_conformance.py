"""The conformance statement is what the code says, and what the listener negotiates."""

from __future__ import annotations

import os
from pathlib import Path

from pydicom import uid

from tests.pacs.conftest import StartNode, associated
from tests.warm_python import warm_python
from unseen.artifacts.research_only import LIMITS
from unseen_server.pacs.conformance import statement
from unseen_server.web.stow import STOW

PAGE = Path(__file__).parents[3] / "docs" / "conformance.md"


def test_the_page_is_rendered_from_this_version() -> None:
    assert PAGE.read_text(encoding="utf-8") == statement(), (
        "python -m unseen_server.pacs.conformance docs/conformance.md"
    )
    assert LIMITS in statement() and f"`{STOW}`" in statement()


def test_the_command_prints_and_writes_it(tmp_path: Path) -> None:
    program = tmp_path / "conformance.py"  # `python -m unseen_server.pacs.conformance`
    program.write_text(
        "import runpy\nrunpy.run_module('unseen_server.pacs.conformance', run_name='__main__', alter_sys=True)\n"
    )
    printed = warm_python().run(program, cwd=tmp_path, environment=os.environ)
    assert printed.code == 0 and printed.out == statement(), printed.err
    assert warm_python().run(program, tmp_path / "page.md", cwd=tmp_path, environment=os.environ).code == 0
    assert (tmp_path / "page.md").read_text(encoding="utf-8") == statement()


def test_the_listener_takes_what_the_statement_says_and_nothing_else(start_node: StartNode) -> None:
    node = start_node()
    rows = [line.split("|")[1:-1] for line in statement().splitlines() if line.startswith("| ") and "`1.2.840" in line]
    services = {
        row[1].strip(" `"): row[3].strip() for row in rows if row[1].strip(" `").startswith("1.2.840.10008.5.1.4.1")
    }
    asked = {**services, str(uid.CTImageStorage): "no"}
    contexts = [(kind, (uid.ExplicitVRLittleEndian,)) for kind in asked]
    with associated(node.port, contexts) as association:
        accepted = {context.abstract_syntax for context in association.accepted_contexts}
    assert accepted == {kind for kind, how in asked.items() if how != "no"}
    assert accepted and accepted != set(asked)

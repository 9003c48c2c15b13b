"""Private interfaces of other libraries that the packages use: which, why, and the version that they were checked with.

A new version of one of these libraries fails here. Then check that the interface still does what its use needs, and
write the new version into `CHECKED`.
"""

from __future__ import annotations

import ast
import importlib.metadata
import re
from pathlib import Path

import pytest

from tests.source_trees import imports

ROOT = Path(__file__).parents[2]
CHECKED = {
    # tensors of an operator that outlive the transformation (jvp, grad) in which they are made:
    # tests/physics/test_operator_algebra.py, test_the_first_use_may_be_within_jvp
    "torch": (
        "2.13.0",
        "torch._functorch.pyfunctorch",
        # whether vmap or grad is active, which a function with a vmap of its own must ask without autograd, too:
        # tests/physics/test_blur.py
        "torch._C._are_functorch_transforms_active",
        # whether forward mode may follow a tensor: tests/physics/test_operator_algebra.py
        "torch.autograd.forward_ad._current_level",
        # where a compiled function is to run an operator as it is: tests/physics/test_operator_contract.py
        "torch._dynamo.graph_break",
    ),
    # the level of the log handlers, which write what peers send
    "pynetdicom": ("3.0.4", "pynetdicom._config"),
    # whether an address is a named proxy, as uvicorn itself decides it
    "uvicorn": ("0.54.0", "uvicorn.middleware.proxy_headers._TrustedHosts"),
}


def private_imports() -> set[str]:
    """Return the modules and names of other libraries that begin with an underscore and are imported."""
    found = set()
    for folder in ("src", "server/src", "models/src"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in imports(path):
                if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
                    names = [f"{node.module}.{alias.name}" for alias in node.names]
                elif isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                else:
                    continue  # of the same package
                for name in names:
                    parts = name.split(".")
                    private = next((i for i, one in enumerate(parts) if one.startswith("_") and one[1:2] != "_"), None)
                    if private is not None and not parts[0].startswith(("unseen", "_")):
                        found.add(".".join(parts[: private + 2]) if private < len(parts) - 2 else ".".join(parts[:-1])
                                  if private < len(parts) - 1 else name)  # fmt: skip
    return found


def private_attributes() -> set[str]:
    """Return the private attributes of those libraries that are used by their full names."""
    used = re.compile(rf"\b(?:{'|'.join(CHECKED)})(?:\.\w+)*\._[a-zA-Z][\w.]*")
    lines = [
        line
        for folder in ("src", "server/src", "models/src")
        for path in (ROOT / folder).rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if not line.lstrip().startswith(("import ", "from "))
    ]
    return {found for line in lines for found in used.findall(line)}


def test_no_other_private_interface_is_used() -> None:
    assert private_imports() | private_attributes() == {name for _, *names in CHECKED.values() for name in names}


@pytest.mark.parametrize("library", CHECKED)
def test_each_was_checked_with_the_installed_version(library: str) -> None:
    assert importlib.metadata.version(library).partition("+")[0] == CHECKED[library][0]

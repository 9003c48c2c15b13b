"""Notebooks of `examples`: without outputs, their first cell runs in `make test`, all cells in `make nightly`."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from tests.docs.blocks import ROOT

NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))
LIMITS = "Research use only. Not a medical device. Not for diagnosis."


def cells_of(path: Path, kind: str) -> list[str]:
    document = json.loads(path.read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in document["cells"] if cell["cell_type"] == kind]


def run(cell: str, names: dict[str, Any]) -> None:
    """Run a cell as a notebook does: its last expression is shown, as HTML where it has such a form."""
    tree = ast.parse(cell)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)
    if isinstance(last, ast.Expr):
        shown = eval(compile(ast.Expression(last.value), "cell", "eval"), names)
        if shown is not None and type(shown).__module__.startswith("unseen."):
            assert "<" in (shown._repr_html_() if hasattr(shown, "_repr_html_") else repr(shown))


def test_there_are_the_four_notebooks_without_outputs() -> None:
    assert [path.stem for path in NOTEBOOKS] == [
        "compare_detectors",
        "learn_ct_without_ground_truth",
        "screen_a_folder",
        "train_on_your_normals",
    ]
    for path in NOTEBOOKS:
        document = json.loads(path.read_text(encoding="utf-8"))
        assert document["nbformat"] == 4 and LIMITS in cells_of(path, "markdown")[0]
        for cell in document["cells"]:
            assert cell["cell_type"] == "markdown" or (cell["outputs"], cell["execution_count"]) == ([], None), path
        source = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
        assert path.read_text(encoding="utf-8") == source, f"{path}: not written in one form"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.parametrize("cells", [1, pytest.param(None, marks=[pytest.mark.nightly, pytest.mark.timeout(900)])])
def test_the_cells_run(path: Path, cells: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import matplotlib

    matplotlib.use("Agg")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "__main__"}
    for cell in cells_of(path, "code")[:cells]:
        run(cell, names)
    if cells is None:
        import matplotlib.pyplot as plt

        plt.close("all")

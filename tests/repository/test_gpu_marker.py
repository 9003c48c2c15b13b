"""Marker `gpu`: on every test that needs a CUDA device, so that `pytest -m gpu` runs all of them at once."""

from __future__ import annotations

import ast
from pathlib import Path

TESTS = Path(__file__).parents[1]


def test_tests_that_need_cuda_have_the_marker_and_no_others() -> None:
    skipped, marked = set(), set()
    for path in TESTS.rglob("test_*.py"):
        text = path.read_text(encoding="utf-8")
        if "skipif(" not in text and "mark.gpu" not in text:
            continue
        for function in ast.walk(ast.parse(text)):
            if not isinstance(function, ast.FunctionDef):
                continue
            for decorator in map(ast.unparse, function.decorator_list):
                if "skipif(not torch.cuda.is_available()" in decorator:
                    skipped.add(f"{path.name}::{function.name}")
                if decorator == "pytest.mark.gpu":
                    marked.add(f"{path.name}::{function.name}")
    assert skipped == marked and len(marked) >= 4

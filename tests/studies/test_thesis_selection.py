"""`python -m studies --only`: one recipe of the thesis by its name, and no noise study beside it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from studies import __main__ as studies_command
from studies import recipe_files
from studies.row_files import read_rows
from tests.studies.queue_victim import RECIPE

ROOT = Path(__file__).parents[2]


def test_one_recipe_of_the_thesis_gives_one_row(
    split_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "recipes" / "thesis").mkdir(parents=True)
    for name in ("small", "other"):
        text = RECIPE.replace("thesis/small", f"thesis/{name}").replace('"ganomaly"', '"pca"')
        text = text.replace("features = 4\nlatent = 8", "components = 4")
        (tmp_path / "recipes" / "thesis" / f"{name}.toml").write_text(text, encoding="utf-8")
    monkeypatch.setattr(recipe_files, "FOLDER", tmp_path / "recipes")
    monkeypatch.setenv("UNSEEN_DATA", str(split_set))
    monkeypatch.setenv("UNSEEN_RUNS", str(tmp_path / "runs"))
    studies_command.train(studies_command.parsed(["--only", "thesis/small", "--rows", str(tmp_path / "rows")]))
    assert list(read_rows(tmp_path / "rows")) == ["thesis/small-0"], "neither the other recipe nor the noise study"
    # PCA on whole films needs no lungs either
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["thesis"]


@pytest.mark.nightly
def test_an_unknown_recipe_is_refused() -> None:
    command = [sys.executable, "-m", "studies", "--only", "thesis/none"]
    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "invalid choice: 'thesis/none'" in done.stderr

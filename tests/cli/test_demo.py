"""`unseen demo`, in its smallest setting: all seven steps, the shortcut told in words, both bad files refused."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.cli.conftest import LIMITS, run
from unseen.artifacts import bundle


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_demonstration_shows_what_it_promises(tmp_path: Path) -> None:
    done = run("demo", "--out", tmp_path / "demo", "--normals", 80, "--pairs", 24, "--epochs", 1)
    assert done.code == 0, done.err
    assert [line[2:5] for line in done.err.splitlines() if line.startswith("▸")] == [f"{i}/7" for i in range(1, 8)]
    assert LIMITS in done.err
    assert re.search(r"40 films scored, AUROC [01]\.\d\d: it learnt from real films", done.out), done.out
    for name in ("pca", "roi-sure"):
        assert re.search(rf"{name}: AUROC 0\.\d\d \(95 % interval 0\.\d\d to [01]\.\d\d\)", done.out), done.out
        report = tmp_path / "demo" / "reports" / name
        assert f"report ({name}): {report / 'report.html'}" in done.out
        metrics = json.loads((report / "metrics.json").read_text(encoding="utf-8"))
        assert metrics["n"]["pooled"] == {"normal": 24, "abnormal": 24}
        assert bundle.load(tmp_path / "demo" / "models" / name).card.name == name
    for group in ("nodule", "consolidation", "effusion", "pneumothorax", "faint", "obvious"):
        assert re.search(rf"AUROC, {group} .*pca.*roi-sure", done.out), f"no line for {group}"
    planted = done.out.split("they show the way")[1].split("cut-short.png")[0]
    assert "shortcut: abnormal films are sharper" in planted, planted
    (cut,) = (line for line in done.out.splitlines() if "cut-short.png:" in line)
    (bomb,) = (line for line in done.out.splitlines() if "bomb.png:" in line)
    assert len(cut.split(":", 1)[1]) > 20
    assert re.search(r"60,?000", bomb), bomb

"""Each method's networks as ONNX: what OpenVINO computes from the files is what torch computes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.conftest import Say, say  # noqa: F401  a fixture
from unseen.data.film import Film
from unseen.detectors import METHODS
from unseen.detectors.detector import Detector
from unseen.detectors.onnx_export import export_networks


@pytest.fixture(scope="module", autouse=True)
def _kept_lungs() -> None:
    """Each finder looks at each film: the export watches what its network is given."""


WITHOUT = {"pca", "dct"}
"""Methods that are no network; their lung finder is one."""


OFTEN = {"roi-sure", "anatpaste", "pca"}
EACH = [pytest.param(key, marks=pytest.mark.slow if key in OFTEN else pytest.mark.nightly) for key in METHODS.own]


@pytest.mark.parametrize("key", EACH)
def test_every_network_of_a_method_computes_the_same(
    key: str, trained: dict[str, Detector], incoming: list[Film], tmp_path: Path
) -> None:
    parts = [part for network in trained[key].modules().values() for part in network.modules()]
    modes = [part.training for part in parts]
    exported = export_networks(trained[key], incoming[0], tmp_path)
    assert [part.training for part in parts] == modes
    assert bool({one.name for one in exported} - {"finder"}) != (key in WITHOUT)
    for one in exported:
        assert one.file.is_file() and one.difference <= 1e-3 * max(one.largest, 1e-6), one


def test_the_command_prints_each_networks_difference(say: Say, tmp_path: Path) -> None:  # noqa: F811
    answer = say("onnx", "models/roi-sure", "--to", tmp_path / "onnx")
    assert answer.code == 0, answer.err
    found = re.findall(r"(\w+)\.onnx: inputs [\d ×]+; differs from torch by (\S+) at most", answer.out)
    assert [name for name, _ in found] == ["finder", "e1", "de", "e2"] and all(float(much) < 1e-4 for _, much in found)
    assert len(list((tmp_path / "onnx").iterdir())) == 4
    lungs = say("onnx", "models/lungs", "--to", tmp_path / "lungs")
    assert lungs.code == 0 and lungs.out.count(".onnx") == 1
    assert "lung finder alone" not in answer.err + lungs.err
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no film")
    refused = say("onnx", "models/pca", "--to", tmp_path / "none", "--film", broken)
    assert refused.code == 2 and "broken.png" in refused.err


def test_it_is_said_where_the_lung_finder_is_all_that_was_written(say: Say, tmp_path: Path) -> None:  # noqa: F811
    answer = say("onnx", "models/pca", "--to", tmp_path)
    assert answer.code == 0 and [path.name for path in tmp_path.iterdir()] == ["finder.onnx"]
    assert "this is the lung finder alone. pca has no network" in answer.err

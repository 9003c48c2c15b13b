"""`unseen identify`: a verdict with its reason, for operators and groups by name."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Say
from tests.cli.test_mistakes import told
from unseen.cli.identify import GROUPS, OPERATORS

Ask = Callable[..., str]


@pytest.fixture
def ask(say: Say) -> Ask:
    """`ask("mri")`: what the command prints."""

    def answered(*words: str) -> str:
        answer = say("identify", *words)
        assert answer.code == 0, answer.err
        return answer.out

    return answered


def test_it_prints_the_verdict_and_the_reason(ask: Ask) -> None:
    text = ask("inpainting", "--dropped", "0.5", "--group", "flips", "--size", "16")
    assert text.startswith("inpainting, 16 × 16, flips\nverdict      no\nbecause      a share of 0.0")
    assert "signals of dimension k" in text


@pytest.mark.parametrize(
    ("words", "verdict", "meaning"),
    [
        (
            ("inpainting", "--group", "shifts"),
            "can (no obstacle found)",
            "a training on the measurements alone is worth trying, with no",
        ),
        (("inpainting", "--group", "none"), "no", "No training on these measurements alone can recover what A hides"),
        (("inpainting", "--dropped", "0"), "can", "Without noise no training is needed"),
    ],
)
def test_a_line_states_what_the_verdict_means_for_a_training(
    words: tuple[str, ...], verdict: str, meaning: str, say: Say
) -> None:
    text = say("identify", *words, "--size", "12").out
    assert f"verdict      {verdict}\n" in text
    (line,) = (line for line in text.splitlines() if line.startswith("means "))
    assert meaning in line, line
    assert json.loads(say("identify", *words, "--size", "12", "--json").out)["meaning"] in line


@pytest.mark.parametrize("group", ["shifts", "quarter-turns", "none"])
def test_each_symbol_of_a_report_is_defined_in_it(group: str, ask: Ask) -> None:
    report, symbols = ask("inpainting", "--group", group, "--size", "12").split("symbols ")
    defined = {line.split(":")[0].strip() for line in symbols.splitlines()}
    found = set(re.findall(r"c_j|\|G\||ε|T_g|A\*|A⁺|‖A‖|\bm(?= [≥>])|\bk(?= [≤])", report + symbols))
    assert {*found, "A"} == {name.removeprefix("n/") for name in defined}, (found, defined)


@pytest.mark.parametrize("size", ["16", pytest.param("32", marks=pytest.mark.nightly)])
@pytest.mark.parametrize("operator", OPERATORS)
def test_every_operator_can_be_asked_about(operator: str, size: str, ask: Ask) -> None:
    few = {"tomography": ("--angles", "5"), "blur": ("--sigma", "1")}.get(operator, ())
    assert "verdict      no" in ask(operator, "--group", "none", "--size", size, *few)


@pytest.mark.parametrize("group", GROUPS)
def test_every_group_can_be_asked_about(group: str, ask: Ask) -> None:
    text = ask("inpainting", "--group", group, "--size", "12", "--dropped", "0.5")
    expected = "can" if group in ("rotations", "shifts", "scalings", "permutations") else "no"
    assert f"verdict      {expected}" in text


@pytest.mark.nightly
def test_the_options_reach_the_operator(ask: Ask) -> None:
    assert "A shows      49 of the 256" in ask("downsampling", "--factor", "2", "--size", "16", "--group", "flips")
    assert "A shows      9 of the 256" in ask("downsampling", "--factor", "4", "--size", "16", "--group", "flips")
    assert "A shows      33 of the 256" in ask("compressed-sensing", "--measured", "33", "--size", "16")
    assert "A shows      64 of the 256" in ask("mri", "--acceleration", "4", "--size", "16", "--group", "flips")
    assert "k = 60: no" in ask("inpainting", "--size", "12", "--group", "shifts", "--dimension", "60")


def test_an_operator_of_ones_own_is_asked_about_by_its_file(ask: Ask, tmp_path: Path) -> None:
    np.save(tmp_path / "mask.npy", np.arange(256).reshape(16, 16) % 2 == 0)
    (tmp_path / "scan.toml").write_text('operator = "mask"\nmask = "mask.npy"')
    text = ask(str(tmp_path / "scan.toml"), "--group", "flips")
    assert ", 16 × 16, flips" in text and "A shows      128 of the 256" in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["gone.toml"], "gone.toml"),
        (["gone.toml", "--size", "16"], "--size does not belong to gone.toml"),
        (["telescope"], "operator 'telescope' is not known. Take one of tomography, mri"),
        (["mri", "--group", "moves"], "--group 'moves' is not known. Take one of rotations"),
        (["mri", "--angles", "50"], "--angles does not belong to mri"),
        (["blur", "--real"], "--real does not belong to blur"),
        (["inpainting", "--dropped", "1.0"], "dropped is a share of the pixels"),
        (["downsampling", "--factor", "3", "--size", "16"], "factor is a whole number that divides the size"),
        (["blur", "--size", "1"], "2 pixels a side or more"),
        (["mri", "--size", "16", "--dimension", "0"], "dimension ≥ 1"),
    ],
)
def test_mistakes_are_told_in_a_sentence(words: list[str], said: str, say: Say) -> None:
    told(say("identify", *words), said)

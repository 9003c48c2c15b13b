"""Figures copied as Python: the program, run on the saved table, prints what the API gives the page."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.web.conftest import Api, said
from tests.web.test_comparing import FIRST, SECOND, Fill, fill, labelled, models  # noqa: F401  # fixtures
from unseen.artifacts.research_only import LIMITS
from unseen.evaluation import read_scores

MODELS = {"lungs": FIRST, "whole": SECOND}


@pytest.fixture
def compared(make_api: Callable[..., Api], fill: Fill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Api:  # noqa: F811
    """A site with labelled films of two models; the working folder holds its saved table."""
    fill()
    api = make_api(models=models())
    (tmp_path / "scores.csv").write_bytes(api.lead.get("/compare/scores.csv").content)
    monkeypatch.chdir(tmp_path)
    return api


def run(api: Api, figure: str, *names: str, **more: float) -> str:
    """Return the output of the figure's program."""
    asked = {"figure": figure, "model": [MODELS[name] for name in names]} | more
    answer = api.lead.get("/compare/code", params=asked)
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/x-python")
    assert answer.text.startswith(f"# {LIMITS}\n")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(answer.text, figure, "exec"), {})
    return printed.getvalue()


def shown(figure: dict[str, Any]) -> str:
    return str({name: round(figure[name], 6) for name in ("value", "low", "high")})


def metrics(api: Api, name: str) -> Any:
    return api.lead.get("/compare/metrics", params={"model": MODELS[name]}).json()


def test_the_roc_is_the_pages(compared: Api) -> None:
    printed = run(compared, "roc", "lungs", "whole")
    for name in MODELS:
        wanted = metrics(compared, name)
        assert f"{name} {shown(wanted['auroc'])}\n" in printed
        roc = wanted["roc"]
        curve = zip(roc["false_positive_rate"], roc["sensitivity"], roc["low"], roc["high"], strict=True)
        assert "".join(f"{','.join(map(str, point))}\n" for point in curve) in printed


def test_the_figures_at_a_threshold_are_counted_from_the_table(compared: Api) -> None:
    scores = read_scores("scores.csv", model="lungs")
    threshold = float(scores["score"].median())
    ill, read = scores["label"] == "abnormal", scores["score"] >= threshold
    caught, alarms = int((ill & read).sum()), int((~ill & read).sum())
    printed = run(compared, "threshold", "lungs", threshold=threshold, prevalence=0.2)
    assert f"true positives {caught} " in printed and f"false positives {alarms} " in printed
    found = re.search(r"sensitivity ([\d.]+) specificity ([\d.]+)", printed)
    assert found
    sensitivity, specificity = map(float, found.groups())
    assert sensitivity == caught / int(ill.sum()) and specificity == 1 - alarms / int((~ill).sum())
    ppv = sensitivity * 0.2 / (sensitivity * 0.2 + (1 - specificity) * 0.8)
    assert f"PPV {ppv}" in printed
    assert "PPV" not in run(compared, "threshold", "lungs", threshold=threshold), "no prevalence was entered"


def test_sources_and_shortcuts_are_the_pages(compared: Api) -> None:
    wanted = metrics(compared, "whole")
    printed = run(compared, "sources", "whole", threshold=0.5)
    for source in wanted["sources"]:
        assert f"{source['source']} {shown(source['auroc'])} cleared " in printed
    printed = run(compared, "shortcuts", "whole")
    assert f"the model {shown(wanted['auroc'])}\n" in printed
    assert f"all statistics together {shown(wanted['mix'])}\n" in printed
    assert wanted["verdict"] in printed
    for one in wanted["shortcuts"]:
        value = one["strength"]["value"]
        line = next(line for line in printed.splitlines() if line.startswith(f"{one['name']} "))
        assert str(value) in line or str(round(1 - value, 6)) in line


def test_the_difference_of_two_models_is_the_pages(compared: Api) -> None:
    wanted = compared.lead.get("/compare/difference", params={"first": FIRST, "second": SECOND}).json()
    printed = run(compared, "difference", "lungs", "whole")
    assert printed.startswith(f"{wanted['films']} films ")
    assert f"difference {shown(wanted['difference'])} p {wanted['p']}\n" in printed
    assert f"'whole': {shown(wanted['second_auroc'])}" in printed


def test_what_cannot_be_coded_is_refused_in_a_sentence(compared: Api) -> None:
    asked = {"figure": "difference", "model": [FIRST, FIRST]}
    answer = compared.lead.get("/compare/code", params=asked)
    assert answer.status_code == 422 and "two models" in said(answer)
    assert compared.lead.get("/compare/code", params={"figure": "roc", "model": ["x"]}).status_code == 422
    assert compared.lead.get("/compare/code", params={"figure": "roc", "model": ["f" * 64]}).status_code == 404


def test_a_table_that_is_not_one_says_so(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    path.write_text("film,score\na,1\n")
    with pytest.raises(ValueError, match=r"scores\.csv: has no column study\. Save it again"):
        read_scores(path, model="lungs")
    with pytest.raises(ValueError, match="cannot be read as CSV"):
        read_scores(tmp_path / "none.csv", model="lungs")


def of_lab(api: Api, **asked: Any) -> str:
    """Return the output of the program of a lab's figure."""
    answer = api.reader.post("/lab/code", json=asked)
    assert answer.status_code == 200 and answer.text.startswith(f"# {LIMITS}\n"), answer.text
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(answer.text, "lab", "exec"), {})
    return printed.getvalue()


def test_the_labs_figures_are_those_of_its_process(api: Api) -> None:
    from unseen.lab.collection import Collection
    from unseen_server.web.lab_process import measurement, reconstruction
    from unseen_server.web.lab_requests import ToMeasure, ToReconstruct

    setup = {
        "size": 32,
        "operator": {"kind": "fourier-lines", "acceleration": 3.0, "real": True},
        "noise": {"kind": "gaussian", "level": 0.01},
        "seed": 4,
    }
    asked: dict[str, Any] = {"picture": {"kind": "made", "name": "film-with-lesion", "number": 2}, "setup": setup}
    wanted = measurement(ToMeasure.model_validate(asked), None, Collection())
    assert of_lab(api, **asked) == f"{wanted.words[0]}\n"
    printed = of_lab(api, **asked, figure="reconstructions", methods=["pinv", "tv"])
    for line, key in zip(printed.splitlines(), ("pinv", "tv"), strict=True):
        found = reconstruction(ToReconstruct.model_validate(asked | {"method": key}), None, Collection())
        assert line == (
            f"{key}: PSNR {found.psnr:.6g} dB, SSIM {found.ssim:.6g}, misfit {found.misfit:.6g}, "
            f"hidden {found.hidden:.6g}"
        )


def test_an_image_of_ones_own_has_no_code(api: Api) -> None:
    answer = api.reader.post("/lab/code", json={"picture": {"kind": "sent", "picture": "p-" + "0" * 24}})
    assert answer.status_code == 422 and "memory alone" in said(answer)
    answer = api.reader.post("/lab/code", json={"picture": {"kind": "made", "name": 'x"];import os'}})
    assert answer.status_code == 422

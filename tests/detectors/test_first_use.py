"""First use in Python: paths instead of films, tables, loaders, plots, objects as notebooks show them, messages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from matplotlib import pyplot as plt

import unseen as un
from unseen.artifacts.research_only import LIMITS
from unseen.detectors.errors import FitError


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six phantoms as PNG files, a broken file among them, and their manifest in the folder above."""
    place = tmp_path_factory.mktemp("first")
    un.data.phantoms.write(un.data.phantoms.normals(6, seed=3, size=64), place)
    (place / "films" / "zz-broken.png").write_bytes(b"no image")
    return place / "films"


@pytest.fixture(scope="module")
def model() -> Any:
    view = un.anatomy.View(frame="whole", size=32)
    return un.detectors.Pca(components=4, view=view).fit(un.data.phantoms.normals(12, seed=1, size=64))


def test_a_folder_a_glob_a_list_and_films_have_the_same_scores(model: Any, folder: Path) -> None:
    wanted = [one.score for one in model.score(un.data.films(folder)) if isinstance(one, un.detectors.Finding)]
    paths = sorted(folder.glob("*normal*.png"))
    for given in (folder, str(folder), f"{folder}/*", paths, [str(path) for path in paths]):
        found = [one.score for one in model.score(given) if isinstance(one, un.detectors.Finding)]
        assert found == wanted and len(found) == 6


def test_a_path_without_films_is_an_error_at_once(model: Any, tmp_path: Path) -> None:
    for call in (model.score, model.fit, lambda given: un.evaluation.evaluate(model, given)):
        with pytest.raises(un.data.SourceError, match="no film was found there"):
            call(tmp_path)


def test_fit_and_evaluate_take_paths(folder: Path) -> None:
    view = un.anatomy.View(frame="whole", size=32)
    model = un.detectors.Pca(components=2, view=view).fit(folder.parent / "manifest.csv")
    assert len(model.training_films) == 6
    assert un.evaluation.evaluate(model, folder, draws=10).not_read == 1


def test_the_table_has_a_row_for_each_input_in_order(model: Any, folder: Path) -> None:
    found = un.table(model.score(folder))
    assert found.height == 7 and found["status"].to_list() == ["scored"] * 6 + ["not_read"]
    assert found["score"].null_count() == 1 and found["reason"][-1] and found["file"].to_list() == sorted(found["file"])
    assert un.table([]).columns == found.columns


def test_the_loader_gives_each_film_once_and_leaves_out_what_cannot_be_read(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    loader = un.data.loader(folder, size=48, batch_size=4)
    batches = list(loader)
    assert [tuple(batch["image"].shape) for batch in batches] == [(4, 1, 48, 48), (2, 1, 48, 48)]
    assert "zz-broken.png is left out" in caplog.text
    names = [name for batch in batches for name in batch["file"]]
    assert len(set(names)) == 6 and all(bool((batch["label"] == -1).all()) for batch in batches)
    mixed = list(un.data.loader(folder, size=16, batch_size=7, shuffle=True))
    assert {name for batch in mixed for name in batch["file"]} == set(names)


def test_the_loader_keeps_proportions() -> None:
    (film,) = un.data.phantoms.normals(1, seed=3, size=64)
    wide = type(film)(
        **{name: getattr(film, name) for name in film.__slots__} | {"pixels": np.ones((32, 64), np.float32)}
    )
    (batch,) = un.data.loader([wide], size=64)
    image = batch["image"][0, 0]
    assert torch.all(image[16:48] == 1) and not image[:16].any() and not image[48:].any()


def test_objects_are_shown_in_notebooks_with_the_limits(model: Any, folder: Path) -> None:
    film = next(iter(un.data.films(folder)))
    (finding,) = model.score([film])
    films = [*un.data.phantoms.normals(3, seed=8, size=64), *un.data.phantoms.abnormals(3, seed=9, size=64)]
    mask = torch.arange(256).reshape(1, 16, 16) % 2 == 0
    y = un.physics.Mask(mask)(torch.rand(8, 1, 16, 16))
    learnt = un.reconstruction.learn(
        y, un.physics.Mask(mask), losses="ei", group=un.physics.Shifts(), training=un.training.Training(epochs=1)
    )
    for one, words in (
        (film, "<img"),
        (finding, "anomaly map"),
        (un.evaluation.evaluate(model, films, draws=10), "AUROC, pooled"),
        (un.physics.Mask(mask), "measured per number of the image"),
        (learnt, "operator"),
    ):
        shown = one._repr_html_()
        assert words in shown and LIMITS in shown and "<pca" not in shown


def test_a_finding_is_plotted_with_the_limits(model: Any, folder: Path, tmp_path: Path) -> None:
    figure = next(model.score(folder)).plot()
    assert figure.axes[0].get_title() == "film" and LIMITS in [text.get_text() for text in figure.texts]
    figure.savefig(tmp_path / "finding.png")
    assert (tmp_path / "finding.png").stat().st_size > 1000
    plt.close(figure)


def test_messages_in_python_name_arguments_and_not_options() -> None:
    with pytest.raises(FitError, match=r"`Pca\(NAME=…\)`") as few:
        un.detectors.Pca(components=50).fit(un.data.phantoms.normals(3, size=64), finder="models/lungs")
    with pytest.raises(FitError, match="`unlabelled=`") as none:
        un.detectors.Ddad().fit(un.data.phantoms.normals(3, size=64), finder="models/lungs")
    assert "--" not in str(few.value) + str(none.value)


def test_progress_is_written_where_a_line_can_be_written_over(
    model: Any, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    list(model.score(folder))
    assert capsys.readouterr().err == "", "no terminal"
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    list(model.score(folder))
    assert "scored: 7 of 7\n" in capsys.readouterr().err

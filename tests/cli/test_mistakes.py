"""A user's mistake ends in one sentence that says what to do, and in status 2; never in a traceback."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from tests.cli.conftest import RECIPE, Answer, Say, World, run


def told(answer: Answer, *words: str) -> None:
    """The answer is a mistake that is told in one sentence holding `words`."""
    assert answer.code == 2, (answer.code, answer.out, answer.err)
    assert "Traceback" not in answer.err
    lines = [line for line in answer.err.splitlines() if line.startswith("unseen: ")]
    assert len(lines) == 1, answer.err
    for word in words:
        assert word in answer.err, f"{word!r} is not in {answer.err!r}"


def changed(folder: Path, old: str, new: str) -> Path:
    assert old in RECIPE
    path = folder / "changed.toml"
    path.write_text(RECIPE.replace(old, new), encoding="utf-8")
    return path


def test_no_such_model(say: Say, world: World, tmp_path: Path) -> None:
    for command in (("score", tmp_path / "gone", "a.png"), ("info", tmp_path / "gone")):
        told(say(*command), "gone")
    film = sorted(world.bare.iterdir())[0]
    answer = say("score", tmp_path / "gone", film)
    told(answer, "models/pca")
    assert "phantom-ct" not in answer.err, "it is no detector"
    told(say("evaluate", tmp_path / "gone", "--data", world.bare, "--out", tmp_path / "r"), "gone")  # before the labels


def test_a_file_whose_name_begins_with_a_dash(
    say: Say, world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "-rf.png").write_bytes(sorted(world.bare.iterdir())[0].read_bytes())
    monkeypatch.chdir(tmp_path)
    told(say("score", world.pca, "-rf.png"), "-rf.png: is taken as options. Write ./-rf.png, or give -- before")
    for words in (("./-rf.png",), ("--", "-rf.png")):
        answer = say("score", world.pca, *words)
        assert answer.code == 0, answer.err


def test_a_folder_for_the_lab_that_is_not_there(say: Say, tmp_path: Path) -> None:
    told(say("serve", "--folder", tmp_path / "worklist", "--lab", tmp_path / "gone"), "gone: there is no such folder")
    assert not (tmp_path / "worklist").exists()


def test_a_device_that_is_not_there(say: Say, world: World) -> None:
    told(say("score", world.pca, "a.png", "--device", "gpu"), "device gpu: cannot be used here", "Take cpu")


def test_a_pickle_is_no_model(say: Say, tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    path.write_bytes(pickle.dumps({"weights": [1, 2, 3]}))
    told(say("score", path, "a.png"), "model.pt")
    folder = tmp_path / "bundle"
    folder.mkdir()
    (folder / "weights.pt").write_bytes(path.read_bytes())
    told(say("info", folder), "bundle")


def test_a_model_with_a_changed_weight_is_refused(say: Say, world: World, tmp_path: Path) -> None:
    import shutil

    copy = shutil.copytree(world.pca, tmp_path / "copy")
    weights = copy / "weights.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    told(say("score", copy, world.bare), "weights.safetensors")


def test_an_unknown_recipe_says_which_was_meant(say: Say) -> None:
    told(say("train", "phantoms/pca-64-lung"), 'recipe "phantoms/pca-64-lung"', "did you mean phantoms/pca-64-lungs?")
    told(say("recipes", "phantom/pca-64-lungs"), "did you mean phantoms/pca-64-lungs?")
    told(say("train", "pca"), 'recipe "pca": unknown; did you mean detectors/pca?')
    answer = say("train", "nothing-like-it")
    told(answer, "`unseen recipes` lists")
    assert "detectors/" not in answer.err, "no list of all names"


def test_an_unknown_setting_says_which_was_meant(say: Say, world: World, tmp_path: Path) -> None:
    for old, new, sentence in (
        ("components = 8", "componets = 8", "method.componets: unknown; did you mean components?"),
        ("size = 32", "szie = 32", "view.szie: unknown; did you mean size?"),
        ("threads = 1", "thread = 1", "training.thread: unknown; did you mean threads?"),
        ('key = "pca"', 'key = "pac"', "did you mean pca?"),
        ("size = 32", "size = 3", "view.size: seen 3; should be greater than or equal to 16"),
        ("[view]", "[veiw]", "veiw: unknown; did you mean view?"),
    ):
        told(say("train", changed(tmp_path, old, new), "--data", world.normals), sentence)


@pytest.mark.parametrize("command", [("train",), ("suspects",), ("prior", "train")])
@pytest.mark.parametrize("read", [True, False], ids=["of-a-section", "of-the-file"])
def test_each_mistake_in_a_recipe_names_its_file(
    command: tuple[str, ...], read: bool, say: Say, tmp_path: Path
) -> None:
    key = '"vae"\nlatnt = 1' if command[0] == "prior" else '"pca"\ncomponets = 1'
    above = "" if read else "sed = 1\nseed = -1\n"
    (tmp_path / "own.toml").write_text(f"{above}[view]\nsise = 3\n[method]\nkey = {key}\n", encoding="utf-8")
    answer = say(*command, tmp_path / "own.toml")
    mistakes = answer.err.removeprefix("unseen: ").splitlines()
    assert answer.code == 2 and len(mistakes) >= 2, answer
    assert all(line.startswith(f"{tmp_path / 'own.toml'}: ") for line in mistakes), mistakes


def test_a_recipe_that_is_no_toml_or_not_there(say: Say, tmp_path: Path) -> None:
    told(say("train", tmp_path / "none.toml"), "none.toml", "cannot be read")
    path = tmp_path / "bad.toml"
    path.write_text("name = unquoted", encoding="utf-8")
    told(say("train", path), "not TOML")


def test_a_path_that_is_not_there_ends_before_anything_is_trained(
    say: Say, world: World, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNSEEN_RUNS", str(tmp_path / "runs"))
    for given in ((), ("--finder", world.pca)):
        told(say("train", recipe, "--data", tmp_path / "normls", *given), "normls: no such file or folder")
    told(say("train", "phantoms/pca-64-lungs", "--data", "normls/"), "normls/: no such file or folder")
    told(say("suspects", recipe, "--data", tmp_path / "normls"), "normls: no such file or folder")
    assert not (tmp_path / "runs").exists()


def test_files_none_of_which_is_a_film_end_before_anything_is_trained(
    say: Say, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNSEEN_RUNS", str(tmp_path / "runs"))
    (tmp_path / "films").mkdir()
    for name in "ab":
        (tmp_path / "films" / f"{name}.txt").write_text("no film")
    told(say("train", recipe, "--data", tmp_path / "films"), "none of 2 files can be read", "a.txt")
    assert not (tmp_path / "runs").exists()


def test_a_setting_on_the_command_line_is_checked_like_one_of_the_recipe(say: Say, recipe: Path) -> None:
    told(
        say("train", recipe, "--set", "method.epochs=5"), "--set method.epochs: unknown; did you mean training.epochs?"
    )
    told(say("train", recipe, "--set", "method.componets=5"), "did you mean method.components?")
    told(say("train", recipe, "--set", "method.components=many"), 'method.components: seen "many"')
    told(say("train", recipe, "--set", "training.epochs"), "give a setting and its value")
    told(say("train", recipe, "--set", "veiw.size=32"), "veiw.size: unknown; did you mean view.size?")


def test_labels_of_the_set_that_it_does_not_have(say: Say, world: World, recipe: Path) -> None:
    told(say("train", recipe, "--data", world.bare, "--normal", "healthy"), "no film is called 'healthy'; seen: ")
    told(say("train", "phantoms/pca-64-lungs", "--normal", "healthy"), "go with --data")
    told(say("train", recipe, "--data", world.twins, "--label-column", "kind"), "--label-column: say what it holds")


def test_films_that_are_not_there_say_where_they_are_looked_for(
    say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNSEEN_DATA", str(tmp_path / "nothing"))
    answer = say("train", "ms_cxr/ganomaly-64-lungs", "--fold", 1)
    told(answer, "data.manifest", "nothing/ms_cxr/manifest.csv", "UNSEEN_DATA")
    monkeypatch.delenv("UNSEEN_DATA")
    monkeypatch.chdir(tmp_path)
    told(say("train", "ms_cxr/ganomaly-64-lungs"), "Set UNSEEN_DATA")


def test_too_few_films_say_how_many_are_needed(say: Say, world: World, tmp_path: Path) -> None:
    path = changed(tmp_path, "components = 8", "components = 50")
    answer = say("train", path, "--data", world.normals, "--finder", world.pca)
    told(answer, "components=50", "needs 51 normal films", "there are 30", "--set method.NAME=…")


def test_a_size_that_the_networks_cannot_have(say: Say, world: World, tmp_path: Path) -> None:
    path = tmp_path / "odd.toml"
    path.write_text('[view]\nsize = 60\n[method]\nkey = "roi-sure"\n', encoding="utf-8")
    told(say("train", path, "--data", world.bare, "--finder", world.pca), "view.size: seen 60", "power of two")


def test_a_folder_that_holds_masks_is_not_trained_on(say: Say, world: World, recipe: Path) -> None:
    folder = world.normals.parent
    assert (folder / "manifest.csv").is_file()
    words = "holds a manifest.csv", "masks and all", str(folder / "manifest.csv")
    told(say("train", recipe, "--data", folder), "data: ", *words)
    given = "--data", world.normals, "--finder", world.pca
    told(say("train", recipe, *given, "--unlabelled", folder), "unlabelled: ", *words)


def test_a_finder_must_hold_lungs_and_folds_need_the_recipes_films(say: Say, world: World, recipe: Path) -> None:
    told(say("train", recipe, "--data", world.normals, "--fold", 1), "fold")
    told(say("train", "phantoms/pca-64-lungs", "--fold", 1), "phantoms have no folds")
    told(say("train", recipe, "--data", world.normals, "--finder", world.bare), "films")


def test_no_normal_film_among_the_data(say: Say, recipe: Path, tmp_path: Path) -> None:
    path = tmp_path / "sick.csv"
    path.write_text("file,label\na.png,abnormal\n", encoding="utf-8")
    told(say("train", recipe, "--data", path), "data: 1 film, none of them normal")
    path.write_text("file,label\na.png,ill\n", encoding="utf-8")
    told(say("train", recipe, "--data", path), "line 2", "'ill'")


def test_a_device_that_is_not_here(say: Say, world: World, tmp_path: Path) -> None:
    import torch

    path = tmp_path / "gan.toml"
    path.write_text('[view]\nsize = 32\n[method]\nkey = "roi-oracle"\nfeatures = 4\n', encoding="utf-8")
    missing = f"cuda:{torch.cuda.device_count()}"
    told(say("train", path, "--data", world.normals, "--finder", world.pca, "--device", missing), missing)
    told(say("train", path, "--data", world.normals, "--device", "gpu"), "training.device", '"gpu"')


def test_contradictory_or_missing_arguments(say: Say, world: World, tmp_path: Path) -> None:
    told(say("score", world.pca), "give either FILES or --data")
    told(say("score", world.pca, "a.png", "--data", world.twins), "give either FILES or --data")
    told(say("score", world.pca, "a.png", "--out", tmp_path / "s.xlsx"), "s.xlsx", ".parquet or .csv")
    told(say("compare", world.pca, "--data", world.twins), "two models or more")
    told(say("compare", world.pca, world.pca, "--data", world.twins), "twice")


@pytest.mark.parametrize("words", [("score",), ("trian",), ("score", "model", "--colour"), ("demo", "--pairs", "2")])
def test_what_the_command_line_itself_refuses(say: Say, words: tuple[str, ...]) -> None:
    answer = say(*words)
    assert answer.code == 2 and "Traceback" not in answer.err and "Usage" in answer.err


def test_outputs_that_cannot_be_written(say: Say, world: World, tmp_path: Path) -> None:
    film = next(iter(sorted(world.bare.iterdir())))
    (tmp_path / "file").write_text("in the way")
    told(say("score", world.pca, film, "--maps", tmp_path / "file"), "file")
    told(say("score", world.pca, film, "--out", tmp_path / "file" / "s.csv"), "file")
    told(say("evaluate", world.pca, "--data", world.twins, "--out", tmp_path / "file"), "file")


def test_a_manifest_or_a_glob_that_names_nothing(say: Say, world: World, tmp_path: Path) -> None:
    told(say("score", world.pca, "--data", tmp_path / "*.png"), "*.png")
    path = tmp_path / "m.csv"
    path.write_text("path,label\na.png,normal\n", encoding="utf-8")
    told(say("evaluate", world.pca, "--data", path, "--out", tmp_path / "r"), "no `file` column")


@pytest.mark.slow
def test_mistakes_are_told_by_the_installed_command_too(tmp_path: Path) -> None:
    """Run the command in a new process, in which no package is imported before it is needed."""
    told(run("train", "nosuch/recipe"), "nosuch/recipe")
    told(run("train", "ms_cxr/ganomaly-64-lungs", UNSEEN_DATA=str(tmp_path)), "UNSEEN_DATA")


MISSING = (
    ("score", "gone", "film.png"),
    ("score", "models/pca", "gone.png"),
    ("score", "models/pca", "--data", "gone.csv"),
    ("score", "models/pca", "film.png", "--policy", "gone.json"),
    ("manifest", "gone"),
    ("manifest", "film.png"),
    ("manifest", ".", "--labels", "gone.csv"),
    ("train", "gone.toml"),
    ("train", "folder.toml"),
    ("train", "detectors/pca", "--data", "gone"),
    ("train", "detectors/pca", "--data", "gone.csv"),
    ("evaluate", "models/pca", "--data", "gone.csv", "--out", "report"),
    ("compare", "models/pca", "gone", "--data", "gone.csv"),
    ("calibrate", "models/pca", "--data", "gone.csv"),
    ("gate", "models/pca", "--data", "gone.csv", "--out", "gated"),
    ("adapt", "models/pca", "--data", "gone.csv", "--out", "adapted"),
    ("onnx", "models/roi-sure", "--to", "onnx", "--film", "gone.png"),
    ("reconstruct", "gone.npy", "--operator", "gone.toml", "--out", "out.npy"),
    ("reconstruct", "gone", "gone.npy", "--out", "out.npy"),
    ("identify", "gone.toml"),
    ("info", "gone"),
    ("pacs", "check", "--config", "gone.toml"),
)


@pytest.mark.parametrize("words", MISSING, ids=" ".join)
def test_a_file_that_is_not_there_is_named_without_an_error_number(
    words: tuple[str, ...], say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "300")
    (tmp_path / "film.png").write_bytes(b"no image")
    (tmp_path / "folder.toml").mkdir()
    answer = say(*words)
    assert answer.code in (1, 2), (answer.out, answer.err)
    assert "gone.csv" not in words or not answer.out, "a result is printed before the input is checked"
    said = answer.out + answer.err
    assert "Errno" not in said and "Traceback" not in said, said
    assert any(word in said for word in words if word.startswith(("gone", "folder")) or word == "film.png"), said


def test_an_output_that_cannot_be_written_is_named_before_the_work(say: Say, world: World, tmp_path: Path) -> None:
    (file := tmp_path / "file").touch()
    (folder := tmp_path / "folder.csv").mkdir()
    film = sorted(world.bare.iterdir())[0]
    for words in (
        ("score", world.pca, film, "--out", file / "scores.csv"),
        ("score", world.pca, film, "--maps", file),
        ("calibrate", world.pca, "--data", world.twins, "--out", file / "policy.json"),
        ("calibrate", world.pca, "--data", world.twins, "--out", folder),
        ("evaluate", world.pca, "--data", world.twins, "--out", file),
        ("evaluate", world.pca, "--data", world.twins, "--out", file / "report"),
        ("compare", world.pca, world.oracle, "--data", world.twins, "--out", folder),
        ("pilot", world.pca, "--data", world.twins, "--out", file),
    ):
        answer = say(*words)
        told(answer, str(words[-1]), "is a f")
        assert "scor" not in answer.err.partition("unseen: ")[0] and "▸" not in answer.err, answer.err
    assert not folder.with_name("policy.json").exists() and not any(folder.iterdir())


@pytest.mark.parametrize(
    "words",
    [
        ("score", "models/pca", "film.png", "--out"),
        ("score", "models/pca", "film.png", "--maps"),
        ("train", "detectors/pca", "--data", "films", "--crossfit", "2", "--report"),
        ("evaluate", "models/pca", "--data", "labelled.csv", "--out"),
        ("calibrate", "models/pca", "--data", "labelled.csv", "--out"),
        ("pilot", "models/pca", "--data", "archive.csv", "--out"),
        ("manifest", "films", "--out"),
        ("prior", "train", "priors/wgan-gp", "--out"),
    ],
)
def test_an_output_path_that_is_not_utf_8_is_refused_before_the_work(words: tuple[str, ...], say: Say) -> None:
    told(say(*words, "caf\udce9.csv"), f"{words[-1]} caf\\xe9.csv: the name is not UTF-8. Give another path")


def _commands_that_write(world: World) -> list[tuple[object, ...]]:
    """Return each command that writes, up to the option whose value is the place."""
    return [
        ("manifest", world.bare, "--out"),
        ("train", "phantoms/pca-64-lungs", "--out"),
        ("train", "detectors/pca", "--data", world.twins, "--crossfit", 2, "--report"),
        ("train", "imaging/inpainting", "--out"),
        ("prior", "train", "priors/mnist-vae", "--out"),
        ("suspects", "detectors/pca", "--data", world.normals, "--out"),
        ("score", world.pca, "--data", world.normals, "--maps"),
        ("evaluate", world.pca, "--data", world.twins, "--out"),
        ("compare", world.pca, world.oracle, "--data", world.twins, "--out"),
        ("adapt", world.pca, "--data", world.twins, "--out"),
        ("gate", world.pca, "--data", world.normals, "--out"),
        ("onnx", world.pca, "--to"),
        ("calibrate", world.pca, "--data", world.twins, "--prevalence", 0.1, "--out"),
        ("pilot", world.pca, "--data", world.twins, "--out"),
        ("reconstruct", "models/phantom-inpainting", "y.npy", "--out"),
    ]


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="a folder where the system lets nobody write")
def test_a_place_where_nothing_can_be_written_is_reported_before_the_work(
    say: Say, world: World, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    cases = [(place, *words) for words in _commands_that_write(world) for place in ("/sys/x", tmp_path / "file" / "x")]
    cases += [
        (f"/sys/x{end}", "score", world.pca, "--data", world.normals, "--out") for end in (".csv", ".parquet", "/")
    ]
    for place, *words in cases:
        answer = say(*words, place)
        assert (answer.code, "▸" in answer.err) == (2, False), (words, answer)
        assert "Give another path" in answer.err and str(place).rstrip("/") in answer.err, (words, answer)


def test_a_folder_of_runs_that_cannot_be_made_is_reported_before_the_work(
    say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("UNSEEN_RUNS", str(tmp_path / "file" / "runs"))
    for words in (
        ("train", "phantoms/pca-64-lungs"),
        ("train", "imaging/inpainting"),
        ("prior", "train", "priors/mnist-vae"),
    ):
        answer = say(*words)
        assert (answer.code, "▸" in answer.err) == (2, False), (words, answer)
        assert f"{tmp_path / 'file'} is a file" in answer.err

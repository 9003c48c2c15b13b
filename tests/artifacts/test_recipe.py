"""Recipes: read, checked, resolved, digested, written."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from unseen.artifacts import recipe as recipes
from unseen.artifacts.recipe import Recipe, RecipeError, RecipeMethod, digest, validated
from unseen.training.settings import Training

TEXT = """\
name = "ms_cxr/roi-sure-64-lungs"
seed = 3

[data]
manifest = "ms_cxr/manifest.csv"
split = "ms_cxr/splits.csv"

[view]
size = 64

[method]
key = "roi-sure"
sure_weight = 2.0

[training]
epochs = 7
"""


class Config(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    sure_weight: float = Field(default=1.0, ge=0, le=100)
    sigmas: tuple[float, ...] = (0.1,)
    form: str | None = None


class View(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    frame: str = "lungs"
    size: int = Field(default=64, ge=16)


def message(call: object, *args: object, **kwargs: object) -> str:
    assert callable(call)
    with pytest.raises(RecipeError) as caught:
        call(*args, **kwargs)
    return str(caught.value)


def test_a_recipe_is_read_as_written() -> None:
    recipe = Recipe.from_toml(TEXT)
    assert (recipe.name, recipe.seed, recipe.data.split) == ("ms_cxr/roi-sure-64-lungs", 3, "ms_cxr/splits.csv")
    assert (recipe.view, recipe.training) == ({"size": 64}, {"epochs": 7})
    assert recipe.method == RecipeMethod(key="roi-sure", settings={"sure_weight": 2.0})


def test_an_unknown_setting_of_the_method_names_the_nearest() -> None:
    recipe = Recipe.from_toml(TEXT.replace("sure_weight", "sure_wieght"))
    assert message(recipe.resolved, method=Config) == "method.sure_wieght: unknown; did you mean sure_weight?"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("[training]", "[trainign]", "trainign: unknown; did you mean training?"),
        ("manifest", "manifset", "data.manifset: unknown; did you mean manifest?"),
        ('key = "roi-sure"', "", "method.key: missing"),
        ('key = "roi-sure"', 'key = ""', 'method.key: seen ""; String should have at least 1 character'),
        ("seed = 3", "seed = -1", "seed: seen -1; should be greater than or equal to 0"),
        ("seed = 3", "seed = true", "seed: seen true; should be a valid integer"),
        ("[view]\nsize = 64", "", None),
        ("[data]", "view = 3\n[data]", None),
        ("seed = 3", "seed = ", None),
        ('"ms_cxr/roi-sure-64-lungs"', '"../../etc"', None),
    ],
)
def test_mistakes_are_sentences_with_their_toml_path(old: str, new: str, expected: str | None) -> None:
    text = TEXT.replace(old, new)
    if "[view]" not in text:
        assert Recipe.from_toml(text).view == {}
        return
    seen = message(Recipe.from_toml, text)
    if expected is not None:
        assert seen == expected
    else:
        assert seen.startswith(("not TOML: ", "name: seen "))


def test_a_value_in_place_of_a_table_is_named() -> None:
    assert message(Recipe.from_toml, 'name = "a"\nview = 3\nmethod = 4').splitlines() == [
        "view: seen 3; should be a table",
        "method: seen 4; should be a table",
    ]


def test_bounds_are_told_with_what_was_seen() -> None:
    recipe = Recipe.from_toml(TEXT.replace("2.0", "-0.5").replace("size = 64", 'size = "big"'))
    assert message(recipe.resolved, method=Config) == (
        "method.sure_weight: seen -0.5; should be greater than or equal to 0"
    )
    assert message(validated, recipe.view, View, where="view").startswith(
        'view.size: seen "big"; should be a valid int'
    )


def test_several_mistakes_are_several_lines() -> None:
    assert message(validated, {"sure_weight": 101, "colour": "red"}, Config, where="method").splitlines() == [
        "method.sure_weight: seen 101; should be less than or equal to 100",
        "method.colour: unknown; known: form, sigmas, sure_weight",
    ]


def test_mistakes_in_several_sections_are_named_together() -> None:
    text = TEXT.replace("size = 64", "sise = 64").replace("sure_weight", "sure_wieght").replace("epochs", "epoch")
    assert message(Recipe.from_toml(text).resolved, method=Config, view=View, training=Training).splitlines() == [
        "method.sure_wieght: unknown; did you mean sure_weight?",
        "view.sise: unknown; did you mean size?",
        "training.epoch: unknown; did you mean epochs?",
    ]


def test_resolving_writes_every_default_out_and_gives_the_seed_to_the_training() -> None:
    recipe = Recipe.from_toml(TEXT).resolved(method=Config, view=View, training=Training)
    assert recipe.method.settings == {"sure_weight": 2.0, "sigmas": [0.1], "form": None}
    assert recipe.view == {"frame": "lungs", "size": 64}
    assert recipe.training["seed"] == 3
    assert recipe.training["batch_size"] == 32
    again = Recipe.from_toml(recipe.to_toml())
    assert again.resolved(method=Config, view=View, training=Training) == recipe


def test_a_second_seed_is_refused() -> None:
    recipe = Recipe.from_toml(TEXT + "seed = 4\n")
    assert message(recipe.resolved, method=Config, training=Training) == (
        "training.seed: seen 4, but seed is 3; set seed alone"
    )


_KEYS = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
_VALUES = st.recursive(
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.datetimes(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=5,
)
_TABLES = st.dictionaries(_KEYS, _VALUES, max_size=4)


_RECIPES = st.builds(
    Recipe,
    name=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,9}(/[a-z0-9]{1,5})?", fullmatch=True),
    seed=st.integers(0, 2**63 - 1),
    data=st.builds(
        recipes.RecipeData,
        manifest=st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=9),
    ),
    view=_TABLES,
    # key is the one name that a method's setting cannot have
    method=st.builds(
        RecipeMethod, key=st.just("pca"), settings=_TABLES.map(lambda table: {k: table[k] for k in table if k != "key"})
    ),
    training=_TABLES,
)


@settings(max_examples=25)
@given(_RECIPES)
def test_toml_to_recipe_to_toml_and_back(recipe: Recipe) -> None:
    there_and_back(recipe)


@pytest.mark.nightly
@settings(max_examples=300)
@given(_RECIPES)
def test_many_recipes_go_to_toml_and_back(recipe: Recipe) -> None:
    there_and_back(recipe)


def there_and_back(recipe: Recipe) -> None:
    text = recipe.to_toml()
    assert Recipe.from_toml(text) == recipe
    assert Recipe.from_toml(text).to_toml() == text
    assert tomllib.loads(text)["method"] == {"key": "pca", **recipe.method.settings}
    assert len(digest(recipe, data_digest="", version="")) == 64


def test_the_digest_changes_with_what_matters_and_with_nothing_else() -> None:
    recipe = Recipe.from_toml(TEXT)
    data, method = TEXT.index("[data]"), TEXT.index("[method]")
    reordered = Recipe.from_toml(TEXT[:data] + TEXT[method:] + TEXT[data:method])
    one = digest(recipe, data_digest="d", version="0.1.0")
    assert one == digest(reordered, data_digest="d", version="0.1.0")
    assert one == digest(recipe.model_copy(update={"name": "copy"}), data_digest="d", version="0.1.0")
    others = {
        digest(recipe, data_digest="e", version="0.1.0"),
        digest(recipe, data_digest="d", version="0.2.0"),
        digest(recipe.model_copy(update={"seed": 4}), data_digest="d", version="0.1.0"),
        digest(Recipe.from_toml(TEXT.replace("2.0", "2.5")), data_digest="d", version="0.1.0"),
        digest(Recipe.from_toml(TEXT.replace("size = 64", "size = 128")), data_digest="d", version="0.1.0"),
    }
    assert len(others | {one}) == 6


def test_a_recipe_is_loaded_by_path_and_named_after_its_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('[method]\nkey = "pca"\n')
    assert recipes.load(path).name == recipes.load(str(path)).name == "mine"


def test_a_recipe_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    assert "cannot be read" in message(recipes.load, tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b"name = '\xff'")
    assert "cannot be read" in message(recipes.load, tmp_path / "latin.toml")
    assert message(recipes.load, "no-such-recipe").startswith('recipe "no-such-recipe": unknown')


def test_any_name_of_a_file_will_do(tmp_path: Path) -> None:
    for stem, name in (("lung crop (2)", "lung-crop-2-"), ("_läßt", "l-t"), ("…", "recipe")):
        path = tmp_path / f"{stem}.toml"
        path.write_text('[method]\nkey = "pca"\n', encoding="utf-8")
        assert recipes.load(path).name == name


def test_a_mistake_in_a_file_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    for text, sentence in (("[method", "not TOML"), ('seed = "x"\n[method]\nkey = "pca"', "seed: seen")):
        path.write_text(text, encoding="utf-8")
        said = message(recipes.load, path)
        assert said.startswith(f"{path}: ") and sentence in said


def test_shipped_recipes_are_found_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "recipes" / "ms_cxr").mkdir(parents=True)
    (tmp_path / "recipes" / "ms_cxr" / "pca.toml").write_text('[method]\nkey = "pca"\n')
    (tmp_path / "recipes" / "note.txt").touch()
    monkeypatch.setattr("importlib.resources.files", lambda package: tmp_path)
    assert recipes.names() == ["ms_cxr/pca"]
    assert recipes.load("ms_cxr/pca").name == "ms_cxr/pca"
    assert message(recipes.load, "ms_cxr/pac") == (
        'recipe "ms_cxr/pac": unknown; did you mean ms_cxr/pca? (a file of your own ends in .toml)'
    )


def test_every_shipped_recipe_can_be_read() -> None:
    for name in recipes.names():
        assert recipes.load(name).name == name

"""The section [training] of a recipe."""

from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import ValidationError

from unseen.artifacts.recipe import RecipeError, validated
from unseen.training.settings import Training


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0},
        {"batch_size": 0},
        {"precision": "fp16"},
        {"device": "gpu"},
        {"threads": 0},
        {"checkpoint_every_s": float("nan")},
        {"sed": 1},
    ],
)
def test_settings_out_of_bounds_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Training.model_validate(wrong)


def test_a_mistake_in_a_recipe_is_a_sentence_with_its_path() -> None:
    with pytest.raises(RecipeError) as caught:
        validated({"epoch": 3, "batch_size": 0}, Training, where="training")
    assert str(caught.value).splitlines() == [
        "training.batch_size: seen 0; should be greater than or equal to 1",
        "training.epoch: unknown; did you mean epochs?",
    ]


def test_a_mistake_in_the_constructor_is_the_same_sentence() -> None:
    with pytest.raises(RecipeError, match=r"^training\.epoch: unknown; did you mean epochs\?$"):
        Training(epoch=5)  # type: ignore[call-arg]
    with pytest.raises(RecipeError, match=r"^training\.epochs: seen 0; should be greater than or equal to 1$"):
        Training(epochs=0)


def test_artifacts_and_training_import_without_torch_or_fabric() -> None:
    code = (
        "import sys, unseen.artifacts, unseen.training, unseen.artifacts.bundle, unseen.artifacts.recipe;"
        "import unseen.training.settings;"
        "assert not {'torch', 'lightning_fabric', 'safetensors'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

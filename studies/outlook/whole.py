"""A VAE against a GAN by their whole recipes: all images, width and epochs, where `generators` takes fewer of each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from studies import recipe_files as recipes
from studies.generators.study import study
from studies.outlook.rows import row_of
from studies.rows import Row
from unseen.runs.generator_training import PictureSettings, load_images, train_generator
from unseen.training.tensorboard_log import Report

QUESTION = "generators-whole"
IMAGES = {"digits": "mnist", "shapes": "shapes"}
KINDS = ("vae", "wgan-gp")


def whole_row(
    images: str, kind: str, *, data: Path | None = None, root: Path | None = None, progress: Report | None = None
) -> Row:
    """Train a generator by its recipe, or find it trained, and answer the questions of `studies.generators`: the row.

    Args:
        images: Of `IMAGES`.
        kind: Of `KINDS`.
        data: Folder of the digits; None: `$UNSEEN_DATA`.
        root: Folder of the runs; None: `$UNSEEN_RUNS`.
        progress: Called after each step.
    """
    done = train_generator(recipes.load(f"priors/{IMAGES[images]}-{kind}"), data=data, root=root, progress=progress)
    pictures = load_images(PictureSettings(pictures=images, size=32), data=data)  # type: ignore[arg-type]
    asked = study(done.G, pictures)
    answers: dict[str, Any] = {
        question: {name: value for name, value in answer.items() if not name.startswith("by_") or name == "by_picture"}
        if isinstance(answer, dict)
        else answer
        for question, answer in asked.to_json().items()
    }
    card, settings = done.G.card, done.recipe.method.settings
    return row_of(
        QUESTION,
        f"{images}-{kind}",
        seed=done.recipe.seed,
        settings={**settings, "epochs": done.recipe.training["epochs"]},
        by_picture={},
        n={"trained": len(pictures.training), "tested": len(pictures.testing)},
        facts={
            "recipe_digest": None if card is None else card.recipe_digest,
            "images": images,
            "kind": kind,
            "features": settings.get("features"),
            "trained_seconds": None if card is None else card.facts.get("training_seconds"),
            "answers": answers,
        },
    )

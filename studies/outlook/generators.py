"""A VAE against a GAN, by what is measured: the questions of `studies.generators`, on digits and on shapes.

The four trainings take about ten core minutes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from studies import recipe_files as recipes
from studies.generators.study import study
from studies.outlook.rows import row_of
from studies.rows import Row
from unseen.priors.search_settings import Search
from unseen.runs.generator_training import PictureSettings, load_images, train_generator

IMAGES = {"digits": "mnist", "shapes": "shapes"}
KINDS = ("vae", "wgan-gp")
LIMIT, BATCH, FEATURES = 2000, 64, 8
EPOCHS = {"vae": 20, "wgan-gp": 64}
_LOOKED, _COMPARED = 32, 400
_SEARCH = Search(restarts=3, iterations=60)


def generators_row(images: str, kind: str, *, data: Path | None = None) -> Row:
    """Train a generator by its recipe on fewer images, or find it trained, and ask the five questions: the row.

    Args:
        images: Of `IMAGES`.
        kind: Of `KINDS`.
        data: Folder of the digits; None: `$UNSEEN_DATA`.
    """
    recipe = recipes.load(f"priors/{IMAGES[images]}-{kind}")
    whole = int(str(recipe.training["epochs"]))
    recipe = recipe.model_copy(
        update={
            "name": f"outlook/generators-{images}-{kind}",
            "view": {**recipe.view, "limit": LIMIT},
            "method": recipe.method.model_copy(update={"settings": {**recipe.method.settings, "features": FEATURES}}),
            "training": {**recipe.training, "epochs": EPOCHS[kind], "batch_size": BATCH},
        }
    )
    done = train_generator(recipe, data=data)
    pictures = load_images(PictureSettings(pictures=images, size=32, limit=LIMIT), data=data)  # type: ignore[arg-type]
    asked = study(done.G, pictures, number=_LOOKED, compared=_COMPARED, search=_SEARCH)
    answers: dict[str, Any] = asked.to_json()
    for answer in answers.values():
        if isinstance(answer, dict):
            for name in [name for name in answer if name.startswith("by_")]:
                if name != "by_picture":
                    del answer[name]
    card = done.G.card
    return row_of(
        "generators",
        f"{images}-{kind}",
        seed=recipe.seed,
        settings={**done.recipe.method.settings, "epochs": EPOCHS[kind], "epochs_of_recipe": whole, "limit": LIMIT},
        by_picture={},
        n={"trained": LIMIT, "tested": _COMPARED},
        facts={
            "recipe_digest": None if card is None else card.recipe_digest,
            "images": images,
            "kind": kind,
            "features": done.recipe.method.settings.get("features"),
            "trained_seconds": None if card is None else card.facts.get("training_seconds"),
            "answers": answers,
        },
    )

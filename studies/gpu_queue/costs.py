"""Costs of the entries: their trainings, each next to the committed row whose measured core-seconds are the nearest.

`studies.pages.training_cost` computes core-hours on a CPU from them, "up to" where size, width or transforms differ.
"""

from __future__ import annotations

from collections.abc import Sequence

from studies import recipe_files as recipes
from studies.adversarial.noise import cell
from studies.imaging.arms import READ_BY
from studies.imaging.published import EI_INPAINTING
from studies.imaging.settings import Arm, images_of, method_of, training_of
from studies.outlook.learning import ADAPTED, STEPS
from studies.pages.budgets import PX, THESIS_NORMALS
from studies.pages.training_cost import SourceTraining
from unseen.artifacts.recipe import Recipe

_IMAGES = {"urban": 64, "ct": 49, "ct-again": 1225, "mri": 54, "digits": 600, "digits-6000": 6000}
_WITHOUT_HELD_OUT = {"urban": 58, "ct": 44, "ct-again": 1100, "mri": 49, "digits": 540}
"""Images that are trained on: all; and under noise, where others are held out and choose the epoch."""
_FILMS = {"ms_cxr": 277, "nih_cxr8": 261}
"""Normal films that are trained on without fold 0."""
_CURVES = {
    "inpainting": "curves/inpainting-64-ei-19200-0",
    "ct": "curves/ct-64-ei-50400-0",
    "mri": "curves/mri-64-ei-13014-0",
}
"""Longest training of each curve: its core-seconds of a step are also those of `docs/results-imaging.md`."""
_PROBLEMS: dict[str, dict[str, str]] = {
    "inpainting": {"ei+project": "inpainting-ei"},
    "ct": {"ei+project": "ct-ei"},
    "low-dose-ct-again": {"unrolled": "low-dose-ct-unrolled"},
    "single-pixel-4500-steps": {"unrolled": "single-pixel-unrolled"},
    "mri-x4-01": {"": "mri-x4-05"},
    "mri-x4-10": {"": "mri"},
}
"""Nearest rows of a problem: by arm, or of all arms ("")."""


def of_thesis(recipe: Recipe) -> tuple[SourceTraining, ...]:
    """Return the training of a recipe of the thesis's protocol."""
    own = f"thesis/{recipe.method.key}-0"
    nearest = "thesis/ganomaly-sure-16-0" if recipe.method.key == "ganomaly-sure" else own
    return (SourceTraining(nearest, _steps(recipe, THESIS_NORMALS), px=_px(recipe), features=_features(recipe)),)


def of_imaging(recipe: Recipe, arms: Sequence[Arm]) -> tuple[SourceTraining, ...]:
    """Return the trainings of a problem's arms, each as long as the recipe says."""
    return tuple(_of_arm(recipe, arm) for arm in arms)


def of_curve(recipe: Recipe, arm: Arm | None) -> tuple[SourceTraining, ...]:
    """Return the training of a curve; of one arm of a problem where it is given."""
    if arm is not None:
        return (_of_arm(recipe, arm),)
    nearest = _CURVES[recipe.short.rpartition("-")[0]]
    return (SourceTraining(nearest, _image_steps(recipe), px=_px(recipe), features=_features(recipe)),)


def of_detector(recipe: Recipe) -> tuple[SourceTraining, ...]:
    """Return the training of a detector without fold 0."""
    films = _FILMS[str(recipe.data.manifest).partition("/")[0]]
    key = recipe.method.key
    if key in ("ganomaly", "roi-sure"):
        nearest = f"thesis/{key}-0"
    elif key == "resunet-ganomaly" and _px(recipe) == PX:
        nearest = "adversarial/nih-unet-dcgan-256-0"
    else:
        dcgan = key == "f-anogan" and recipe.method.settings.get("network") == "dcgan"
        nearest = f"detectors/fold-0/{key}{'-dcgan' if dcgan else ''}-0"
    return (SourceTraining(nearest, _steps(recipe, films), px=_px(recipe), features=_features(recipe)),)


def of_adversarial(recipe: Recipe) -> tuple[SourceTraining, ...]:
    """Return the training of a GAN of the thesis, at the rate of the thesis's protocol."""
    nearest = f"thesis/{recipe.method.key}-0"
    return (SourceTraining(nearest, _steps(recipe, THESIS_NORMALS), px=_px(recipe), features=_features(recipe)),)


def of_noise(recipe: Recipe, arm: str, sigma: float) -> SourceTraining:
    """Return the training of f-AnoGAN under noise without fold 0, at the rate of its narrow row."""
    nearest = f"{cell(arm, sigma).recipe_name}-0"
    return SourceTraining(nearest, _steps(recipe, _FILMS["ms_cxr"]), px=_px(recipe), features=_features(recipe))


def of_fold(recipe: Recipe) -> tuple[SourceTraining, ...]:
    """Return the training of one fold of a recipe of `ms_cxr` at 128 px: from its row at 64 px."""
    nearest = f"{recipe.name.replace('-128-', '-64-')}-0"
    return (SourceTraining(nearest, _steps(recipe, _FILMS["ms_cxr"]), px=_px(recipe)),)


def of_outlook(question: str, arm: str) -> tuple[SourceTraining, ...]:
    """Return the training of an arm with the steps, features and transforms of EI's inpainting."""
    share = ADAPTED / STEPS if arm == "adapted" else 1
    steps, features = round(share * EI_INPAINTING.steps), EI_INPAINTING.features
    turns = EI_INPAINTING.transforms if arm == "adapted" or arm.startswith("ei") else None
    return (SourceTraining(f"outlook/{question}-{arm}-0", steps, features=features, transforms=turns),)


def of_ambient(arm: str, epochs: int, features: int) -> tuple[SourceTraining, ...]:
    """Return the training of a GAN from 4,000 measurements in batches of 64."""
    return (SourceTraining(f"outlook/ambient-{arm}-0", epochs * (4000 // 64), features=features),)


def of_generator(images: str, kind: str) -> tuple[SourceTraining, ...]:
    """Return the training of a generator by its whole recipe."""
    recipe = recipes.load(f"priors/{'mnist' if images == 'digits' else images}-{kind}")
    nearest = f"priors/{images}-tomography-5-views-range-vae-0"
    return (SourceTraining(nearest, int(str(recipe.training["epochs"])), "epochs"),)


def _of_arm(recipe: Recipe, arm: Arm) -> SourceTraining:
    known = _PROBLEMS.get(recipe.short, {})
    nearest = known.get(arm, f"{known.get('', recipe.short)}-{arm}")
    asked = method_of(recipe)
    turns = asked.transforms if "transforms" in READ_BY[arm] else None
    return SourceTraining(
        f"imaging/{nearest}-0", _image_steps(recipe), px=_px(recipe), features=asked.features, transforms=turns
    )


def _image_steps(recipe: Recipe) -> int:
    training, asked = training_of(recipe), method_of(recipe)
    images = _WITHOUT_HELD_OUT if asked.sigma > 0 or asked.gain > 0 else _IMAGES
    return training.epochs * max(1, images[images_of(recipe).pictures] // training.batch_size)


def _steps(recipe: Recipe, films: int) -> int:
    return int(str(recipe.training["epochs"])) * max(1, films // int(str(recipe.training["batch_size"])))


def _px(recipe: Recipe) -> int:
    return int(str(recipe.view["size"]))


def _features(recipe: Recipe) -> int:
    return int(str(recipe.method.settings["features"]))

"""Counterparts of the figures on generators and priors: PSNR of priors, MMD² of samples and codes, VAE against GAN."""

from __future__ import annotations

from studies import recipe_files as recipes
from studies.outlook import page as outlook
from studies.outlook.ambient import ARMS as AMBIENT
from studies.pages.counterpart import (
    GENERATOR_PAGE,
    NOT_RUN,
    OUTLOOK_PRIORS_PAGE,
    PRIORS_PAGE,
    Counterpart,
    Rows,
    costed,
    deferred,
)
from studies.pages.training_cost import SourceTraining
from studies.priors.page import WORDS, generator_budget
from unseen.evaluation.intervals import interval_text as figure


@deferred
def prior_psnr(rows: Rows, problem: str, level: str, page: str) -> Counterpart:
    """Return the counterpart of a comparison of priors: PSNR of each method on a problem at a level."""
    mine = [row for row in rows.values() if row.get("problem") == problem and "generator" in row]
    some = [
        f"{WORDS[method]} {figure(row['metrics']['psnr'])}"
        for method, kind in (("direct", ""), ("tv", ""), ("range", "vae"), ("soft", "vae"), ("sparse", "vae"))
        for row in mine
        if (row["level"], row["method"], row["generator"]) == (level, method, kind)
    ]
    ours = f"{'; '.join(some)} dB, {level}" if some else f"*{NOT_RUN}*"
    return Counterpart(ours, generator_budget(mine, "vae"), page)


@deferred
def ambient_gan(rows: Rows, training: SourceTraining) -> Counterpart:
    """Return the counterpart of AmbientGAN: MMD² by what the critic compares."""
    arms = {arm: outlook.of(list(rows.values()), "ambient", arm) for arm in AMBIENT}
    known = {arm: some[0] for arm, some in arms.items() if some}
    if "many-masks" not in known:
        return costed(training, rows, PRIORS_PAGE)
    ours = "; ".join(f"{AMBIENT[arm]}: {figure(row['distribution']['mmd']['squared'])}"
                     for arm, row in known.items())  # fmt: skip
    row = known["many-masks"]
    spent = (
        f"{row['steps']:,} steps, {row['generator_steps']:,} of the generator; {row['features']} features; the "
        "source's steps are not known to us"
    )
    ours = f"MMD² of digits, by what the critic compares: {ours}"
    if max(row["distribution"]["recall"]["value"] for row in known.values()) < outlook.LEAST_RECALL:
        ours += "; no GAN had converged, so that their order is open"
    return Counterpart(ours, spent, OUTLOOK_PRIORS_PAGE)


@deferred
def vae_against_gan(rows: Rows, training: SourceTraining, shown: tuple[str, ...]) -> Counterpart:
    """Return the counterpart of the comparison of VAE and GAN on the sets of images `shown`."""
    parts: list[str] = []
    epochs: dict[str, None] = {}
    spent = ""
    for images in shown:
        for kind, name in (("vae", "VAE"), ("wgan-gp", "GAN")):
            for row in outlook.of(list(rows.values()), "generators", f"{images}-{kind}"):
                answers = row["answers"]
                made = answers["distribution"]["samples"]
                parts.append(
                    f"{name} of {images}: error of the nearest image in its range "
                    f"{figure(answers['feasible']['relative_error'])}, precision {figure(made['precision'])}, "
                    f"recall {figure(made['recall'])}, change of the image by a step of the latent (median) "
                    f"{figure(answers['smoothness']['slope']['0.5'])}"
                )
                epochs[f"{name}: {row['settings']['epochs']} epochs"] = None
                spent = (
                    f"{', '.join(epochs)}, of {row['settings']['limit']:,} images; {row['features']} features; the "
                    "source's epochs are not known to us"
                )
    if not parts:
        return costed(training, rows, GENERATOR_PAGE)
    return Counterpart("; ".join(parts), spent, OUTLOOK_PRIORS_PAGE)


def vae_codes(rows: Rows) -> Counterpart:
    """Return the MMD² of a VAE's codes against the prior."""
    parts, spent = [], ""
    for images in ("digits", "shapes"):
        for row in outlook.of(list(rows.values()), "generators", f"{images}-vae"):
            mmd = row["answers"]["latents"]["mmd"]
            parts.append(f"VAE of {images} {figure(mmd['squared'])}, by chance {mmd['chance']:.3f}")
            settings = row["settings"]
            spent = f"{settings['epochs']} epochs of {settings['limit']:,} images; {row['features']} features"
    if not parts:
        return costed(vae_and_gan_training("mnist", "digits"), rows, GENERATOR_PAGE)
    return Counterpart(f"{'; '.join(parts)}; a GAN has no codes", spent, OUTLOOK_PRIORS_PAGE)


def vae_and_gan_training(images: str, nearest: str) -> SourceTraining:
    """Return the training of a VAE and a GAN of one set: the VAE's rate, the epochs of the GAN's recipe."""
    epochs = int(str(recipes.load(f"priors/{images}-wgan-gp").training["epochs"]))
    return SourceTraining(f"priors/{nearest}-tomography-5-views-range-vae-0", epochs, "epochs", runs=2)

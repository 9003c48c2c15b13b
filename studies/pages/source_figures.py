"""Figures and tables of the five source documents, in their order, each with its counterpart in the rows.

Published PSNRs of the recipes' `papers` and the priors' table are in `studies.pages.sources_page`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from studies.imaging.published import REI_MRI
from studies.pages.budgets import (
    FEATURES,
    NIH_NORMALS,
    NIH_ORIGINAL_STEPS,
    NIH_STEPS,
    ORIGINAL,
    ORIGINAL_STEPS,
    PX,
    SUITABLE,
)
from studies.pages.counterpart import (
    DETECTORS_PAGE,
    GAN_PAGE,
    IMAGING_PAGE,
    PRIORS_PAGE,
    SURE_PAGE,
    THEOREMS_PAGE,
    THESIS_PAGE,
    Counterpart,
    Rows,
    explained,
    missing,
)
from studies.pages.detector_counterparts import (
    appendix_auroc,
    best_epoch,
    detector_auroc,
    films_of_nih,
    films_of_the_thesis,
    ganomaly_with_sure,
    losses_of_roi_sure,
    roc_of_roi_sure,
    share_cleared,
    sure_in_encoder,
)
from studies.pages.generator_counterparts import (
    ambient_gan,
    prior_psnr,
    vae_against_gan,
    vae_and_gan_training,
    vae_codes,
)
from studies.pages.imaging_counterparts import (
    FIVE_SIZES,
    distribution_shift,
    gain_beyond_the_range,
    model_dimension,
    nearly_clean_mri,
    psnr_by_noise,
    psnr_of,
    sample_complexity,
)
from studies.pages.training_cost import SourceTraining

EI = "EI (Chen, Tachella, Davies, ICCV 2021)"
SLIDES = "Wang, workshop slides"
TALK = "Davies, talk of 2023"
DUFF = "Duff, Campbell, Ehrhardt"
THESIS = "thesis (Wang 2022)"
_PSNR = "PSNR, peak: the truth's maximum"
_PSNR_OF_ONE = "PSNR, peak: 1"
_MAGNITUDES = "PSNR of magnitudes, peak: the truth's maximum"
_OTHER_FILMS = "AUROC; other films: not comparable"
_BEST = "best AUROC over the epochs, on the test films"
_ORIGINAL = (
    f"the thesis prints no original hyperparameters: ours are the published code's, {ORIGINAL[0]} epochs in "
    f"batches of {ORIGINAL[1]}"
)
_NIH_ORIGINAL = f"{_BEST}; {_ORIGINAL}, of {NIH_NORMALS:,} films"
_NIH = f"{_BEST}; steps by appendix B.2: {SUITABLE[0]} epochs of {NIH_NORMALS:,} films in batches of {SUITABLE[1]}"


@dataclass(frozen=True)
class SourceFigure:
    """A figure or table of a source.

    Args:
        where: Document and figure.
        shows: What it shows.
        value: The source's figure; "image" where it has no number.
        metric: Metric of the value.
        counterpart: Our side from the rows; a value of None in it: not run.
    """

    where: str
    shows: str
    value: str
    metric: str
    counterpart: Callable[[Rows], Counterpart]

    def cells(self, rows: Rows) -> list[str]:
        """Return the figure's line of the table."""
        own = self.counterpart(rows)
        metric = f"{self.metric}; ours: {own.metric}" if own.metric else self.metric
        return [self.where, self.shows, self.value, metric, own.ours, own.training, own.page]


FIGURES: tuple[SourceFigure, ...] = (
    SourceFigure(f"{EI}, figure 2, left", "1-D inpainting without invariance: consistency alone", "image", _PSNR,
                 psnr_of("triangles", "mc")),
    SourceFigure(f"{EI}, figure 2, right", "1-D inpainting, shift-invariant signals: EI", "image", _PSNR,
                 psnr_of("triangles", "ei")),
    SourceFigure(f"{EI}, toy example", "Compressed sensing of a toy: EI", "no value", _PSNR,
                 psnr_of("compressed-sensing", "ei")),
    SourceFigure(f"{EI}, key observations", "Equivariance of f∘A, and the algorithm", "text", "–",
                 explained("[theory](theory/learning-from-measurements.md)")),
    SourceFigure(f"{EI}, commands", "Train, test, and train on data of one's own; trained models to download", "text",
                 "–", explained("[EI's commands](how-to/from-ei.md)", "no measurement: each command has one here; the "
                                "models cannot be loaded")),
    *(SourceFigure(f"{SLIDES}, MRI figure of REI", f"MRI ×4, σ = 0.01: {name}", value, _MAGNITUDES,
                   nearly_clean_mri(arm))
      for arm, name, value in (("ei", "EI", "30.84"), ("rei", "REI", "30.98"), ("supervised", "supervised", "32.12"))),
    SourceFigure(f"{SLIDES}, figures on inverse problems", "Drawings: inverse problem, MRI, supervised learning, EI, "
                 "REI", "drawing", "–", explained("[theory](theory/one-equation.md)")),
    SourceFigure(f"{SLIDES}, experiments with REI", "MRI: residual U-Net, rotations", "∣G∣ = 360", "–",
                 explained("[losses and groups](how-to/reconstruct.md#learn)", "no measurement: `Rotations("
                           "multiples_of=1)`; our recipes take any angle")),
    SourceFigure(f"{SLIDES}, figures on anomaly detection", "Radiologists' work, definition, aided diagnosis, history "
                 "of GANs", "drawing", "–", explained("[theory of detectors](theory/detectors.md)")),
    SourceFigure(f"{SLIDES}, proof of SURE", "SURE is unbiased; divergence by one probe", "proof", "–",
                 explained(SURE_PAGE, "proof there; tests compare the estimate with the error")),
    SourceFigure(f"{SLIDES}, figures of DCGAN, WGAN, WGAN-GP", "Structures, minimum of the game, algorithm",
                 "drawing; WGAN: α 0.00005, c 0.01, m 64, 5 critic steps", "–",
                 explained(GAN_PAGE, "no measurement: explained there; the game `wgan` has the same α, c and critic "
                           "steps")),
    SourceFigure(f"{SLIDES}, structure of DCGAN", "f-AnoGAN with DCGAN's networks", "drawing", "AUROC",
                 detector_auroc("f-anogan-dcgan")),
    SourceFigure(f"{SLIDES}, structure of BiGAN and ALI", "BiGAN as a detector", "drawing", "AUROC",
                 detector_auroc("bigan")),
    SourceFigure(f"{SLIDES}, example of f-AnoGAN", "f-AnoGAN as a detector", "image", "AUROC",
                 detector_auroc("f-anogan")),
    SourceFigure(f"{SLIDES}, example of αGAN", "αGAN as a detector", "image", "AUROC", detector_auroc("alpha-gan")),
    SourceFigure(f"{SLIDES}, table of RANDGAN", "AnoGAN, COVIDx, whole films, balanced", "0.54", _OTHER_FILMS,
                 missing(SourceTraining("detectors/fold-0/anogan-0", features=64), DETECTORS_PAGE)),
    SourceFigure(f"{SLIDES}, table of RANDGAN", "AnoGAN, COVIDx, segmented lungs, balanced", "0.71", _OTHER_FILMS,
                 detector_auroc("anogan")),
    SourceFigure(f"{SLIDES}, table of RANDGAN", "RANDGAN, COVIDx, segmented lungs, balanced; not balanced",
                 "0.77; 0.76", _OTHER_FILMS, detector_auroc("randgan")),
    SourceFigure(f"{SLIDES}, evaluation figure", "Residual image and distribution of scores; Turing test", "image", "–",
                 explained("[the viewer](how-to/read.md#the-film)", "shown for each film; the Turing test is a page of "
                           "the viewer")),
    SourceFigure(f"{SLIDES}, question", "May SURE make f-AnoGAN's encoder robust to noise?", "question", "AUROC under "
                 "added noise", sure_in_encoder),
    SourceFigure(f"{TALK}, figures on imaging", "Examples: MRI, CT, inpainting, single pixel, a black hole, cryo-EM",
                 "image", "–", explained("[operators](how-to/operators.md)")),
    SourceFigure(f"{TALK}, compressed sensing", "Random measurements of k-sparse signals lose next to nothing",
                 "m ≥ O(k …)", "measurements",
                 explained("[sparse recovery](how-to/reconstruct.md#baselines-without-training)",
                           "no measurement: `Lasso` and matching pursuit are there")),
    SourceFigure(f"{TALK}, fastMRI figure", "MRI ×8, knees: TV; deep network", "28.2; 34.5", "PSNR, dB; peak not "
                 "stated", missing(SourceTraining("imaging/mri-supervised-0", REI_MRI.steps, px=320, features=64),
                                    IMAGING_PAGE)),
    SourceFigure(f"{TALK}, result on the null space", "Consistency alone does not leave the range of A†", "proof",
                 _PSNR, gain_beyond_the_range),
    SourceFigure(f"{TALK}, multiple operators", "Learning from 40 masks: MRI", "no value", _PSNR,
                 psnr_of("multi-mri", "multi-operator")),
    SourceFigure(f"{TALK}, multiple operators", "Learning from 40 masks: inpainting", "no value", _PSNR,
                 psnr_of("multi-inpainting", "multi-operator")),
    SourceFigure(f"{TALK}, AmbientGAN", "A GAN from measurements by several operators", "no value", "MMD²",
                 ambient_gan(SourceTraining("priors/brain-mri-10-spokes-range-wgan-gp-0", unit="epochs"))),
    SourceFigure(f"{TALK}, figures of the toy with n = 3, m = 2", "Permutations make the hidden coordinate "
                 "identifiable", "drawing", "least eigenvalue",
                 explained(THEOREMS_PAGE, "the same toy is a test of `identify`: 2/3 with permutations")),
    SourceFigure(f"{TALK}, theorems", "Least number of measurements: necessary, sufficient",
                 "rank of the stacked A_g = n, so m ≥ n/∣G∣ (several operators), m ≥ max cⱼ/sⱼ (invariance); "
                 "m > k + n/∣G∣ (several operators), m > 2k + max cⱼ + 1 ≥ 2k + n/∣G∣ + 1 (invariance)",
                 "measurements", explained(THEOREMS_PAGE, "figure against the dimension of a toy model")),
    SourceFigure(f"{TALK}, consequences", "Verdicts for MRI, CT, inpainting",
                 "no by shifts, m > 2k + √n + 1 by rotations (MRI, CT); m > 2k + 2 by shifts (inpainting)", "verdict",
                 explained("[verdicts](theory/identifiability.md#the-verdicts)", "verdict for each pair, tested")),
    SourceFigure(f"{TALK}, figures of the algorithm", "Losses of EI and REI, pseudocode, network", "drawing", "–",
                 explained("[theory](theory/learning-from-measurements.md)")),
    SourceFigure(f"{TALK}, MNIST figure", "Inpainting of digits: EI", "image", _PSNR,
                 psnr_of("digits-inpainting", "ei")),
    *(SourceFigure(f"{TALK}, MRI figure", f"MRI ×2, noise-free: {name}", "image", _PSNR, psnr_of("mri-x2-00", arm))
      for arm, name in (("direct", "A†"), ("mc", "MC"), ("ei", "EI"), ("supervised", "supervised"))),
    SourceFigure(f"{TALK}, MRI figure under noise", "MRI ×4: PSNR against σ", "curve", _PSNR, psnr_by_noise),
    *(SourceFigure(f"{TALK}, low-dose CT figure", f"Low-dose CT, 50 views, mixed noise: {name}", "image", _PSNR,
                   psnr_of("low-dose-ct", arm))
      for arm, name in (("direct", "A†"), ("ei", "EI"), ("rei", "REI"), ("supervised", "supervised"))),
    *(SourceFigure(f"{TALK}, single-pixel figure", f"Single-pixel camera: {name}", "image", _PSNR,
                   psnr_of("single-pixel", arm))
      for arm, name in (("direct", "A†"), ("ei", "EI"), ("supervised", "supervised"))),
    SourceFigure(f"{TALK}, distribution shift", "Measurements alone against a supervised network of another set",
                 "no value", _PSNR_OF_ONE, distribution_shift(SourceTraining("imaging/single-pixel-supervised-0"))),
    SourceFigure(f"{TALK}, outlook", "Sample complexity: share of the gap at five numbers of measurements", "no value",
                 "share of the gap", sample_complexity(FIVE_SIZES)),
    *(SourceFigure(f"{TALK}, outlook", f"Semi-group actions: {name} by scale equivariance", "no value", _PSNR,
                   psnr_of(short, "scales"))
      for short, name in (("super-resolution", "super-resolution"), ("deblurring", "deblurring"))),
    SourceFigure(f"{TALK}, outlook", "Nonlinear inverse problems", "no value", _PSNR, psnr_of("low-dose-ct", "rei")),
    SourceFigure(f"{TALK}, outlook", "Other self-supervised methods; the new library (deepinv)", "text", "–",
                 explained("[deepinv](results-deepinv.md)", "the same losses and operators of deepinv beside ours")),
    SourceFigure(f"{TALK}, outlook", "Models of approximately low dimension", "no value", _PSNR_OF_ONE,
                 model_dimension(SourceTraining("imaging/compressed-sensing-ei-0", runs=5))),
    SourceFigure(f"{DUFF}, MNIST tomography figure", "Digits, few views: range of a VAE", "image", _PSNR_OF_ONE,
                 prior_psnr("digits-tomography", "5 views", PRIORS_PAGE)),
    SourceFigure(f"{DUFF}, method comparison", "Methods by number of measurements", "image", _PSNR_OF_ONE,
                 prior_psnr("brain-mri", "20 spokes",
                            "[priors](results-priors.md#psnr-against-number-of-measurements)")),
    *(SourceFigure(f"{DUFF}, {name}", "VAE against GAN: feasible and infeasible images, smoothness", shown,
                   "by question", vae_against_gan(vae_and_gan_training(images, asked[0]), asked))
      for name, shown, images, asked in (("comparison on MNIST", "image", "mnist", ("digits",)),
                                         ("comparison on squares and circles", "image", "shapes", ("shapes",)),
                                         ("table VAE against GAN", "table", "mnist", ("digits", "shapes")))),
    SourceFigure(f"{DUFF}, table VAE against GAN", "Known latent space distribution", "only the prior is known", "MMD² "
                 "of codes against the prior", vae_codes),
    SourceFigure(f"{DUFF}, figures of VAE and GAN", "Structures and objectives", "drawing", "–",
                 explained("[priors](how-to/priors.md)")),
    SourceFigure(f"{DUFF}, figures of inverse problems", "Denoising, deblurring, MRI, tomography", "image",
                 _PSNR_OF_ONE, prior_psnr("digits-deblurring", "σ = 2 pixels", PRIORS_PAGE)),
    SourceFigure(f"{DUFF}, examples of inverse problems", "Matrix inversion, differentiation, segmentation, "
                 "restoration, compressed sensing, seismic tomography", "drawing", "–",
                 explained("[operators](how-to/operators.md)", "no measurement; any matrix is an operator there")),
    SourceFigure(f"{THESIS}, figures 1.1 to 1.7", "Workload, scenario, rare normals, lung fields", "image", "–",
                 explained("[theory of screening](theory/screening.md)")),
    SourceFigure(f"{THESIS}, figure 1.8", "The application", "drawing", "–",
                 explained("[the worklist](how-to/worklist.md)", "the worklist server")),
    SourceFigure(f"{THESIS}, figures 2.1 to 2.28", "Textbook drawings of neural networks and optimisers", "drawing",
                 "–", explained(GAN_PAGE, "no measurement; the blocks are there")),
    SourceFigure(f"{THESIS}, figures 3.1 to 3.4", "DCGAN, WGAN, GANomaly: structure and algorithm", "drawing", "–",
                 explained(GAN_PAGE)),
    SourceFigure(f"{THESIS}, figure 3.5", "Proof of SURE", "proof", "–", explained(SURE_PAGE)),
    SourceFigure(f"{THESIS}, figures 4.1 to 4.2", "The proposed detector", "drawing", "–",
                 explained("[`roi-sure`](theory/detectors-gans.md#roi-sure)")),
    SourceFigure(f"{THESIS}, figure 5.1 and table 5.1", "Films: in all; normal to train, normal and abnormal to test",
                 "800 in all, of which 408 normal and 394 abnormal; 311; 35; 35", "films", films_of_the_thesis),
    SourceFigure(f"{THESIS}, section 5.3", "GANomaly's best epoch", "about 20", "epoch", best_epoch),
    SourceFigure(f"{THESIS}, figure 5.2", "ROC curve of the proposed detector at its best epoch", "curve", "ROC",
                 roc_of_roi_sure),
    SourceFigure(f"{THESIS}, figure 5.3", "Losses of generator and discriminator by epoch", "curve", "loss",
                 losses_of_roi_sure),
    SourceFigure(f"{THESIS}, figure 6.1", "Pipeline: clear the certainly normal films", "drawing", "share cleared",
                 share_cleared),
    SourceFigure(f"{THESIS}, figure 6.2", "Low AUROC of the proposed detector on NIH", "curve", _NIH,
                 appendix_auroc("sources/nih-roi-sure", "", SourceTraining("thesis/roi-sure-0", NIH_STEPS))),
    SourceFigure(f"{THESIS}, figures 7.1 to 7.2", "Plan of the project, record of computing", "image", "–",
                 explained("–", "no measurement: nothing to repeat")),
    *(SourceFigure(f"{THESIS}, appendix A", f"f-AnoGAN, 64 px, NIH: {name}", value, _NIH,
                   appendix_auroc(f"sources/nih-{short}", f"adversarial/nih-{short}-0",
                                SourceTraining(f"detectors/fold-0/{short}-0", NIH_STEPS, features=FEATURES)))
      for name, value, short in (("published code", "0.4853", "f-anogan"),
                                 ("own network", "0.4726", "f-anogan-dcgan"))),
    SourceFigure(f"{THESIS}, appendix A", "Films of NIH: normal to train, normal and abnormal to test",
                 "10,803; 1,200; 1,200", "films", films_of_nih),
    SourceFigure(f"{THESIS}, appendix A", "GANomaly, 256 px, NIH: original hyperparameters", "0.6", _NIH_ORIGINAL,
                 appendix_auroc("sources/nih-ganomaly-original", "adversarial/nih-ganomaly-original-0",
                              SourceTraining("thesis/ganomaly-0", NIH_ORIGINAL_STEPS))),
    SourceFigure(f"{THESIS}, appendix A", "GANomaly, 256 px, NIH: suitable hyperparameters", "0.6201", _NIH,
                 appendix_auroc("sources/nih-ganomaly", "adversarial/nih-ganomaly-suitable-0",
                              SourceTraining("thesis/ganomaly-0", NIH_STEPS))),
    SourceFigure(f"{THESIS}, appendix A", "GANomaly, 256 px, Montgomery + Shenzhen: original hyperparameters", "0.7616",
                 f"{_BEST}; {_ORIGINAL}",
                 appendix_auroc("sources/ganomaly-original", "adversarial/hyperparameters-original-0",
                              SourceTraining("thesis/ganomaly-0", ORIGINAL_STEPS))),
    *(SourceFigure(f"{THESIS}, appendix A", f"U-Net and DCGAN, NIH, {px} px", value, _NIH,
                   appendix_auroc(f"sources/nih-unet-dcgan-{px}", f"adversarial/nih-unet-dcgan{suffix}-0",
                                  SourceTraining(nearest, NIH_STEPS, px=px, features=FEATURES)))
      for px, value, suffix, nearest in ((64, "0.524", "", "detectors/fold-0/resunet-ganomaly-0"),
                                         (PX, "0.567", "-256", "adversarial/nih-unet-dcgan-256-0"))),
    SourceFigure(f"{THESIS}, figure A.1", "Residual images of f-AnoGAN, GANomaly and the pipeline", "image", "–",
                 explained("[the viewer](how-to/read.md#the-film)", "shown for each film")),
    SourceFigure(f"{THESIS}, figure A.2", "GANomaly with a residual U-Net", "drawing; 0.5 after about 30 epochs",
                 "AUROC by epoch on the thesis's test films; ours: last epoch, cross-validated: not comparable",
                 detector_auroc("resunet-ganomaly")),
    SourceFigure(f"{THESIS}, figures B.1 to B.2", "Paths and hyperparameters",
                 "Adam 2e-4, batch 32, 256 px, z 100, 70 epochs, 64 features, weights 1 : 50 : 1", "–",
                 explained(THESIS_PAGE, "the same settings are the recipes `thesis/…`")),
    SourceFigure(f"{THESIS}, figure B.2", "GANomaly with SURE, at 64 features", "named, no value", _BEST,
                 ganomaly_with_sure),
)  # fmt: skip
"""Every figure and table that is neither a published PSNR of a recipe, nor of table 5.2, nor of the fastMRI figures."""

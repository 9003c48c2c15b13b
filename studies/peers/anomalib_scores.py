"""anomalib's own detectors on folders of films: one CSV of raw scores. Runs in anomalib's environment, not in ours.

    python anomalib_scores.py --films FOLDER --model padim --weights FILE --out scores.csv

FOLDER holds train/normal/*.png, test/normal/*.png and test/abnormal/*.png. Models are built, fitted and asked by
anomalib's own engine, at its defaults, except that the backbone's weights come from a file, that `patchcore` keeps a
hundredth of the patches, that `ganomaly` has 32 features as ours, and that scores stay raw: normalising them by a
validation set would need abnormal films.
"""

from __future__ import annotations

import argparse
import csv
import resource
import tempfile
import time
from pathlib import Path

import timm
import torch
from anomalib.data import Folder, PredictDataset
from anomalib.engine import Engine
from anomalib.models import Ganomaly, Padim, Patchcore
from anomalib.post_processing import PostProcessor
from anomalib.pre_processing import PreProcessor
from torchvision.transforms.v2 import Compose, Normalize, Resize

BACKBONE = "tf_efficientnet_lite0"
LAYERS = {"padim": ["blocks.1", "blocks.2", "blocks.4"], "patchcore": ["blocks.2", "blocks.4"]}  # strides as at default
SETTINGS = {"padim": {"n_features": 100}, "patchcore": {"coreset_sampling_ratio": 0.01}}
"""Settings of each model. `n_features` is that of anomalib's ResNet-18; its default coreset ratio of 0.1 takes hours on
a CPU."""
_MEAN, _DEVIATION = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def fill(network: torch.nn.Module, weights: Path) -> None:
    """The published weights into timm's network of the same layers, in the same order."""
    given = list(torch.load(weights, map_location="cpu", weights_only=True).values())
    whole = timm.create_model(BACKBONE, pretrained=False)
    names = list(whole.state_dict())
    assert len(names) == len(given)
    state = dict(zip(names, given, strict=True))
    missing, _ = network.load_state_dict(state, strict=False)
    assert not missing, missing


def model_of(name: str, weights: Path, size: int) -> object:
    """Return the model with its own settings, raw scores and no pictures."""
    raw = {
        "pre_processor": PreProcessor(
            transform=Compose([Resize((size, size), antialias=True), Normalize(mean=_MEAN, std=_DEVIATION)])
        ),
        "post_processor": PostProcessor(enable_normalization=False, enable_thresholding=False),
        "evaluator": False,
        "visualizer": False,
    }
    if name == "ganomaly":
        return Ganomaly(batch_size=32, n_features=32, **raw)
    kind = {"padim": Padim, "patchcore": Patchcore}[name]
    model = kind(backbone=BACKBONE, layers=LAYERS[name], pre_trained=False, **SETTINGS[name], **raw)
    fill(model.model.feature_extractor.feature_extractor, weights)
    return model


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--films", type=Path, required=True)
    parser.add_argument("--model", choices=("padim", "patchcore", "ganomaly"), required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--epochs", type=int, default=70, help="of ganomaly")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(given.threads)
    model = model_of(given.model, given.weights, given.size)
    epochs = given.epochs if given.model == "ganomaly" else 1
    with tempfile.TemporaryDirectory() as work:
        data = Folder(
            name="films",
            root=given.films,
            normal_dir="train/normal",
            train_batch_size=32,
            eval_batch_size=16,
            num_workers=0,
            test_split_mode="none",
            val_split_mode="none",
        )
        engine = Engine(
            max_epochs=epochs,
            accelerator="cpu",
            devices=1,
            logger=False,
            barebones=False,
            enable_progress_bar=False,
            limit_val_batches=0,
            num_sanity_val_steps=0,
            default_root_dir=work,
        )
        began = time.process_time()
        engine.fit(model, datamodule=data)
        fitted = time.process_time() - began
        began, clock = time.process_time(), time.monotonic()
        rows = []
        for kind in ("normal", "abnormal"):
            folder = given.films / "test" / kind
            for batch in engine.predict(model, dataset=PredictDataset(path=folder)) or ():
                rows += [
                    (Path(path).stem, float(score))
                    for path, score in zip(batch.image_path, batch.pred_score.flatten(), strict=True)
                ]
        asked, waited = time.process_time() - began, time.monotonic() - clock
    with given.out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["film", "score"])
        writer.writerows(rows)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    used, passed = (1000 * seconds / max(1, len(rows)) for seconds in (asked, waited))
    print(f"{given.model}: fitted {fitted:.1f} s, {used:.1f} ms a film, {peak:.0f} MiB, {passed:.1f} ms on the clock")


if __name__ == "__main__":
    main()

"""Reference outputs of networks on random weights. Runs in an environment with the reference packages, not in ours.

    python backbone_references.py --case NAME --folder FOLDER [--dinov2 CHECKOUT]

Writes `weights.safetensors`, with the reference's names, and `outputs.npz`: the grey images in [0, 1] and the maps of
the blocks at each size. Every tensor is random, also the statistics of batch normalisation, the scales and the
embeddings. Needs torch, safetensors, torchvision, timm, transformers and torchxrayvision; DINOv2's own code is in a
checkout of facebookresearch/dinov2.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import types
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_RAD_DINO = ((0.5307,) * 3, (0.2583,) * 3)
CONVOLUTIONAL = ((224, 224), (160, 192))
PATCHES = ((224, 224), (196, 252))


def main() -> None:
    """Compute one case."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--case", choices=CASES, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--dinov2", type=Path, help="checkout of facebookresearch/dinov2")
    given = parser.parse_args()
    torch.manual_seed(0)
    # A torchvision wheel for a GPU has no operators on a CPU build of torch, and only its box operators need them.
    sys.modules["torchvision._meta_registrations"] = types.ModuleType("torchvision._meta_registrations")
    os.environ["XFORMERS_DISABLED"] = "1"
    if given.dinov2 is not None:
        sys.path.insert(0, str(given.dinov2))
    network, maps, sizes, package = CASES[given.case]()
    randomise(network)
    network.eval()
    outputs: dict[str, np.ndarray] = {}
    rng = np.random.default_rng(0)
    with torch.no_grad():
        for number, size in enumerate(sizes):
            image = rng.random(size, dtype=np.float32)
            outputs[f"image-{number}"] = image
            for block, found in maps(image).items():
                outputs[f"map-{number}-{block}"] = found.numpy()
    given.folder.mkdir(parents=True, exist_ok=True)
    np.savez(given.folder / "outputs.npz", **outputs)
    save_file(
        {name: t.contiguous().clone() for name, t in network.state_dict().items()}, given.folder / "weights.safetensors"
    )
    version = commit_of(given.dinov2) if package == "facebookresearch/dinov2" else metadata.version(package)
    print(json.dumps({"reference": package, "reference_version": version, "reference_torch": torch.__version__}))


def commit_of(checkout: Path) -> str:
    """Return the commit of a checkout: of git, or of a file `COMMIT` in it."""
    if (checkout / "COMMIT").is_file():
        return (checkout / "COMMIT").read_text().strip()
    return subprocess.check_output(["git", "-C", str(checkout), "rev-parse", "HEAD"], text=True).strip()


def randomise(network: nn.Module) -> None:
    """Make every tensor random that is constant after construction."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    with torch.no_grad():
        for name, tensor in network.named_parameters():
            if tensor.ndim == 1 and name.endswith("bias"):
                tensor.normal_(0, 0.1)
            elif tensor.ndim == 1 or "layer_scale" in name:  # normalisation, layer scale
                tensor.uniform_(0.5, 1.5)
            elif "token" in name or "pos" in name:
                tensor.normal_(0, 0.5)


def photograph(image: np.ndarray, constants: tuple[tuple[float, ...], tuple[float, ...]] = _IMAGENET) -> Tensor:
    """Return (1, 3, height, width), as torchvision's and `transformers`' preprocessing does of a grey image."""
    mean, deviation = (torch.tensor(three)[:, None, None] for three in constants)
    return ((torch.from_numpy(image).expand(3, -1, -1) - mean) / deviation)[None]


Maps = Callable[[np.ndarray], dict[int, Tensor]]
Case = tuple[nn.Module, Maps, tuple[tuple[int, int], ...], str]


def hooked(network: nn.Module, parts: list[str], forward: Callable[[np.ndarray], object]) -> Maps:
    """Return a function that keeps the outputs of some parts during a forward pass."""
    kept: dict[int, Tensor] = {}
    for number, part in enumerate(parts):
        network.get_submodule(part).register_forward_hook(
            lambda _, __, output, number=number: kept.__setitem__(number, output.clone())
        )

    def maps(image: np.ndarray) -> dict[int, Tensor]:
        kept.clear()
        forward(image)
        return dict(kept)

    return maps


def xrv_densenet121() -> Case:
    """TorchXRayVision's DenseNet-121, with its own normalisation; the last map is after its final ReLU."""
    import torchxrayvision

    network = torchxrayvision.models.DenseNet(weights=None)
    kept = hooked(
        network,
        [f"features.denseblock{number}" for number in (1, 2, 3)],
        lambda image: network.features(_xrv(image)),
    )

    def maps(image: np.ndarray) -> dict[int, Tensor]:
        found = kept(image)
        return found | {3: torch.relu(network.features(_xrv(image)))}

    return network, maps, CONVOLUTIONAL, "torchxrayvision"


def _xrv(image: np.ndarray) -> Tensor:
    import torchxrayvision

    return torch.from_numpy(torchxrayvision.utils.normalize(image, 1.0))[None, None]


def torchvision_resnet50() -> Case:
    """ResNet-50 of torchvision."""
    from torchvision.models import resnet50

    network = resnet50(weights=None)
    parts = [f"layer{number}" for number in (1, 2, 3, 4)]
    return network, hooked(network, parts, lambda image: network(photograph(image))), CONVOLUTIONAL, "torchvision"


def torchvision_convnext() -> Case:
    """ConvNeXt-T of torchvision."""
    from torchvision.models import convnext_tiny

    network = convnext_tiny(weights=None)
    parts = [f"features.{number}" for number in (1, 3, 5, 7)]
    return network, hooked(network, parts, lambda image: network(photograph(image))), CONVOLUTIONAL, "torchvision"


def timm_resnet50() -> Case:
    """ResNet-50 of timm."""
    import timm

    network = timm.create_model("resnet50", pretrained=False)
    parts = [f"layer{number}" for number in (1, 2, 3, 4)]
    return network, hooked(network, parts, lambda image: network(photograph(image))), CONVOLUTIONAL, "timm"


def timm_convnext() -> Case:
    """ConvNeXt-T of timm."""
    import timm

    network = timm.create_model("convnext_tiny", pretrained=False)
    parts = [f"stages.{number}" for number in range(4)]
    return network, hooked(network, parts, lambda image: network(photograph(image))), CONVOLUTIONAL, "timm"


def meta_dinov2(*, registers: int = 0) -> Case:
    """ViT-B/14 of facebookresearch/dinov2, with the settings of its hub entries."""
    from dinov2.models.vision_transformer import vit_base

    network = vit_base(
        img_size=518,
        patch_size=14,
        init_values=1.0,
        ffn_layer="mlp",
        block_chunks=0,
        num_register_tokens=registers,
        interpolate_antialias=registers > 0,
        interpolate_offset=0.0 if registers else 0.1,
    )

    def maps(image: np.ndarray) -> dict[int, Tensor]:
        found = network.get_intermediate_layers(photograph(image), n=BLOCKS, reshape=True)
        return dict(zip(BLOCKS, found, strict=True))

    return network, maps, PATCHES, "facebookresearch/dinov2"


def transformers_dinov2(*, registers: int = 0, native: bool = False) -> Case:
    """ViT-B/14 of `transformers`; without registers with RAD-DINO's normalisation."""
    from transformers.models.dinov2.modeling_dinov2 import Dinov2Config, Dinov2Model
    from transformers.models.dinov2_with_registers.modeling_dinov2_with_registers import (
        Dinov2WithRegistersConfig,
        Dinov2WithRegistersModel,
    )

    network: nn.Module = (
        Dinov2WithRegistersModel(
            Dinov2WithRegistersConfig(image_size=518, patch_size=14, num_register_tokens=registers)
        )
        if registers
        else Dinov2Model(Dinov2Config(image_size=518, patch_size=14))
    )

    def maps(image: np.ndarray) -> dict[int, Tensor]:
        x = photograph(image, _IMAGENET if registers else _RAD_DINO)
        states = network(x, output_hidden_states=True).hidden_states
        height, width = (side // 14 for side in image.shape)
        return {
            block: network.layernorm(states[block + 1])[:, 1 + registers :]
            .transpose(1, 2)
            .reshape(1, -1, height, width)
            for block in BLOCKS
        }

    return network, maps, ((518, 518),) if native else PATCHES, "transformers"


BLOCKS = (0, 5, 11)
CASES: dict[str, Callable[[], Case]] = {
    "densenet121-xrv/torchxrayvision": xrv_densenet121,
    "resnet50/torchvision": torchvision_resnet50,
    "resnet50/timm": timm_resnet50,
    "convnext-tiny/torchvision": torchvision_convnext,
    "convnext-tiny/timm": timm_convnext,
    "dinov2-vitb14/facebookresearch": meta_dinov2,
    "dinov2-vitb14/facebookresearch-registers": lambda: meta_dinov2(registers=4),
    "dinov2-vitb14/transformers-registers": lambda: transformers_dinov2(registers=4),
    "rad-dino/transformers": transformers_dinov2,
    "rad-dino/transformers-518": lambda: transformers_dinov2(native=True),
}


if __name__ == "__main__":
    main()

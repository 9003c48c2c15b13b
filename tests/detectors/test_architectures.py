"""Frozen networks of other architectures: files of weights in several formats and names, training, saved models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from tests.detectors.conftest import QUICK
from unseen.anatomy.cross_fitted_lungs import CrossFittedLungs
from unseen.anatomy.network_view import View
from unseen.artifacts.file_digest import sha256_of
from unseen.artifacts.recipe import Recipe, RecipeError, validated
from unseen.data.film import Film
from unseen.detectors.adapted import Adapted
from unseen.detectors.architectures import ARCHITECTURES, look_like
from unseen.detectors.backbone_file import Backbone
from unseen.detectors.ensemble import Ensemble
from unseen.detectors.errors import FitError
from unseen.detectors.feature_pca import FeaturePca
from unseen.detectors.finding import Finding
from unseen.detectors.frozen_features import published
from unseen.detectors.openvino_runtime import CompiledBlocks
from unseen.detectors.padim import Padim
from unseen.detectors.saved import load, save
from unseen.networks.convnext import ConvNeXtTiny
from unseen.networks.densenet import DenseNet121
from unseen.networks.resnet50 import ResNet50
from unseen.networks.vision_transformer import DinoV2, RadDino
from unseen.runs.training import with_changes

WHOLE = View(size=32, frame="whole")


NOISE = (torch.rand(65_537, generator=torch.Generator().manual_seed(1)) - 0.5).half()


def state_of(name: str) -> dict[str, Tensor]:
    """Weights of an architecture, in half precision and with its own names: no two tensors are equal.

    One noise is repeated: to draw 90 million numbers as the networks do takes a second.
    """
    with torch.device("meta"):
        shapes = {key: tensor for key, tensor in ARCHITECTURES[name].build().state_dict().items() if tensor.numel()}
    return {
        key: noise(number, like) if like.is_floating_point() else torch.zeros(like.shape, dtype=like.dtype)
        for number, (key, like) in enumerate(shapes.items())
    }


def noise(number: int, like: Tensor) -> Tensor:
    """Return weights as large as a network draws them; those of a normalisation lie about 1."""
    values = NOISE.roll(number).repeat(like.numel() // len(NOISE) + 1)[: like.numel()].reshape(like.shape)
    return 1 + values if like.ndim < 2 else values * (2 / like[0].numel() ** 0.5)


@pytest.fixture(scope="module")
def densenet() -> dict[str, Tensor]:
    return state_of("densenet121-xrv") | {"classifier.weight": torch.zeros(18, 1024), "op_threshs": torch.zeros(18)}


@pytest.fixture(scope="module")
def rad_dino() -> dict[str, Tensor]:
    return state_of("rad-dino") | {"mask_token": torch.zeros(1, 768)}


def as_transformers(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Translate DINOv2's names to those of files of `transformers`."""
    outside = {
        "cls_token": "embeddings.cls_token",
        "pos_embed": "embeddings.position_embeddings",
        "mask_token": "embeddings.mask_token",
        "register_tokens": "embeddings.register_tokens",
        "patch_embed.proj.weight": "embeddings.patch_embeddings.projection.weight",
        "patch_embed.proj.bias": "embeddings.patch_embeddings.projection.bias",
        "norm.weight": "layernorm.weight",
        "norm.bias": "layernorm.bias",
    }
    made: dict[str, Tensor] = {}
    for name, tensor in weights.items():
        if name in outside:
            made[outside[name]] = tensor
            continue
        _, number, rest = name.split(".", 2)
        layer = f"encoder.layer.{number}"
        if rest.startswith("attn.qkv."):
            for part, third in zip(("query", "key", "value"), tensor.chunk(3), strict=True):
                made[f"{layer}.attention.attention.{part}.{rest.rsplit('.')[-1]}"] = third
        else:
            for ours, theirs in (
                ("attn.proj", "attention.output.dense"),
                ("ls1.gamma", "layer_scale1.lambda1"),
                ("ls2.gamma", "layer_scale2.lambda1"),
            ):
                rest = rest.replace(ours, theirs)
            made[f"{layer}.{rest}"] = tensor
    return made


@pytest.mark.parametrize(
    ("name", "write"), [("densenet121-xrv", "pt"), pytest.param("rad-dino", "safetensors", marks=pytest.mark.nightly)]
)
def test_random_weights_train_score_and_save(
    name: str, write: str, normals: list[Film], incoming: list[Film], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    weights = request.getfixturevalue("densenet" if name == "densenet121-xrv" else "rad_dino")
    file = tmp_path / f"weights.{write}"
    if write == "pt":
        torch.save({"state_dict": {f"module.{key}": tensor for key, tensor in weights.items()}}, file)
    else:
        save_file({key: tensor.contiguous() for key, tensor in as_transformers(weights).items()}, file)
    detector = Padim(view=WHOLE, architecture=name, blocks=(0, 1), grid=4, chosen=8)
    detector.fit(normals, training=QUICK, backbone=file)
    file.unlink()  # the model contains what it needs
    card = save(detector, tmp_path / "model")
    assert card.config["architecture"] == name and card.config["backbone"] == detector.config.backbone
    again = load(tmp_path / "model")
    one, two = next(detector.score(incoming[:1])), next(again.score(incoming[:1]))
    assert isinstance(one, Finding) and isinstance(two, Finding) and one.score == two.score > 0
    assert (tmp_path / "model" / "weights.safetensors").stat().st_size < 80e6  # only the blocks that are used


def test_names_of_other_publishers_give_the_same_network(rad_dino: dict[str, Tensor]) -> None:
    grouped = {f"backbone.{name.replace('blocks.', 'blocks.0.', 1)}": tensor for name, tensor in rad_dino.items()}
    ours = RadDino.checked(rad_dino)
    for other in (as_transformers(rad_dino), grouped):
        found = RadDino.checked(other)
        assert all(torch.equal(found[name], tensor) for name, tensor in ours.items())
    state = state_of("convnext-tiny")
    timm = {_timm(name): tensor.flatten() if "layer_scale" in name else tensor for name, tensor in state.items()}
    assert "stages.2.downsample.1.weight" in timm and "stages.2.blocks.8.mlp.fc2.bias" in timm
    found = ConvNeXtTiny.checked(timm)
    assert set(found) == set(state) and all(torch.equal(found[name], tensor) for name, tensor in state.items())
    plain = state_of("densenet121-xrv")
    old = {name.replace("norm1.", "norm.1.").replace("conv2.", "conv.2."): t for name, t in plain.items()}
    assert set(DenseNet121.checked(old)) == set(plain)


def _timm(name: str) -> str:
    _, stage, *rest = name.split(".")
    if stage == "0":
        return ".".join(["stem", *rest])
    if int(stage) % 2 == 0:
        return ".".join([f"stages.{int(stage) // 2}.downsample", *rest])
    inner = ".".join(rest[1:])
    for ours, theirs in (
        ("layer_scale", "gamma"),
        ("block.0", "conv_dw"),
        ("block.2", "norm"),
        ("block.3", "mlp.fc1"),
        ("block.5", "mlp.fc2"),
    ):
        inner = inner.replace(ours, theirs)
    return f"stages.{(int(stage) - 1) // 2}.blocks.{rest[0]}.{inner}"


def test_register_tokens_and_another_grid_of_positions_are_kept(rad_dino: dict[str, Tensor]) -> None:
    weights = {name: tensor for name, tensor in rad_dino.items() if name != "pos_embed"}
    weights["pos_embed"] = torch.randn(1, 1 + 16**2, 768)
    weights["register_tokens"] = torch.randn(1, 4, 768)
    network = DinoV2(last=0)
    network.fill(weights)
    again = DinoV2(last=0)
    again.load_state_dict(network.state_dict())
    x = torch.rand(1, 1, 56, 56) * 2 - 1
    assert network.register_tokens.shape == (1, 4, 768) and network.pos_embed.shape == (1, 257, 768)
    assert torch.equal(network(x, (0,))[0], again(x, (0,))[0])
    weights["pos_embed"] = torch.randn(1, 1 + 250, 768)
    with pytest.raises(ValueError, match=r"pos_embed has 250 cells, which are no square"):
        network.fill(weights)


def test_an_image_of_no_multiple_of_14_is_resampled() -> None:
    assert DinoV2(last=0)(torch.zeros(1, 1, 64, 75), (0,))[0].shape == (1, 768, 5, 5)


@pytest.mark.parametrize("registers", [0, pytest.param(4, marks=pytest.mark.nightly)])
def test_openvino_computes_the_same_maps(registers: int, rad_dino: dict[str, Tensor]) -> None:
    network = DinoV2(last=0)
    network.fill(rad_dino | {"register_tokens": torch.randn(1, registers, 768)})
    x = torch.rand(1, 1, 64, 64) * 2 - 1
    found, expected = CompiledBlocks(network)(x, (0,))[0], network(x, (0,))[0]
    assert float((found - expected).abs().max()) < 1e-3 * float(expected.std())


def test_the_architecture_of_a_file_is_recognised(densenet: dict[str, Tensor], rad_dino: dict[str, Tensor]) -> None:
    assert look_like(densenet) == "densenet121-xrv"
    assert look_like(as_transformers(rad_dino)) == "dinov2-vitb14"  # equal names and shapes
    assert look_like(published()) == "efficientnet-lite0"
    with torch.device("meta"):
        assert look_like(ResNet50().state_dict()) == "resnet50"
    assert look_like({"stem.weight": torch.zeros(3)}) is None


def test_a_file_of_another_network_is_refused_with_its_name(densenet: dict[str, Tensor], tmp_path: Path) -> None:
    file = tmp_path / "weights.safetensors"
    save_file(densenet, file)
    with pytest.raises(FitError, match=r"weights.safetensors: These are not the weights of ConvNeXt-T: .* missing .* "
                       r"They look like densenet121-xrv. Give `architecture=densenet121-xrv`"):  # fmt: skip
        Padim(view=WHOLE, architecture="convnext-tiny").begin_with(file)
    with pytest.raises(FitError, match=r"EfficientNet-lite0: .* They look like densenet121-xrv"):
        Padim(view=WHOLE).begin_with(file)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda state: state.pop("features.norm5.bias"),
            r"1 of 604 tensors are missing \(features.norm5.bias\).* complete and with its names",
        ),
        (lambda state: state.update(extra=torch.zeros(1)), r"1 tensors are unexpected \(extra\)"),
        (
            lambda state: state.update({"features.conv0.weight": torch.zeros(64, 3, 7, 7)}),
            r"features.conv0.weight: seen 64 × 3 × 7 × 7, needs 64 × 1 × 7 × 7",
        ),
    ],
)
def test_an_incomplete_file_is_refused(
    spoil: Callable[[dict[str, Tensor]], object], message: str, densenet: dict[str, Tensor], tmp_path: Path
) -> None:
    state = dict(densenet)
    spoil(state)
    save_file(state, tmp_path / "broken.safetensors")
    with pytest.raises(FitError, match=rf"broken.safetensors: .*{message}"):
        Padim(view=WHOLE, architecture="densenet121-xrv").begin_with(tmp_path / "broken.safetensors")


def test_files_that_are_no_state_dict_are_refused(tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(2, 2), tmp_path / "model.pt")
    with pytest.raises(FitError, match=r"model.pt contains more than tensors, such as a whole model, .*\.save_file"):
        Backbone.read(tmp_path / "model.pt")
    torch.save(torch.zeros(2), tmp_path / "tensor.pth")
    with pytest.raises(FitError, match=r"tensor.pth holds a Tensor, not a state dict"):
        Backbone.read(tmp_path / "tensor.pth")
    torch.save({"epoch": 3}, tmp_path / "empty.pth")
    with pytest.raises(FitError, match=r"empty.pth holds no tensors"):
        Backbone.read(tmp_path / "empty.pth")
    torch.save({"weight": torch.zeros(4096)}, tmp_path / "cut.pt")
    (tmp_path / "cut.pt").write_bytes((tmp_path / "cut.pt").read_bytes()[:2000])
    with pytest.raises(FitError, match=r"cut.pt cannot be read as a file of torch .* cut off"):
        Backbone.read(tmp_path / "cut.pt")
    save_file({"weight": torch.zeros(4096)}, tmp_path / "cut.safetensors")
    (tmp_path / "cut.safetensors").write_bytes((tmp_path / "cut.safetensors").read_bytes()[:2000])
    with pytest.raises(FitError, match=r"cut.safetensors is no file of weights .* cut off"):
        Backbone.read(tmp_path / "cut.safetensors")


def test_formats_of_torch_give_the_same_tensors(tmp_path: Path) -> None:
    state = {"weight": torch.arange(6.0)}
    torch.save(state, tmp_path / "new.pt")
    torch.save(state, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    torch.save({"epoch": 1, "teacher": state}, tmp_path / "nested.pt")
    for name in ("new.pt", "old.pth", "nested.pt"):
        assert torch.equal(Backbone.read(tmp_path / name).weights["weight"], state["weight"])


def test_a_safetensors_file_is_distinguished_from_a_pickle_by_its_header(tmp_path: Path) -> None:
    for padding in range(256):  # the first byte is the header's length, here also 128, as in a pickle
        save_file({"weight": torch.zeros(1)}, tmp_path / "one.safetensors", {"text": "x" * padding})
        assert list(Backbone.read(tmp_path / "one.safetensors").weights) == ["weight"]


def test_blocks_default_to_the_architectures_own() -> None:
    assert Padim(architecture="resnet50").config.blocks == (1, 2)
    assert Padim(architecture="resnet50").config.channels == 512 + 1024
    assert Padim().config.blocks == (2, 4, 7)
    assert "architecture" not in Padim().config.model_dump()  # bundles and digests stay what they were
    with pytest.raises(RecipeError, match=r"padim.blocks: .*blocks are numbers from 0 to 3, ascending"):
        Padim(architecture="resnet50", blocks=(4, 7))
    with pytest.raises(RecipeError, match=r"padim.architecture"):
        Padim(architecture="resnet")


@pytest.mark.parametrize("given", [["resnet50"], {"name": "resnet50"}, 3, "resnet51"])
def test_an_architecture_that_is_no_name_is_a_recipe_error(given: object) -> None:
    with pytest.raises(RecipeError, match=r"method\.architecture: seen "):
        validated({"architecture": given}, Padim.Config, where="method")


def test_a_file_of_another_digest_than_the_recipes_is_refused(tmp_path: Path) -> None:
    weights, digests = state_of("resnet50"), []
    for number in range(2):
        save_file(weights | {"fc.bias": torch.full((1000,), float(number))}, tmp_path / f"{number}.safetensors")
        digests.append(sha256_of(tmp_path / f"{number}.safetensors"))
    named = {"architecture": "resnet50", "blocks": (1,), "backbone": digests[0]}
    member = {"key": "feature-pca", "settings": {**named, "grid": 4, "components": 2}}
    ensemble = validated({"members": [member, {"key": "dct"}]}, Ensemble.Config, where="method")
    for detector in (Padim(view=WHOLE, grid=4, chosen=10, **named), Ensemble(ensemble, view=WHOLE)):
        assert detector.begin_with(tmp_path / "0.safetensors").sha256 == digests[0]
        with pytest.raises(FitError, match=r"1\.safetensors has another SHA-256 than method\.backbone"):
            detector.begin_with(tmp_path / "1.safetensors")
    default = Padim(view=WHOLE, architecture="resnet50", blocks=(1,), grid=4, chosen=10)
    assert default.begin_with(tmp_path / "1.safetensors").sha256 == digests[1]


def test_weights_are_asked_for_before_films_are_read(normals: list[Film]) -> None:
    unread = (film for film in normals)
    with pytest.raises(FitError, match=r"feature-pca needs a file of resnet50's weights. Give it \(`backbone=FILE`"):
        FeaturePca(view=WHOLE, architecture="resnet50").fit(unread)
    assert len(list(unread)) == len(normals)


def test_a_recipes_blocks_are_replaced_with_its_architecture() -> None:
    recipe = Recipe.from_toml('name = "own"\n[method]\nkey = "feature-pca"\nblocks = [14]\ngrid = 8')
    assert with_changes(recipe, architecture="resnet50").method.settings == {"architecture": "resnet50", "grid": 8}
    assert with_changes(recipe, architecture="efficientnet-lite0").method.settings["blocks"] == [14]
    with pytest.raises(RecipeError, match=r"architecture resnet50: pca has no frozen network"):
        with_changes(Recipe.from_toml('name = "own"\n[method]\nkey = "pca"'), architecture="resnet50")


def test_members_of_an_ensemble_share_the_given_network(
    densenet: dict[str, Tensor], normals: list[Film], incoming: list[Film], finder: CrossFittedLungs, tmp_path: Path
) -> None:
    file = tmp_path / "weights.safetensors"
    save_file(densenet, file)
    settings = {"architecture": "densenet121-xrv", "blocks": [0], "grid": 2}
    pca = {"key": "feature-pca", "settings": {**settings, "components": 4}}
    ensemble = Ensemble(size=32, members=[pca, {"key": "mahalanobis", "settings": settings}])
    ensemble.fit(normals[:14], finder=finder, training=QUICK, backbone=file)
    assert [name for name in ensemble.modules() if "backbone" in name] == ["backbone"]
    save(ensemble, tmp_path / "model")
    one, two = (next(made.score(incoming[:1])) for made in (ensemble, load(tmp_path / "model")))
    assert isinstance(one, Finding) and isinstance(two, Finding) and one.score == two.score
    assert Adapted.beside(ensemble).backbone.architecture == "efficientnet-lite0"  # the head has its own network
    with pytest.raises(FitError, match=r"members: those on frozen features have several networks"):
        Ensemble(size=32, members=[pca, {"key": "mahalanobis"}])

"""ViT-B/14 as DINOv2 trains it, and as RAD-DINO does on chest films: maps of the patches after each block.

The names are DINOv2's (facebookresearch); those of the `transformers` package are translated. A map is what DINOv2's
`get_intermediate_layers` returns: the patches' vectors after a block, by the final layer normalisation.

A position has an embedding for the grid of the training; for an image of another size, the grid is interpolated
(bicubic), as each reference does: DINOv2's code by a factor to which 0.1 cells are added, `transformers` and weights
with register tokens by the exact size, the latter with antialiasing. An image whose sides are no multiples of 14 is
resampled to the nearest ones.

Source: Dosovitskiy et al., "An image is worth 16×16 words", ICLR 2021, equations 1 to 4; Oquab et al., "DINOv2:
learning robust visual features without supervision", TMLR 2024; Touvron et al., "Going deeper with image transformers",
ICCV 2021, equation 4 (layer scale); Darcet et al., "Vision transformers need registers", ICLR 2024; Pérez-García et
al., "Exploring scalable medical image encoders beyond text supervision", Nature Machine Intelligence 2025 (RAD-DINO).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from unseen.networks.photographs import IMAGENET_DEVIATION, IMAGENET_MEAN, as_photograph
from unseen.networks.published_network import PublishedNetwork, shapes_of, without_prefix

PATCH = 14
"""Side of a patch in pixels."""
WIDTH, _DEPTH, _HEADS, _EPSILON = 768, 12, 12, 1e-6
CHANNELS = (WIDTH,) * _DEPTH
"""Channels of each block's map. Blocks count from 0."""
_GRID = 37  # cells a side of the position embeddings, at 518 pixels
_TRANSFORMERS = (  # names of `transformers`, within a block → DINOv2's
    ("attention.output.dense.", "attn.proj."),
    ("attention.o_proj.", "attn.proj."),
    ("layer_scale1.lambda1", "ls1.gamma"),
    ("layer_scale2.lambda1", "ls2.gamma"),
)
_PART = re.compile(
    r"encoder\.layer\.(\d+)\.attention\.(?:attention\.(query|key|value)|([qkv])_proj)\.(.+)"
)  # of files, and of transformers 5 in memory
_TRANSFORMERS_OUTSIDE = {
    "embeddings.cls_token": "cls_token",
    "embeddings.mask_token": "mask_token",
    "embeddings.position_embeddings": "pos_embed",
    "embeddings.register_tokens": "register_tokens",
    "embeddings.patch_embeddings.projection.weight": "patch_embed.proj.weight",
    "embeddings.patch_embeddings.projection.bias": "patch_embed.proj.bias",
    "layernorm.weight": "norm.weight",
    "layernorm.bias": "norm.bias",
}


class DinoV2(PublishedNetwork):
    """(batch, 1, height, width) in [−1, 1] → a map for each of the blocks that are asked for.

    The numbers of register tokens and of position embeddings are those of the loaded weights.

    >>> [tuple(one.shape) for one in DinoV2(last=0)(torch.zeros(1, 1, 56, 60), (0,))]
    [(1, 768, 4, 4)]
    """

    mean: ClassVar[tuple[float, ...]] = IMAGENET_MEAN
    deviation: ClassVar[tuple[float, ...]] = IMAGENET_DEVIATION
    offset: ClassVar[float] = 0.1  # cells, added to the factor of interpolation
    title: ClassVar[str] = "DINOv2's ViT-B/14"
    ignored = ("mask_token", "head.")

    def __init__(self, *, last: int = _DEPTH - 1) -> None:
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, WIDTH))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + _GRID**2, WIDTH))
        self.register_tokens = nn.Parameter(torch.zeros(1, 0, WIDTH))
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(3, WIDTH, PATCH, PATCH)})
        self.blocks = nn.ModuleList(_TransformerBlock() for _ in range(last + 1))
        self.norm = nn.LayerNorm(WIDTH, eps=_EPSILON)
        self.register_load_state_dict_pre_hook(_resize)  # type: ignore[no-untyped-call]
        self.requires_grad_(False)
        self.eval()

    def forward(self, x: Tensor, blocks: Sequence[int]) -> list[Tensor]:
        """Return maps of `blocks`, in ascending order."""
        given = [int(side) for side in x.shape[-2:]]  # int: where the network is traced, a size is a tensor
        size = [max(1, round(side / PATCH)) * PATCH for side in given]
        if given != size:
            x = functional.interpolate(x, size=size, mode="bilinear", antialias=True)
        cells = self.patch_embed["proj"](as_photograph(x, mean=self.mean, deviation=self.deviation))
        grid = [side // PATCH for side in size]
        x = cells.flatten(2).transpose(1, 2)  # (batch, patches, width)
        first, rest = self.positions(*grid)
        # a constant, since other runtimes interpolate with antialiasing differently
        if torch.jit.is_tracing():  # type: ignore[attr-defined, no-untyped-call]
            rest = torch.from_numpy(rest.cpu().numpy().copy())
        batch = x.shape[0]
        x = torch.cat(
            [(self.cls_token + first).expand(batch, -1, -1), self.register_tokens.expand(batch, -1, -1), x + rest],
            dim=1,
        )
        maps = []
        for number in range(max(blocks) + 1):
            x = self.blocks[number](x)
            if number in blocks:
                patches = self.norm(x)[:, 1 + self.register_tokens.shape[1] :]
                maps.append(patches.transpose(1, 2).reshape(batch, WIDTH, *grid))
        return maps

    def positions(self, height: int, width: int) -> tuple[Tensor, Tensor]:
        """Return the embeddings of the class token, (1, 1, 768), and of the patches of a grid, (1, patches, 768)."""
        first, rest = self.pos_embed[:, :1], self.pos_embed[:, 1:]
        side = round(int(rest.shape[1]) ** 0.5)
        if (height, width) == (side, side):
            return first, rest
        square = rest.reshape(1, side, side, WIDTH).permute(0, 3, 1, 2)
        registers = int(self.register_tokens.shape[1]) > 0
        if self.offset and not registers:
            factors = tuple((cells + self.offset) / side for cells in (height, width))
            square = functional.interpolate(square, scale_factor=factors, mode="bicubic")
        else:
            square = functional.interpolate(square, size=(height, width), mode="bicubic", antialias=registers)
        return first, square.flatten(2).transpose(1, 2)

    @classmethod
    def checked(cls, published: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the tensors by DINOv2's names; see `PublishedNetwork.checked`."""
        weights = super().checked(published)
        cells = weights["pos_embed"].shape[1] - 1
        if round(cells**0.5) ** 2 != cells:
            raise ValueError(
                f"These are not the weights of {cls.title}: pos_embed has {cells} cells, which are no square."
            )
        return weights

    @classmethod
    def expected(cls, weights: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
        """Return the shapes that a file must have, with its numbers of positions and of register tokens."""
        expected = shapes_of(cls)
        for name in ("pos_embed", "register_tokens"):
            given = weights.get(name)
            if given is not None and given.ndim == 3 and given.shape[::2] == (1, WIDTH):
                expected[name] = tuple(given.shape)
        return expected

    @classmethod
    def translated(cls, published: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the tensors by DINOv2's names; files may have those of `transformers`."""
        given = without_prefix(published)
        made: dict[str, Tensor] = {}
        parts: dict[str, dict[str, Tensor]] = {}  # of the attention, which `transformers` has in three
        for name, tensor in given.items():
            if found := _PART.fullmatch(name):
                parts.setdefault(f"blocks.{found[1]}.attn.qkv.{found[4]}", {})[(found[2] or found[3])[0]] = tensor
                continue
            name = _TRANSFORMERS_OUTSIDE.get(name, name)
            if found := re.fullmatch(r"encoder\.layer\.(\d+)\.(.+)", name):
                inner = found[2]
                for theirs, ours in _TRANSFORMERS:
                    inner = inner.replace(theirs, ours)
                name = f"blocks.{found[1]}.{inner}"
            # a training splits the blocks into groups: blocks.GROUP.NUMBER
            made[re.sub(r"^blocks\.\d+\.(\d+\.)", r"blocks.\1", name)] = tensor
        for name, three in parts.items():
            if len(three) == 3 and len({one.shape for one in three.values()}) == 1:
                made[name] = torch.cat([three["q"], three["k"], three["v"]])
        made.setdefault("register_tokens", torch.zeros(1, 0, WIDTH))
        return made


class RadDino(DinoV2):
    """The same network with RAD-DINO's mean and deviation of chest films, interpolated as `transformers` does."""

    mean = (0.5307, 0.5307, 0.5307)
    deviation = (0.2583, 0.2583, 0.2583)
    offset = 0.0
    title = "RAD-DINO's ViT-B/14"


class _TransformerBlock(nn.Module):
    """x + s₁ · attention(norm(x)), then x + s₂ · perceptron(norm(x)); s are learnt scales of each channel."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = (nn.LayerNorm(WIDTH, eps=_EPSILON) for _ in range(2))
        self.attn = _SelfAttention()
        self.ls1, self.ls2 = _LayerScale(), _LayerScale()
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(WIDTH, 4 * WIDTH), "fc2": nn.Linear(4 * WIDTH, WIDTH)})

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.ls1(self.attn(self.norm1(x)))
        out: Tensor = x + self.ls2(self.mlp["fc2"](functional.gelu(self.mlp["fc1"](self.norm2(x)))))
        return out


class _SelfAttention(nn.Module):
    """softmax(Q Kᵀ / √64) V with 12 heads of 64 channels."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.proj = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        batch, tokens, _ = x.shape
        q, k, v = self.qkv(x).reshape(batch, tokens, 3, _HEADS, WIDTH // _HEADS).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(q, k, v)  # (batch, heads, tokens, 64)
        out: Tensor = self.proj(mixed.transpose(1, 2).reshape(batch, tokens, WIDTH))
        return out


class _LayerScale(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(WIDTH))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gamma


# Any: as torch calls it
def _resize(network: nn.Module, state: Mapping[str, Tensor], prefix: str, *args: Any) -> None:
    """Give the network as many position embeddings and register tokens as the weights have."""
    for name in ("pos_embed", "register_tokens"):
        given, own = state.get(prefix + name), network.get_parameter(name)
        if given is not None and given.ndim == 3 and given.shape[::2] == own.shape[::2]:
            setattr(network, name, nn.Parameter(own.new_zeros(given.shape), requires_grad=False))

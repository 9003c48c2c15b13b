"""GANomaly in plain PyTorch, as a competent user writes it: what the package is measured against.

float32, torch's own layers and layout, one optimiser a side. Same architecture, losses and first weights as
`unseen.detectors.Ganomaly`; layers bear the same names, so that one loads the other's weights.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional


def pyramid(size: int, features: int) -> nn.Sequential:
    """(batch, 1, size, size) → (batch, features · size / 8, 4, 4)."""
    layers: list[nn.Module] = [nn.Conv2d(1, features, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, inplace=True)]
    while size > 8:
        layers += [
            nn.Conv2d(features, 2 * features, 4, 2, 1, bias=False),
            nn.BatchNorm2d(2 * features),
            nn.LeakyReLU(0.2, inplace=True),
        ]
        features, size = 2 * features, size // 2
    return nn.Sequential(*layers)


class Encoder(nn.Module):
    def __init__(self, size: int, features: int, latent: int) -> None:
        super().__init__()
        self.pyramid = pyramid(size, features)
        self.head = nn.Conv2d(features * size // 8, latent, 4, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        latent: Tensor = self.head(self.pyramid(x))
        return latent  # (batch, latent, 1, 1)


class Decoder(nn.Module):
    def __init__(self, size: int, features: int, latent: int) -> None:
        super().__init__()
        width = features * size // 8
        layers: list[nn.Module] = [nn.ConvTranspose2d(latent, width, 4, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        while width > features:
            layers += [
                nn.ConvTranspose2d(width, width // 2, 4, 2, 1, bias=False),
                nn.BatchNorm2d(width // 2),
                nn.ReLU(),
            ]
            width //= 2
        self.layers = nn.Sequential(*layers, nn.ConvTranspose2d(width, 1, 4, 2, 1, bias=False), nn.Tanh())

    def forward(self, z: Tensor) -> Tensor:
        x: Tensor = self.layers(z)
        return x  # (batch, 1, size, size)


class Discriminator(nn.Module):
    def __init__(self, size: int, features: int) -> None:
        super().__init__()
        self.pyramid = pyramid(size, features)
        self.head = nn.Conv2d(features * size // 8, 1, 4, bias=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        seen = self.pyramid(x)
        return seen, self.head(seen).flatten()


class PlainGanomaly:
    """The four networks with the weights of `networks` (e1, de, e2, dc), a training step, a score."""

    def __init__(self, networks: Mapping[str, nn.Module], *, size: int, features: int, latent: int) -> None:
        self.e1, self.e2 = Encoder(size, features, latent), Encoder(size, features, latent)
        self.de, self.dc = Decoder(size, features, latent), Discriminator(size, features)
        for name, network in networks.items():
            getattr(self, name).load_state_dict(network.state_dict())
        makers = [*self.e1.parameters(), *self.de.parameters(), *self.e2.parameters()]
        self.generator = torch.optim.Adam(makers, lr=2e-4, betas=(0.5, 0.999))
        self.discriminator = torch.optim.Adam(self.dc.parameters(), lr=2e-4, betas=(0.5, 0.999))

    def step(self, x: Tensor) -> float:
        """Compute a step of each side on `x`, (batch, 1, size, size), and return the weighted generator loss."""
        self.dc.requires_grad_(False)
        z = self.e1(x)
        fake = self.de(z)
        again = self.e2(fake)
        with torch.no_grad():
            real_features, _ = self.dc(x)
        fake_features, _ = self.dc(fake)
        loss = (
            functional.mse_loss(fake_features, real_features)
            + 50 * functional.l1_loss(fake, x)
            + functional.mse_loss(z, again)
        )
        self.generator.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.generator.step()

        self.dc.requires_grad_(True)
        _, real_logit = self.dc(x)
        _, fake_logit = self.dc(fake.detach())
        judged = (
            functional.binary_cross_entropy_with_logits(real_logit, torch.ones_like(real_logit))
            + functional.binary_cross_entropy_with_logits(fake_logit, torch.zeros_like(fake_logit))
        ) / 2
        self.discriminator.zero_grad()
        judged.backward()  # type: ignore[no-untyped-call]
        self.discriminator.step()
        return loss.item()

    def score(self, x: Tensor) -> float:
        """‖z − ẑ‖₂ of one film, (1, 1, size, size), in eval mode."""
        for network in (self.e1, self.de, self.e2):
            network.eval()
        with torch.inference_mode():
            z = self.e1(x)
            again = self.e2(self.de(z))
            return float(torch.linalg.vector_norm((z.float() - again.float()).flatten()))

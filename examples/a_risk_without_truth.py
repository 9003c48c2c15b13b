"""A risk without truth: SURE finds the best denoiser from noisy images alone.

Each point is one denoiser, a Gaussian blur of some width. The error needs the true image; SURE needs only the noisy
one and the noise's law. Where the two agree, one may choose, train and stop by SURE.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch

import unseen as un

film = next(iter(un.data.phantoms.normals(1, seed=3, size=128)))  # a simulated chest X-ray
x = torch.from_numpy(film.pixels)[None, None]
noise = un.physics.Gaussian(0.1)
generator = torch.Generator().manual_seed(0)
y = noise.sample(x, generator=generator)

widths = np.linspace(0.2, 2.5, 24)
error, risk = [], []
for width in widths:
    h = un.physics.Blur(128, un.physics.gaussian_kernel(float(width)))  # the denoiser: linear, so it is an operator
    error.append(float((h(y) - x).square().mean()))
    risk.append(float(un.losses.sure(h, y, noise, generator=generator)) / x.numel())
best = widths[int(np.argmin(risk))]
print(f"by SURE the best width is {best:.2f} pixels; by the truth, {widths[int(np.argmin(error))]:.2f}")

figure, (left, *images) = plt.subplots(1, 4, figsize=(11, 2.7), width_ratios=[1.5, 1, 1, 1], layout="constrained")
left.plot(widths, error, label="error (needs the truth)")
left.plot(widths, risk, "o", markersize=3, label="SURE (does not)")
left.set(xlabel="width of the blur, pixels", ylabel="mean square")
left.legend()
shown = {"true": x, "noisy": y, "chosen by SURE": un.physics.Blur(128, un.physics.gaussian_kernel(float(best)))(y)}
for axis, (name, image) in zip(images, shown.items(), strict=True):
    axis.imshow(image[0, 0].numpy(), cmap="gray", vmin=0, vmax=1)
    axis.set_title(name)
    axis.axis("off")
figure.savefig("a-risk-without-truth.png", dpi=110, bbox_inches="tight")

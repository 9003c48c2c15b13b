"""A slice from fifty views: three answers that need no training.

Filtered backprojection streaks, the pseudo-inverse agrees with the measurements and invents nothing, total variation
prefers flat images with edges. What a network learns from measurements alone has to beat all three.
"""

import matplotlib.pyplot as plt
import torch

import unseen as un

film = next(iter(un.data.phantoms.normals(1, seed=5, size=96)))  # simulated
x = torch.from_numpy(film.pixels)[None, None]
A = un.physics.Tomography(96, angles=50)
process = un.physics.Measurement(A, noise=un.physics.Gaussian(0.2))
y = process(x, generator=torch.Generator().manual_seed(0))

solution = un.priors.TV(weight=0.5).solve(y, A)
print(solution.sentence)
shown = {"true": x, "FBP": A.fbp(y), "A†": A.pinv(y), "TV": solution.x}
figure, axes = plt.subplots(1, 4, figsize=(11, 3.1), layout="constrained")
for axis, (name, image) in zip(axes, shown.items(), strict=True):
    decibels = -10 * torch.log10((image - x).square().mean())
    axis.imshow(image[0, 0].numpy(), cmap="gray", vmin=0, vmax=1)
    axis.set_title(name if name == "true" else f"{name}, {decibels:.1f} dB")
    axis.axis("off")
figure.savefig("total-variation.png", dpi=110, bbox_inches="tight")

"""See what was never measured: images learnt from measurements alone, in some ten seconds, on one core.

Three pixels of ten are never seen, the same ones in every image, and the network is never shown a whole one. It
learns them because a shifted image is an image too: what the mask hides of one, it shows of another.
"""

import numpy as np
import torch
from PIL import Image

import unseen as un

films = list(un.data.phantoms.normals(40, seed=0, size=64))  # simulated chest X-rays, made on the spot
x = torch.stack([torch.from_numpy(film.pixels)[None] for film in films])  # (40, 1, 64, 64), in [0, 1]; never shown

mask = torch.rand(1, 64, 64, generator=torch.Generator().manual_seed(0)) < 0.7
process = un.physics.Measurement(un.physics.Mask(mask))  # y = A x
y = process(x, generator=torch.Generator().manual_seed(1))

f = un.reconstruction.learn(  # equivariant imaging
    y[8:],
    process,
    losses=[un.losses.MeasurementConsistency(), un.losses.Equivariance(un.physics.Shifts())],
    network=un.reconstruction.ArtifactRemoval(features=12),
    training=un.training.Training(epochs=5, batch_size=2, threads=1),
    learning_rate=2e-3,
    milestones=[4],
)
with torch.no_grad():
    found = f(y[:8], process)  # of films that it has not learnt from
for name, image in (("measured", y[:8]), ("reconstructed", found)):
    print(f"{name:14} {-10 * torch.log10((image - x[:8]).square().mean()):.1f} dB")
rows = torch.cat([torch.cat(list(image), dim=-1) for image in (y[:8], found, x[:8])], dim=-2)[0]
Image.fromarray(np.uint8(255 * rows.clamp(0, 1))).save("get-started.png")  # measured, reconstructed, true

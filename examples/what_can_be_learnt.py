"""What can be learnt from measurements alone: ask before training.

A measurement hides part of each image. If images may be shifted, or turned, and are still images, the operator
may show of a moved one what it hides of another; or it may hide the same again, and then no training helps.
"""

import matplotlib.pyplot as plt
import torch

import unseen as un

size, generator = 32, torch.Generator().manual_seed(0)
operators = {
    "inpainting": un.physics.Mask(torch.rand(1, size, size, generator=generator) < 0.7),
    "CT, 30 views": un.physics.Tomography(size, angles=30),
    "blur": un.physics.Blur(size, un.physics.gaussian_kernel(2.0)),
}
groups = {"shifts": un.physics.Shifts(), "rotations": un.physics.Rotations(), "flips": un.physics.Flips()}

film = next(iter(un.data.phantoms.normals(1, seed=7, size=2 * size)))
x = torch.nn.functional.avg_pool2d(torch.from_numpy(film.pixels)[None, None], 2)
figure, axes = plt.subplots(1, len(operators), figsize=(9, 3.6), layout="constrained")
for axis, (name, A) in zip(axes, operators.items(), strict=True):
    verdicts = {group: un.physics.identify(A, element).verdict for group, element in groups.items()}
    hidden = x - A.pinv(A(x))  # what A does not show of this image
    axis.imshow(hidden[0, 0].numpy(), cmap="gray")
    axis.set_title(name + "\n" + "\n".join(f"{group}: {verdict}" for group, verdict in verdicts.items()), fontsize=9)
    axis.axis("off")
    print(name, verdicts)
figure.supxlabel("what each hides of one image", fontsize=9)
figure.savefig("what-can-be-learnt.png", dpi=110, bbox_inches="tight")

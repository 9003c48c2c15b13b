"""Solvers over batches of images: each sample takes its own steps, and stops by itself.

Of convex problems: `fista.fista` for a smooth term and one with a proximal map, `pdhg.pdhg` for sums of terms that each
see the image through a linear map. Both return a `solution.Solution`: the images, and how near to the minimum they are
known to be. Over a generator's latents: `palm.palm`, along the directions of `lbfgs.Curvature`; it ends in a
`latent_restarts.LatentSolution`. `proximal_gradient.proximal_steps` are the steps of a variable beside the latent.
"""

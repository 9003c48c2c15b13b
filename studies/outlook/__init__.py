"""Questions that the talk of Davies and the slides of Duff leave open, each as small trainings with a row each.

shift       measurements alone against a supervised network of another set of images
samples     share of the gap to supervised learning against the number of measurements
dimension   images that are only approximately of low dimension
ambient     a GAN from measurements by several operators (AmbientGAN)
generators  a VAE against a GAN, by what is measured, on digits and on shapes
"""

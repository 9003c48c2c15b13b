"""Further experiments with the thesis's adversarial detectors, as rows `adversarial/…`.

Norms in its equations, SURE in f-AnoGAN's encoder, instance noise with re-initialisation, and its appendix A.
"""

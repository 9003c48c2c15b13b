"""Further experiments with the thesis's adversarial detectors at small budgets, as rows `adversarial/…`.

Norms in its equations, SURE in f-AnoGAN's encoder, instance noise with re-initialisation, and its appendix A.
"""

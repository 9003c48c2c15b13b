"""Testing: the laws that every operator, noise, loss, prior and detector keeps, for tests of one's own.

`check_operator(A)`, `check_noise(noise)`, `check_loss(loss, process)`, `check_prior(prior, A)` and
`check_detector(detector, films)` raise AssertionError, with a sentence, where a law is broken. This package's own
contract tests run the same laws; a plug-in's tests call these.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

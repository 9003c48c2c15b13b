"""Robustness study: two recipes trained and tested on films with noise added."""

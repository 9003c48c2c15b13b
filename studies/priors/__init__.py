"""Generative models as regularisers: generators as priors compared with TV.

A recipe in `recipes/priors` is a generator and its images; `unseen prior train` trains it. `python -m studies.priors`
compares the priors, writes the rows and renders the page.
"""

"""Generative models as regularisers: the pictures that generators learn from, and a recipe's training.

A recipe in `recipes/priors` is a generator and its pictures; `unseen prior train` trains it. `study` asks a generator
what it can draw and what not; `unseen prior study` writes the report.
"""

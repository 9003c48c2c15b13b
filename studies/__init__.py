"""Studies: what makes this repository's results pages: recipe → run → bundle → row, cross-fitting, and the renderers.

`python -m studies`, run from the root of the repository, trains, scores and renders; rows lie in `studies/results`,
recipes in `studies/recipes`. The studies import the package; nothing in the package imports them, and the wheel does
not hold them.
"""

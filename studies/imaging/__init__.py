"""Imaging from measurements alone, on real data: what each loss reaches with one network, and how much of the way to
supervised learning it goes.

A recipe in `recipes/imaging` is a problem: images, how they are measured, the arms that are tried. `python -m
studies.imaging` trains what is not trained yet, writes a row for each arm at once, and renders the page.
"""

"""The study of a trained generator: what it can represent, what it cannot, and how smooth its latents are.

`study` puts the parts together, `bundles` runs it for bundles on disk, `report` writes the page.
"""

"""An archive of films, scored in parts: each is written whole or not at all, and parts that are there are kept.

`plan` describes the run and cuts the manifest, `scoring` scores the parts, `reading` puts them together.
"""

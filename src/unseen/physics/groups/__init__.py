"""Groups of transformations, one a file; their names are `unseen.physics`'s.

A new group is a subclass of `unseen.physics.Group` in a file here, and a line in the registry `GROUPS` of
`physics/__init__.py`, with its name in `physics/__init__.pyi` and in `tests/physics/test_group_contract.py`. A group of
another package is an entry point of `unseen.groups`.
"""

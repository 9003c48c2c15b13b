"""Groups of transformations, one a file; their names are `unseen.physics`'s."""

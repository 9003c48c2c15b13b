"""The first screen of each evidence page (figure, conclusion, table), and the overview of them all, from rows alone."""

"""The results pages, each from committed rows alone: no number stands there without its JSON."""

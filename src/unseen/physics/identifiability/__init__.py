"""Can x be learnt from y = A x alone? One condition a file; `identify` puts them together."""

"""Speed of imaging beside deepinv, scikit-image and SciPy: `make bench-imaging`, or `python -m benchmarks.imaging`.

Each library runs in a process of its own (deepinv in an environment of its own, `make peers`), and they take turns
call by call, so that a slow minute is everybody's. The files that end in `_side` are what each of them runs;
`inputs`, `contender` and `plain_unet` know torch alone, since both environments read them.
"""

"""Quality beside deepinv: the same network, images, steps and batches, one library after the other.

`python -m studies.against_deepinv train` trains what has no row yet and writes it at once; `render` writes the page
from the rows. deepinv runs in an environment of its own (`make peers`), and files carry images, measurements and the
network's first weights to it.
"""

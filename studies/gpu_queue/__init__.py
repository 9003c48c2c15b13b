"""Queue of rows for a machine with a GPU that is available for some minutes at a time.

`entries`: the rows in their order, `packing`: the data of each, `slot`: one run that stops itself, `returned`: the
files that it returns, and their merge into the committed rows and the runs folder.
"""

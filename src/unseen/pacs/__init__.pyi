"""The public names of `unseen.pacs`: read by type checkers, and by lazy_loader at run time."""

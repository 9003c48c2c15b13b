"""`python -m unseen`: the command `unseen`."""

from unseen.cli import main

main()

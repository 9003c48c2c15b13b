"""`python -m unseen`: the command `unseen`."""

from unseen.cli.program import main

main()

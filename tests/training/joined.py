"""The program that `unseen.training.ranks.start` starts, for a fork of a process that has imported torch."""

from unseen.training.joining import _main

_main()

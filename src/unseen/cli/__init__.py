"""The command line. Each command parses its arguments, calls one function of a lower package, and prints the result.

main        the program `unseen`
run         another program, whose mistakes are reported as those of `unseen`
app         its commands, those of other packages included (entry points of the group `unseen.commands`)
console     steps, notes and progress on standard error
UsageError  a command that contradicts itself or lacks something: one sentence, exit status 2
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

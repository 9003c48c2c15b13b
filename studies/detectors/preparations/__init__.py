"""Preparations of a film before a detector scores it: do they remove the shortcuts, and what do they cost the detector?

One preparation a file, each a function of a film that carries its predicted lungs; `comparing` trains a detector on
films prepared in each way, and sets it beside the same detector on the films as they came.
"""

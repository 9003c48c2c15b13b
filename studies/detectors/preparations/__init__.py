"""What is done to a film before a detector looks: does it take the shortcuts away, and what does it cost the detector?

One preparation a file, each a function of a film that carries its predicted lungs; `comparing` trains a detector on
films prepared in each way, and sets it beside the same detector on the films as they came.
"""

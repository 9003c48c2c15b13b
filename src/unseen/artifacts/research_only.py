"""Limits of use that every result states."""

LIMITS = "Research use only. Not a medical device. Not for diagnosis."
"""Notice that is shown with every result: on the command line, in reports and in exported objects."""

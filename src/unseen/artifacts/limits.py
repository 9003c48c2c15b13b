"""The sentence that stands wherever a result is seen: on the command line, in reports, in every exported object."""

LIMITS = "Research use only. Not a medical device. Not for diagnosis."

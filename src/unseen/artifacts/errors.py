"""`UserError`: a mistake that the user can mend. Its message is a sentence; everything else that raises is a bug."""


class UserError(Exception):
    """Base of every error whose message is written for the user: what is wrong, what was found, what to do.

    The command line prints the message and ends with status 2; any other exception shows its traceback, and
    with UNSEEN_TRACEBACK=1 this one does, too. A plug-in derives its own errors from this class.

    >>> class NoFilms(UserError, ValueError):
    ...     pass
    >>> isinstance(NoFilms("no film in folder/. Give another folder"), ValueError)
    True
    """

"""`UserError`, a mistake that the user can fix, and `reason_of`, the cause of an error as part of a sentence.

The message of a `UserError` is a sentence. Every other exception is a bug.
"""


class UserError(Exception):
    """Base of every error whose message is written for the user: what is wrong, what was found, what to do.

    The command line prints the message and ends with status 2; any other exception shows its traceback, and
    with UNSEEN_TRACEBACK=1 this one does, too. A plug-in derives its own errors from this class.

    >>> class NoFilms(UserError, ValueError):
    ...     pass
    >>> isinstance(NoFilms("no film in folder/. Give another folder"), ValueError)
    True
    """


def reason_of(error: BaseException) -> str:
    """Return the cause of an error as part of a sentence: one line, without the number of a system error.

    Args:
        error: any error.

    Returns:
        At most 200 characters; the type's name where the error has no text.

    Example:
        >>> try:
        ...     open("gone.csv")
        ... except OSError as error:
        ...     reason_of(error)
        'No such file or directory'
        >>> reason_of(KeyError())
        'KeyError'
    """
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    lines = str(error).splitlines()
    return lines[0][:200] if lines else type(error).__name__

"""Command that installs a package of this project or one of its extras, for messages about what is missing."""

_FOLDERS = {"unseen": ".", "unseen-server": "./server", "unseen-models": "./models"}


def install_command(package: str) -> str:
    """Return the command that installs a package from wheels, and the one for a clone of the repository.

    Args:
        package: the package's name, with extras if any, such as "unseen[train]".

    Example:
        >>> install_command("unseen[train]")
        'pip install "unseen[train]" (in a clone: pip install ".[train]")'
        >>> install_command("unseen-server")
        'pip install unseen-server (in a clone: pip install ./server)'
    """
    name, bracket, extras = package.partition("[")
    quote = '"' if bracket else ""
    wheel, clone = (f"pip install {quote}{word}{bracket}{extras}{quote}" for word in (name, _FOLDERS[name]))
    return f"{wheel} (in a clone: {clone})"

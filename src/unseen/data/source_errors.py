"""Errors about a source of films: a folder, a glob, a manifest or a table that belongs to one."""

from unseen.artifacts.errors import UserError


class SourceError(UserError, ValueError):
    """The given source of films cannot be used; the message gives the reason and what to do."""


class ManifestError(SourceError):
    """The manifest itself is wrong (not a film it names); the message names the file and, where there is one, the
    line."""

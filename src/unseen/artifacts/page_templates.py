"""Jinja templates of HTML pages that are files of a package, compiled once in a process."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import jinja2


@functools.cache
def template(package: str, name: str) -> jinja2.Template:
    """Return a template; values are escaped for HTML, and a missing one is an error.

    Args:
        package: package whose folder `templates` has the file.
        name: the file's name.

    Example:
        >>> template("unseen.evaluation", "report.html.j2").name
        'report.html.j2'
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(package, "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)

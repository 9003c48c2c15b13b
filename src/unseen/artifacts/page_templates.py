"""Jinja templates of HTML pages that are files of a package, compiled once in a process."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import jinja2


@functools.cache
def templates(package: str) -> jinja2.Environment:
    """Return the templates of a package; values are escaped for HTML, and a missing one is an error.

    Args:
        package: package whose folder `templates` has the files.

    Example:
        >>> templates("unseen.evaluation").list_templates()
        ['report.html.j2']
    """
    import jinja2

    return jinja2.Environment(
        loader=jinja2.PackageLoader(package, "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def template(package: str, name: str) -> jinja2.Template:
    """Return a template of a package.

    Args:
        package: package whose folder `templates` has the file.
        name: the file's name.

    Example:
        >>> template("unseen.evaluation", "report.html.j2").name
        'report.html.j2'
    """
    return templates(package).get_template(name)

"""The commands, for packages from outside the tree."""

from tests.cli.conftest import say  # noqa: F401  a fixture

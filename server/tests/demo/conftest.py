"""The fixture `say` of the tests of commands."""

from tests.cli.conftest import say as say

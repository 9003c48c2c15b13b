"""Command lines that cannot be parsed: options of other training programs, and files such as -a.png."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from typer.core import TyperCommand, TyperGroup

from unseen.cli.console import UsageError, print_error

SETTINGS: Final = {
    "--epochs": "training.epochs",
    "--batch-size": "training.batch_size",
    "--lr": "method.learning_rate",
    "--learning-rate": "method.learning_rate",
    "--schedule": "method.milestone",
    "--ei-trans": "method.transforms",
    "--ei-alpha": "method.equivariance",
    "--mask-rate": "method.kept",
    "--ct-views": "method.views",
    "--image-size": "view.size",
}
"""Settings of a recipe by the options that set them elsewhere."""
_UNITS: Final = {
    "--mask-rate": " (the share of the pixels that is kept, not dropped)",
    "--schedule": " (one share of the epochs, such as 0.75)",
}
_REMEDIES: Final = {
    "--task": "the recipe is the task, such as `unseen train imaging/inpainting`",
    "--gpu": "give --device cuda:0",
    "--resume": "leave it out: the same command resumes by itself",
    "--pretrained": "give --start-from MODEL",
}


class Program(TyperGroup):
    """All commands; with --json, the sentence on a command line that cannot be parsed is a JSON document, too."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # Any: Typer has this class of Click in private
        """Parse the words before the name of the command."""
        ctx.meta[__name__] = "--json" in args
        with _json_of_mistakes(ctx):
            parsed: list[str] = super().parse_args(ctx, args)
        return parsed

    def invoke(self, ctx: Any) -> Any:  # Any: as in `parse_args`, and what the command returns
        """Parse the other words, and run the command."""
        with _json_of_mistakes(ctx):
            return super().invoke(ctx)


@contextmanager
def _json_of_mistakes(ctx: Any) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if ctx.meta[__name__] and hasattr(error, "format_message"):  # an error of Click, which Typer has in private
            print_error(error.format_message())
        raise


class FilesCommand(TyperCommand):
    """Command that states the remedy where the name of a file, such as -a.png, would be taken as an option."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # Any: Typer has this class of Click in private
        """Parse the command line.

        Raises:
            UsageError: a word that begins with "-" is no option, and the name of a file.
        """
        options = {option for one in self.get_params(ctx) for option in (*one.opts, *one.secondary_opts)}
        for word in args[: args.index("--")] if "--" in args else args:
            if word.startswith("-") and word not in options and Path(word).is_file():
                raise _mistake(f"{word}: is taken as options. Write ./{word}, or give -- before the files", args)
        parsed: list[str] = super().parse_args(ctx, args)
        return parsed


class TrainCommand(FilesCommand):
    """Command that states the form here of an option of other programs, before anything is trained."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # Any: Typer has this class of Click in private
        """Parse the command line.

        Raises:
            UsageError: an option of other training programs; the message names the setting of the recipe.
        """
        for word in args:
            if (said := remedy(word.partition("=")[0])) is not None:
                raise _mistake(said, args)
        parsed: list[str] = super().parse_args(ctx, args)
        return parsed


def _mistake(said: str, args: list[str]) -> UsageError:
    """Return an error, of which the JSON document is printed; the command, which prints those of others, never runs."""
    if "--json" in args:
        print_error(said)
    return UsageError(said)


def remedy(option: str) -> str | None:
    """Return the sentence for an option of other programs; None for any other word.

    >>> remedy("--epochs")
    '--epochs: a setting of the recipe. Give --set training.epochs=VALUE'
    >>> remedy("--out") is None
    True
    """
    if option in SETTINGS:
        return f"{option}: a setting of the recipe. Give --set {SETTINGS[option]}=VALUE{_UNITS.get(option, '')}"
    return f"{option}: {_REMEDIES[option]}" if option in _REMEDIES else None

"""The command line: the same verbs as the library, for the shell."""

from skykin.cli.main import main

__all__ = ["main"]

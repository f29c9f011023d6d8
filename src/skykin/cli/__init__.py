"""The command line: the same verbs as the library, for the shell."""

from skykin.cli.start import main

__all__ = ["main"]

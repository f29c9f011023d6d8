"""The start of the program: Ctrl-C is taken care of before anything that takes time is loaded."""

import os

from skykin.cli import interrupts


def main() -> None:
    """Run the command line."""
    interrupts.prepare()
    from skykin.cli.main import app
    from skykin.survey.download import cache_folder

    # Matplotlib's list of fonts goes where our own files go, not into more folders of the home.
    os.environ.setdefault("MPLCONFIGDIR", str(cache_folder() / "matplotlib"))
    app(prog_name="skykin")

"""The start of the program: Ctrl-C is taken care of before anything that takes time is loaded."""

import os
import sys

from skykin.cli import interrupts
from skykin.core.errors import TOO_LITTLE_MEMORY, ResourceError, lacks_memory


def main() -> None:
    """Run the command line."""
    interrupts.prepare()
    try:
        from skykin.cli.main import app
        from skykin.survey.download import cache_folder
    except Exception as error:  # libraries that find no memory fail in any way
        if not lacks_memory(error):
            raise
        sys.stderr.write(f"RS-MEM: {TOO_LITTLE_MEMORY}\n")
        sys.exit(ResourceError.exit_code)

    # Matplotlib's list of fonts goes where our own files go, not into more folders of the home.
    os.environ.setdefault("MPLCONFIGDIR", str(cache_folder() / "matplotlib"))
    app(prog_name="skykin")

"""Run the command line with ``python -m skykin``."""

from skykin.cli import main

if __name__ == "__main__":
    main()

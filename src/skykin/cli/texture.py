"""The command `skykin texture`: new sky with the style of a reference."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skykin.cli.painting_bar import painting_bar
from skykin.cli.pictures import (
    A_PICTURE,
    MAKING,
    Output,
    PaintOptions,
    interrupted,
    say,
    with_options,
)
from skykin.cli.terminal import Terminal

if TYPE_CHECKING:
    from skykin.generate.painting import Callback


@with_options(PaintOptions)
def texture_command(
    reference: Annotated[str, typer.Argument(help=f"Whose style the new sky has: {A_PICTURE}.")],
    output: Output = Path("texture.png"),
    recipe: Annotated[
        list[str],
        typer.Option(
            help="How style is measured; name several, such as `--recipe poster --recipe covariance`, "
            "to see their textures side by side.",
            rich_help_panel=MAKING,
        ),
    ] = ["poster"],  # noqa: B006 - typer's way to give the default of a list
    *,
    options: PaintOptions,
) -> None:
    """Synthesise new sky with the style of a reference from noise.

    What the recipe's statistic keeps is in it; what it loses, such as where things are, is not.  With
    several recipes the picture holds all textures side by side, and each lies beside it in a file of its own.
    Needs the extra: pip install "skykin[generate]".
    """
    from contextlib import ExitStack

    from skykin.jobs.studio.texture import texture

    try:
        with ExitStack() as bars:
            console = Terminal(stderr=True)

            def callback_of(name: str) -> Callback | None:
                bars.close()
                return bars.enter_context(painting_bar(f"Texture, {name}", console, quiet=options.quiet))

            made = texture(
                reference, recipe=recipe, output=output, callback_of=callback_of, **options.values()
            )
    except KeyboardInterrupt as error:
        raise interrupted(output) from error
    if not options.quiet:
        for line in made.sentences():
            say(line)
        say(f"Open {output}")

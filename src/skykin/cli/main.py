"""The program `skykin`: its commands, and how an error leaves it."""

from __future__ import annotations

import os
import select
import sys
from typing import Annotated, Any

import typer
from rich.markup import escape
from typer.core import TyperGroup

from skykin import __version__
from skykin.cli.agree import agree_command
from skykin.cli.catalogues import catalogues_command
from skykin.cli.doctor import doctor_command
from skykin.cli.evaluate import evaluate_command
from skykin.cli.explain import explain_command
from skykin.cli.hats import hats_command
from skykin.cli.hips import hips_command
from skykin.cli.index import index_command, plan_command
from skykin.cli.interrupts import INTERRUPTED, heard
from skykin.cli.kinds import cluster_command, neighbours_command, outliers_command
from skykin.cli.layers import layers_command
from skykin.cli.learn import learn_command
from skykin.cli.listing import recipes_command, regions_command
from skykin.cli.map import map_command
from skykin.cli.page import page_command
from skykin.cli.search import search_command
from skykin.cli.surveys import info_command, surveys_command
from skykin.cli.terminal import Terminal, errors
from skykin.cli.texture import texture_command
from skykin.cli.transfer import transfer_command
from skykin.cli.view import view_command
from skykin.cli.watch import queries_command, watch_command
from skykin.core.errors import TOO_LITTLE_MEMORY, ResourceError, SkykinError, lacks_memory, option_of

BUG = 8
#: What a command says besides where it keeps finished parts, when it is interrupted.
GOES_ON = {"map": "; what the shared engine finished is kept, and the same command goes on there"}
#: What is no error that Skykin raises on purpose.
BUGS = (
    OSError, ValueError, LookupError, TypeError, RuntimeError, ArithmeticError, ImportError, AttributeError,
    SystemError,
)  # fmt: skip


class OneSentence(TyperGroup):
    """A group of commands that leaves with one sentence and an exit code, whatever went wrong."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; turn errors into sentences."""
        console = errors()
        try:
            with heard():
                return super().invoke(ctx)
        except (typer.Exit, typer.Abort):  # click's way to leave, which derives from RuntimeError
            raise
        except SkykinError as error:
            if ctx.params.get("debug"):
                console.print_exception()
            if lacks_memory(error):  # whatever was made of it
                raise _no_memory(console) from error
            console.print(f"[bold red]{error.code}[/]: {escape(self._as_typed(str(error), ctx))}")
            raise typer.Exit(error.exit_code) from error
        except KeyboardInterrupt as error:
            console.print(f"interrupted; nothing was written{GOES_ON.get(str(ctx.invoked_subcommand), '')}")
            raise typer.Exit(INTERRUPTED) from error
        except Exception as error:  # ONNX Runtime's and those of other libraries share no other base
            if isinstance(error, BrokenPipeError) and _nobody_reads():
                raise typer.Exit(1) from error
            if ctx.params.get("debug"):
                raise
            if lacks_memory(error):
                raise _no_memory(console) from error
            if not isinstance(error, BUGS):
                raise
            console.print(
                f"[bold red]BUG[/]: {type(error).__name__}: {escape(str(error))}; nothing was written. This "
                "is a mistake in Skykin: please report it with what `skykin --debug` says."
            )
            raise typer.Exit(BUG) from error

    def _as_typed(self, sentence: str, ctx: Any) -> str:
        """Name the setting that begins a sentence as the command takes it: ``--tile-size is 0, but …``."""
        name, _, rest = sentence.partition(" is ")
        option = option_of(name)
        command = self.get_command(ctx, ctx.invoked_subcommand or "")
        known = {each for one in (command.params if command else ()) for each in one.opts}
        return f"{option} is {rest}" if option in known else sentence


def _nobody_reads() -> bool:
    """Tell whether the reader of our output has ended, as `head` does; the rest then goes nowhere."""
    output = select.poll()
    output.register(sys.stdout, select.POLLOUT)
    if not any(event & (select.POLLERR | select.POLLHUP) for _, event in output.poll(0)):
        return False
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return True


def _no_memory(console: Terminal) -> typer.Exit:
    console.print(f"[bold red]RS-MEM[/]: {TOO_LITTLE_MEMORY}")
    return typer.Exit(ResourceError.exit_code)


app = typer.Typer(
    name="skykin",
    cls=OneSentence,
    epilog="Start with `skykin map`: every setting has a default, and `skykin map --help` explains it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.command("map")(map_command)
app.command("evaluate")(evaluate_command)
app.command("agree")(agree_command)
app.command("learn")(learn_command)
app.command("index")(index_command)
app.command("plan")(plan_command)
app.command("search")(search_command)
app.command("explain")(explain_command)
app.command("watch")(watch_command)
app.command("queries")(queries_command)
app.command("view")(view_command)
app.command("neighbours")(neighbours_command)
app.command("cluster")(cluster_command)
app.command("outliers")(outliers_command)
app.command("hips")(hips_command)
app.command("hats")(hats_command)
app.command("page")(page_command)
app.command("doctor")(doctor_command)
app.command("recipes")(recipes_command)
app.command("regions")(regions_command)
app.command("catalogues")(catalogues_command)
app.command("surveys")(surveys_command)
app.command("info")(info_command)
app.command("transfer")(transfer_command)
app.command("texture")(texture_command)
app.command("layers")(layers_command)


def _print_version(wanted: bool) -> None:
    if wanted:
        Terminal(highlight=False).print(f"skykin {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show where in the code an error arose.")] = False,
) -> None:
    """Find the kin of a patch of sky: regions of a survey whose image has the same style."""

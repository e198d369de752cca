"""The ``wafermesh`` command: one file per subcommand, loaded when it is used."""

from __future__ import annotations

import contextlib
import importlib
import keyword
from collections.abc import Iterator, Mapping
from typing import Any

import click

from model.errors import InputError

COMMANDS: Mapping[str, str] = {
    "demo": "The main job: sample, repair, route, run the RTL and compare it with the engine.",
    "defects": "Sample a wafer map with broken cores, tiles and links.",
    "compile": "Repair and route a wafer map into a configuration image.",
    "inspect": "Look at an image, a tile, or the walk of one pair through the tables.",
    "explore": "The page: a wafer, its defects, repair, routes and traffic, live in the browser.",
    "picture": "Draw an image: channel load, displacement, route entries or defects.",
    "traffic": "Patterns and traces: list, draw, import, check.",
    "simulate": "Run traffic on the golden engine and write packet records.",
    "verify": "Run the RTL and hold it against the golden engine, cycle by cycle.",
    "yield": "What share of wafers works: closed forms.",
    "verilog": "Write the Verilog of tile, remap memory and fabric.",
    "bench": "Measure routing, the compiler, the engine, traces and the tile array.",
}


class LazyGroup(click.Group):
    """A group whose subcommands are imported only when named, so that help is instant."""

    def __init__(self, *args: Any, modules: Mapping[str, str], prefix: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._help, self._prefix = modules, prefix

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of the data flow."""
        return list(self._help)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import ``tools.<name>`` and return its ``command``."""
        if cmd_name not in self._help:
            return None
        name = self._prefix + cmd_name.replace("-", "_")
        name += "_" * keyword.iskeyword(name.rpartition(".")[2])
        module = importlib.import_module(name)
        found: click.Command = module.command
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """One line per command, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self._help.items()))


@contextlib.contextmanager
def one_line() -> Iterator[None]:
    """Turn bad input of any kind into its one line."""
    try:
        yield
    except click.exceptions.NoArgsIsHelpError:
        raise
    except click.UsageError as error:
        raise OneLine(error.format_message()) from error
    except InputError as error:
        raise OneLine(str(error)) from error


class OneLineErrors(LazyGroup):
    """The top command: bad input is one line on stderr and exit code 2 (rule CLI-1)."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Parse the group's own options."""
        with one_line():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the subcommand."""
        with one_line():
            return super().invoke(ctx)


class OneLine(click.ClickException):
    """An error shown as ``wafermesh: <message>``."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        """Print the line on standard error."""
        click.echo(f"wafermesh: {' '.join(self.format_message().split())}", err=True)


@click.group(
    cls=OneLineErrors,
    modules=COMMANDS,
    prefix="tools.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="wafermesh", prog_name="wafermesh")
def main() -> None:
    """Defect-tolerant wafer-scale mesh: defects, repair, routes, RTL and proof that they agree."""

"""The explorer: a wafer in the browser, live, from the compiler and the engine themselves."""

from tools.explore.cli import command

__all__ = ["command"]

"""What the operator sees and is asked. Results go to standard output; progress, questions and errors to standard error."""

from __future__ import annotations

import sys

import aws
from aws import Failed


def table(headers: list[str], rows: list[list]) -> None:
    """Prints rows in columns."""
    cells = [headers, *[[str(cell) for cell in row] for row in rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(headers))]
    for row in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def say(text: str = "") -> None:
    print(text, flush=True)


def progress(text: str) -> None:
    """Prints a line about work that takes long."""
    print(f"… {text}", file=sys.stderr, flush=True)


def warn(text: str) -> None:
    print(f"! {text}", file=sys.stderr, flush=True)


def add_yes(parser) -> None:
    """Gives a command that changes something the option that answers its question."""
    parser.add_argument("--yes", metavar="ENVIRONMENT", help="do not ask; the name of the environment, as the answer would be")


def confirm(environment: str, what: str, yes: str | None) -> None:
    """Says what is about to happen, and returns only if the operator typed the name of the environment, or gave it with `--yes`."""
    # An environment may exist in two regions.
    print(f"{what}\nRegion: {aws.region()}", file=sys.stderr, flush=True)
    if yes is not None:
        if yes != environment:
            raise Failed("confirm", f"nothing was changed: --yes names {yes}, but --environment is {environment}")
        return
    if not sys.stdin.isatty():
        raise Failed("confirm", f"nothing was changed: there is no terminal to ask; add --yes {environment}")
    print(f"Type the name of the environment to go on ({environment}): ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip() != environment:
        raise Failed("confirm", "nothing was changed")

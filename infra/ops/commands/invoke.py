"""Invokes a function once, waits for it and prints its answer. The function is the version that is live."""

from __future__ import annotations

import json
import sys

import aws
import screen
from aws import Failed

HELP = "invoke a job and print its answer"
EXAMPLES = [
    "backup --environment staging",
    """restore-drill '{"command": "list"}' --environment staging""",
    "migrate - --environment staging < payload.json",
]


def arguments(parser) -> None:
    parser.add_argument("function", help="the name of its folder in functions/")
    parser.add_argument("payload", nargs="?", default="{}", help="its event, as JSON; `-` reads it from standard input; {} if it is not given")


def run(environment, given) -> int:
    text = sys.stdin.read() if given.payload == "-" else given.payload
    try:
        payload = json.loads(text)
    except ValueError as error:
        raise Failed("arguments", f"the payload is not JSON: {error}") from None
    name = environment.function(given.function)
    screen.progress(f"{given.function} runs, for up to 15 minutes")
    screen.say(json.dumps(aws.invoke(name, payload), indent=2))
    return 0

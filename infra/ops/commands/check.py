"""Checks what a deployment needs, before the first one and before any other. It changes nothing.

Each line is ok, or wrong with what to do. Ends with 1 if something is wrong. What cannot be known before a deployment is in docs/deploy.md.
"""

from __future__ import annotations

import aws
import preflight
import screen
from aws import Failed
from preflight import Wrong

HELP = "check what a deployment needs"
EXAMPLES = ["--environment staging"]


def arguments(parser) -> None:
    pass


def run(environment, given) -> int:
    wrong = 0
    # Without these two, every other line would be wrong for the same reason.
    screen.say(f"ok     region {aws.region()}")
    screen.say(f"ok     signed in as {aws.call('sts', 'get-caller-identity')['Arn']}")
    for check in preflight.CHECKS:
        # A check yields what is ok or Wrong, and continues.
        try:
            for one in check(environment):
                wrong += isinstance(one, Wrong)
                _print(one)
        except Failed as error:
            wrong += 1
            _print(Wrong(f"{check.__name__.replace('_', ' ')}: unknown", str(error)))
    screen.say(f"\n{f'{wrong} wrong' if wrong else 'All is ok.'}")
    return 1 if wrong else 0


def _print(one) -> None:
    if isinstance(one, Wrong):
        screen.say(f"WRONG  {one.what}\n       → {one.action}")
    else:
        screen.say(f"ok     {one}")

"""Prints the physical id of a resource of a stack: the name of a function, a log group or an alarm, the URL of a queue.

Without a logical id it lists all.
"""

from __future__ import annotations

import screen
from stacks import ORDER

HELP = "print the physical id of a resource"
EXAMPLES = ["--environment staging FailedJobs", "--environment staging --stack data ArtifactBucket", "--environment staging --stack data"]


def arguments(parser) -> None:
    parser.add_argument("logical", nargs="?", help="its logical id in the template, such as FailedJobs")
    parser.add_argument("--stack", choices=ORDER, default="app", help="app, if it is not given")


def run(environment, given) -> int:
    stack = getattr(environment, given.stack)
    if given.logical:
        screen.say(stack.id(given.logical))
    else:
        screen.table(["logical id", "type", "physical id"], [[one.logical, one.type, one.physical] for one in sorted(stack.resources.values())])
    return 0

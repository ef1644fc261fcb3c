"""Removes an environment, and names what stays, with the commands that would remove it.

Without --data it deletes the stacks edge, app and observability: nothing that cannot be created again. With --data also data and
network: the database, Redis, secrets, and the queues with their messages. What the templates retain stays in any case: a snapshot of
the database, buckets, keys and log groups. It can be repeated; then it continues, or names again what stays.
"""

from __future__ import annotations

import time

import aws
import leftovers
import screen
from aws import Failed
from database import Cluster, Instance
from stacks import ORDER, Environment, Stack

HELP = "remove an environment, and name what stays"
EXAMPLES = ["--environment dev", "--environment dev --data", "--environment dev --list"]
# What can be created again from the repository.
WITHOUT_DATA = ["edge", "app", "observability"]
# Lambda gives its network interfaces back after up to 40 minutes.
DELETION_LIMIT = 5400


def arguments(parser) -> None:
    parser.add_argument("--data", action="store_true", help="also delete data and network: the database and everything beside it")
    parser.add_argument("--list", action="store_true", help="only name what stays of stacks that were deleted before")
    screen.add_yes(parser)


def run(environment, given) -> int:
    if given.list:
        return _name_leftovers(environment.name)
    names = [name for name in reversed(ORDER) if given.data or name in WITHOUT_DATA]
    stacks = [stack for stack in (getattr(environment, name) for name in names) if stack.exists()]
    if stacks:
        data = " The database is deleted with them, after a last snapshot." if any(stack.name == "data" for stack in stacks) else ""
        screen.confirm(environment.name, f"Deletes {', '.join(stack.full_name for stack in stacks)}.{data}", given.yes)
    else:
        screen.say("No stack is there to delete.")
    for stack in stacks:
        _delete(stack)
    return _name_leftovers(environment.name)


def _delete(stack: Stack) -> None:
    if stack.name == "data":
        _unprotect(stack)
    # By its id: the name of a deleted stack is unknown.
    stack_id = stack.description["StackId"]
    if not stack.status.startswith("DELETE_IN"):
        aws.call("cloudformation", "delete-stack", StackName=stack_id)
    begin = time.monotonic()
    while True:
        status = aws.call("cloudformation", "describe-stacks", StackName=stack_id)["Stacks"][0]["StackStatus"]
        if status == "DELETE_COMPLETE":
            screen.say(f"{stack.full_name}: deleted")
            return
        if status != "DELETE_IN_PROGRESS":
            raise Failed("stack", f"{stack.full_name} is {status}: {_why(stack_id)}. Fix the cause and run the same command again")
        if time.monotonic() - begin > DELETION_LIMIT:
            raise Failed("deadline", f"{stack.full_name} is still being deleted after {DELETION_LIMIT // 60} minutes: run the same command again to continue")
        screen.progress(f"{stack.full_name}: {status}, {round(time.monotonic() - begin)} s")
        aws.pause(15)


def _unprotect(stack: Stack) -> None:
    """Removes the protection of the stack and of its database, which --data and the confirmation are about."""
    aws.call("cloudformation", "update-termination-protection", StackName=stack.full_name, EnableTerminationProtection=False)
    # The instances of a cluster have its protection.
    clusters = [Cluster(one.physical) for one in stack.of_type("AWS::RDS::DBCluster")]
    for one in clusters or [Instance(one.physical) for one in stack.of_type("AWS::RDS::DBInstance")]:
        # An interrupted deletion may have removed it.
        aws.if_found(lambda one=one: one.modify(DeletionProtection=False))


def _why(stack_id: str) -> str:
    events = aws.call("cloudformation", "describe-stack-events", StackName=stack_id)["StackEvents"]
    failed = [one for one in events if one["ResourceStatus"].endswith("_FAILED")]
    return "; ".join(f"{one['LogicalResourceId']}: {one.get('ResourceStatusReason', 'no reason')}" for one in failed[:5]) or "no event says why"


def _name_leftovers(environment: str) -> int:
    for stack in Environment(environment).stacks:
        if stack.exists():
            screen.say(f"{stack.full_name} stays: {stack.status}")
    found = leftovers.find(environment)
    if not found:
        screen.say("Nothing is left of deleted stacks.")
        return 0
    screen.say("\nThis stays, and costs money until you remove it:\n")
    for one in found:
        screen.say(f"# {one.what}{f': {one.note}' if one.note else ''}")
        for command in one.commands:
            screen.say(command)
    return 0

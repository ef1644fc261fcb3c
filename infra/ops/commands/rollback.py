"""Moves the whole app back to the release before, without a build.

Cancels an update of the stack, stops the deployments of CodeDeploy, points the alias `live` of every function to its version of that
release, puts the console of that release back, and checks /ready. It can be repeated, also after an interruption: it never goes back
further than to the same release. The schema stays: every release supports the schema of the next one (migrations/README.md).
"""

from __future__ import annotations

import time

import aws
import console
import ready
import screen
from aws import Failed
from releases import Alias, Releases, remember, rolled_back
from stacks import Stack

HELP = "move a whole release back, without a build"
EXAMPLES = ["--environment production", "--environment production --to v1.2.2", "--environment production --list"]
RUNNING = ["Created", "Queued", "InProgress", "Baking", "Ready"]
# As long as CloudFormation may take to undo the update that was cancelled.
SETTLING_LIMIT = 1800


def arguments(parser) -> None:
    parser.add_argument("--to", metavar="RELEASE", help="the release to go back to; without it, the one before the newest that was not rolled back before")
    parser.add_argument("--list", action="store_true", help="only list the releases")
    screen.add_yes(parser)


def run(environment, given) -> int:
    releases = Releases(environment)
    if given.list:
        before = rolled_back(environment)
        screen.table(["release", "published", "rolled back"], [[one, releases.published[one], "yes" if one in before else ""] for one in releases.order])
        return 0
    target = _target(environment, releases, given.to)
    newer = releases.order[: releases.order.index(target)]
    screen.confirm(
        environment.name,
        f"Moves all {len(releases.functions)} functions of {environment.name} from {newer[0]} back to {target}. The schema stays.",
        given.yes,
    )
    try:
        remember(environment, newer)
    except Failed as error:
        screen.warn(f"not remembered, so name the release at the next rollback (--to): {error}")
    wrong = _stop(environment.app)
    wrong += _move(releases, target)
    wrong += console.roll_back(environment, releases.published[newer[-1]])
    wrong += _move_again(environment.app, releases, target)
    is_ready, answer = ready.wait(environment.url())
    screen.say(f"/ready: {answer}")
    if not is_ready:
        wrong.append("/ready does not answer 200: docs/runbooks/api-failures.md")
    for one in wrong:
        screen.warn(one)
    if wrong:
        return 1
    screen.say(f"{environment.name} runs {target}. The next deployment moves it forward again, under a new version name.")
    return 0


def _target(environment, releases: Releases, wanted: str | None) -> str:
    known = ", ".join(releases.order)
    if wanted:
        if wanted not in releases.order:
            raise Failed("release", f"no function has a version of {wanted}; there are: {known}")
        if wanted == releases.order[0]:
            raise Failed("release", f"{wanted} is the newest release; deploy it to go there: infra/deploy.sh {environment.name} app <version>")
        return wanted
    try:
        bad = rolled_back(environment)
    except Failed as error:
        raise Failed(error.code, f"it is unknown which releases were rolled back before; name the release with --to ({known}): {error}") from None
    for release in releases.order[1:]:
        if release not in bad:
            return release
    raise Failed("release", f"there is no older release that was not rolled back before; name one with --to: {known}")


def _stop(app: Stack) -> list[str]:
    """Makes CloudFormation and CodeDeploy undo what they are doing. What fails does not prevent the move; it is returned."""
    wrong = []
    # First, so that CloudFormation starts no further deployment.
    if app.status == "UPDATE_IN_PROGRESS":
        try:
            aws.call("cloudformation", "cancel-update-stack", StackName=app.full_name)
            screen.say(f"Cancelled the update of {app.full_name}.")
        except Failed as error:
            if error.code != "ValidationError":  # it has ended since
                wrong.append(f"the update of {app.full_name} was not cancelled: {error}")
    try:
        deployments = _running(app)
    except Failed as error:
        return [*wrong, f"deployments were not stopped: {error}"]
    for deployment in deployments:
        try:
            aws.call("deploy", "stop-deployment", deploymentId=deployment, autoRollbackEnabled=True)
            screen.say(f"Stopped the deployment {deployment}.")
        except Failed as error:
            if error.code != "DeploymentAlreadyCompletedException":
                wrong.append(f"the deployment {deployment} was not stopped: {error}")
    return wrong


def _running(app: Stack) -> list[str]:
    """Returns the deployments of the app that CodeDeploy has not ended."""
    applications = [one.physical for one in app.of_type("AWS::CodeDeploy::Application")]
    ids = aws.call("deploy", "list-deployments", includeOnlyStatuses=RUNNING).get("deployments", [])
    found = []
    for begin in range(0, len(ids), 25):
        answer = aws.call("deploy", "batch-get-deployments", deploymentIds=ids[begin : begin + 25])
        found += [one["deploymentId"] for one in answer["deploymentsInfo"] if one["applicationName"] in applications]
    return found


def _move(releases: Releases, target: str, quiet: bool = False) -> list[str]:
    """Points every alias to its version of the release, and prints each function before and after. Returns what failed."""
    before = releases.aliases()

    def move(function: str) -> tuple[str, str]:
        alias = before[function]
        if isinstance(alias, Failed):
            raise alias
        version = releases.version_in(function, target)
        if version is None:
            return "", f"unchanged: it is newer than {target}"
        after = Alias(version.number, {})
        if alias == after:
            return "", "unchanged"
        aws.call(
            "lambda",
            "update-alias",
            FunctionName=releases.functions[function],
            Name="live",
            FunctionVersion=str(version.number),
            RoutingConfig={"AdditionalVersionWeights": {}},
        )
        return releases.describe(function, after), "moved"

    results = dict(zip(before, aws.parallel(move, list(before))))
    rows, wrong = [], []
    for function, result in sorted(results.items()):
        was = before[function]
        shown = "unknown" if isinstance(was, Failed) else releases.describe(function, was)
        if isinstance(result, Failed):
            rows.append([function, shown, "", "NOT MOVED"])
            wrong.append(f"{function} was not moved: {result}")
        elif result[1] != "unchanged" or not quiet:
            rows.append([function, shown, *result])
    if rows:
        screen.table(["function", "before", "after", ""], rows)
    return wrong


def _move_again(app: Stack, releases: Releases, target: str) -> list[str]:
    """Waits until CloudFormation and CodeDeploy have undone what was stopped, and moves back what they moved elsewhere."""
    try:
        if not _is_changing(app):
            return []
        screen.say(f"Requests go to {target}. {app.full_name} still undoes its update; what it moves elsewhere is moved back at its end.")
        end = time.monotonic() + SETTLING_LIMIT
        while _is_changing(app):
            if time.monotonic() > end:
                return [f"{app.full_name} still changes after {SETTLING_LIMIT // 60} minutes: look at its events, then run the same command again"]
            screen.progress(f"waiting for {app.full_name}")
            aws.pause(10)
    except Failed as error:
        return [f"it is unknown whether {app.full_name} still changes: {error}"]
    return _move(releases, target, quiet=True)


def _is_changing(app: Stack) -> bool:
    status = aws.call("cloudformation", "describe-stacks", StackName=app.full_name)["Stacks"][0]["StackStatus"]
    return (status.endswith("_IN_PROGRESS") and "CLEANUP" not in status) or bool(_running(app))

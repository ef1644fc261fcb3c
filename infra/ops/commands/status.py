"""Shows what runs: stacks, versions and canaries, alarms with their runbook, backups, queues, and whether /ready answers.

Ends with 1 if something is wrong: a stack that failed, an alarm, a dead letter, or /ready.
"""

from __future__ import annotations

import datetime
import re

import aws
import ready
import screen
from aws import Failed
from releases import Alias, Releases, rolled_back
from stacks import Environment, Stack

HELP = "show versions, alarms, backups and queues"
EXAMPLES = ["--environment production"]
# The metrics of recovery-points, in seconds (docs/operations/backup.md).
AGES = {"LatestRestorableAge": "database's recovery point", "LastBackupAge": "backup", "LastVerifiedBackupAge": "verified backup"}


def arguments(parser) -> None:
    pass


def run(environment, given) -> int:
    wrong = _stacks(environment)
    if not environment.app.exists():
        screen.say(f"\n{environment.app.full_name} does not exist: there is nothing more to show.")
        return 1
    for title, part in (
        ("functions", _functions),
        ("alarms", _alarms),
        ("age of the newest", _backups),
        ("queues", _queues),
        ("/ready", _ready),
    ):
        screen.say(f"\n{title}")
        try:
            wrong += part(environment)
        except Failed as error:
            screen.say(f"  unknown: {error}")
            wrong += 1
    return 1 if wrong else 0


def _stacks(environment: Environment) -> int:
    rows, wrong = [], 0
    for stack in environment.stacks:
        if not stack.exists():
            rows.append([stack.full_name, "does not exist", "", ""])
            wrong += stack.name != "edge"  # an environment without an own domain and console has none
            continue
        status = stack.status
        version = stack.parameters.get("AppVersion", "")
        rows.append([stack.full_name, status, stack.description.get("LastUpdatedTime", stack.description["CreationTime"])[:19], version])
        wrong += status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE") and not status.endswith("_IN_PROGRESS")
    screen.table(["stack", "status", "changed (UTC)", "deployed"], rows)
    return wrong


def _functions(environment: Environment) -> int:
    releases = Releases(environment)
    rows, wrong = [], 0
    for function, alias in sorted(releases.aliases().items()):
        if isinstance(alias, Alias):
            rows.append([function, releases.describe(function, alias)])
        else:
            rows.append([function, "unknown"])
            screen.warn(f"{function}: {alias}")
            wrong += 1
    screen.table(["function", "live"], rows)
    if bad := rolled_back(environment):
        screen.say(f"rolled back before: {', '.join(bad)}")
    return wrong


def _alarms(environment: Environment) -> int:
    found = aws.call("cloudwatch", "describe-alarms", AlarmNamePrefix=f"arches-{environment.name}-", StateValue="ALARM")
    alarms = found.get("MetricAlarms", []) + found.get("CompositeAlarms", [])
    if not alarms:
        screen.say("none is in ALARM")
        return 0
    rows = []
    for alarm in alarms:
        text = alarm.get("AlarmDescription", "")
        runbook = re.search(r"docs/runbooks/\S+", text)
        rows.append([alarm["AlarmName"], alarm["StateUpdatedTimestamp"][:19], runbook[0] if runbook else text])
    screen.table(["alarm", "since (UTC)", "runbook"], rows)
    return len(rows)


def _backups(environment: Environment) -> int:
    now = datetime.datetime.now(datetime.timezone.utc)
    queries = [
        {
            "Id": f"age{index}",
            "MetricStat": {
                "Metric": {"Namespace": "Arches", "MetricName": metric, "Dimensions": [{"Name": "function", "Value": environment.function("recovery-points")}]},
                "Period": 300,
                "Stat": "Minimum",
            },
        }
        for index, metric in enumerate(AGES)
    ]
    answer = aws.call(
        "cloudwatch",
        "get-metric-data",
        MetricDataQueries=queries,
        StartTime=(now - datetime.timedelta(hours=1)).isoformat(),
        EndTime=now.isoformat(),
        ScanBy="TimestampDescending",
    )
    values = {one["Id"]: one["Values"] for one in answer["MetricDataResults"]}
    for index, name in enumerate(AGES.values()):
        found = values.get(f"age{index}")
        screen.say(f"{name}: {_duration(found[0]) if found else 'not measured in the last hour'}")
    return 0  # the alarms judge


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def _queues(environment: Environment) -> int:
    queues = [(stack, one) for stack in (environment.data, environment.app) for one in _of(stack)]
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]

    def read(queue):
        return aws.call("sqs", "get-queue-attributes", QueueUrl=queue[1].physical, AttributeNames=names)["Attributes"]

    rows, wrong = [], 0
    for (_, queue), counts in zip(queues, aws.parallel(read, queues)):
        if isinstance(counts, Failed):
            rows.append([queue.logical, "unknown", "unknown"])
            screen.warn(f"{queue.logical}: {counts}")
            wrong += 1
            continue
        waiting, handled = (int(counts[name]) for name in names)
        is_dead = "DeadLetters" in queue.logical or queue.logical == "FailedJobs"
        rows.append([queue.logical, waiting, handled])
        wrong += is_dead and waiting > 0
    screen.table(["queue", "waiting", "in progress"], rows)
    return wrong


def _of(stack: Stack) -> list:
    return stack.of_type("AWS::SQS::Queue") if stack.exists() else []


def _ready(environment: Environment) -> int:
    is_ready, text = ready.answer(environment.url())
    screen.say(text)
    return 0 if is_ready else 1

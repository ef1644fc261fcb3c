"""Runs again what failed for good: the invocations of a job in the queue FailedJobs, or the dead letters of a queue's function.

A job runs with the input of its message, once for messages with the same input. A message is deleted only after its run succeeded; SQS
shows it again otherwise, also if this command is interrupted. Dead letters are moved back to their queue by SQS.
"""

from __future__ import annotations

import json

import aws
import screen
from aws import Failed
from stacks import Environment, folder_name, logical_id

HELP = "run failed jobs and dead letters again"
EXAMPLES = ["backup --environment production", "mail-events --environment production", "retention --environment production --discard"]
# The functions whose dead letters stay in a queue, with that queue. `index` reads those of extract and its own.
DEAD_LETTERS = {"mail-events": "MailEventsDeadLetters", "observe": "UndeliveredDeadLetters"}
READ_BY_INDEX = ("extract", "index")
# Longer than a run may take, so that no second reader gets a message during it.
HIDDEN_SECONDS = 960


def arguments(parser) -> None:
    parser.add_argument("function", help="the name of its folder in functions/")
    parser.add_argument("--discard", action="store_true", help="delete the messages of the job instead; only if its work is not needed any more")
    screen.add_yes(parser)


def run(environment, given) -> int:
    physical = environment.function(given.function)
    name = folder_name(logical_id(given.function))
    if name in READ_BY_INDEX:
        raise Failed(
            "function",
            f"the dead letters of {name} are read by index, which marks their artifacts as failed: nothing is left to replay."
            " Their owners retry them: docs/runbooks/ingestion-failed.md",
        )
    if name in DEAD_LETTERS:
        if given.discard:
            raise Failed("arguments", f"--discard is for jobs; {name} has dead letters, which SQS deletes after 14 days")
        return _move_back(environment, environment.app.id(DEAD_LETTERS[name]), given.yes)
    return _run_again(environment, name, physical, given)


def _run_again(environment: Environment, name: str, physical: str, given) -> int:
    queue = environment.app.id("FailedJobs")
    # What is in here is hidden from everyone else, and shown again at the end.
    taken: dict[str, dict] = {}
    try:
        _receive(queue, taken)
        mine = _by_input(list(taken.values()), physical)
        others = set(taken) - {one["MessageId"] for messages in mine.values() for one in messages}
        _show(queue, [taken.pop(one) for one in others])
        if not mine:
            screen.say(f"No failed invocation of {name} is waiting.")
            return 0
        for text, messages in mine.items():
            body = json.loads(messages[0]["Body"])
            error = (body.get("responsePayload") or {}).get("errorMessage") or body.get("requestContext", {}).get("condition", "unknown")
            screen.say(f"{name} {text}: failed {len(messages)} times, last with: {error}")
        does = "Deletes these messages without running anything." if given.discard else f"Runs {name} once for each line above."
        screen.confirm(environment.name, does, given.yes)
        failed = 0
        for text, messages in mine.items():
            try:
                if not given.discard:
                    _require_replayable(name, text)
                    for message in messages:
                        aws.call("sqs", "change-message-visibility", QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=HIDDEN_SECONDS)
                    screen.progress(f"{name} {text} runs, for up to 15 minutes")
                    screen.say(json.dumps(aws.invoke(physical, json.loads(text))))
            except Failed as error:
                screen.warn(f"{error}. Its messages stay in the queue")
                failed += 1
                continue
            for message in messages:
                aws.call("sqs", "delete-message", QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
                del taken[message["MessageId"]]
            screen.say(f"{name} {text}: {'discarded' if given.discard else 'done'}, {len(messages)} deleted")
        return 1 if failed else 0
    finally:
        _show(queue, list(taken.values()))


def _receive(queue: str, taken: dict[str, dict]) -> None:
    """Receives all messages into `taken`, by their ids."""
    empty = 0
    while empty < 2:  # SQS may answer once with nothing although there is something
        # A receive is never repeated by the CLI: its messages would be hidden, and nobody would have them.
        answer = aws.call(
            "sqs", "receive-message", attempts=1, QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=HIDDEN_SECONDS, WaitTimeSeconds=1
        )
        messages = answer.get("Messages", [])
        is_new = any(message["MessageId"] not in taken for message in messages)
        empty = 0 if is_new else empty + 1
        taken.update({message["MessageId"]: message for message in messages})


def _by_input(messages: list[dict], function: str) -> dict[str, list[dict]]:
    """Returns the messages of a function, by the input of the failed invocation."""
    found: dict[str, list[dict]] = {}
    for message in messages:
        request = _request(message, function)
        if request is not None:
            found.setdefault(request, []).append(message)
    return found


def _request(message: dict, function: str) -> str | None:
    """Returns the input of the failed invocation; None if the message is about another function."""
    try:
        body = json.loads(message["Body"])
        # arn:aws:lambda:<region>:<account>:function:<name>:live
        is_mine = body["requestContext"]["functionArn"].split(":")[6] == function
        return json.dumps(body["requestPayload"], sort_keys=True) if is_mine else None
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        return None


def _show(queue: str, messages: list[dict]) -> None:
    """Makes messages visible again at once."""
    for message in messages:
        try:
            aws.call("sqs", "change-message-visibility", QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
        except Failed as error:
            screen.warn(f"a message is visible again only in {HIDDEN_SECONDS // 60} minutes: {error}")


def _require_replayable(name: str, text: str) -> None:
    payload = json.loads(text)
    if isinstance(payload, dict) and "ResponseURL" in payload:
        raise Failed("payload", f"this run of {name} belonged to a deployment that has ended: deploy again, then use --discard")


def _move_back(environment: Environment, queue: str, yes: str | None) -> int:
    attributes = aws.call("sqs", "get-queue-attributes", QueueUrl=queue, AttributeNames=["QueueArn", "ApproximateNumberOfMessages"])["Attributes"]
    arn, waiting = attributes["QueueArn"], int(attributes["ApproximateNumberOfMessages"])
    task = _task(arn)
    if task is None or task["Status"] != "RUNNING":
        if not waiting:
            screen.say("No dead letter is waiting.")
            return 0
        screen.confirm(environment.name, f"Moves about {waiting} dead letters back to their queue. Its function handles them at once.", yes)
        aws.call("sqs", "start-message-move-task", attempts=1, SourceArn=arn)
        task = _task(arn)
    while task and task["Status"] == "RUNNING":
        screen.progress(_moved(task))
        aws.pause(2)
        task = _task(arn)
    if task is None or task["Status"] != "COMPLETED":
        reason = task.get("FailureReason", task["Status"]) if task else "SQS does not know the move"
        raise Failed("move", f"the move ended early: {reason}. What was not moved is still in the queue: run the same command again")
    screen.say(_moved(task))
    return 0


def _task(arn: str) -> dict | None:
    """Returns the newest move from the queue."""
    found = aws.call("sqs", "list-message-move-tasks", SourceArn=arn, MaxResults=1).get("Results", [])
    return found[0] if found else None


def _moved(task: dict) -> str:
    # SQS leaves out a number that it does not know.
    return f"moved {task.get('ApproximateNumberOfMessagesMoved', 0)} of about {task.get('ApproximateNumberOfMessagesToMove', 'unknown')}"

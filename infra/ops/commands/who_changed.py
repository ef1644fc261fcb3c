"""Shows who changed a role, and from what to what: of a member of an organization, or of a system administrator.

Reads the audit log through the API, as a system administrator who signs in (--as), or with the access token of one (--token).
With --aws it shows who changed the stacks instead, from CloudTrail, which keeps 90 days.
"""

from __future__ import annotations

import datetime
import json

import aws
import screen
from administrator import Administrator, add_arguments
from commands.logs import seconds

HELP = "show who changed a role, or the stacks"
EXAMPLES = [
    "--environment production --as grace@example.com --since 7d",
    "--environment production --token --organization 0199d2f4-… --user 0199d2f5-…",
    "--environment production --token --action api_key.rate_limit_set --since 30d",
    "--environment production --aws --since 2d",
]
# The actions that give, change or take a role (docs/audit-log.md).
ROLES = [
    "organization.created",
    "invitation.created",
    "invitation.accepted",
    "member.updated",
    "member.removed",
    "user.appointed",
    "user.dismissed",
]
# The calls of CloudFormation that change a stack.
CALLS = [
    "CreateStack",
    "ExecuteChangeSet",
    "UpdateStack",
    "DeleteStack",
    "CancelUpdateStack",
    "RollbackStack",
    "ContinueUpdateRollback",
    "UpdateTerminationProtection",
]
CLOUDTRAIL_DAYS = 90


def arguments(parser) -> None:
    parser.add_argument("--since", default="7d", type=seconds, metavar="TIME", help="how far back: 6h, 30d; 7d if it is not given")
    parser.add_argument("--organization", metavar="ID", help="only in this organization")
    parser.add_argument("--user", metavar="ID", help="only changes of this user")
    parser.add_argument("--action", action="append", metavar="NAME", help="another action of docs/audit-log.md instead of those about roles; can be given several times")
    parser.add_argument("--aws", action="store_true", help="who changed the stacks of the environment")
    add_arguments(parser)


def run(environment, given) -> int:
    since = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=given.since)
    if given.aws:
        return _stacks(environment, since)
    events = {}
    with Administrator(environment, given) as administrator:
        for action in given.action or ROLES:
            for one in administrator.list("/v1/audit-events", action=action, targetId=given.user, since=since.strftime("%Y-%m-%dT%H:%M:%SZ")):
                if given.organization in (None, one.get("organizationId")):
                    events[one["id"]] = one
    rows = [
        [
            one["occurredAt"][:19],
            one["action"] + ("" if one["outcome"] == "success" else f" ({one['outcome']})"),
            _actor(one),
            one.get("targetId") or "",
            one.get("organizationId") or "",
            _changes(one),
            one["requestId"],
        ]
        for one in sorted(events.values(), key=lambda one: one["occurredAt"])
    ]
    if not rows:
        screen.say("No such event.")
        return 0
    screen.table(["time (UTC)", "action", "by", "about", "organization", "change", "request"], rows)
    return 0


def _actor(event: dict) -> str:
    if event.get("apiKeyId"):
        return f"API key {event['apiKeyId']}"
    return event.get("actorId") or "nobody"


def _changes(event: dict) -> str:
    def shown(value) -> str:
        return "nothing" if value is None else value if isinstance(value, str) else json.dumps(value)

    changes = (event.get("changes") or {}).items()
    return ", ".join(f"{name}: {shown(one.get('from'))} → {shown(one.get('to'))}" if one else name for name, one in changes)


def _stacks(environment, since: datetime.datetime) -> int:
    prefix, rows = f"arches-{environment.name}-", []
    for name in CALLS:
        screen.progress(f"asking CloudTrail for {name}")
        found = aws.call(
            "cloudtrail",
            "lookup-events",
            LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": name}],
            StartTime=since.isoformat(),
        )
        for event in found.get("Events", []):
            detail = json.loads(event["CloudTrailEvent"])
            stack = (detail.get("requestParameters") or {}).get("stackName", "")
            # A name, or the ARN of the stack: arn:aws:cloudformation:<region>:<account>:stack/<name>/<id>
            stack = stack.split("/")[1] if stack.startswith("arn:") else stack
            if stack.startswith(prefix):
                identity = detail.get("userIdentity", {})
                outcome = detail.get("errorCode", "")
                rows.append([detail["eventTime"], name, stack, identity.get("arn", identity.get("invokedBy", "unknown")), detail.get("sourceIPAddress", ""), outcome])
    if not rows:
        screen.say(f"No change of a stack since {since:%Y-%m-%d %H:%M} UTC. CloudTrail keeps {CLOUDTRAIL_DAYS} days, and shows a change after about 15 minutes.")
        return 0
    screen.table(["time (UTC)", "call", "stack", "by", "from", "refused"], sorted(rows))
    return 0

"""Prints the log lines of all functions and of the gateway, merged in the order of time.

Asks CloudWatch Logs Insights, which charges for each gigabyte that it reads: narrow a search with --function and --since.
"""

from __future__ import annotations

import json
import re
import time

import aws
import screen
from aws import Failed
from stacks import Environment, folder_name, logical_id

HELP = "search the logs by request, function or errors"
EXAMPLES = [
    "--environment production --request JKJaXmPLvHcESHA=",
    "--environment production --errors --since 1d",
    "--environment production --function migrate --function smoke --since 2h",
    "--environment production --where 'duration_ms > 1000'",
    """--environment production --function auth --contains "mail not sent" --json | jq .error""",
]
# The most that Insights returns, and the most log groups that it reads at once.
LIMIT, GROUPS = 10000, 50
QUERY_LIMIT = 300
# Fields that every line has, or that are shown first.
FIRST = {"timestamp", "level", "message", "app", "env", "target", "version"}
UNITS = {"m": 60, "h": 3600, "d": 86400}
# The lines that the metric filters <Function>Failures count.
ERRORS = 'level = "ERROR" or (type = "platform.report" and record.status != "success")'


def arguments(parser) -> None:
    parser.add_argument("--request", metavar="ID", help="the lines of a request, and of what it caused: X-Request-Id, or requestId of a problem")
    parser.add_argument("--function", action="append", metavar="NAME", help="only this function, or api-access for the gateway; can be given several times")
    parser.add_argument("--errors", action="store_true", help="only lines of level ERROR, crashes and timeouts")
    parser.add_argument("--contains", metavar="TEXT", help="only lines with this text")
    parser.add_argument("--where", metavar="CONDITION", help="only lines that fulfil a condition of Logs Insights, such as 'duration_ms > 1000'")
    parser.add_argument("--since", default="1h", type=seconds, metavar="TIME", help="how far back: 30m, 6h, 7d; 1h if it is not given")
    parser.add_argument("--json", action="store_true", help="print the lines as they are")


def seconds(text: str) -> int:
    found = re.fullmatch(r"(\d+)([mhd])", text)
    if not found or not int(found[1]):
        raise ValueError
    return int(found[1]) * UNITS[found[2]]


def run(environment, given) -> int:
    if given.request and not re.fullmatch(r"[\w.=/+-]{1,128}", given.request):
        raise Failed("arguments", f"{given.request} is not the id of a request")
    groups = _groups(environment, given.function)
    conditions = [f"({ERRORS})"] if given.errors else []
    conditions += [f"({given.where})"] if given.where else []
    conditions += [_like(text) for text in (given.request, given.contains) if text]
    lines = _search(groups, conditions, given.since)
    if given.request:
        # Reports of Lambda and lines of jobs have the trace, but not the id of the request.
        for trace in sorted({_trace(_flat(line)) for line in lines.values()} - {""}):
            same = f"({_like(trace)} or {_like(f'1-{trace[:8]}-{trace[8:]}')})"
            lines.update(_search(groups, [same], given.since))
    # Spans are for the collector of traces.
    lines = {pointer: line for pointer, line in lines.items() if "otlp" not in _flat(line)}
    for _, line in sorted(lines.items(), key=lambda one: (one[1]["@timestamp"], one[0])):
        screen.say(line["@message"].rstrip() if given.json else _readable(line, groups))
    if not lines:
        screen.warn("no lines; logs are searchable seconds after they are written. Look further back with --since")
    if len(lines) >= LIMIT:
        screen.warn(f"only the first {LIMIT} lines: narrow the search")
    return 0


def _groups(environment: Environment, functions: list[str] | None) -> dict[str, str]:
    """Returns the log groups to search, with what they are called on the screen."""
    groups = {folder_name(one.logical.removesuffix("Logs")): one.physical for one in environment.app.of_type("AWS::Logs::LogGroup")}
    wanted = {folder_name(logical_id(function)) for function in functions or groups}
    if unknown := wanted - set(groups):
        raise Failed("function", f"no log of {', '.join(sorted(unknown))}; there are: {', '.join(sorted(groups))}")
    return {groups[name]: name for name in wanted}


def _like(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'@message like "{escaped}"'


def _search(groups: dict[str, str], conditions: list[str], since: int) -> dict[str, dict[str, str]]:
    """Returns the lines by their pointer."""
    query = "fields @timestamp, @log, @message"
    query += "".join(f" | filter {condition}" for condition in conditions) + f" | sort @timestamp asc | limit {LIMIT}"
    names, now, lines = list(groups), int(time.time()), {}
    for begin in range(0, len(names), GROUPS):
        started = aws.call("logs", "start-query", logGroupNames=names[begin : begin + GROUPS], startTime=now - since, endTime=now, queryString=query)
        for row in _results(started["queryId"]):
            line = {field["field"]: field["value"] for field in row}
            lines[line["@ptr"]] = line
    return lines


def _results(query: str) -> list:
    end = time.monotonic() + QUERY_LIMIT
    while time.monotonic() < end:
        answer = aws.call("logs", "get-query-results", queryId=query)
        if answer["status"] == "Complete":
            return answer["results"]
        if answer["status"] not in ("Scheduled", "Running"):
            raise Failed("query", f"CloudWatch Logs ended the search: {answer['status']}; narrow it with --function or --since")
        aws.pause(1)
    raise Failed("deadline", f"the search did not end within {QUERY_LIMIT} s: narrow it with --function or --since")


def _flat(line: dict[str, str]) -> dict:
    try:
        found = json.loads(line["@message"])
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _trace(fields: dict) -> str:
    """Returns the trace of a line as 32 hexadecimal digits. The gateway writes 1-5759e988-bd862e3fe1be46a994272793."""
    found = fields.get("trace.id") or fields.get("traceId", "").removeprefix("1-").replace("-", "")
    return found if re.fullmatch(r"[0-9a-f]{32}", found) else ""


def _readable(line: dict[str, str], groups: dict[str, str]) -> str:
    fields = _flat(line)
    # `<account>:<name of the group>`
    group = line.get("@log", "").split(":", 1)[-1]
    place = groups.get(group, group)
    moment = line["@timestamp"].replace(" ", "T")
    if not fields:
        return f"{moment} {place} {line['@message'].rstrip()}"
    if "record" in fields:
        record = fields["record"]
        metrics = record.get("metrics", {})
        fields = {"level": "LAMBDA", "message": fields.get("type", ""), **{k: v for k, v in {**record, **metrics}.items() if not isinstance(v, (dict, list))}}
    rest = " ".join(f"{name}={json.dumps(value) if isinstance(value, (dict, list)) else value}" for name, value in fields.items() if name not in FIRST)
    return f"{moment} {place} {fields.get('level', 'ACCESS')} {fields.get('message', '')} {rest}".rstrip()

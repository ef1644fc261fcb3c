"""infra/ops logs. The stand-in for Logs Insights applies the conditions of a query to lines as functions and Lambda write them."""

import json
import re
import unittest

from account import Account, Site
from environments import App, sentence

ID, TRACE = "JKJaXmPLvHcESHA=", "5759e988bd862e3fe1be46a994272793"
SERVED = {"timestamp": "x", "level": "INFO", "message": "request served", "app": "arches", "request.id": ID, "trace.id": TRACE, "route": "/v1/auth/login", "status": 201}
FAILED = {**SERVED, "status": 503, "level": "ERROR", "message": "request failed", "request.id": "another", "trace.id": "0" * 32, "error": "database unavailable: \"timeout\""}
REPORT = {
    "time": "x",
    "type": "platform.report",
    "record": {
        "requestId": "9d", "status": "timeout", "metrics": {"durationMs": 28000, "maxMemoryUsedMB": 90},
        "tracing": {"type": "X-Amzn-Trace-Id", "value": "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"},
    },
}
ACCESS = {"requestId": ID, "traceId": "1-5759e988-bd862e3fe1be46a994272793", "status": 200, "wafStatus": "200"}
SPANS = {"otlp": True, "resourceSpans": [{"traceId": TRACE}]}
JOB = {"level": "INFO", "message": "message handled", "trace.id": TRACE}


class Insights:
    """Lines of log groups, as (group, milliseconds, text). A query ends at its second look."""

    def __init__(self, account: Account, lines: list[tuple[str, int, str]]) -> None:
        self.lines, self.queries = lines, []
        self.status, self.looks = "Complete", 0
        account.on("logs", "start-query", self.start)
        account.on("logs", "get-query-results", self.results)

    def start(self, given: dict) -> dict:
        assert len(given["logGroupNames"]) <= 50, "Insights reads at most 50 log groups"
        assert given["startTime"] < given["endTime"] < 10**11, "seconds, not milliseconds"
        self.queries.append(given)
        return {"queryId": str(len(self.queries) - 1)}

    def results(self, given: dict) -> dict:
        self.looks += 1
        if self.looks % 2:
            return {"status": "Running", "results": []}
        query = self.queries[int(given["queryId"])]
        found = [line for line in self.lines if line[0] in query["logGroupNames"] and all(self.fits(one, line[2]) for one in conditions(query["queryString"]))]
        rows = [
            {"@ptr": str(self.lines.index(line)), "@timestamp": f"2026-01-02 03:04:05.{line[1]:03}", "@log": f"123456789012:{line[0]}", "@message": line[2]}
            for line in found
        ]
        return {"status": self.status, "results": [[{"field": field, "value": value} for field, value in row.items()] for row in rows]}

    def fits(self, condition: str, text: str) -> bool:
        """Evaluates the conditions that the tool writes: `term`, or `(term or term)`, in which a term may be `(part and part)`."""
        fields = json.loads(text) if text.startswith("{") else {}
        terms = condition[1:-1] if condition.startswith("(") else condition
        return any(all(self.holds(part, fields, text) for part in term.strip("()").split(" and ")) for term in terms.split(" or "))

    def holds(self, part: str, fields: dict, text: str) -> bool:
        if numbers := re.fullmatch(r"(\w+) > (\d+)", part):
            return fields.get(numbers[1], 0) > int(numbers[2])
        name, operator, value = re.fullmatch(r'(\S+) (like|=|!=) "(.*)"', part).groups()
        value = value.replace('\\"', '"').replace("\\\\", "\\")
        if operator == "like":
            return value in text
        for key in name.split("."):
            fields = fields.get(key, {}) if isinstance(fields, dict) else {}
        if fields == {}:
            return False  # a missing field equals nothing, and differs from nothing
        return (fields == value) == (operator == "=")


def conditions(query: str) -> list[str]:
    return [part.removeprefix("filter ") for part in query.split(" | ") if part.startswith("filter ")]


def line(group: str, millisecond: int, fields: dict | str) -> tuple[str, int, str]:
    return group, millisecond, fields if isinstance(fields, str) else json.dumps(fields)


def environment(account: Account) -> Insights:
    App(account, Site({}).__enter__(), functions=["auth", "index"])
    for name in ("AuthLogs", "IndexLogs", "ApiAccessLogs"):
        account.add_resource("app", name, "AWS::Logs::LogGroup", f"{name}-1")
    return Insights(
        account,
        [
            line("AuthLogs-1", 30, SERVED),
            line("AuthLogs-1", 10, FAILED),
            line("AuthLogs-1", 50, REPORT),
            line("AuthLogs-1", 35, SPANS),
            line("ApiAccessLogs-1", 40, ACCESS),
            line("IndexLogs-1", 60, JOB),
            line("IndexLogs-1", 5, "thread panicked"),
        ],
    )


class Logs(unittest.TestCase):
    def test_request_is_followed_through_all_functions_in_the_order_of_time(self) -> None:
        with Account() as account:
            environment(account)
            done = account.run("logs", "--request", ID)
            self.assertEqual(done.code, 0, done)
            lines = done.out.splitlines()
            self.assertEqual([one.split(" ")[1] for one in lines], ["auth", "api-access", "auth", "index"])
            self.assertIn("INFO request served", lines[0])
            # Lambda's report has the trace only, and so has the line of the job that the request caused.
            self.assertIn("platform.report requestId=9d status=timeout durationMs=28000", lines[2])
            self.assertIn("message handled", lines[3])
            self.assertNotIn("otlp", done.out)

    def test_errors_are_error_lines_crashes_and_timeouts(self) -> None:
        with Account() as account:
            environment(account)
            done = account.run("logs", "--errors", "--since", "2h")
            self.assertEqual(len(done.out.splitlines()), 2, done)
            self.assertIn('request failed request.id=another', sentence(done.out))
            self.assertIn("status=timeout", done.out)

    def test_only_the_named_functions_are_searched(self) -> None:
        with Account() as account:
            insights = environment(account)
            done = account.run("logs", "--function", "index", "--json")
            self.assertEqual(done.out.splitlines(), ["thread panicked", json.dumps(JOB)])
            self.assertEqual(insights.queries[0]["logGroupNames"], ["IndexLogs-1"])
            self.assertIn("no log of mars; there are: api-access, auth, index", account.run("logs", "--function", "mars").err)
            self.assertEqual(len(account.run("logs", "--function", "api-access", "--function", "Auth", "--where", "status > 200").out.splitlines()), 2)

    def test_text_with_quotes_is_searched_as_it_is(self) -> None:
        with Account() as account:
            environment(account)
            self.assertIn("request failed", account.run("logs", "--contains", 'unavailable: \\"timeout').out)

    def test_nothing_found_says_where_to_look(self) -> None:
        with Account() as account:
            environment(account)
            done = account.run("logs", "--request", "unknown")
            self.assertEqual((done.code, done.out), (0, ""))
            self.assertIn("Look further back with --since", done.err)

    def test_search_that_fails_and_invalid_arguments_are_errors(self) -> None:
        with Account() as account:
            environment(account).status = "Timeout"
            done = account.run("logs")
            self.assertEqual(done.code, 1)
            self.assertIn("CloudWatch Logs ended the search: Timeout", done.err)
            for words in (("--since", "yesterday"), ("--since", "0h")):
                self.assertEqual(account.run("logs", *words).code, 2)
            # It would be part of the query.
            self.assertIn("is not the id of a request", account.run("logs", "--request", 'x" or 1').err)


if __name__ == "__main__":
    unittest.main()

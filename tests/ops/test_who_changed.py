"""infra/ops who-changed: the audit log by the API, and CloudTrail."""

import datetime
import json
import unittest
import urllib.parse

from account import NUMBER, REGION, Account, Site
from environments import sentence

TOKEN = "eyJ.token.x7q"


def event(number: int, action: str, organization: str | None = None, **others: object) -> dict:
    return {
        "id": f"event-{number}", "occurredAt": f"2026-01-02T03:04:{number:02}.5Z", "action": action, "outcome": "success", "requestId": f"request-{number}",
        "organizationId": organization, "actorId": "grace", "targetId": "ada", **others,
    }


EVENTS = [
    event(2, "member.updated", "engines", changes={"role": {"from": "member", "to": "admin"}, "name": {}}),
    event(1, "invitation.accepted", "looms", changes={"role": {"from": None, "to": "member"}}, actorId=None, apiKeyId="key"),
    event(4, "user.appointed", changes={"systemAdministrator": {"from": False, "to": True}}),
    event(3, "user.registered"),
]


class Roles(unittest.TestCase):
    def site(self, token: str = TOKEN) -> Site:
        """An API that checks the token and the filter, and has one event per page."""

        def answer(method: str, path: str, body: bytes) -> tuple[int, dict]:
            address = urllib.parse.urlsplit(path)
            query = dict(urllib.parse.parse_qsl(address.query))
            if site.requests[-1][2].get("Authorization") != f"Bearer {token}":
                return 401, {"type": "https://example.org/problems/unauthenticated", "title": "x", "status": 401, "detail": "no"}
            if address.path != "/v1/audit-events":
                return 404, {}
            found = [one for one in EVENTS if one["action"] == query["action"] and query.get("targetId") in (None, one["targetId"])]
            begin = int(query.get("cursor", 0))
            return 200, {"data": found[begin : begin + 1], "meta": {"nextCursor": str(begin + 1) if begin + 1 < len(found) else None}}

        site = Site(answer)
        return site

    def test_roles_are_shown_with_before_and_after_in_the_order_of_time(self) -> None:
        with Account() as account, self.site() as site:
            account.add_stack("app", outputs={"ApiUrl": site.url})
            done = account.run("who-changed", "--token", given=TOKEN)
            self.assertEqual(done.code, 0, done)
            lines = [sentence(line) for line in done.out.splitlines()]
            self.assertEqual(len(lines), 4)
            self.assertIn("invitation.accepted API key key ada looms role: nothing → member request-1", lines[1])
            self.assertIn("member.updated grace ada engines role: member → admin, name request-2", lines[2])
            self.assertIn("user.appointed grace ada systemAdministrator: false → true request-4", lines[3])

    def test_organization_action_and_user_narrow_the_list(self) -> None:
        with Account() as account, self.site() as site:
            account.add_stack("app", outputs={"ApiUrl": site.url})
            done = account.run("who-changed", "--token", "--organization", "looms", given=f"{TOKEN}\n")
            self.assertEqual(len(done.out.splitlines()), 2, done)
            done = account.run("who-changed", "--token", "--action", "user.registered", given=TOKEN)
            self.assertIn("user.registered", done.out)
            self.assertIn("No such event.", account.run("who-changed", "--token", "--user", "bob", given=TOKEN).out)

    def test_token_is_needed_checked_and_never_shown(self) -> None:
        with Account() as account, self.site("another") as site:
            account.add_stack("app", outputs={"ApiUrl": site.url})
            self.assertIn("who does it? --as <address of an administrator>, or --token", account.run("who-changed").err)
            self.assertIn("the value is empty", account.run("who-changed", "--token").err)
            done = account.run("who-changed", "--token", given=TOKEN)
            self.assertEqual(done.code, 1)
            self.assertIn("the token has expired, or was changed: sign in again", done.err)
            self.assertNotIn("x7q", done.out + done.err + str(account.calls))


def trail(name: str, stack: str, **others: object) -> dict:
    detail = {
        "eventTime": "2026-01-02T03:04:05Z", "eventName": name, "userIdentity": {"arn": f"arn:aws:sts::{NUMBER}:assumed-role/operator/ada"},
        "sourceIPAddress": "203.0.113.7", "requestParameters": {"stackName": stack}, **others,
    }
    return {"EventName": name, "CloudTrailEvent": json.dumps(detail), "EventTime": datetime.datetime(2026, 1, 2)}


class Stacks(unittest.TestCase):
    def test_changes_of_this_environments_stacks_are_shown_with_their_author(self) -> None:
        arn = f"arn:aws:cloudformation:{REGION}:{NUMBER}:stack/arches-staging-data/0f1e"
        events = [
            trail("ExecuteChangeSet", "arches-staging-app"),
            trail("DeleteStack", arn, errorCode="AccessDenied"),
            trail("UpdateStack", "arches-production-app"),
            trail("CreateStack", "another", requestParameters=None),
        ]
        with Account() as account:
            account.on("cloudtrail", "lookup-events", lambda given: {"Events": [one for one in events if one["EventName"] == given["LookupAttributes"][0]["AttributeValue"]]})
            done = account.run("who-changed", "--aws", "--since", "2d")
            self.assertEqual(done.code, 0, done)
            lines = [sentence(line) for line in done.out.splitlines()]
            self.assertEqual(len(lines), 3)
            self.assertIn("DeleteStack arches-staging-data arn:aws:sts::123456789012:assumed-role/operator/ada 203.0.113.7 AccessDenied", lines[1])
            self.assertIn("ExecuteChangeSet arches-staging-app", lines[2])

    def test_no_change_says_how_far_cloudtrail_sees(self) -> None:
        with Account() as account:
            account.on("cloudtrail", "lookup-events", lambda _: {"Events": []})
            self.assertIn("CloudTrail keeps 90 days", account.run("who-changed", "--aws").out)


if __name__ == "__main__":
    unittest.main()

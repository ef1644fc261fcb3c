"""infra/ops admin: through the API as an administrator, and the first administrator through migrate."""

from __future__ import annotations

import json
import os
import re
import stat
import tempfile
import unittest
import urllib.parse

from account import ROOT, Account, Site, error
from environments import App

ADA = "0197c0de-0000-7000-8000-00000000000a"
BOB = "0197c0de-0000-7000-8000-00000000000b"
AS = ("--as", "ada@example.com", "--yes", "staging")
PASSWORD = "correct horse battery staple\n"


def problem(status: int, code: str) -> tuple[int, dict]:
    return status, {"type": f"https://archesai.com/problems/{code}", "title": "no", "status": status, "detail": f"detail of {code}"}


class Api:
    """`with Api() as api:` the API with Bob's account; `api.asked` has the requests that change something."""

    def __init__(self, **refused: str) -> None:
        self.refused, self.asked, self.signed_in, self.factor = refused, [], 0, False
        self.user = {"id": BOB, "name": "Bob", "email": "bob@example.com", "createdAt": "2026-01-02T03:04:05Z"}
        self.events = [
            {"id": "1", "action": "user.updated", "actorId": BOB, "targetId": BOB, "ipAddress": "192.0.2.1", "outcome": "success", "occurredAt": "2026-01-01T00:00:00Z"},
            {"id": "2", "action": "user.suspended", "actorId": ADA, "targetId": BOB, "ipAddress": "192.0.2.2", "sessionId": "s", "outcome": "success", "occurredAt": "2026-01-02T00:00:00Z"},
            {"id": "3", "action": "session.created", "actorId": None, "targetId": BOB, "ipAddress": "192.0.2.3", "outcome": "denied", "occurredAt": "2026-01-03T00:00:00Z"},
        ]

    def __enter__(self) -> Api:
        self.account = Account().__enter__()
        self.site = Site(self._answer).__enter__()
        App(self.account, self.site, functions=["migrate"])
        return self

    def __exit__(self, *_: object) -> None:
        self.site.__exit__()
        self.account.__exit__()

    def run(self, *words: str, given: str = PASSWORD):
        return self.account.run("admin", *words, given=given)

    def _answer(self, method: str, target: str, body: bytes) -> tuple[int, object]:
        path, _, query = target.partition("?")
        given, query = json.loads(body) if body else None, dict(urllib.parse.parse_qsl(query))
        if path == "/v1/auth/login":
            if given["password"] != PASSWORD.strip():
                return problem(401, "wrong-credentials")
            if self.factor:
                return 200, {"data": {"challenge": {"token": "challenge", "methods": ["totp"], "expiresAt": "2026-01-02T03:04:05Z"}}}
            self.signed_in += 1
            return 201, {"data": {"accessToken": "the-token"}}
        if path == "/v1/auth/challenges/verify":
            self.asked.append((method, path, given))
            self.signed_in += 1
            return 201, {"data": {"accessToken": "the-token"}}
        if path == "/v1/auth/logout":
            self.signed_in -= 1
            return 204, None
        if self.site.requests[-1][2].get("Authorization") != "Bearer the-token":
            return problem(401, "unauthenticated")
        if method != "GET":
            self.asked.append((method, path, given))
        if path in self.refused:
            return problem(409, self.refused[path])
        if path == "/v1/users":
            return 200, {"data": [self.user] if query["email"] == self.user["email"] else [], "meta": {"nextCursor": None}}
        if path == "/v1/audit-events":
            mine = [event for event in self.events if all(event[name] == query[name] for name in ("actorId", "targetId") if name in query)]
            at = int(query.get("cursor", 0))
            return 200, {"data": [dict(event) for event in mine[at : at + 1]], "meta": {"nextCursor": str(at + 1) if at + 1 < len(mine) else None}}
        if path.endswith("/export"):
            records = [{"table": "users", "rows": [self.user], "complete": True}, {"table": "sessions", "rows": [], "complete": False}]
            return 200, {"data": {"userId": BOB, "records": records}}
        return 200, {"data": self.user}


class Appoint(unittest.TestCase):
    def test_first_administrator_is_appointed_by_migrate(self) -> None:
        with Api() as api:
            api.account.on("lambda", "invoke", lambda given: {"StatusCode": 200, "Payload": json.dumps({"userId": BOB})})
            done = api.run("appoint", "bob@example.com", "--yes", "staging")
            self.assertEqual(done.code, 0, done)
            [call] = api.account.made("lambda", "invoke")
            self.assertEqual(json.loads(call["Payload"]), {"command": "appoint", "email": "bob@example.com"})
            self.assertTrue(call["FunctionName"].endswith("Migrate-AbC1:live"))

    def test_refusal_of_migrate_is_shown(self) -> None:
        with Api() as api:
            answer = {"errorMessage": "no account with this address, or the address is not verified"}
            api.account.on("lambda", "invoke", lambda _: {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": json.dumps(answer)})
            done = api.run("appoint", "nobody@example.com", "--yes", "staging")
            self.assertEqual(done.code, 1)
            self.assertIn("no account with this address, or the address is not verified", done.err)

    def test_administrator_who_appoints_is_the_actor(self) -> None:
        with Api() as api:
            self.assertEqual(api.run("appoint", "bob@example.com", *AS).code, 0)
            self.assertEqual(api.asked, [("PATCH", f"/v1/users/{BOB}", {"systemAdministrator": True})])
            self.assertEqual(api.account.made("lambda", "invoke"), [])


class Refusals(unittest.TestCase):
    def test_nothing_changes_without_the_name_of_the_environment(self) -> None:
        with Api() as api:
            for words in (
                ["appoint", "bob@example.com"],
                ["erase", "bob@example.com", "--as", "ada@example.com"],
                ["erase", "bob@example.com", "--as", "ada@example.com", "--yes", "production"],
                ["recover", "bob@example.com", "--as", "ada@example.com", "--yes", ""],
                ["limit", BOB, "--requests", "5", "--as", "ada@example.com"],
            ):
                done = api.run(*words)
                self.assertEqual(done.code, 1, words)
                self.assertIn("nothing was changed", done.err)
            self.assertEqual((api.asked, api.account.made("lambda", "invoke")), ([], []))
            self.assertEqual(api.signed_in, 0)

    def test_wrong_arguments_are_refused_before_anybody_signs_in(self) -> None:
        with Api() as api:
            for words, why in (
                (["dismiss", "bob@example.com"], "who does it? --as"),
                (["hold", "bob@example.com", *AS], "needs --reason"),
                (["export", "bob@example.com", *AS], "needs --output"),
                (["limit", BOB, *AS], "needs --requests"),
                (["erase", "bob@example.com", "--reason", "asked", *AS], "--reason does not belong to `admin erase`"),
                (["hold", "bob@example.com", "--reason", "r", "--api-key", "k", *AS], "--api-key does not belong"),
            ):
                done = api.run(*words)
                self.assertEqual(done.code, 1, words)
                self.assertIn(why, done.err)
            self.assertEqual(api.site.requests, [])

    def test_refusal_of_the_api_says_what_to_do_and_ends_the_session(self) -> None:
        for code, hint in (
            ("last-owner", "an owner must make another member an owner first"),
            ("legal-hold", "The decision is not yours"),
            ("own-account", "ask another administrator"),
            ("something-new", "detail of something-new"),
        ):
            with Api(**{f"/v1/users/{BOB}/erase": code}) as api:
                done = api.run("erase", BOB, *AS)
                self.assertEqual(done.code, 1)
                self.assertIn(f"409 {code}", done.err)
                self.assertIn(hint, done.err)
                self.assertEqual(api.signed_in, 0)
                self.assertNotIn("✓", done.out)

    def test_wrong_password_and_unknown_user_are_said(self) -> None:
        with Api() as api:
            done = api.run("erase", BOB, *AS, given="wrong\n")
            self.assertIn("the address or the password is wrong", done.err)
            done = api.run("erase", "nobody@example.com", *AS)
            self.assertIn("no account has the address nobody@example.com", done.err)
            done = api.run("erase", "bob", *AS)
            self.assertIn("bob is neither an address nor an id", done.err)
            self.assertEqual((api.asked, api.signed_in), ([], 0))

    def test_token_is_sent_to_no_other_address(self) -> None:
        with Api() as api:
            api.account.stacks["arches-staging-app"]["Outputs"][0]["OutputValue"] = "http://api.example.com"
            done = api.run("erase", BOB, *AS)
            self.assertIn("is not https", done.err)

    def test_unavailable_api_is_no_traceback(self) -> None:
        with Api() as api:
            api.account.stacks["arches-staging-app"]["Outputs"][0]["OutputValue"] = "http://127.0.0.1:9"
            done = api.run("erase", BOB, *AS)
            self.assertEqual(done.code, 1)
            self.assertIn("cannot be reached", done.err)

    def test_aws_that_does_not_answer_is_said(self) -> None:
        with Api() as api:

            def denied(_: dict) -> None:
                raise error("AccessDenied", "User: me is not authorized to perform: cloudformation:DescribeStacks")

            api.account.on("cloudformation", "describe-stacks", denied)
            self.assertIn("no permission for cloudformation:DescribeStacks", api.run("erase", BOB, *AS).err)


class Actions(unittest.TestCase):
    def test_each_action_is_one_request_of_the_api(self) -> None:
        path = f"/v1/users/{BOB}"
        for words, expected in (
            (["dismiss", BOB], ("PATCH", path, {"systemAdministrator": False})),
            (["suspend", BOB, "--reason", "stolen"], ("POST", f"{path}/suspend", {"reason": "stolen"})),
            (["restore", BOB], ("POST", f"{path}/restore", None)),
            (["recover", BOB], ("POST", f"{path}/recover", {})),
            (["recover", BOB, "--to", "bob@example.org"], ("POST", f"{path}/recover", {"email": "bob@example.org"})),
            (["remove-factors", BOB], ("DELETE", f"{path}/factors", None)),
            (["hold", BOB, "--reason", "case 12/34"], ("POST", f"{path}/legal-hold", {"reason": "case 12/34"})),
            (["release", BOB], ("DELETE", f"{path}/legal-hold", None)),
            (["erase", BOB], ("POST", f"{path}/erase", None)),
            (["limit", BOB, "--requests", "1000"], ("PUT", f"/v1/organizations/{BOB}/rate-limit", {"requestsPerWindow": 1000})),
            (["limit", BOB, "--requests", "default", "--api-key", ADA], ("PUT", f"/v1/organizations/{BOB}/api-keys/{ADA}/rate-limit", {"requestsPerWindow": None})),
        ):
            with Api() as api:
                done = api.run(*words, *AS)
                self.assertEqual(done.code, 0, done)
                self.assertEqual(api.asked, [expected])
                self.assertEqual(api.signed_in, 0)

    def test_page_of_administration_has_every_action(self) -> None:
        source = (ROOT / "infra/ops/commands/admin.py").read_text()
        actions = re.findall(r'^    "([a-z-]+)": (?:Change|Export|Limit)\(', source, re.MULTILINE)
        self.assertGreater(len(actions), 8)
        page = (ROOT / "docs/administration.md").read_text()
        self.assertEqual([action for action in actions if f"admin {action}" not in page], [])

    def test_every_path_is_one_of_the_api(self) -> None:
        paths = json.loads((ROOT / "openapi.json").read_text())["paths"]
        for method, path in (
            ("patch", "/v1/users/{userId}"), ("post", "/v1/users/{userId}/suspend"), ("post", "/v1/users/{userId}/restore"),
            ("post", "/v1/users/{userId}/recover"), ("delete", "/v1/users/{userId}/factors"), ("post", "/v1/users/{userId}/legal-hold"),
            ("delete", "/v1/users/{userId}/legal-hold"), ("post", "/v1/users/{userId}/erase"), ("get", "/v1/users/{userId}/export"),
            ("put", "/v1/organizations/{organizationId}/rate-limit"), ("put", "/v1/organizations/{organizationId}/api-keys/{apiKeyId}/rate-limit"),
            ("post", "/v1/auth/login"), ("post", "/v1/auth/challenges/verify"), ("post", "/v1/auth/logout"), ("post", "/v1/auth/change-password"),
        ):  # fmt: skip
            self.assertIn(method, paths[path], path)

    def test_second_factor_is_asked_for(self) -> None:
        for code, member in (("123456", "code"), ("abcd-efgh-ijkl", "recoveryCode")):
            with Api() as api:
                api.factor = True
                done = api.run("release", BOB, *AS, given=f"{PASSWORD}{code}\n")
                self.assertEqual(done.code, 0, done)
                self.assertEqual(api.asked[0], ("POST", "/v1/auth/challenges/verify", {"token": "challenge", member: code, "transport": "body"}))

    def test_token_of_a_sign_in_elsewhere_is_used_and_not_ended(self) -> None:
        with Api() as api:
            done = api.run("release", BOB, "--token", "--yes", "staging", given="the-token\n")
            self.assertEqual(done.code, 0, done)
            self.assertNotIn("/v1/auth/logout", [request[1] for request in api.site.requests])
            done = api.run("release", BOB, "--token", "--yes", "staging", given="another\n")
            self.assertIn("sign in again", done.err)

    def test_password_code_and_token_are_not_shown_and_no_words_of_a_process(self) -> None:
        with Api() as api:
            api.factor = True
            done = api.run("release", BOB, *AS, given=f"{PASSWORD}123456\n")
            shown = done.out + done.err + "".join(" ".join(call.words) for call in api.account.calls)
            for secret in (PASSWORD.strip(), "123456", "the-token"):
                self.assertNotIn(secret, shown)


class Export(unittest.TestCase):
    def test_file_has_the_data_and_the_events_without_what_identifies_others(self) -> None:
        with Api() as api, tempfile.TemporaryDirectory() as folder:
            output = f"{folder}/bob.json"
            done = api.run("export", "bob@example.com", "--output", output, "--as", "ada@example.com")
            self.assertEqual(done.code, 0, done)
            self.assertEqual(stat.S_IMODE(os.stat(output).st_mode), 0o600)
            with open(output, encoding="utf-8") as file:
                document = json.load(file)
            self.assertEqual(document["records"][0]["rows"], [api.user])
            found = {event["id"]: event for event in document["auditEvents"]}
            self.assertEqual(sorted(found), ["1", "2", "3"])
            self.assertEqual(found["1"]["ipAddress"], "192.0.2.1")
            self.assertEqual({found["2"][name] for name in ("actorId", "ipAddress", "sessionId", "apiKeyId")}, {None})
            self.assertEqual(found["3"]["ipAddress"], None)
            self.assertIn("only the newest rows are there: sessions", done.out)

    def test_file_that_exists_is_not_written_over(self) -> None:
        with Api() as api, tempfile.TemporaryDirectory() as folder:
            with open(f"{folder}/bob.json", "w", encoding="utf-8") as file:
                file.write("kept")
            done = api.run("export", BOB, "--output", f"{folder}/bob.json", "--as", "ada@example.com")
            self.assertIn("cannot be created: File exists", done.err)
            with open(f"{folder}/bob.json", encoding="utf-8") as file:
                self.assertEqual(file.read(), "kept")

    def test_failed_export_leaves_no_file(self) -> None:
        with Api(**{f"/v1/users/{BOB}/export": "user-erased"}) as api, tempfile.TemporaryDirectory() as folder:
            done = api.run("export", BOB, "--output", f"{folder}/bob.json", "--as", "ada@example.com")
            self.assertEqual((done.code, os.listdir(folder)), (1, []))


if __name__ == "__main__":
    unittest.main()

"""Appoints and dismisses system administrators, and does what they do with accounts: suspend, recover, erase, hold, export.

The first administrator is appointed by the function migrate. Everything else is sent to the API by an administrator who signs in (--as), so
the audit log has the person. A user is an address or an id."""

from __future__ import annotations

import json
import os

import aws
import screen
import waiting
from administrator import Administrator, add_arguments, state
from aws import Failed
from report import done, remains

HELP = "appoint administrators; suspend, recover, hold, export and erase accounts"
EXAMPLES = [
    "appoint ada@example.com --environment production",
    "recover bob@example.com --to bob@example.org --as ada@example.com --environment production",
    "export 0197c0de-0000-7000-8000-000000000000 --output bob.json --as ada@example.com --environment production",
    "limit <organization> --requests 1000 --as ada@example.com --environment production",
]
LETTER_MINUTES = 60


def arguments(parser) -> None:
    parser.add_argument("action", choices=sorted(ACTIONS), help="; ".join(f"{name}: {ACTIONS[name].what}" for name in ACTIONS))
    parser.add_argument("subject", metavar="user", help="the address or the id of the user; of `limit`, the id of the organization")
    parser.add_argument("--reason", help="of suspend and hold: recorded with the account")
    parser.add_argument("--to", metavar="EMAIL", help="of recover: the owner's address, if the thief has changed it")
    parser.add_argument("--output", metavar="FILE", help="of export: a new file, which only you can read")
    parser.add_argument("--requests", metavar="NUMBER", help="of limit: requests per window; `default` for the default")
    parser.add_argument("--api-key", metavar="ID", help="of limit: for this key only")
    add_arguments(parser)
    screen.add_yes(parser)


def run(environment, given) -> None:
    action = ACTIONS[given.action]
    for name in ("reason", "to", "output", "requests", "api_key"):
        if getattr(given, name) is not None and name not in action.options:
            raise Failed("arguments", f"--{name.replace('_', '-')} does not belong to `admin {given.action}`")
    for name in action.needed:
        if getattr(given, name) is None:
            raise Failed("arguments", f"`admin {given.action}` needs --{name}")
    if given.action == "appoint" and not (given.administrator or given.token):
        return appoint_first(environment, given)
    with Administrator(environment, given) as administrator:
        action.run(environment, administrator, given)


def appoint_first(environment, given) -> None:
    """Appoints with the rights of the owner of the database; the audit log has no person."""
    screen.confirm(environment.name, f"{given.subject} becomes a system administrator of {environment.name}: may see, change and erase every account.", given.yes)
    answer = aws.invoke(environment.function("migrate"), {"command": "appoint", "email": given.subject})
    done(f"{given.subject} ({answer['userId']}) is a system administrator, from the next request on. The audit log has user.appointed, without an actor.")


class Change:
    """A request about a user that changes something, after a confirmation."""

    def __init__(self, what: str, request, options: tuple = (), needed: tuple = (), then=None):
        """`request` returns method, end of the path and body; `then` says what follows."""
        self.what, self.request, self.options, self.needed, self.then = what, request, options, needed, then

    def run(self, environment, administrator: Administrator, given) -> None:
        user = administrator.user(given.subject)
        screen.confirm(environment.name, f"{state(user)}\n{given.action}: {self.what}.", given.yes)
        method, path, body = self.request(given)
        answer = administrator.send(method, f"/v1/users/{user['id']}{path}", body)
        done(f"{given.action}: {state(answer) if answer else user['id']}")
        if self.then:
            remains(self.then(given))


class Export:
    what, options, needed = "writes everything that is stored about the user, with the audit events, into a file", ("output",), ("output",)

    def run(self, environment, administrator: Administrator, given) -> None:
        user = administrator.user(given.subject)
        try:
            file = os.open(given.output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise Failed("output", f"{given.output} cannot be created: {error.strerror}") from None
        try:
            document = administrator.send("GET", f"/v1/users/{user['id']}/export")
            document["auditEvents"] = events_about(administrator, user["id"])
            with os.fdopen(file, "w", encoding="utf-8") as output:
                json.dump(document, output, indent=2, ensure_ascii=False)
        except BaseException:
            os.unlink(given.output)
            raise
        done(f"{given.output} has what is stored about {user['id']}, and {len(document['auditEvents'])} audit events.")
        cut = [record["table"] for record in document["records"] if not record["complete"] and not record.get("pagedAt")]
        if cut:
            remains(f"too large for one answer, so only the newest rows are there: {', '.join(cut)}. The user gets everything with \"Export\" in the console")
        remains("delete the file when the letter is answered.")


class Limit:
    what, options, needed = "sets the limit of requests of the API keys of an organization", ("requests", "api_key"), ("requests",)

    def run(self, environment, administrator: Administrator, given) -> None:
        if given.requests != "default" and not given.requests.isdecimal():
            raise Failed("arguments", "--requests is a number from 1 to 1000000, or `default`")
        number = None if given.requests == "default" else int(given.requests)
        key = f"/api-keys/{given.api_key}" if given.api_key else ""
        whose = f"The API key {given.api_key}" if key else f"Each API key of {given.subject} without a limit of its own"
        screen.confirm(environment.name, f"{whose} may make {given.requests} requests per window.", given.yes)
        administrator.send("PUT", f"/v1/organizations/{given.subject}{key}/rate-limit", {"requestsPerWindow": number})
        done(f"the limit is {given.requests}.")
        remains("it takes effect with the second request of a key, or in its next window. Other limits stay: docs/administration.md, Raise a limit.")


def events_about(administrator: Administrator, user: str) -> list[dict]:
    """Returns the events that the user caused, and those about the user without what identifies others (docs/audit-log.md)."""
    caused = administrator.list("/v1/audit-events", actorId=user)
    about = [event for event in administrator.list("/v1/audit-events", targetId=user) if event.get("actorId") != user]
    for event in about:
        hidden = ("actorId", "apiKeyId", "sessionId", "ipAddress") if event.get("actorId") else ("ipAddress",) if event["outcome"] == "denied" else ()
        for name in hidden:
            event[name] = None
    return sorted(caused + about, key=lambda event: event["occurredAt"], reverse=True)


def link_until(given) -> str:
    moment = waiting.shown(waiting.after(LETTER_MINUTES))
    return f"the owner gets a mail with a link that sets a password, until {moment}. If the account is suspended, restore it now: the link does not work before"


ACTIONS = {
    "appoint": Change("makes the user a system administrator", lambda given: ("PATCH", "", {"systemAdministrator": True})),
    "dismiss": Change("the user is no system administrator any more, from the next request on", lambda given: ("PATCH", "", {"systemAdministrator": False})),
    "suspend": Change("ends all sessions and refuses new ones", lambda given: ("POST", "/suspend", {"reason": given.reason}), ("reason",), ("reason",)),
    "restore": Change("restores a deleted account with its organizations; of another one, lifts the suspension", lambda given: ("POST", "/restore", None)),
    "recover": Change(
        "removes the password, the second factor and all other ways in, ends all sessions, and mails the owner a link",
        lambda given: ("POST", "/recover", {"email": given.to} if given.to else {}),
        ("to",),
        then=link_until,
    ),
    "remove-factors": Change("removes the authenticator app, the recovery codes and the passkeys, and ends all sessions", lambda given: ("DELETE", "/factors", None)),
    "hold": Change("forbids the erasure of the user", lambda given: ("POST", "/legal-hold", {"reason": given.reason}), ("reason",), ("reason",)),
    "release": Change(
        "allows the erasure again",
        lambda given: ("DELETE", "/legal-hold", None),
        then=lambda given: "what has expired while the hold was there is deleted by the next run of `retention`, at 03:17 UTC",
    ),
    "export": Export(),
    "erase": Change(
        "overwrites all personal data, permanently: nobody can restore it",
        lambda given: ("POST", "/erase", None),
        then=lambda given: "backups have the data for 33 days, the cluster's for 35; a restore erases the user again",
    ),
    "limit": Limit(),
}

"""A session of a system administrator, with which the API is asked to change accounts."""

from __future__ import annotations

import uuid

from api import Api, Refused, Session
from aws import Failed
from given import read_secret

# What to do after a refusal, by its code.
HINTS = {
    "administrator-needed": "this account is no system administrator; the first one: `admin appoint` without --as",
    "email-taken": "another account has the address; find out whose it is",
    "fresh-sign-in-needed": "the sign-in of the token is older than ten minutes: sign in again, or use --as",
    "last-owner": "the user is the last owner of an organization with other members: an owner must make another member an owner first, or delete the organization",
    "legal-hold": "a legal hold forbids it; who placed it, and why, is in the audit log. The decision is not yours",
    "own-account": "an administrator cannot do this to the own account: ask another administrator",
    "unauthenticated": "the token has expired, or was changed: sign in again",
    "user-deleted": "the account is deleted; `admin restore` restores it",
    "user-erased": "nothing of the account is left",
    "wrong-credentials": "the address or the password is wrong",
}


def add_arguments(parser) -> None:
    who = parser.add_mutually_exclusive_group()
    who.add_argument("--as", dest="administrator", metavar="EMAIL", help="sign in as this administrator; the password and the code are asked for, or read from standard input")
    who.add_argument("--token", action="store_true", help="use an access token of a recent sign-in, which is asked for, or read from standard input")


class Administrator:
    """Use it with `with`: a session that it has opened is ended."""

    def __init__(self, environment, given):
        if not given.administrator and not given.token:
            raise Failed("arguments", "who does it? --as <address of an administrator>, or --token")
        self.environment, self.given, self.session = environment, given, None

    def __enter__(self) -> Administrator:
        if self.given.token:
            self.api = Api(self.environment.url(), read_secret("Access token: "))
            return self
        password = read_secret(f"Password of {self.given.administrator}: ")
        try:
            self.session = Session(self.environment, self.given.administrator, password, lambda: read_secret("Code of the authenticator app, or a recovery code: "))
        except Refused as error:
            raise explained(error) from None
        self.api = self.session.api
        return self

    def __exit__(self, *_) -> None:
        if self.session:
            self.session.end()

    def send(self, method: str, path: str, body=None):
        """Sends a request and returns `data` of the answer. A refusal says what to do."""
        try:
            answer = self.api.send(method, path, body)[1]
        except Refused as error:
            raise explained(error) from None
        return answer["data"] if answer else None

    def list(self, path: str, **query) -> list[dict]:
        try:
            return list(self.api.pages(path, **query))
        except Refused as error:
            raise explained(error) from None

    def user(self, named: str) -> dict:
        """Finds a user by id or by address."""
        if "@" not in named:
            try:
                return self.send("GET", f"/v1/users/{uuid.UUID(named)}")
            except ValueError:
                raise Failed("arguments", f"{named} is neither an address nor an id") from None
        found = self.list("/v1/users", email=named)
        if not found:
            raise Failed("user-not-found", f"no account has the address {named}. Of a deleted or moved account, give the id: the audit log has it")
        return found[0]


def explained(error: Refused) -> Refused:
    """Adds to a refusal what to do."""
    hint = HINTS.get(error.code)
    if hint:
        error.args = (f"{error.text}: {hint}",)
    return error


def state(user: dict) -> str:
    """Describes an account in a line."""
    words = [word for name, word in (("erasedAt", "erased"), ("deletedAt", "deleted"), ("suspendedAt", "suspended"), ("legalHoldAt", "under a legal hold")) if user.get(name)]
    if user.get("systemAdministrator"):
        words.append("system administrator")
    return f"{user['name']} <{user['email']}>, {user['id']}, {', '.join(words) or 'active'}, since {user['createdAt'][:10]}"

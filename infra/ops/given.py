"""Secrets whose values a person or another system makes: keys of third parties, and the account of the smoke test."""

from __future__ import annotations

import getpass
import json
import secrets
import sys

import api
import screen
import waiting
from aws import Failed
from keys import members_of
from report import done, remains
from secretstore import MAX_AGE_MINUTES, READ_MINUTES, Secret

MAX_LENGTH = 16384


class Given:
    """A secret of a third party: a JSON object. The new value of a member comes from a person."""

    how = "by a person"

    def __init__(self, members: tuple[str, ...], where: str, fields: tuple[str, ...] = ()):
        """With `fields`, each member is an object, and the first field of it is what changes."""
        self.members, self.where, self.fields = members, where, fields

    def rotate(self, environment, secret: Secret, given) -> None:
        document = members_of(secret.value() or "{}")
        if self.fields and not all(isinstance(value, dict) for value in document.values()):
            raise Failed("value", f"{secret.name} has a member that is no object: compare it with docs/operations/providers.md")
        member = self._member(document, given)
        before = document[member].get(self.fields[0]) if self.fields else document.get(member)
        screen.confirm(environment.name, f"{member} of {secret.name} gets a new value. Make that one in {self.where} first, and leave the old one valid for now.", given.yes)
        value = read_secret(f"New value of {member}: ")
        if value == before:
            raise Failed("value", "this is the value that the secret has already: nothing was changed")
        if self.fields:
            document[member][self.fields[0]] = value
        else:
            document[member] = value
        secret.put(json.dumps(document))
        done(f"{secret.name}: {member} has the new value.")
        read, lost = waiting.shown(waiting.after(READ_MINUTES)), waiting.shown(waiting.after(MAX_AGE_MINUTES))
        remains(f"the functions use it from {read} on; an instance that cannot reach Secrets Manager, from {lost} on. Then revoke the old one in {self.where}.")

    retire = rotate

    def _member(self, document: dict, given) -> str:
        known = sorted(document) if self.fields else list(self.members)
        member = given.member or (known[0] if len(known) == 1 else None)
        if member not in known:
            what = f"no {given.member} in it" if given.member else "which member?"
            hint = f"add --member {' or '.join(known)}" if known else "it is empty; docs/operations/providers.md has how the first one is written"
            raise Failed("arguments", f"{what}: {hint}")
        return member


class Smoke:
    """The account of the smoke test: its password is in the secret and in the database."""

    how = "by this command"

    def rotate(self, environment, secret: Secret, given) -> None:
        screen.confirm(environment.name, "The account of the smoke test gets a new password. A deployment that moves traffic in the next minute may fail.", given.yes)
        document = members_of(secret.value() or "{}")
        if not {"email", "password"} <= set(document):
            raise Failed("smoke", "the secret has no email and password: docs/operations/smoke.md, The account of the smoke test")
        # Written before the account has it, so that it is known wherever this stops.
        version = secret.pending()
        if version is None:
            fresh = json.dumps({**document, "password": secrets.token_urlsafe(36)})
            version = secret.put(fresh, "AWSPENDING")
        password = members_of(secret.pending_value())["password"]
        session = self._sign_in(environment, document["email"], document["password"])
        if session:
            change = {"currentPassword": document["password"], "newPassword": password}
            session.api.send("POST", "/v1/auth/change-password", change)
        else:  # an earlier run has stopped after the account got it
            session = self._sign_in(environment, document["email"], password)
        if not session:
            raise Failed("smoke", "the account has another password than the secret, or does not exist: docs/operations/smoke.md, The account of the smoke test")
        session.end()
        secret.make_current(version)
        done("smoke: the account has the new password, and so has the secret.")

    retire = rotate

    def _sign_in(self, environment, email: str, password: str):
        """Signs in; None if the password is wrong."""
        try:
            return api.Session(environment, email, password)
        except api.Refused as error:
            if error.status == 401:
                return None
            raise


def read_secret(question: str) -> str:
    """Reads a secret: at a terminal without showing it, otherwise one line of standard input."""
    if sys.stdin.isatty():
        value = getpass.getpass(question, stream=sys.stderr)
    else:
        value = sys.stdin.readline(MAX_LENGTH + 2)
    value = value.strip()
    if not value:
        raise Failed("value", "the value is empty: nothing was changed. Without a terminal it is read from standard input")
    if len(value) > MAX_LENGTH or not value.isprintable():
        raise Failed("value", f"the value has a control character, or more than {MAX_LENGTH} characters: nothing was changed")
    return value

"""The keys in a secret that rotate-keys rotates: which are there, and the same secret without some of them.

Makes no key: that does the function. The forms are those of functions/rotate-keys/src (signing_keys.rs, key_text.rs), the rules those of
docs/adr/0018-keys-published-before-use.md.
"""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import datetime
from typing import NamedTuple

from aws import Failed
from waiting import parsed

PUBLIC = ("kty", "crv", "alg", "use", "kid", "x")


class Key(NamedTuple):
    id: str
    status: str  # current, next or previous
    value: object  # the object in a key set; the word in a text
    published_at: str | None
    retired_at: str | None


class KeySet:
    """A JSON Web Key Set, of `signing-keys`."""

    def parse(self, document: str) -> list[Key]:
        members = members_of(document)
        try:
            keys = [Key(one["kid"], one["status"], one, one.get("published_at"), one.get("retired_at")) for one in members["keys"]]
        except (KeyError, TypeError):
            raise Failed("value", "the secret is no set of private keys") from None
        return _checked(keys)

    def render(self, keys: list[Key], document: str) -> str:
        found = []
        for key in keys:
            one = {**key.value, "status": key.status, "published_at": key.published_at, "retired_at": key.retired_at}
            found.append({name: value for name, value in one.items() if value is not None})
        return json.dumps({**members_of(document), "keys": found})

    def public(self, keys: list[Key]) -> str:
        return json.dumps({"keys": [{name: key.value[name] for name in PUBLIC} for key in keys]})


class Text:
    """Keys in a text, `current,previous…,next`, with their dates in another member: of `auth` and `encryption`."""

    def __init__(self, member: str, is_base64: bool):
        self.member, self.dates, self.is_base64 = member, f"{member}Dates", is_base64

    def parse(self, document: str) -> list[Key]:
        members = members_of(document)
        words = [word.strip() for word in str(members.get(self.member, "")).split(",") if word.strip()]
        keys = []
        for word in words:
            name = self._id(word)
            dates = members.get(self.dates, {}).get(name, {})
            keys.append(Key(name, "previous", word, dates.get("publishedAt"), dates.get("retiredAt")))
        if keys:
            keys[0] = keys[0]._replace(status="current", retired_at=None)
        if len(keys) > 1 and keys[-1].published_at and not keys[-1].retired_at:
            keys[-1] = keys[-1]._replace(status="next")
        return _checked(keys)

    def render(self, keys: list[Key], document: str) -> str:
        order = {"current": 0, "previous": 1, "next": 2}
        keys = sorted(keys, key=lambda key: order[key.status])
        dates = {}
        for key in keys:
            both = {"publishedAt": key.published_at, "retiredAt": key.retired_at}
            dates[key.id] = {name: value for name, value in both.items() if value}
        return json.dumps({**members_of(document), self.member: ",".join(key.value for key in keys), self.dates: dates})

    def _id(self, word: str) -> str:
        """Returns the id as `KeyId::of` (shared/src/crypto/keyring.rs) makes it."""
        try:
            given = base64.b64decode(word, validate=True) if self.is_base64 else word.encode()
        except ValueError:
            raise Failed("value", f"the member {self.member} of the secret is not base64") from None
        return hashlib.sha256(given).hexdigest()[:8]


def current(keys: list[Key]) -> Key:
    return next(key for key in keys if key.status == "current")


def following(keys: list[Key]) -> Key | None:
    """Returns the next key."""
    return next((key for key in keys if key.status == "next"), None)


def without(keys: list[Key], removed: list[Key]) -> list[Key]:
    ids = {key.id for key in removed}
    return [key for key in keys if key.id not in ids]


def promoted(keys: list[Key], moment: datetime) -> list[Key]:
    """Returns the keys after the next one became current."""
    changed = {
        "current": {"status": "previous", "retired_at": moment.isoformat().replace("+00:00", "Z")},
        "next": {"status": "current"},
        "previous": {},
    }
    return [key._replace(**changed[key.status]) for key in keys]


def made_after(key: Key, moment: datetime) -> bool:
    return key.published_at is not None and parsed(key.published_at) > moment


def _checked(keys: list[Key]) -> list[Key]:
    if sum(key.status == "current" for key in keys) != 1:
        raise Failed("value", "the secret has no current key: read docs/operations/rotate-keys.md, and compare the secret with it")
    return keys


def members_of(document: str) -> dict:
    """Reads a secret that is a JSON object."""
    try:
        members = json.loads(document)
    except ValueError:  # its text would quote the secret
        members = None
    if not isinstance(members, dict):
        raise Failed("value", "the secret is not a JSON object")
    return members

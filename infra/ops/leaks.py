"""Removes leaked keys from a secret. Every step leaves a secret that works, and a command that was interrupted continues.

What has leaked is in a tag of the secret until it is removed: `since <time>`, every key that was published before, or `key <id>`, one key.
"""

from __future__ import annotations

import base64
import json
import secrets

import api
import aws
import keys
import screen
import waiting
from aws import Failed
from keys import Key, KeySet, members_of
from report import done, remains
from secretstore import MAX_AGE_MINUTES, READ_MINUTES, Secret

# The key of the counters of failed passwords and of the hashes of codes: the member of `auth` that no rotation changes.
SESSION_SECRET = "sessionSecret"
# More than a removal needs.
STEPS = 10
# The most runs of `retention`, each of at most 15 minutes.
RESEAL_RUNS = 20


def retire(environment, secret: Secret, way, given) -> None:
    known = [key.id for key in _keys(secret, way)]
    remembered = secret.leaked()
    if given.key:
        if given.key not in known and not remembered:
            raise Failed("arguments", f"{secret.name} has no key {given.key}; it has {', '.join(known)}. If the leaked one was among them, it is removed already")
        if remembered and remembered != f"key {given.key}":
            raise Failed("arguments", f"the removal of another leak ({remembered}) is not finished: run `rotate {secret.name} --leaked` without --key first")
    screen.confirm(environment.name, _plan(secret, way, given, remembered), given.yes)
    if not remembered:
        _, made = secret.versions()["AWSCURRENT"]
        remembered = f"key {given.key}" if given.key else f"since {made.isoformat()}"
        secret.remember(remembered)
    _remove(environment, secret, way, remembered)
    if isinstance(way.form, KeySet):
        _publish(environment, way.form.public(_keys(secret, way)))
    if not keys.following(_keys(secret, way)):
        screen.progress("a next key is made")
        secret.rotate(environment.app.id("RotateKeysLogs"))
    left = [key.id for key in _keys(secret, way) if _is_leaked(key, remembered)]
    if left:
        raise Failed("rotation", f"a rotation at the same time has brought {', '.join(left)} back: run the same command again")
    if isinstance(way.form, KeySet):
        require_published(environment)
    api.require_ready(environment)
    secret.forget()
    done(f"{secret.name}: the leaked keys are removed, and replaced.")
    remains(f"{way.effect}.")
    read, lost = waiting.shown(waiting.after(READ_MINUTES)), waiting.shown(waiting.after(MAX_AGE_MINUTES))
    remains(f"instances that have read the secret before accept the leaked keys until {read}; one that cannot reach Secrets Manager, until {lost}.")


def require_published(environment) -> None:
    """Waits until the API publishes exactly the keys of `verification-keys`."""
    wanted = {key["kid"] for key in _published(_verification(environment))}
    found = waiting.until(lambda: api.published_keys(environment) == wanted, "the published keys", READ_MINUTES + 1)
    if not found:
        raise Failed("published", f"{environment.url()}/.well-known/jwks.json does not have exactly the keys {', '.join(sorted(wanted))}: run the same command again in five minutes")


def _plan(secret: Secret, way, given, remembered: str | None) -> str:
    if remembered:
        return f"The removal of what has leaked of {secret.name} ({remembered}) is continued."
    what = f"the key {given.key}" if given.key else "every key that is in it now"
    lines = [f"Of {secret.name}, {what} is removed, and replaced by one that nobody has read.", f"{way.effect[0].upper()}{way.effect[1:]}."]
    if SESSION_SECRET in members_of(_document(secret)) and not given.key:
        lines.append("It also has sessionSecret, which is replaced: counters of failed passwords begin again, every device is new, mailed codes and recovery codes become invalid.")
    if way.reseals:
        lines.append(f"Before that, `retention` encrypts the seeds of authenticator apps with a new key. It takes {MAX_AGE_MINUTES} minutes and more.")
    return "\n".join(lines)


def _remove(environment, secret: Secret, way, remembered: str) -> None:
    """Repeats the next step until no leaked key is left. Each begins with what the secret has then."""
    for _ in range(STEPS):
        document = _document(secret)
        found = way.form.parse(document)
        leaked = [key for key in found if _is_leaked(key, remembered)]
        current, following = keys.current(found), keys.following(found)
        if not leaked:
            return
        if following in leaked:
            screen.progress(f"the next key {following.id} is removed")
            secret.put(way.form.render(keys.without(found, [following]), document))
        elif current in leaked and not following:
            screen.progress("a key that nobody has read is made")
            secret.rotate(environment.app.id("RotateKeysLogs"))
        elif current in leaked:
            screen.progress(f"{following.id} becomes the current key")
            found = keys.promoted(found, waiting.now())
            found = found if way.reseals else keys.without(found, leaked)
            secret.put(_without_session_secret(way.form.render(found, document), remembered))
        else:
            if way.reseals:
                _reseal(environment, secret, found)
            screen.progress(f"removed: {', '.join(key.id for key in leaked)}")
            secret.put(way.form.render(keys.without(found, leaked), document))
    raise Failed("rotation", f"{secret.name} still has leaked keys after {STEPS} steps: somebody else changes it. Run the same command again")


def _reseal(environment, secret: Secret, found: list[Key]) -> None:
    """Lets `retention` encrypt the seeds of authenticator apps with the current key, when no instance uses another one any more."""
    retired = [waiting.parsed(key.retired_at) for key in found if key.retired_at]
    since = max(retired) if retired else secret.versions()["AWSCURRENT"][1]
    waiting.pause(waiting.after(MAX_AGE_MINUTES, since), "then no instance encrypts with a leaked key")
    function = environment.function("retention")
    for _ in range(RESEAL_RUNS):
        screen.progress("retention encrypts the seeds again")
        run = aws.invoke(function, {})
        if run["sealedWithOtherKeys"] == 0:
            return
        if run["resealed"] == 0:
            screen.warn(f"{run['sealedWithOtherKeys']} seeds cannot be decrypted, because their key was removed before: those users sign in with a recovery code, or an administrator removes the factor")
            return
    raise Failed("retention", f"seeds are still encrypted with a leaked key after {RESEAL_RUNS} runs: run the same command again")


def _without_session_secret(document: str, remembered: str) -> str:
    """Replaces the session secret, if the whole secret has leaked and has one."""
    members = members_of(document)
    if SESSION_SECRET in members and remembered.startswith("since "):
        # As `random_key` in functions/rotate-keys/src/kind.rs makes it.
        members[SESSION_SECRET] = base64.b64encode(secrets.token_bytes(32)).decode()
    return json.dumps(members)


def _publish(environment, public: str) -> None:
    """Publishes the public keys of what is in the private set now: after it, so that nothing is signed with a key that nobody knows."""
    verification = _verification(environment)
    known = {key["kid"]: key for key in _published(verification)}
    if known != {key["kid"]: key for key in json.loads(public)["keys"]}:
        verification.put(public)


def _is_leaked(key: Key, remembered: str) -> bool:
    kind, value = remembered.split(" ", 1)
    return key.id == value if kind == "key" else not keys.made_after(key, waiting.parsed(value))


def _keys(secret: Secret, way) -> list[Key]:
    return way.form.parse(_document(secret))


def _published(verification: Secret) -> list[dict]:
    found = members_of(_document(verification)).get("keys")
    if not isinstance(found, list) or not all(isinstance(key, dict) and "kid" in key for key in found):
        raise Failed("value", "verification-keys is no set of keys: read docs/operations/rotate-keys.md, and compare the secret with it")
    return found


def _verification(environment) -> Secret:
    return Secret(environment.parameter("data/verification-keys-secret"), "verification-keys")


def _document(secret: Secret) -> str:
    document = secret.value()
    if document is None:
        raise Failed("value", f"{secret.name} has no value yet: deploy the app first, infra/deploy.sh")
    return document

"""How each secret of an environment gets another value."""

from __future__ import annotations

import api
import aws
import database
import leaks
import screen
import waiting
from aws import Failed
from keys import KeySet
from report import done, remains
from secretstore import READ_MINUTES, Secret
from stacks import logical_id

READ = f"the functions read it within {READ_MINUTES} minutes"


class Password:
    """A password that a function sets where it is used. The one before it works until the next rotation."""

    def __init__(self, function: str, end: str):
        self.function, self.end = function, end
        self.how = f"every month, by {function}"

    def rotate(self, environment, secret: Secret, given) -> None:
        screen.confirm(environment.name, f"The password {secret.name} gets a new value. No request fails.", given.yes)
        self._once(environment, secret)
        done(f"{secret.name}: the new password works and is current; {READ}.")
        remains(f"the password before it works until the next rotation, {next_rotation(secret)}. If it has leaked: --leaked")

    def retire(self, environment, secret: Secret, given) -> None:
        leaked = secret.leaked()
        text = "The rotation of the leaked password is continued." if leaked else (
            f"The password {secret.name} is replaced twice, {READ_MINUTES} minutes apart, so that the present one and the one before it do not work"
            f" any more. It takes ten minutes. No request fails."
        )
        screen.confirm(environment.name, text, given.yes)
        if not leaked:
            leaked = secret.versions()["AWSCURRENT"][0]
            secret.remember(leaked)
        while leaked in [secret.versions().get(stage, ("",))[0] for stage in ("AWSCURRENT", "AWSPREVIOUS")]:
            version, made = secret.versions()["AWSCURRENT"]
            if version != leaked:
                why = "every function then has read the password that is current now"
                waiting.pause(waiting.after(READ_MINUTES, made), why)
            self._once(environment, secret)
        secret.forget()
        done(f"{secret.name}: the leaked password does not open a connection any more.")
        remains(f"{READ}.")
        remains("connections that were opened with the leaked password stay open. " + self.end.format(environment=environment.name))

    def _once(self, environment, secret: Secret) -> None:
        secret.rotate(environment.app.id(f"{logical_id(self.function)}Logs"))
        api.require_ready(environment)


class Keys:
    """Keys that rotate-keys makes, each known everywhere before it is used."""

    how = "every 30 days, by rotate-keys"

    def __init__(self, form, lifetime: str, effect: str, reseals: bool = False):
        self.form, self.lifetime, self.effect, self.reseals = form, lifetime, effect, reseals

    def rotate(self, environment, secret: Secret, given) -> None:
        screen.confirm(environment.name, f"The next key of {secret.name} becomes the current one, and a new next key is made. No request fails.", given.yes)
        secret.rotate(environment.app.id("RotateKeysLogs"))
        api.require_ready(environment)
        done(f"{secret.name}: the key that was next is current.")
        if isinstance(self.form, KeySet):
            leaks.require_published(environment)
            done("the new next key is published at /.well-known/jwks.json.")
        remains(f"the key before it is accepted for {self.lifetime}, and removed by the first rotation after that. If it has leaked: --leaked")

    def retire(self, environment, secret: Secret, given) -> None:
        leaks.retire(environment, secret, self, given)


class Owner:
    """The password of the owner of the schema, which RDS makes."""

    how = "every week, by RDS"

    def rotate(self, environment, secret: Secret, given) -> None:
        used = database.of(environment)
        text = f"RDS sets a new password of the owner of {used.name}. The old one does not work any more. A migration or a restore that begins now may fail; requests do not."
        screen.confirm(environment.name, text, given.yes)
        before = secret.versions()["AWSCURRENT"][0]
        used.modify(RotateMasterUserPassword=True)

        def is_done() -> bool:
            return used.describe()["MasterUserSecret"]["SecretStatus"] == "active" and secret.versions()["AWSCURRENT"][0] != before

        if not waiting.until(is_done, "RDS", 20):
            raise Failed("rotation", f"RDS has not set the password within 20 minutes; look at MasterUserSecret: {used.command}")
        aws.invoke(environment.function("migrate"), {"command": "status"})
        done("owner: the new password works; `migrate` has connected with it.")
        remains("connections of the owner that are open stay open. If the old password has leaked, end them: " + end_connections("arches_owner"))

    retire = rotate


def end_connections(*users: str) -> str:
    names = ", ".join(f"'{user}'" for user in users)
    return f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename IN ({names}) AND pid <> pg_backend_pid(); (docs/faq.md, How do I query the database?)"


def next_rotation(secret: Secret) -> str:
    moment = secret.describe().get("NextRotationDate")
    return waiting.shown(waiting.parsed(moment)) if moment else "which is not scheduled"


"""Stand-ins for S3, KMS, Secrets Manager, SES and SQS: moto's server with the application's secrets and a mailbox.

Reads its settings as one JSON document from standard input. When ready, it prints one JSON line with the ARNs of the
secrets. It serves until SIGTERM or SIGINT.
"""

import base64
import email
import email.policy
import json
import os
import pathlib
import secrets
import signal
import sys
import threading
import time
import uuid

import boto3
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from moto.s3 import notifications
from moto.ses.responses import EmailResponse
from moto.sesv2.responses import SESV2Response
from werkzeug.serving import make_server


def base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signing_key(status: str) -> dict:
    key = Ed25519PrivateKey.generate()
    return {
        "kty": "OKP",
        "crv": "Ed25519",
        "alg": "EdDSA",
        "use": "sig",
        "kid": str(uuid.uuid4()),
        "x": base64url(key.public_key().public_bytes_raw()),
        "d": base64url(key.private_bytes_raw()),
        "status": status,
    }


def random_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def kept_secrets(directory: pathlib.Path) -> dict:
    """Returns the secrets that must survive a restart: new keys would sign out all users."""
    path = directory / "secrets.json"
    generated = {
        "signing-keys": {"keys": [signing_key(status) for status in ("next", "current", "previous")]},
        "auth": {"refreshSecret": random_key(), "sessionSecret": random_key()},
        "encryption": {"key": random_key()},
    }
    kept = json.loads(path.read_text()) if path.exists() else {}
    # The file may be of an earlier version, without some of the secrets.
    if generated.keys() - kept.keys():
        kept = generated | kept
        unfinished = path.with_suffix(".new")
        unfinished.unlink(missing_ok=True)
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(kept, file, indent=2)
        unfinished.rename(path)
    return kept


def without_private_part(keys: dict) -> dict:
    return {"keys": [{name: value for name, value in key.items() if name != "d"} for key in keys["keys"]]}


class Mailbox:
    """Writes each accepted mail to a separate file, for people and tests to read."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)

    def keep(self, sender, recipients, subject, text, html, configuration=None) -> None:
        now = time.time_ns()
        when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now // 10**9)) + f".{now % 10**9 // 10**6:03d}Z"
        identifier = str(uuid.uuid4())
        document = {
            "id": identifier,
            "time": when,
            "from": sender,
            "to": recipients,
            "subject": subject,
            "text": text,
            "html": html,
            "configurationSet": configuration,
        }
        # The name sorts by time. The file is renamed when complete, so that no reader sees half a mail.
        path = self.directory / f"{now}-{identifier}.json"
        path.with_suffix(".new").write_text(json.dumps(document, indent=2, ensure_ascii=False), encoding="utf-8")
        path.with_suffix(".new").rename(path)

    def keep_raw(self, sender, recipients, raw: bytes) -> None:
        message = email.message_from_bytes(raw, policy=email.policy.default)
        headers = [address.strip() for name in ("to", "cc", "bcc") for address in (message[name] or "").split(",")]
        body = {kind: message.get_body((kind,)) for kind in ("plain", "html")}
        text, html = (part and part.get_content() for part in (body["plain"], body["html"]))
        recipients = recipients or [address for address in headers if address]
        self.keep(sender or message["from"], recipients, message["subject"], text, html)


def collect_mail(mailbox: Mailbox) -> None:
    """Makes moto's SES copy accepted mails to the mailbox: moto itself stores only one form of the body."""
    send_v2, send_v1, send_raw_v1 = SESV2Response.send_email, EmailResponse.send_email, EmailResponse.send_raw_email

    def addresses(destination: dict) -> list:
        return [address for kind in ("To", "Cc", "Bcc") for address in destination.get(f"{kind}Addresses") or []]

    def keep_simple(sender, destination: dict, message: dict, configuration=None) -> None:
        body = {kind: (message["Body"].get(kind) or {}).get("Data") for kind in ("Text", "Html")}
        subject = message["Subject"]["Data"]
        mailbox.keep(sender, addresses(destination), subject, body["Text"], body["Html"], configuration)

    def v2(self):
        answer = send_v2(self)
        request = json.loads(self.body)
        sender, destination, content = (
            request.get("FromEmailAddress"),
            request.get("Destination", {}),
            request["Content"],
        )
        if "Raw" in content:
            mailbox.keep_raw(sender, addresses(destination), base64.b64decode(content["Raw"]["Data"]))
        else:
            keep_simple(sender, destination, content["Simple"], request.get("ConfigurationSetName"))
        return answer

    def v1(self):
        answer = send_v1(self)
        keep_simple(self._get_param("Source"), self._get_param("Destination", {}), self._get_param("Message"))
        return answer

    def raw_v1(self):
        answer = send_raw_v1(self)
        raw, recipients = self._get_param("RawMessage.Data"), self._get_param("Destinations", [])
        mailbox.keep_raw(self._get_param("Source"), recipients, raw)
        return answer

    SESV2Response.send_email, EmailResponse.send_email, EmailResponse.send_raw_email = v2, v1, raw_v1


def report(s3, bucket: str, prefix: str, queue: str) -> None:
    """Makes S3 report new objects to a queue."""
    rules = {"Key": {"FilterRules": [{"Name": "prefix", "Value": prefix}]}}
    configuration = {"QueueArn": queue, "Events": ["s3:ObjectCreated:*"], "Filter": rules}
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [configuration]}
    )


def add_versions_to_reports() -> None:
    """Makes moto's reports of new objects name the object's version, as S3 does in a bucket with versions."""
    make = notifications._get_s3_event

    def with_version(event_name, bucket, key, notification_id):
        event = make(event_name, bucket, key, notification_id)
        if bucket.is_versioned:
            event["Records"][0]["s3"]["object"]["versionId"] = key.version_id
        return event

    notifications._get_s3_event = with_version


def seed(settings: dict, kept: dict) -> dict:
    """Creates the buckets, the key of the backups, mail identities, queues and secrets. Returns the ARNs of the secrets."""

    def client(service: str):
        return boto3.client(
            service,
            endpoint_url=f"http://127.0.0.1:{settings['port']}",
            region_name=settings["region"],
            aws_access_key_id="local",
            aws_secret_access_key="local",
        )

    for bucket in settings["buckets"]:
        client("s3").create_bucket(Bucket=bucket)
        client("s3").put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    keys = client("kms")
    key = keys.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["KeyId"]
    keys.create_alias(AliasName=settings["macKey"], TargetKeyId=key)
    mail = client("sesv2")
    for identity in settings["senders"]:
        mail.create_email_identity(EmailIdentity=identity)
    mail.create_configuration_set(ConfigurationSetName=settings["mailConfiguration"])
    queues = client("sqs")

    def arn_of(name: str) -> str:
        # Much shorter than in AWS, so that a developer sees the next attempt. An existing queue is returned as it is.
        url = queues.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "10"})["QueueUrl"]
        return queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    for queue in settings["queues"]:
        arn_of(queue["name"])
        if queue["receives"] is not None:
            letters = arn_of(f"{queue['name']}-dead-letters")
            redrive = json.dumps({"deadLetterTargetArn": letters, "maxReceiveCount": str(queue["receives"])})
            url = queues.get_queue_url(QueueName=queue["name"])["QueueUrl"]
            queues.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": redrive})
    uploads = settings["uploads"]
    report(client("s3"), uploads["bucket"], uploads["prefix"], arn_of(uploads["queue"]))
    rule = {
        "AllowedOrigins": uploads["origins"],
        "AllowedMethods": ["GET", "PUT"],
        "AllowedHeaders": ["*"],
        "ExposeHeaders": ["ETag"],
    }
    client("s3").put_bucket_cors(Bucket=uploads["bucket"], CORSConfiguration={"CORSRules": [rule]})
    manager = client("secretsmanager")
    values = {
        "database": {"url": settings["databaseUrl"]},
        "database-owner": {"url": settings["databaseOwnerUrl"]},
        "database-retention": {"url": settings["databaseRetentionUrl"]},
        "database-backup": {"url": settings["databaseBackupUrl"]},
        "redis": {"url": settings["redisUrl"]},
        "signing-keys": kept["signing-keys"],
        "verification-keys": without_private_part(kept["signing-keys"]),
        "auth": kept["auth"],
        "encryption": kept["encryption"],
    }
    return {
        name: manager.create_secret(Name=f"{settings['prefix']}/{name}", SecretString=json.dumps(value))["ARN"]
        for name, value in values.items()
    }


def main() -> None:
    settings = json.load(sys.stdin)
    # The caller's variables for the real AWS, and for proxies, do not apply here.
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "*"
    directory = pathlib.Path(settings["directory"])
    kept = kept_secrets(directory)
    collect_mail(Mailbox(directory / "mail"))
    add_versions_to_reports()

    application = DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", settings["port"], application, threaded=True, request_handler=MotoRequestHandler)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps(seed(settings, kept)), flush=True)
    signal.pause()


main()

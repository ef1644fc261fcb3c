"""What a deployment needs. Each check yields a text for what is ok, and `Wrong` for what is not."""

from __future__ import annotations

from typing import NamedTuple

import aws
import database
import parameters
from aws import Failed
from stacks import Environment

# Lambda lets nobody reserve these.
UNRESERVED = 100
DEPLOY = "docs/deploy.md"


class Wrong(NamedTuple):
    what: str
    action: str


def stacks_of_the_account(environment: Environment):
    region, role = aws.region(), f"arches-account-cloudformation-{environment.name}"
    account = _unless_missing("ValidationError", "cloudformation", "describe-stacks", StackName="arches-account")
    if account is None and _unless_missing("NoSuchEntity", "iam", "get-role", RoleName=role):
        yield f"stack arches-account: in another region; its Regions must contain {region}"
    elif account is None:
        yield Wrong("the stack arches-account does not exist", f"deploy it once, in any region: {DEPLOY}, step 1")
    else:
        stack = account["Stacks"][0]
        given = {one["ParameterKey"]: one.get("ParameterValue", "") for one in stack.get("Parameters", [])}
        regions = given.get("Regions", "")
        if region in regions.replace(" ", "").split(","):
            yield f"stack arches-account: {stack['StackStatus']}"
        else:
            yield Wrong(f"Regions of arches-account is {regions}, without {region}", f"deploy it again with the longer list: {DEPLOY}, step 1")
    in_region = _unless_missing("ValidationError", "cloudformation", "describe-stacks", StackName="arches-region")
    if in_region is None:
        yield Wrong(f"the stack arches-region does not exist in {region}", f"deploy it: {DEPLOY}, step 1")
    else:
        yield f"stack arches-region: {in_region['Stacks'][0]['StackStatus']}"


def stacks_of_the_environment(environment: Environment):
    for stack in environment.stacks:
        if not stack.exists():
            yield f"stack {stack.full_name}: not deployed yet"
        elif stack.status == "ROLLBACK_COMPLETE":
            yield Wrong(f"{stack.full_name} failed at its creation", f"delete it before the next try: aws cloudformation delete-stack --stack-name {stack.full_name}")
        elif stack.status.endswith("_IN_PROGRESS"):
            yield Wrong(f"{stack.full_name} is changing: {stack.status}", "wait until it ends")
        elif stack.status.endswith("_FAILED"):
            yield Wrong(f"{stack.full_name} is {stack.status}", f"{DEPLOY}#roll-back")
        else:
            yield f"stack {stack.full_name}: {stack.status}"
    if environment.data.exists() and not environment.data.description.get("EnableTerminationProtection"):
        yield Wrong(
            f"{environment.data.full_name} can be deleted by mistake",
            f"aws cloudformation update-termination-protection --enable-termination-protection --stack-name {environment.data.full_name}",
        )


def concurrency(environment: Environment):
    account = aws.call("lambda", "get-account-settings")["AccountLimit"]
    wanted, free = parameters.reserved_concurrency(environment.name), account["UnreservedConcurrentExecutions"]
    own = 0
    if environment.app.exists():
        read = aws.parallel(lambda function: aws.call("lambda", "get-function-concurrency", FunctionName=function), list(environment.functions().values()))
        own = sum(one.get("ReservedConcurrentExecutions", 0) for one in aws.succeeded(read))
    missing = wanted - own + UNRESERVED - free
    text = f"concurrency: the account allows {account['ConcurrentExecutions']}, {free} are not reserved, {environment.name} reserves {wanted}"
    if missing <= 0:
        yield text
        return
    desired = account["ConcurrentExecutions"] + missing
    yield Wrong(
        f"{text}; {missing} are missing, because {UNRESERVED} must stay free",
        f"aws service-quotas request-service-quota-increase --service-code lambda --quota-code L-B99A9384 --desired-value {max(desired, 1000)}",
    )


def public_access(environment: Environment):
    found = _unless_missing("NoSuchPublicAccessBlockConfiguration", "s3control", "get-public-access-block", AccountId=aws.account())
    if found and all(found["PublicAccessBlockConfiguration"].values()):
        yield "the account blocks public buckets"
    else:
        yield Wrong("the account does not block public buckets", f"aws s3control put-public-access-block: {DEPLOY}, step 1")


def mail(environment: Environment):
    account = aws.call("sesv2", "get-account")
    if account.get("ProductionAccessEnabled"):
        yield "SES is out of its sandbox"
    else:
        yield Wrong("SES is in its sandbox: it delivers to verified addresses only", "in the console, SES, “Request production access”; it takes a day")
    if not account.get("SendingEnabled", True):
        yield Wrong("sending is paused in SES", "docs/runbooks/mail-reputation.md")
    given = parameters.of(environment.name, "app")
    name, is_created = given["MailIdentity"], given["CreateMailIdentity"] == "true"
    identity = _unless_missing("NotFoundException", "sesv2", "get-email-identity", EmailIdentity=name)
    if identity is None:
        if is_created:
            yield f"SES identity {name}: the stack app creates it"
        else:
            yield Wrong(f"SES has no identity {name}", f"create it in SES, or set CreateMailIdentity: \"true\" in infra/environments/{environment.name}/app.yaml")
        return
    records = "create its three CNAME records: the outputs MailKeyRecord1 to 3 of the stack app" if is_created else "create the records that SES names for it"
    if identity.get("VerifiedForSendingStatus"):
        yield f"SES identity {name}: verified"
    else:
        yield Wrong(f"SES has not verified {name}", records)
    dkim = identity.get("DkimAttributes", {}).get("Status", "NOT_STARTED")
    if dkim == "SUCCESS":
        yield f"mails of {name} are signed (DKIM)"
    else:
        yield Wrong(f"mails of {name} are not signed: DKIM is {dkim}", records)


def names_and_certificates(environment: Environment):
    edge, region = parameters.of(environment.name, "edge"), aws.region()
    if edge["DomainName"]:
        yield from _certificate(environment, "certificate", edge["DomainName"], region)
    else:
        yield "no DomainName: the API uses AWS's address"
    if edge["ServeSite"] == "true" and edge["SiteDomainName"]:
        # CloudFront takes certificates from there.
        yield from _certificate(environment, "site-certificate", edge["SiteDomainName"], "us-east-1")
    app = parameters.of(environment.name, "app")
    names = [name for name in (edge["DomainName"], edge["SiteDomainName"]) if name]
    for zone, parameter, needed in ((edge["HostedZoneId"], "HostedZoneId", names), (app["MailZoneId"], "MailZoneId", [app["MailIdentity"]])):
        if not zone:
            yield f"no {parameter}: you create the records of {', '.join(needed) or 'no name'}"
            continue
        found = _unless_missing("NoSuchHostedZone", "route53", "get-hosted-zone", Id=zone)
        if found is None:
            yield Wrong(f"there is no hosted zone {zone} ({parameter})", "aws route53 list-hosted-zones")
            continue
        domain = found["HostedZone"]["Name"].rstrip(".")
        for name in needed:
            if name == domain or name.endswith(f".{domain}"):
                yield f"hosted zone {domain} has {name}"
            else:
                yield Wrong(f"{name} is not in the hosted zone {domain} ({parameter})", "set the zone of the name, or none")


def _certificate(environment: Environment, parameter: str, name: str, region: str):
    path = f"/arches/{environment.name}/edge/{parameter}"
    found = _unless_missing("ParameterNotFound", "ssm", "get-parameter", Name=path)
    if found is None:
        yield Wrong(f"no certificate of {name}: the parameter {path} is missing", "infra/edge/README.md#certificates")
        return
    arn = found["Parameter"]["Value"]
    if arn.split(":")[3:4] != [region]:
        yield Wrong(f"the certificate of {name} is not in {region}: {arn}", f"request one in {region}: infra/edge/README.md#certificates")
        return
    answer = _unless_missing("ResourceNotFoundException", "acm", "describe-certificate", region=region, CertificateArn=arn)
    if answer is None:
        yield Wrong(f"{path} names a certificate that does not exist: {arn}", "infra/edge/README.md#certificates")
        return
    certificate = answer["Certificate"]
    covered = {certificate["DomainName"], *certificate.get("SubjectAlternativeNames", [])}
    if name not in covered and f"*.{name.split('.', 1)[-1]}" not in covered:
        yield Wrong(f"the certificate {arn} is for {', '.join(sorted(covered))}, not for {name}", "infra/edge/README.md#certificates")
    elif certificate["Status"] != "ISSUED":
        yield Wrong(f"the certificate of {name} is {certificate['Status']}", "create the record that proves the name: infra/edge/README.md#certificates")
    else:
        yield f"certificate of {name}: issued"


def prefix_list(environment: Environment):
    given, name = parameters.of(environment.name, "network")["S3PrefixList"], f"com.amazonaws.{aws.region()}.s3"
    lists = aws.call("ec2", "describe-managed-prefix-lists", Filters=[{"Name": "prefix-list-name", "Values": [name]}])["PrefixLists"]
    if any(one["PrefixListId"] == given for one in lists):
        yield f"S3PrefixList is that of {aws.region()}"
    else:
        known = ", ".join(one["PrefixListId"] for one in lists) or "unknown"
        yield Wrong(f"S3PrefixList is {given}; that of {aws.region()} is {known}", f"set it in infra/environments/{environment.name}/network.yaml")


def database_version(environment: Environment):
    version, engine = parameters.of(environment.name, "data")["EngineVersion"], database.engine(environment.name)
    service = "Aurora" if engine.startswith("aurora") else "RDS"
    found = aws.call("rds", "describe-db-engine-versions", Engine=engine, EngineVersion=version).get("DBEngineVersions", [])
    if found:
        yield f"{service} has PostgreSQL {version} in {aws.region()}"
    else:
        yield Wrong(f"{service} has no PostgreSQL {version} in {aws.region()}", f"take another region, or a version of `aws rds describe-db-engine-versions --engine {engine}`")


def secrets_of_people(environment: Environment):
    if not environment.data.exists():
        yield "secrets that people fill: the stack data creates them"
        return
    needed = {"model": f"write the key of the model: {DEPLOY}#the-model"}
    if parameters.of(environment.name, "app")["SignInProviders"]:
        needed["oauth"] = "write the client secrets of the providers: docs/operations/providers.md"
    folder = parameters.of(environment.name, "data")["SecretsFolder"]
    for name, action in needed.items():
        secret = f"arches/{environment.name}/{folder}{name}"
        if aws.call("secretsmanager", "describe-secret", SecretId=secret).get("VersionIdsToStages"):
            yield f"secret {secret} has a value"
        else:
            yield Wrong(f"the secret {secret} is empty", action)


def copies_of_secrets(environment: Environment):
    region = environment.data.parameters.get("ReplicaRegion") if environment.data.exists() else ""
    if not region:
        yield "secrets are not copied to a second region"
        return
    prefix = f"arches/{environment.name}/"
    for secret in aws.call("secretsmanager", "list-secrets", Filters=[{"Key": "name", "Values": [prefix]}])["SecretList"]:
        described = aws.call("secretsmanager", "describe-secret", SecretId=secret["ARN"])
        # Only a value is copied.
        if not described.get("VersionIdsToStages"):
            continue
        for copy in described.get("ReplicationStatus", []):
            what = f"the copy of the secret {described['Name']} in {copy['Region']} is {copy['Status']}"
            if copy["Status"] == "InSync":
                yield what
            else:
                reason = copy.get("StatusMessage", "no reason")
                yield Wrong(f"{what}: {reason}", "if it is InProgress, wait; otherwise correct the cause and write the value again: docs/operations/second-region.md#check-it")


def notifications(environment: Environment):
    if not environment.observability.exists():
        yield "alarms: the stack observability creates their topic"
        return
    topic = environment.observability.id("AlarmTopic")
    found = aws.call("sns", "list-subscriptions-by-topic", TopicArn=topic).get("Subscriptions", [])
    pending = [one["Endpoint"] for one in found if one["SubscriptionArn"] == "PendingConfirmation"]
    for endpoint in pending:
        yield Wrong(f"{endpoint} gets no alarm: its subscription is not confirmed", "open the link in the mail of SNS")
    confirmed = [one["Endpoint"] for one in found if one["Endpoint"] not in pending]
    if confirmed:
        yield f"alarms go to {', '.join(confirmed)}"
    elif not pending:
        yield Wrong("nobody gets an alarm: the topic has no subscription", f"deploy it again: infra/deploy.sh {environment.name} observability")


def _unless_missing(code: str, service: str, operation: str, **arguments):
    """Calls an operation. Returns None if it answers with this code, which means that the thing does not exist."""
    try:
        return aws.call(service, operation, **arguments)
    except Failed as error:
        if error.code == code and (code != "ValidationError" or "does not exist" in error.text):
            return None
        raise


CHECKS = [
    stacks_of_the_account,
    stacks_of_the_environment,
    concurrency,
    public_access,
    mail,
    names_and_certificates,
    prefix_list,
    database_version,
    secrets_of_people,
    copies_of_secrets,
    notifications,
]

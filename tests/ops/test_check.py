"""infra/ops check: what a deployment needs. In the account of these tests everything is right, except what a test breaks."""

import re
import unittest
from typing import Any

from account import NUMBER, ROOT, Account, error
from environments import App, ready, sentence

CERTIFICATE = f"arn:aws:acm:eu-west-1:{NUMBER}:certificate/1"
SITE_CERTIFICATE = f"arn:aws:acm:us-east-1:{NUMBER}:certificate/2"


def parameter(stack: str, name: str) -> str:
    text = (ROOT / f"infra/environments/staging/{stack}.yaml").read_text()
    return next(line.split(": ", 1)[1].strip('"') for line in text.splitlines() if line.startswith(f"{name}:"))


def reserved(account: Account) -> int:
    """Returns how many concurrent executions the environment reserves, by its own words."""
    return int(re.search(r"reserves (\d+)", account.run("check").out)[1])


class Place:
    """An account that is ready for staging. A test changes an answer, and looks for its line."""

    def __init__(self, account: Account) -> None:
        self.account = account
        account.add_stack("arches-account", parameters={"Regions": "eu-west-1,us-west-2"})
        account.add_stack("arches-region")
        self.limits = {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 1000}
        self.mail = {"ProductionAccessEnabled": True, "SendingEnabled": True}
        self.identity = {"VerifiedForSendingStatus": True, "DkimAttributes": {"Status": "SUCCESS"}}
        self.certificates = {
            CERTIFICATE: {"DomainName": "api.staging.archesai.com", "Status": "ISSUED"},
            SITE_CERTIFICATE: {"DomainName": "*.staging.archesai.com", "Status": "ISSUED"},
        }
        self.prefix = parameter("network", "S3PrefixList")
        self.versions = [{"EngineVersion": "18.4"}]
        ssm = account.client("ssm")
        ssm.put_parameter(Name="/arches/staging/edge/certificate", Type="String", Value=CERTIFICATE)
        ssm.put_parameter(Name="/arches/staging/edge/site-certificate", Type="String", Value=SITE_CERTIFICATE)
        blocked = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
        account.on("s3control", "get-public-access-block", lambda _: {"PublicAccessBlockConfiguration": blocked})
        account.on("lambda", "get-account-settings", lambda _: {"AccountLimit": self.limits})
        account.on("sesv2", "get-account", lambda _: self.mail)
        account.on("sesv2", "get-email-identity", lambda _: self.answer(self.identity, "NotFoundException"))
        account.on("acm", "describe-certificate", lambda given: {"Certificate": self.answer(self.certificates.get(given["CertificateArn"]), "ResourceNotFoundException")})
        account.on("ec2", "describe-managed-prefix-lists", lambda _: {"PrefixLists": [{"PrefixListId": self.prefix}]})
        account.on("rds", "describe-db-engine-versions", lambda _: {"DBEngineVersions": self.versions})

    @staticmethod
    def answer(found: Any, code: str) -> Any:
        if not found:
            raise error(code, "there is no such thing")
        return found

    def wrong(self) -> tuple[int, str]:
        """Returns the exit code, and the lines about what is wrong."""
        done = self.account.run("check")
        lines = done.out.splitlines()
        return done.code, "\n".join(line for line in lines if line.startswith(("WRONG", "       →")))


class Check(unittest.TestCase):
    def test_account_that_is_ready_has_nothing_wrong(self) -> None:
        with Account() as account:
            place = Place(account)
            done = account.run("check")
            self.assertEqual(done.code, 0, done)
            self.assertIn("All is ok.", done.out)
            for part in ("signed in as arn:aws", "the account allows 1000", "certificate of app.staging.archesai.com: issued", "is that of eu-west-1"):
                self.assertIn(part, done.out)
            # CloudFront's certificate is asked for in its own region.
            regions = {call.arguments["CertificateArn"]: call.words[call.words.index("--region") + 1] for call in account.calls if call.service == "acm"}
            self.assertEqual(regions, {CERTIFICATE: "eu-west-1", SITE_CERTIFICATE: "us-east-1"})
            self.assertEqual(place.wrong(), (0, ""))

    def test_each_thing_that_is_wrong_is_named_with_what_to_do(self) -> None:
        for change, what, action in (
            (lambda place: place.limits.update(UnreservedConcurrentExecutions=10, ConcurrentExecutions=10), "are missing, because 100 must stay free", "request-service-quota-increase"),
            (lambda place: place.mail.update(ProductionAccessEnabled=False), "SES is in its sandbox", "Request production access"),
            (lambda place: place.identity.update(VerifiedForSendingStatus=False), "SES has not verified staging.archesai.com", "MailKeyRecord1"),
            (lambda place: place.identity.update(DkimAttributes={"Status": "PENDING"}), "DKIM is PENDING", "MailKeyRecord1"),
            (lambda place: place.certificates[CERTIFICATE].update(Status="PENDING_VALIDATION"), "is PENDING_VALIDATION", "create the record"),
            (lambda place: place.certificates[CERTIFICATE].update(DomainName="api.archesai.com"), "not for api.staging.archesai.com", "infra/edge/README.md"),
            (lambda place: place.certificates.pop(SITE_CERTIFICATE), "names a certificate that does not exist", "infra/edge/README.md"),
            (lambda place: place.account.client("ssm").delete_parameter(Name="/arches/staging/edge/certificate"), "no certificate of api.staging", "infra/edge/README.md"),
            (lambda place: place.account.client("ssm").put_parameter(Name="/arches/staging/edge/site-certificate", Value=CERTIFICATE, Overwrite=True), "not in us-east-1", "request one in us-east-1"),
            (lambda place: setattr(place, "prefix", "pl-1"), "that of eu-west-1 is pl-1", "network.yaml"),
            (lambda place: place.versions.clear(), "Aurora has no PostgreSQL 18.4", "describe-db-engine-versions"),
            (lambda place: place.account.stacks.pop("arches-region"), "the stack arches-region does not exist", "docs/deploy.md, step 1"),
            (lambda place: place.account.stacks.pop("arches-account"), "the stack arches-account does not exist", "docs/deploy.md, step 1"),
            (lambda place: place.account.stacks["arches-account"].update(Parameters=[]), "without eu-west-1", "the longer list"),
            (lambda place: place.account.add_stack("app", "ROLLBACK_COMPLETE"), "failed at its creation", "delete-stack --stack-name arches-staging-app"),
            (lambda place: place.account.fail("s3control", "get-public-access-block", "NoSuchPublicAccessBlockConfiguration"), "does not block public buckets", "put-public-access-block"),
        ):
            with self.subTest(what), Account() as account:
                place = Place(account)
                change(place)
                code, wrong = place.wrong()
                self.assertEqual(code, 1)
                self.assertEqual(wrong.count("WRONG"), 1, wrong)
                self.assertIn(what, wrong)
                self.assertIn(action, wrong)

    def test_what_may_not_be_read_is_unknown_and_the_rest_is_checked(self) -> None:
        with Account() as account:
            place = Place(account)
            account.fail("sesv2", "get-account", "AccessDeniedException", "not authorized to perform: ses:GetAccount")
            code, wrong = place.wrong()
            self.assertEqual(code, 1)
            self.assertIn("mail: unknown\n       → no permission for ses:GetAccount", wrong)
            self.assertEqual(wrong.count("WRONG"), 1)

    def test_reservations_of_the_running_app_are_not_counted_twice(self) -> None:
        with Account() as account, ready() as site:
            place = Place(account)
            app = App(account, site, functions=["index", "extract"])
            for function, number in (("Index", 14), ("Extract", reserved(account) - 14)):
                account.client("lambda").put_function_concurrency(FunctionName=app.names[function], ReservedConcurrentExecutions=number)
            place.limits["UnreservedConcurrentExecutions"] = 100
            self.assertEqual(place.wrong(), (0, ""))
            place.limits["UnreservedConcurrentExecutions"] = 99
            self.assertIn("1 are missing", place.wrong()[1])

    def test_deployed_environment_needs_its_keys_and_its_protection_and_a_reader_of_alarms(self) -> None:
        with Account() as account:
            place = Place(account)
            for stack in ("data", "observability"):
                account.add_stack(stack)
            account.stacks["arches-staging-data"]["EnableTerminationProtection"] = False
            topic = account.client("sns").create_topic(Name="alarms")["TopicArn"]
            account.add_resource("observability", "AlarmTopic", "AWS::SNS::Topic", topic)
            account.on("secretsmanager", "describe-secret", lambda given: {"Name": given["SecretId"]})
            code, wrong = place.wrong()
            self.assertEqual(code, 1)
            for part in ("can be deleted by mistake", "the secret arches/staging/model is empty", "nobody gets an alarm"):
                self.assertIn(part, wrong)
            account.on("sns", "list-subscriptions-by-topic", lambda _: {"Subscriptions": [{"Endpoint": "a@example.org", "SubscriptionArn": "PendingConfirmation"}]})
            self.assertIn("a@example.org gets no alarm: its subscription is not confirmed", place.wrong()[1])

    def test_copies_of_secrets_that_are_not_in_sync_are_named_with_the_reason(self) -> None:
        secrets = {
            "auth": {"VersionIdsToStages": {"1": ["AWSCURRENT"]}, "ReplicationStatus": [{"Region": "eu-central-1", "Status": "InSync"}]},
            "model": {"VersionIdsToStages": {"1": ["AWSCURRENT"]}, "ReplicationStatus": [{"Region": "eu-central-1", "Status": "Failed", "StatusMessage": "no access to the key"}]},
            # Without a value, there is nothing to copy.
            "monitoring": {"ReplicationStatus": [{"Region": "eu-central-1", "Status": "Failed"}]},
            "redis": {"VersionIdsToStages": {"1": ["AWSCURRENT"]}},
        }
        for region in ("eu-central-1", ""):
            with self.subTest(region), Account() as account:
                place = Place(account)
                account.add_stack("data", parameters={"ReplicaRegion": region})
                account.on("secretsmanager", "list-secrets", lambda _: {"SecretList": [{"ARN": f"arches/staging/{name}"} for name in secrets]})
                account.on("secretsmanager", "describe-secret", lambda given: {"Name": given["SecretId"], **secrets[given["SecretId"].split("/")[-1]]})
                done, (code, wrong) = account.run("check"), place.wrong()
                if not region:
                    self.assertEqual((code, wrong), (0, ""))
                    self.assertIn("ok     secrets are not copied", done.out)
                    continue
                self.assertEqual((code, wrong.count("WRONG")), (1, 1), wrong)
                self.assertIn("the copy of the secret arches/staging/model in eu-central-1 is Failed: no access to the key", wrong)
                self.assertIn("ok     the copy of the secret arches/staging/auth in eu-central-1 is InSync", done.out)
                self.assertNotIn("monitoring", done.out)

    def test_account_stack_may_be_in_another_region(self) -> None:
        with Account() as account:
            place = Place(account)
            del account.stacks["arches-account"]
            account.client("iam").create_role(RoleName="arches-account-cloudformation-staging", AssumeRolePolicyDocument="{}")
            self.assertEqual(place.wrong(), (0, ""))

    def test_small_environment_needs_an_instance_and_its_own_reservations(self) -> None:
        with Account("small") as account:
            place = Place(account)
            self.assertIn("ok     RDS has PostgreSQL 18.4 in eu-west-1", account.run("check").out)
            self.assertEqual(account.made("rds", "describe-db-engine-versions"), [{"Engine": "postgres", "EngineVersion": "18.4"}])
            place.versions.clear()
            place.limits.update(UnreservedConcurrentExecutions=reserved(account) + 99)
            wrong = place.wrong()[1]
            self.assertIn("RDS has no PostgreSQL 18.4", wrong)
            self.assertIn("1 are missing", wrong)

    def test_check_without_a_session_says_only_that(self) -> None:
        with Account() as account:
            Place(account)
            account.fail("sts", "get-caller-identity", "ExpiredToken", "expired")
            done = account.run("check")
            self.assertEqual(done.code, 1)
            self.assertIn("not signed in to AWS", done.err)
            self.assertNotIn("WRONG", sentence(done.out))


if __name__ == "__main__":
    unittest.main()

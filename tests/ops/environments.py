"""An environment whose app is deployed: the functions of infra/app/functions, with versions and aliases in moto's Lambda."""

from __future__ import annotations

import io
import re
import zipfile

from account import NUMBER, REGION, ROOT, Account, Site

FUNCTIONS = sorted(path.stem for path in (ROOT / "infra/app/functions").glob("*.yaml"))


def logical(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("-"))


def code(text: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("bootstrap", text)
    return file.getvalue()


class App:
    """The app of an account after some releases. Each release published a version of every function; `live` is at the last one."""

    def __init__(self, account: Account, site: Site, releases: tuple[str, ...] = ("v1", "v2"), functions: list[str] | None = None) -> None:
        self.account, self.functions = account, functions or FUNCTIONS
        self.lambdas = account.client("lambda")
        role = account.client("iam").create_role(RoleName="any", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        account.add_stack("app", outputs={"ApiUrl": site.url}, parameters={"AppVersion": releases[-1]})
        account.add_resource("app", "ServerlessDeploymentApplication", "AWS::CodeDeploy::Application", "arches-app-1")
        self.running: list[dict] = []  # deployments of CodeDeploy
        account.on("deploy", "list-deployments", lambda _: {"deployments": [one["deploymentId"] for one in self.running]})
        account.on("deploy", "batch-get-deployments", lambda given: {"deploymentsInfo": [one for one in self.running if one["deploymentId"] in given["deploymentIds"]]})
        account.on("deploy", "stop-deployment", self._stop)
        self.names: dict[str, str] = {}
        for name in self.functions:
            self._create(name, role, releases)

    def _create(self, name: str, role: str, releases: tuple[str, ...]) -> None:
        physical = self.names[logical(name)] = f"arches-{self.account.environment}-app-{logical(name)}-AbC1"
        self.lambdas.create_function(
            FunctionName=physical, Runtime="provided.al2023", Role=role, Handler="bootstrap", Code={"ZipFile": code("")}
        )
        self.account.add_resource("app", logical(name), "AWS::Lambda::Function", physical)
        for release in releases:
            self.publish(logical(name), release)
        self.lambdas.create_alias(FunctionName=physical, Name="live", FunctionVersion=str(len(releases)))

    def publish(self, function: str, release: str) -> None:
        # moto publishes no version of code that has one already.
        self.lambdas.update_function_code(FunctionName=self.names[function], ZipFile=code(release))
        self.lambdas.publish_version(FunctionName=self.names[function], Description=release)

    def release(self, release: str) -> None:
        """Deploys a release: `live` of every function moves to its newest version."""
        for function, physical in self.names.items():
            self.publish(function, release)
            versions = self.lambdas.list_versions_by_function(FunctionName=physical)["Versions"]
            self.point(function, max(int(one["Version"]) for one in versions if one["Version"] != "$LATEST"))

    def point(self, function: str, version: int, weights: dict | None = None) -> None:
        routing = {"AdditionalVersionWeights": weights or {}}
        self.lambdas.update_alias(FunctionName=self.names[function], Name="live", FunctionVersion=str(version), RoutingConfig=routing)

    def live(self) -> dict[str, str]:
        """Returns the release of each function that serves, and `canary` if others get requests too."""
        found = {}
        for function, physical in self.names.items():
            alias = self.lambdas.get_alias(FunctionName=physical, Name="live")
            weights = alias.get("RoutingConfig", {}).get("AdditionalVersionWeights")
            versions = self.lambdas.list_versions_by_function(FunctionName=physical)["Versions"]
            release = next(one["Description"] for one in versions if one["Version"] == alias["FunctionVersion"])
            found[function] = f"{release} canary" if weights else release
        return found

    def deploy_canary(self, function: str) -> str:
        """Begins a deployment of CodeDeploy. Returns its id."""
        deployment = f"d-{len(self.running) + 1:09}"
        self.running.append({"deploymentId": deployment, "applicationName": "arches-app-1", "deploymentGroupName": f"{function}DeploymentGroup"})
        return deployment

    def _stop(self, given: dict) -> dict:
        if not given["autoRollbackEnabled"]:
            raise AssertionError("a stopped deployment leaves its canary")
        self.running[:] = [one for one in self.running if one["deploymentId"] != given["deploymentId"]]
        return {"status": "Pending"}

    def queue(self, name: str, stack: str = "app", **attributes: str) -> str:
        """Creates a queue of a stack; returns its URL."""
        url = self.account.client("sqs").create_queue(QueueName=f"{name}-1", Attributes=attributes)["QueueUrl"]
        self.account.add_resource(stack, name, "AWS::SQS::Queue", url)
        return url


def functions_arn(physical: str) -> str:
    return f"arn:aws:lambda:{REGION}:{NUMBER}:function:{physical}:live"


def runbook_names() -> set[str]:
    return {path.stem for path in (ROOT / "docs/runbooks").glob("*.md")}


def ready() -> Site:
    return Site({"/ready": (200, {"status": "ready"})})


def sentence(text: str) -> str:
    """Without the places where lines are broken, and the widths of columns."""
    return re.sub(r"\s+", " ", text)

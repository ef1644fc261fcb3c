"""AWS's own schemas of resource types, as cfn-lint ships them: what a type takes, returns, and what making it calls."""

import copy
import functools
import json
import pathlib
from collections.abc import Iterator
from typing import Any

import cfnlint
from jsonschema import Draft7Validator

SCHEMAS = pathlib.Path(cfnlint.__file__).parent / "data/schemas"

# The schemas have one entry each for these parts of an identifier, but `Ref` returns another part.
REFS = {"AWS::EC2::EIP": "PublicIp"}

# Forms of generated values, by type and property. Other generated values are a name that is unlike any other.
FORMS = {
    "AWS::CloudFront::Function": {"FunctionARN": "arn:aws:cloudfront::{account}:function/{name}"},
    "AWS::EC2::InternetGateway": {"InternetGatewayId": "igw-{hash}"},
    "AWS::EC2::EIP": {"PublicIp": "198.51.100.7", "AllocationId": "eipalloc-{hash}"},
    "AWS::EC2::RouteTable": {"RouteTableId": "rtb-{hash}"},
    "AWS::EC2::SecurityGroup": {"Id": "sg-{hash}", "GroupId": "sg-{hash}"},
    "AWS::EC2::Subnet": {"SubnetId": "subnet-{hash}"},
    "AWS::EC2::VPC": {"VpcId": "vpc-{hash}", "Ipv6CidrBlocks": ["2001:db8:0:1000::/56"]},
    "AWS::EC2::EgressOnlyInternetGateway": {"Id": "eigw-{hash}"},
    "AWS::IAM::ManagedPolicy": {"PolicyArn": "arn:aws:iam::{account}:policy/{name}"},
    "AWS::IAM::OIDCProvider": {"Arn": "arn:aws:iam::{account}:oidc-provider/{name}"},
    "AWS::IAM::Role": {"Arn": "arn:aws:iam::{account}:role/{name}"},
    "AWS::KMS::Key": {"KeyId": "{uuid}", "Arn": "arn:aws:kms:{region}:{account}:key/{uuid}"},
    "AWS::KMS::ReplicaKey": {"KeyId": "{uuid}", "Arn": "arn:aws:kms:{region}:{account}:key/{uuid}"},
    "AWS::Lambda::Alias": {"AliasArn": "arn:aws:lambda:{region}:{account}:function:{FunctionName}:{Name}"},
    "AWS::Lambda::Function": {"Arn": "arn:aws:lambda:{region}:{account}:function:{name}"},
    "AWS::Lambda::LayerVersion": {"LayerVersionArn": "arn:aws:lambda:{region}:{account}:layer:{name}:1"},
    "AWS::Lambda::Version": {
        "FunctionArn": "arn:aws:lambda:{region}:{account}:function:{FunctionName}:{number}",
        "Version": "{number}",
    },
    "AWS::Logs::LogGroup": {"Arn": "arn:aws:logs:{region}:{account}:log-group:{name}:*"},
    "AWS::RDS::DBCluster": {"MasterUserSecret.SecretArn": "arn:aws:secretsmanager:{region}:{account}:secret:rds!{name}"},
    "AWS::RDS::DBInstance": {"MasterUserSecret.SecretArn": "arn:aws:secretsmanager:{region}:{account}:secret:rds!{name}"},
    "AWS::RDS::DBProxy": {"DBProxyArn": "arn:aws:rds:{region}:{account}:db-proxy:prx-{hash}"},
    "AWS::S3::Bucket": {"Arn": "arn:aws:s3:::{name}", "RegionalDomainName": "{name}.s3.{region}.amazonaws.com"},
    "AWS::SNS::Topic": {"TopicArn": "arn:aws:sns:{region}:{account}:{name}"},
    "AWS::SQS::Queue": {
        "QueueUrl": "https://sqs.{region}.amazonaws.com/{account}/{name}",
        "Arn": "arn:aws:sqs:{region}:{account}:{name}",
    },
    "AWS::SecretsManager::Secret": {"Id": "arn:aws:secretsmanager:{region}:{account}:secret:{name}"},
    "AWS::WAFv2::WebACL": {"Arn": "arn:aws:wafv2:{region}:{account}:regional/webacl/{name}/{uuid}"},
}

# Names that no second resource may have, although AWS generates the identifier.
UNIQUE = {
    "AWS::CloudFront::CachePolicy": "CachePolicyConfig.Name",
    "AWS::CloudFront::Function": "Name",
    "AWS::CloudFront::OriginAccessControl": "OriginAccessControlConfig.Name",
    "AWS::CloudFront::ResponseHeadersPolicy": "ResponseHeadersPolicyConfig.Name",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::OIDCProvider": "Url",
    "AWS::SecretsManager::Secret": "Name",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::WAFv2::WebACL": "Name",
}


class Schema:
    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.type = document["typeName"]
        self.identifier = [path.removeprefix("/properties/") for path in document["primaryIdentifier"]]
        self.read_only = {self._dotted(path) for path in document.get("readOnlyProperties", [])}
        self.create_only = {self._dotted(path).split(".")[0] for path in document.get("createOnlyProperties", [])}
        self._validator = Draft7Validator(document)

    @staticmethod
    def _dotted(path: str) -> str:
        return path.removeprefix("/properties/").replace("/", ".")

    def returned_by_ref(self) -> str:
        """Returns the property that `Ref` returns. Of several, the generated one, otherwise the last."""
        generated = [name for name in self.identifier if name in self.read_only]
        return REFS.get(self.type) or [*self.identifier, *generated][-1]

    def has_attribute(self, name: str) -> bool:
        """Tells whether `Fn::GetAtt` can return it: what AWS generates, and what it was made with."""
        return name in self.read_only or name.split(".")[0] in self.document["properties"]

    def permissions(self) -> dict[str, set[str]]:
        """Returns the actions that each handler calls. A type without handlers declares none."""
        handlers = self.document.get("handlers", {}).items()
        return {handler: set(declared["permissions"]) for handler, declared in handlers}

    def problems(self, properties: dict[str, Any]) -> Iterator[str]:
        """Returns what AWS would refuse. Converts numbers, booleans and text as CloudFormation does."""
        properties = copy.deepcopy(properties)
        for _ in range(1000):
            errors = list(self._validator.iter_errors(properties))
            if not any([_converted(properties, leaf) for error in errors for leaf in _leaves(error)]):
                break
        for error in errors:
            message = error.message if len(error.message) < 300 else f"{error.message[:150]}…{error.message[-150:]}"
            yield f"{'/'.join(map(str, error.absolute_path))}: {message}"


def _leaves(error: Any) -> Iterator[Any]:
    if error.context:
        for inner in error.context:
            yield from _leaves(inner)
    else:
        yield error


def _converted(properties: dict[str, Any], error: Any) -> bool:
    """Converts the value of a wrong type in place. Returns false if it cannot be converted."""
    if error.validator != "type" or not error.absolute_path:
        return False
    *parents, last = error.absolute_path
    place = functools.reduce(lambda value, key: value[key], parents, properties)
    wanted = error.validator_value if isinstance(error.validator_value, list) else [error.validator_value]
    # An earlier conversion may have changed it.
    if place[last] is not error.instance:
        return False
    for kind in wanted:
        try:
            place[last] = _as(kind, place[last])
            return True
        except (ValueError, KeyError):
            continue
    return False


def _as(kind: str, value: Any) -> Any:
    if isinstance(value, str) and kind == "boolean":
        return {"true": True, "false": False}[value.lower()]
    if isinstance(value, str) and kind in ("integer", "number"):
        return int(value) if kind == "integer" else float(value)
    if kind == "string" and isinstance(value, (bool, int, float)):
        return str(value).lower() if isinstance(value, bool) else str(value)
    raise ValueError(kind)


@functools.cache
def _types(region: str) -> dict[str, str]:
    return json.loads((SCHEMAS / f"providers/{region}.json").read_text())


@functools.cache
def schema(kind: str, region: str) -> Schema:
    """Returns the schema of a type. Raises KeyError if the region does not have the type."""
    text = (SCHEMAS / f"resources/{_types(region)[kind]}.json").read_text()
    # Python's regular expressions have no classes of Unicode.
    for java, python in {r"\\p{L}": r"\\w", r"\\p{N}": "0-9", r"\\p{Z}": r"\\s"}.items():
        text = text.replace(java, python)
    return Schema(json.loads(text))

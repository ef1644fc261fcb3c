"""docs/operations/ops.md agrees with the code."""

import ast
import re
import unittest

from botocore import xform_name
from botocore.session import Session

from account import ROOT, SERVICES

SOURCES = sorted((ROOT / "infra/ops").rglob("*.py"))
READS = re.compile(r"(describe|get|list|head|batch-get|lookup)-|logs (start-query|filter-log-events)")
# Where the permission has another name than the operation.
PERMISSIONS = {"s3:CopyObject": "s3:PutObject", "apigateway:UpdateStage": "apigateway:PATCH"}


def permission(service: str, operation: str) -> str:
    """lambda update-alias → lambda:UpdateAlias"""
    name = SERVICES.get(service, service)
    operations = {xform_name(one, "-"): one for one in Session().get_service_model(name).operation_names}
    found = f"{name}:{operations[operation]}"
    return PERMISSIONS.get(found, found)


class Documented(unittest.TestCase):
    def test_permissions_are_those_of_the_calls_that_change_something(self) -> None:
        called = set()
        for path in SOURCES:
            text = path.read_text()
            if re.search(r"aws\.invoke", text):
                called.add("lambda:InvokeFunction")
            for service, operation in re.findall(r'\baws\.call\(\s*"([a-z0-9]+)",\s*"([a-z-]+)"', text):
                if not READS.match(operation) and not READS.match(f"{service} {operation}"):
                    called.add(permission(service, operation))
        page = (ROOT / "docs/operations/ops.md").read_text().split("## Permissions")[1].split("\n## ")[0]
        rows = [row for row in page.splitlines() if row.startswith("| `")]
        listed = set(re.findall(r"`([a-z0-9]+:\w+)`", "".join(rows)))
        # Needed by AWS itself, or to read a value.
        self.assertEqual(listed - {"iam:PassRole", "sqs:SendMessage", "secretsmanager:GetSecretValue"}, called)

    def test_calls_name_their_operation_where_this_test_can_read_it(self) -> None:
        # Otherwise a call could change something without a line in the table.
        for path in SOURCES:
            for node in ast.walk(ast.parse(path.read_text(), feature_version=(3, 9))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "call" and getattr(node.func.value, "id", "") == "aws":
                    is_literal = all(isinstance(one, ast.Constant) for one in node.args[:2])
                    is_wrapper = path.name in ("preflight.py", "leftovers.py") and isinstance(node.args[0], ast.Name)
                    self.assertTrue(is_literal or is_wrapper, f"{path}:{node.lineno}")

    def test_wrappers_only_read(self) -> None:
        for name in ("preflight.py", "leftovers.py"):
            text = (ROOT / "infra/ops" / name).read_text()
            for operation in re.findall(r'_(?:unless_missing|found|exists)\((?:"\w+", )?"[a-z0-9]+", "([a-z-]+)"', text):
                self.assertRegex(operation, READS)


if __name__ == "__main__":
    unittest.main()

"""The operator's tool: python3 infra/ops <command> --environment <environment>"""

import sys

if sys.version_info < (3, 9):
    sys.exit("infra/ops needs Python 3.9 or newer")
sys.dont_write_bytecode = True

import argparse  # noqa: E402
import importlib  # noqa: E402

import aws  # noqa: E402
import stacks  # noqa: E402
from commands import COMMANDS  # noqa: E402


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="python3 infra/ops",
        description="Runs an environment of Arches. Calls the AWS CLI 2 with its credentials, in AWS_REGION.",
        epilog="`python3 infra/ops <command> --help` has examples. docs/operations/ops.md says which permissions each command needs."
        " Exit code: 0 done, 1 failed or something is wrong, 2 invalid arguments.",
    )
    found = top.add_subparsers(dest="command", metavar="<command>", required=True)
    for name in COMMANDS:
        module = importlib.import_module(f"commands.{name.replace('-', '_')}")
        examples = "\n".join(f"  python3 infra/ops {name} {one}" for one in module.EXAMPLES)
        one = found.add_parser(
            name,
            help=module.HELP,
            description=module.__doc__,
            epilog=f"examples:\n{examples}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        one.add_argument("--environment", required=True, choices=stacks.environments(), help="there is no default")
        module.arguments(one)
        one.set_defaults(run=module.run)
    return top


def main() -> int:
    given = parser().parse_args()
    try:
        return given.run(stacks.Environment(given.environment), given) or 0
    except aws.Failed as error:
        print(f"✗ {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\n✗ interrupted: run the same command again to continue", file=sys.stderr)
    except BrokenPipeError:  # the reader of a pipe, such as `head`, has ended
        sys.stderr.close()
    return 1


if __name__ == "__main__":
    sys.exit(main())

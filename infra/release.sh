#!/bin/sh
# Deploys all stacks of an environment, in the order of their dependencies, then the console: infra/release.sh <environment> <version> [<option of sam deploy>…]
#
# A stack without changes is not updated. --no-execute-changeset shows the changes only; the app's then follow from the other stacks as they are.
set -eu
[ $# -ge 2 ] || { sed -n '2,4s/^# \{0,1\}//p' "$0" >&2 && exit 2; }
environment=$1 version=$2
shift 2
deploy=$(dirname "$0")/deploy.sh
for stack in network data observability; do "$deploy" "$environment" $stack "$@"; done
"$deploy" "$environment" app "$version" "$@"
"$deploy" "$environment" edge "$@"
case " $* " in *' --no-execute-changeset '*) exit ;; esac
"$(dirname "$0")/console.sh" "$environment"

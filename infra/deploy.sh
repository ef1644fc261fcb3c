#!/bin/sh
# Deploys a stack of an environment: infra/deploy.sh <environment> <stack> [<version>] [<option of sam deploy>…]
#
# The app needs a version, and `sam build` first. When app and edge are both deployed, a deployment of either succeeds
# only if /ready answers 200. --no-execute-changeset shows the changes only.
set -eu
cd "$(dirname "$0")/.."
usage() {
    sed -n '2,5s/^# \{0,1\}//p' "$0" >&2
    echo "environments and stacks: $(cd infra/environments && echo */*.yaml)" >&2
    exit 2
}
[ $# -ge 2 ] || usage
environment=$1 stack=$2
parameters=infra/environments/$environment/$stack.yaml
[ -f "$parameters" ] || usage
shift 2
case $stack in
app)
    case ${1-} in '' | -*) usage ;; esac
    template=.aws-sam/build/template.yaml version=AppVersion=$1
    shift
    ;;
*) template=infra/stacks/$stack.yaml version= ;;
esac

# Prints a value of a stack; nothing if the stack does not exist. Any other failure is an error: the stack may exist.
described() {
    if ! aws cloudformation describe-stacks --stack-name "arches-$environment-$1" \
        --query "Stacks[0].$2" --output text 2>"$scratch/error"; then
        grep -q 'does not exist' "$scratch/error" || { cat "$scratch/error" >&2 && return 1; }
    fi
}

# The stacks account and region define the names of the deploy role and of the bucket for builds.
caller=$(aws sts get-caller-identity --query Arn --output text) # arn:<partition>:sts::<account>:…
partition=$(echo "$caller" | cut -d: -f2)
account=$(echo "$caller" | cut -d: -f5)
region=${AWS_REGION:-$(aws configure get region)}
role=arn:$partition:iam::$account:role/arches-account-cloudformation-$environment
bucket=arches-artifacts-$account-$region

# SAM does not read AWS_REGION. It looks for its configuration beside the template, unless it gets the path. Without --force-upload it
# would take a build that is in the bucket already and that another caller may have written.
sam deploy --force-upload --region "$region" --config-file "$PWD/samconfig.toml" --config-env "$environment" --no-confirm-changeset \
    --template-file "$template" --stack-name "arches-$environment-$stack" --role-arn "$role" --s3-bucket "$bucket" \
    --s3-prefix "arches-$environment-$stack" --parameter-overrides "file://$parameters" ${version:+"$version"} "$@"

# What was only shown has changed nothing that could be checked.
case " $* " in *' --no-execute-changeset '*) exit ;; esac
case $stack in app | edge) ;; *) exit ;; esac
[ -z "${API_CLOSED-}" ] || exit 0 # by `infra/ops restore`: /ready would answer 429
scratch=$(mktemp -d)
trap 'rm -r "$scratch"' EXIT
url=$(described app "Outputs[?OutputKey=='ApiUrl'].OutputValue")
edge=$(described edge StackStatus)
if [ -n "$url" ] && [ -n "$edge" ]; then
    curl --fail --silent --show-error --max-time 30 --retry 5 --retry-all-errors "$url/ready"
else
    echo "/ready was not checked: it needs both app and edge." >&2
fi
[ "$stack" != app ] || infra/prune.sh "$environment"

#!/bin/sh
# Deploys what `sam build` has built: infra/deploy.sh <environment> <version>. Ends well only if the API is ready.
set -eu
cd "$(dirname "$0")/.."
environment=$1 version=$2
stack=arches-$environment-app
scratch=$(mktemp -d)
trap 'rm -r "$scratch"' EXIT

# The function's name; empty before the first deployment.
migrate() {
    if ! name=$(aws cloudformation describe-stack-resource --stack-name "$stack" --logical-resource-id Migrate \
        --query StackResourceDetail.PhysicalResourceId --output text 2>&1); then
        # Anything else could be a stack that is there and cannot be seen.
        case $name in *"does not exist"*) name= ;; *) echo "$name" >&2; return 1 ;; esac
    fi
    echo "$name"
}

# One attempt: the client would take a long index for a lost answer. It succeeds even if the function fails.
up() {
    failed=$(AWS_MAX_ATTEMPTS=1 aws lambda invoke --function-name "$1" --payload '{"command":"up"}' \
        --cli-binary-format raw-in-base64-out --cli-read-timeout 910 \
        --query FunctionError --output text "$scratch/answer")
    cat "$scratch/answer"
    echo
    [ "$failed" = None ]
}

deploy() {
    sam deploy --config-env "$environment" --no-confirm-changeset \
        --parameter-overrides "file://infra/environments/$environment/app.yaml" "AppVersion=$version"
}

# The schema goes first: the new migrate brings it up to date while `live` still serves with the old code, which
# migrations/README.md says must work. No version is published here, or CloudFormation could not publish its own.
function=$(migrate)
if [ -n "$function" ]; then
    (cd .aws-sam/build/Migrate && zip -qX "$scratch/migrate.zip" bootstrap)
    aws lambda update-function-code --function-name "$function" --zip-file "fileb://$scratch/migrate.zip" \
        --query CodeSha256 --output text
    aws lambda wait function-updated-v2 --function-name "$function"
    up "$function"
    deploy
else
    deploy
    up "$(migrate)"
fi

url=$(aws cloudformation describe-stacks --stack-name "$stack" \
    --query "Stacks[0].Outputs[?OutputKey=='ApiUrl'].OutputValue" --output text)
curl --fail --silent --show-error --max-time 30 --retry 5 --retry-all-errors "$url/ready"

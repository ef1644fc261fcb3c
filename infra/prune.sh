#!/bin/sh
# Deletes old versions of the functions of an environment: infra/prune.sh <environment>
#
# The newest ten versions of a function stay, and every version that an alias points to: a rollback needs them.
set -eu
[ $# -eq 1 ] || { sed -n '2,4s/^# \{0,1\}//p' "$0" >&2 && exit 2; }
newest=10

functions=$(aws cloudformation list-stack-resources --stack-name "arches-$1-app" --output text \
    --query "StackResourceSummaries[?ResourceType=='AWS::Lambda::Function'].PhysicalResourceId")
for function in $functions; do
    versions=$(aws lambda list-versions-by-function --function-name "$function" --output text \
        --query 'Versions[?Version!=`"$LATEST"`].Version')
    # While traffic moves, an alias points to two versions.
    used=$(aws lambda list-aliases --function-name "$function" --output text \
        --query 'Aliases[].[[FunctionVersion], keys(RoutingConfig.AdditionalVersionWeights || `{}`)][][]')
    for version in $(printf '%s\n' $versions | sort -rn | tail -n "+$((newest + 1))"); do
        case " $(echo $used) " in *" $version "*) continue ;; esac
        echo "deleting version $version of $function"
        aws lambda delete-function --function-name "$function" --qualifier "$version"
    done
done

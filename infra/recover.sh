#!/bin/sh
# Recovers a database: infra/recover.sh <environment> <command> [<argument>…]
#
#   close                answers every request with 429, so that nothing is written that the recovery would lose
#   cluster <moment>     restores the database to <moment> (UTC, 2026-01-02T03:04:05Z) in a new cluster or instance, beside the old one
#   switch <version>     deploys the built app to the new database; the API stays closed
#   replay [erase|keep]  erases and ends in the new database what was erased and ended after the moment
#   open                 lets requests in again
#
# Each command can be repeated. docs/operations/restore.md has the order.
set -eu
cd "$(dirname "$0")/.."
usage() {
    sed -n '2,12s/^# \{0,1\}//p' "$0" >&2
    exit 2
}
[ $# -ge 2 ] && [ $# -le 3 ] || usage
environment=$1 command=$2 argument=${3-}
[ -d "infra/environments/$environment" ] || usage
case "$command $argument" in
'close ' | 'open ' | 'replay ' | 'replay erase' | 'replay keep') ;;
'cluster '[0-9]*Z | 'switch '[!-]*) ;;
*) usage ;;
esac

parameter() { aws ssm get-parameter --name "/arches/$environment/$1" --query Parameter.Value --output text; }
put() { aws ssm put-parameter --overwrite --type String --name "/arches/$environment/$1" --value "$2" --query Version; }
stack() { aws cloudformation describe-stacks --stack-name "arches-$environment-app" --query "Stacks[0].$1" --output text; }
# A cluster of Aurora, or an instance of RDS for PostgreSQL.
kind=cluster
! grep -q '^DatabaseEngine: postgres' "infra/environments/$environment/data.yaml" || kind=instance
of_database() {
    case $kind in
    cluster) aws rds describe-db-clusters --db-cluster-identifier "$1" --query "DBClusters[0].$2" --output text ;;
    instance) aws rds describe-db-instances --db-instance-identifier "$1" --query "DBInstances[0].$2" --output text ;;
    esac
}
status() {
    case $kind in cluster) of_database "$1" Status ;; instance) of_database "$1" DBInstanceStatus ;; esac
}
address() {
    case $kind in cluster) of_database "$1" Endpoint ;; instance) of_database "$1" Endpoint.Address ;; esac
}

# Waits until a command prints the wanted text, for half an hour.
wait_for() {
    wanted=$1 tries=0
    shift
    until [ "$("$@")" = "$wanted" ]; do
        tries=$((tries + 1))
        [ "$tries" -lt "${RECOVER_TRIES:-120}" ] || { echo "not $wanted after $tries tries: $*" >&2 && return 1; }
        sleep "${RECOVER_DELAY:-15}"
    done
}

# Sets the limits of the stage: requests per second, and at once.
throttle() {
    aws apigateway update-stage --rest-api-id "$(parameter app/api-id)" --stage-name live --patch-operations \
        "op=replace,path=/*/*/throttling/rateLimit,value=$1" "op=replace,path=/*/*/throttling/burstLimit,value=$2" \
        --query 'methodSettings."*/*".[throttlingRateLimit,throttlingBurstLimit]' --output text
}

is_closed() {
    rate=$(aws apigateway get-stage --rest-api-id "$(parameter app/api-id)" --stage-name live \
        --query 'methodSettings."*/*".throttlingRateLimit' --output text)
    case $rate in 0 | 0.0) ;; *) echo "the API is open: infra/recover.sh $environment close" >&2 && return 1 ;; esac
}

# Ends the script if AWS cannot be asked.
exists() {
    error=$("$@" 2>&1 >/dev/null) && return
    case $error in *NotFound*) return 1 ;; *) echo "$error" >&2 && exit 1 ;; esac
}

# The recovery in progress is "<moment> restored", then "<moment> replayed". Sets $moment, $state and $new, the database of the moment.
read_recovery() {
    moment='' state=''
    if exists aws ssm get-parameter --name "/arches/$environment/recovery"; then
        recovery=$(parameter recovery)
        moment=${recovery% *} state=${recovery#* }
    fi
    new=arches-$environment-$(echo "$moment" | tr 'TZ' 'tz' | tr -d ':-')
}
require_recovery() {
    [ -n "$moment" ] || { echo "no recovery is in progress: infra/recover.sh $environment cluster <moment>" >&2 && exit 1; }
}

restore_cluster() {
    if ! exists aws rds describe-db-clusters --db-cluster-identifier "$new"; then
        scaling=$(aws rds describe-db-clusters --db-cluster-identifier "$source" --output json \
            --query 'DBClusters[0].ServerlessV2ScalingConfiguration.{MinCapacity:MinCapacity,MaxCapacity:MaxCapacity}')
        aws rds restore-db-cluster-to-point-in-time --source-db-cluster-identifier "$source" --db-cluster-identifier "$new" \
            --restore-to-time "$argument" --db-subnet-group-name "$(of_database "$source" DBSubnetGroup)" \
            --vpc-security-group-ids "$(of_database "$source" 'VpcSecurityGroups[0].VpcSecurityGroupId')" \
            --kms-key-id "$(of_database "$source" KmsKeyId)" \
            --db-cluster-parameter-group-name "$(of_database "$source" DBClusterParameterGroup)" --copy-tags-to-snapshot \
            --deletion-protection --enable-cloudwatch-logs-exports postgresql --serverless-v2-scaling-configuration "$scaling" \
            --tags "Key=environment,Value=$environment" --query DBCluster.Status --output text
    fi
    for i in 1 2; do
        exists aws rds describe-db-instances --db-instance-identifier "$new-$i" ||
            aws rds create-db-instance --db-instance-identifier "$new-$i" --db-cluster-identifier "$new" \
                --db-instance-class db.serverless --engine aurora-postgresql --no-publicly-accessible --query DBInstance.DBInstanceStatus --output text
    done
    for i in 1 2; do aws rds wait db-instance-available --db-instance-identifier "$new-$i"; done
}

restore_instance() {
    if ! exists aws rds describe-db-instances --db-instance-identifier "$new"; then
        # The instance is in two groups.
        groups=$(of_database "$source" 'VpcSecurityGroups[].VpcSecurityGroupId')
        aws rds restore-db-instance-to-point-in-time --source-db-instance-identifier "$source" --target-db-instance-identifier "$new" \
            --restore-time "$argument" --db-instance-class "$(of_database "$source" DBInstanceClass)" --storage-type gp3 \
            --max-allocated-storage "$(of_database "$source" MaxAllocatedStorage)" \
            --db-subnet-group-name "$(of_database "$source" DBSubnetGroup.DBSubnetGroupName)" --vpc-security-group-ids $groups \
            --db-parameter-group-name "$(of_database "$source" 'DBParameterGroups[0].DBParameterGroupName')" --copy-tags-to-snapshot \
            --deletion-protection --enable-cloudwatch-logs-exports postgresql --no-publicly-accessible \
            --tags "Key=environment,Value=$environment" --query DBInstance.DBInstanceStatus --output text
    fi
    aws rds wait db-instance-available --db-instance-identifier "$new"
}

read_recovery

case $command in
close)
    throttle 0 0
    ;;
cluster)
    is_closed
    source=$(parameter data/database-cluster-id)
    [ "$moment" = "$argument" ] || put recovery "$argument restored"
    read_recovery
    restore_$kind
    wait_for available status "$new"
    if [ "$(of_database "$new" MasterUserSecret.SecretArn)" = None ]; then
        aws rds "modify-db-$kind" "--db-$kind-identifier" "$new" --apply-immediately --manage-master-user-password \
            --master-user-secret-kms-key-id "$(of_database "$source" MasterUserSecret.KmsKeyId)" --query '*.MasterUserSecret.SecretStatus' --output text
    fi
    # The deployment reads this secret. It has no value before it is active.
    wait_for active of_database "$new" MasterUserSecret.SecretStatus
    ;;
switch)
    is_closed
    require_recovery
    put recovery "$moment restored"
    wait_for active of_database "$new" MasterUserSecret.SecretStatus
    put data/database-cluster "$(address "$new")"
    # Without a proxy, all functions connect to it.
    [ "$kind" = cluster ] || put data/database-proxy "$(address "$new")"
    put data/database-cluster-id "$new"
    put data/database-owner-secret "$(of_database "$new" MasterUserSecret.SecretArn)"
    infra/deploy.sh "$environment" observability
    # Creates the logins with today's passwords, and moves the proxy to the new cluster.
    API_CLOSED=yes infra/deploy.sh "$environment" app "$argument"
    is_closed
    ;;
replay)
    is_closed
    require_recovery
    [ "$(parameter data/database-cluster-id)" = "$new" ] ||
        { echo "the app does not use $new: infra/recover.sh $environment switch" >&2 && exit 1; }
    [ -z "$argument" ] || argument=", \"unconfirmed\": \"$argument\""
    function=$(stack "Outputs[?OutputKey=='RestoreDrillFunction'].OutputValue")
    database=$(stack "Parameters[?ParameterKey=='DatabaseName'].ParameterValue")
    result=$(mktemp)
    trap 'rm "$result"' EXIT
    failed=$(AWS_MAX_ATTEMPTS=1 aws lambda invoke --function-name "$function:live" --cli-binary-format raw-in-base64-out \
        --cli-read-timeout 910 --payload "{\"command\": \"replay\", \"target\": \"$database\", \"since\": \"$moment\"$argument}" \
        --query FunctionError --output text "$result")
    cat "$result" && echo
    [ "$failed" = None ]
    put recovery "$moment replayed"
    ;;
open)
    [ "$state" != restored ] || [ "$(parameter data/database-cluster-id)" != "$new" ] ||
        { echo "erased people would be back: infra/recover.sh $environment replay" >&2 && exit 1; }
    throttle "$(stack "Parameters[?ParameterKey=='StageRateLimit'].ParameterValue")" \
        "$(stack "Parameters[?ParameterKey=='StageBurstLimit'].ParameterValue")"
    ;;
esac

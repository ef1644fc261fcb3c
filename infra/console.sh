#!/bin/sh
# Uploads the console to an environment: infra/console.sh <environment>
#
# `cargo xtask console` builds it. One build serves every environment: config.json names the API. Nothing is deleted, because open
# pages still name older files.
set -eu
cd "$(dirname "$0")/.."
usage() {
    sed -n '2,5s/^# \{0,1\}//p' "$0" >&2
    exit 2
}
[ $# -eq 1 ] && [ -f "infra/environments/$1/edge.yaml" ] || usage
built=web/platform/dist
[ -f $built/index.html ] || { echo "the console is not built: cargo xtask console" >&2 && exit 1; }

output() {
    aws cloudformation describe-stacks --stack-name "arches-$1" --query "Stacks[0].Outputs[?OutputKey=='$2'].OutputValue" --output text
}
copy() { aws s3 cp --only-show-errors "$@"; }

bucket=$(output "$1-edge" SiteBucket)
case $bucket in
'' | None)
    echo "$1 has no console: ServeSite in infra/environments/$1/edge.yaml is not true" >&2
    exit
    ;;
esac
api=$(output "$1-app" ApiUrl)
case $api in
https://*) ;;
*) echo "the stack arches-$1-app has no ApiUrl" >&2 && exit 1 ;;
esac

# index.html comes last: what it names is there, whenever it is asked for.
copy --recursive $built/static "s3://$bucket/static" --cache-control 'public, max-age=31536000, immutable'
copy --recursive $built "s3://$bucket" --exclude 'static/*' --exclude index.html --cache-control no-cache
echo "{\"apiUrl\": \"$api\"}" | copy - "s3://$bucket/config.json" --content-type application/json --cache-control no-cache
copy $built/index.html "s3://$bucket/index.html" --cache-control no-cache

#!/bin/sh
# Prints template.yaml, joined from the fragments in infra/app. A test fails when the two differ.
set -eu
export LC_ALL=C # so that every machine puts the fragments in the same order
cd "$(dirname "$0")/app"
echo '# Made by infra/assemble.sh. Change the fragments in infra/app, then run `cargo xtask generate`.'
cat head.yaml
printf '\nResources:\n'
cat api.yaml access.yaml alarms.yaml backups.yaml functions/*.yaml
echo
cat outputs.yaml

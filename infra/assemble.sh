#!/bin/sh
# Prints a stack's template, joined from the fragments in infra/<stack>: infra/assemble.sh <stack>. The app's is
# template.yaml, the others' are infra/stacks/<stack>.yaml; a test fails when one differs.
set -eu
export LC_ALL=C # so that every machine puts the fragments in the same order
stack=$1
cd "$(dirname "$0")/$stack"

# A line `#include <file>` stands for the file, as far indented as it is itself.
joined() {
    awk '/^ *#include / { match($0, /^ */); while ((getline line < $2) > 0) print substr($0, 1, RLENGTH) line; close($2); next }
        { print }' "$@"
}

echo "# Made by infra/assemble.sh. Change the fragments in infra/$stack, then run \`cargo xtask generate\`."
joined head.yaml
printf '\nResources:\n'
for fragment in *.yaml functions/*.yaml; do
    case $fragment in head.yaml | outputs.yaml | 'functions/*.yaml') ;; *) joined "$fragment" ;; esac
done
if [ -e outputs.yaml ]; then
    echo
    joined outputs.yaml
fi

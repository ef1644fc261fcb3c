#!/bin/sh
# Joins the fragments in infra/<stack> and prints the template: infra/assemble.sh <stack>. The app's template is
# template.yaml, the others are infra/stacks/<stack>.yaml. A test fails if a file differs from this output.
set -eu
export LC_ALL=C # the same order of fragments on every machine
stack=$1
cd "$(dirname "$0")/$stack"

# Replaces a line `#include <file>` by the file, with the indentation of the line.
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

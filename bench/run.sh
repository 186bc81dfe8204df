#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The speed table: `./run bench` builds and then comes here. What is measured gets the first core for itself; load
# generators, chain and origin share the others. Prints a Markdown table and writes it to bench/results.md.
#
#   bench/run.sh [ROW...]    only these rows, to stdout alone: unpaid verify paid micro start gas store daemon growth,
#                            and, never without their names, rows: how a store grows (FARTHING_BENCH_ROWS is the
#                            most), and memory: of a gateway that is paid for ten minutes
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

fail() {
    printf 'bench: %s\n' "$*" >&2
    exit 1
}

cores=$(nproc)
((cores >= 2)) || fail "two cores are needed: one for what is measured, one for the load"
for tool in nginx wrk taskset node; do
    command -v "$tool" >/dev/null || fail "$tool is missing: ./run bench installs it"
done
export FARTHING_BIN=${FARTHING_BIN:-$PWD/build/release/bin/farthing}
[[ -x $FARTHING_BIN ]] || fail "$FARTHING_BIN is missing: ./run bench builds it"

export FARTHING_BENCH_CORE=0
export NODE_ENV=production
limit=900
[[ " $* " == *" rows "* || " $* " == *" memory "* ]] && limit=3600
exec timeout --signal=TERM --kill-after=15 "$limit" taskset -c "1-$((cores - 1))" node bench/table.mjs "$@"

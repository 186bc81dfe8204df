#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ./run demo: see demo.mjs.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
exec node tools/demo.mjs "$@"

#!/usr/bin/env bash
# Builds the plugins of this folder in a temporary folder, runs them, and compares what they find.
#
#   examples/plugins/check.sh [SCANHOST]      default: target/debug/scanhost, then target/release/scanhost
#
# A language whose tools are missing, or cannot be downloaded, is skipped, said so, and no failure; with
# SCANHOST_CHECK_STRICT=1 it is one. Exit codes: 0 all that ran is right, 1 something is wrong, 2 no scanhost.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
skipped=0 failed=0

say() { printf '%s\n' "plugins: $*"; }
skip() { say "$1: skipped: $2"; skipped=$((skipped + 1)); }
wrong() { say "$1: WRONG: $2"; failed=$((failed + 1)); }

scanhost=${1:-}
for built in "$root/target/debug/scanhost" "$root/target/release/scanhost"; do
    if [ -z "$scanhost" ] && [ -x "$built" ]; then scanhost=$built; fi
done
if [ -z "$scanhost" ]; then say "there is no scanhost; build it, or name it"; exit 2; fi
scanhost=$(cd "$(dirname "$scanhost")" && pwd)/$(basename "$scanhost")

# The line of the log that says most.
reason() { grep -m 1 -iE 'error: |error code|error network' "$work/log" || tail -n 1 "$work/log"; }

# Build times of minutes are a hang; a download that is refused fails by itself.
limited() { if command -v timeout >/dev/null; then timeout 600 "$@"; else "$@"; fi; }

build_python() {
    command -v python3 >/dev/null || { skip python-todo "there is no python3"; return 1; }
    { python3 -m venv "$work/venv" && limited "$work/venv/bin/pip" install --quiet --disable-pip-version-check componentize-py==0.25.1; } \
        >"$work/log" 2>&1 </dev/null || { skip python-todo "componentize-py cannot be installed: $(reason)"; return 1; }
    limited "$work/venv/bin/componentize-py" -d "$root/wit" -w file-scanner componentize -p "$here/python-todo" app \
        -o "$work/python-todo.core" >"$work/log" 2>&1 </dev/null || { wrong python-todo "does not build: $(reason)"; return 1; }
}

build_js() {
    { command -v node && command -v npm; } >/dev/null || { skip js-todo "there is no node or no npm"; return 1; }
    cp -r "$here/js-todo" "$work/js"
    (cd "$work/js" && limited npm install --no-audit --no-fund --no-package-lock) \
        >"$work/log" 2>&1 </dev/null || { skip js-todo "componentize-js cannot be installed: $(reason)"; return 1; }
    (cd "$work/js" && limited node build.js "$root/wit" "$work/js-todo.core") \
        >"$work/log" 2>&1 </dev/null || { wrong js-todo "does not build: $(reason)"; return 1; }
}

# Two of three are to be found; umlauts before one and inside it show that columns count bytes.
check() {
    local id=$1 project=$work/$1.project report expected
    mkdir -p "$project/src"
    printf 'def f():\n    # TODO: fix\n    # TODO(ann): fine\n    s = "gr\303\274\303\237e" # TODO gr\303\274\303\237\n' >"$project/src/a.py"
    printf 'nothing to do here\n' >"$project/src/b.py"
    printf 'version = 1\n\n[plugins.%s]\nsource = "../%s.wasm"\n' "$id" "$id" >"$project/scan.toml"
    "$scanhost" plugin pack "$work/$id.core" --manifest "$here/$id" -o "$work/$id.wasm" >"$work/log" 2>&1 || { wrong "$id" "does not pack: $(tail -n 1 "$work/log")"; return; }
    "$scanhost" run "$project" --plugin "$id" --quiet --format "json=$work/$id.json" >"$work/log" 2>&1 || { wrong "$id" "the run fails: $(tail -n 1 "$work/log")"; return; }
    # Rule, path, line, column, length of each finding; the report's fields stand one a line, in a fixed order.
    report=$(sed -nE 's/^ *"(rule|path|line|column|byte_length)": "?([^",]*)"?,?$/\1=\2/p' "$work/$id.json" | tr '\n' ' ')
    expected="rule=$id.unowned path=src/a.py line=2 column=7 line=2 column=16 byte_length=9"
    expected+=" rule=$id.unowned path=src/a.py line=4 column=21 line=4 column=32 byte_length=11"
    case $report in
        "$expected "*) say "$id: ok, 2 findings, $(($(wc -c <"$work/$id.wasm") / 1000000)) MB" ;;
        *) wrong "$id" "found: $report; expected: $expected" ;;
    esac
}

if build_python; then check python-todo; fi
if build_js; then check js-todo; fi
if [ "$failed" -gt 0 ]; then exit 1; fi
if [ "$skipped" -gt 0 ] && [ -n "${SCANHOST_CHECK_STRICT:-}" ]; then exit 1; fi

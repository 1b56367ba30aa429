#!/usr/bin/env bash
# Rehearses the memory's roll-out and its emergency rollback on a running system: Day 0-2 (write-only), Day 3-5
# (read-write), rollback. Each step says what is expected and what was found.
#
# Flags are the environment of processes and cannot be changed from here: the script looks at what the running system is
# configured for, and runs what fits. Configured read_write, it rehearses write-only by forcing it, and lets go again; so
# does Ctrl-C. Its own messages carry made-up personal data, to see that they go out redacted; nobody else's are read.
set -euo pipefail

usage() {
    cat <<'USAGE'
Usage: ops/SRE_STAGING_RUNBOOK.sh [--interactive | --ci] [--base-url URL] [--phase PHASE] [--http-only]

  --interactive   ask before each step (default): Enter runs it, s skips it, q ends
  --ci            ask nothing
  --base-url URL  the system (default: the one that `make run` started with this LOCAL_DIR)
  --phase PHASE   all (default), write-only (Day 0-2), read-write (Day 3-5), rollback
  --http-only     use no manage.py: its commands would act on another system than the one at URL. Steps that need
                  them are skipped
  --help          this

Environment:
  LOCAL_DIR           where `make run` keeps its state; else give manage.py its settings as on any host of the system
  SRE_TOKEN           a user's token (default: issued for the user sre-runbook, and deleted at the end)
  METRICS_TOKEN       for metrics from elsewhere than the system's own machine
  WORKER_METRICS_URL  where the worker's metrics are (default: this machine's port 9808 or WORKER_METRICS_PORT)
  PYTHON              the project's Python (default: .venv/bin/python)

Exit code: 0 no step failed, 1 one did or it was ended early, 2 wrong usage, 130 Ctrl-C.
USAGE
}

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
MODE=interactive BASE_URL="" PHASE=all HTTP_ONLY=""
while (($#)); do
    case "$1" in
        --interactive) MODE=interactive ;;
        --ci) MODE=ci ;;
        --http-only) HTTP_ONLY=yes ;;
        --base-url | --phase)
            if (($# < 2)); then echo "$1 needs a value" >&2; exit 2; fi
            if [[ $1 == --phase ]]; then PHASE="$2"; else BASE_URL="${2%/}"; fi
            shift
            ;;
        --help | -h) usage; exit 0 ;;
        *) echo "unknown option: $1 (see --help)" >&2; exit 2 ;;
    esac
    shift
done
case "$PHASE" in
    all | write-only | read-write | rollback) ;;
    *) echo "--phase must be write-only, read-write, rollback or all; it is $PHASE" >&2; exit 2 ;;
esac
if [[ -n $BASE_URL && ! $BASE_URL =~ ^https?://[^[:space:]]+$ ]]; then
    echo "--base-url must begin with http:// or https://" >&2
    exit 2
fi

PYTHON="${PYTHON:-$ROOT/.venv/bin/python}"
if ! command -v "$PYTHON" > /dev/null; then echo "no Python at $PYTHON: run \`make run\` once, or set PYTHON" >&2; exit 2; fi
if ! command -v curl > /dev/null; then echo "this needs curl" >&2; exit 2; fi
export LOCAL_DIR="${LOCAL_DIR:-$ROOT/.local}"

umask 077
WORK="$(mktemp -d)"
REASON="sre-runbook-$$-$RANDOM"
HOLD_SECONDS=900 # should this script be killed, the probe ends the hold
TURN_SECONDS=30
MIRROR_SECONDS=60
PASSED=0 FAILED=0 SKIPPED=0

# What the script leaves behind: nothing.

at_the_end() {
    local code=$?
    trap - EXIT
    trap '' INT TERM HUP PIPE # a second Ctrl-C ends neither this nor the commands that put things right
    let_go_of_reads || code=1
    if [[ -e $WORK/token-is-ours ]]; then
        manage shell -v 0 -c "from assistant.models import ApiToken; ApiToken.objects.filter(name='$REASON').delete()" > /dev/null 2>&1 ||
            echo "the token named $REASON could not be deleted" >&2
    fi
    rm -rf "$WORK"
    exit "$code"
}

let_go_of_reads() { # end the hold that this script began, also one that still waits to be carried out; no other's
    local held
    [[ -e $WORK/forced ]] || return 0
    rm -f "$WORK/forced"
    held="$(held_for || true)"
    if [[ -z $held || $held == "$REASON" ]]; then
        if manage zep_mode --clear --operator sre-runbook > /dev/null; then
            echo "Restored: the hold that this script began is cleared."
        else
            echo "COULD NOT RESTORE: clear the hold with  manage.py zep_mode --clear" >&2
            return 1
        fi
    fi
}

trap at_the_end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# Asking the system

manage() { (cd "$ROOT" && "$PYTHON" manage.py "$@" 2> "$WORK/manage.err"); }

http() { curl -sS -m "$TURN_SECONDS" --noproxy 127.0.0.1,localhost "$@" 2> "$WORK/curl.err"; }

status_of() { http -o "$WORK/body" -w '%{http_code}' "$1" || true; }

setting() { # from the environment, else from what `make run` wrote down
    local line
    if [[ -n ${!1:-} ]]; then
        echo "${!1}"
    elif [[ -r $LOCAL_DIR/env ]]; then
        while IFS= read -r line; do
            if [[ $line == "$1="* ]]; then echo "${line#*=}"; fi
        done < "$LOCAL_DIR/env"
    fi
}

field() { # FILE NAME.NAME: a value of a JSON document; empty where there is none
    "$PYTHON" -c '
import json, sys
value = json.load(open(sys.argv[1]))
for name in sys.argv[2].split("."):
    value = value.get(name) if isinstance(value, dict) else None
print("" if value is None else json.dumps(value) if isinstance(value, (bool, dict)) else value)' "$1" "$2"
}

total() { # FILE NAME [TEXT]: the sum over all series of a metric whose labels hold TEXT
    "$PYTHON" -c '
import sys
path, name, text = (*sys.argv[1:], "")[:3]
lines = (line.rpartition(" ") for line in open(path) if not line.startswith("#"))
values = [float(value) for series, _, value in lines if series.partition("{")[0] == name and text in series]
print(f"{sum(values):g}" if values else "absent")' "$@"
}

change() { # BEFORE AFTER NAME [TEXT]: by how much that sum grew
    "$PYTHON" -c 'import sys; b, a = (0 if v == "absent" else float(v) for v in sys.argv[1:]); print(f"{a - b:g}")' \
        "$(total "$1" "${@:3}")" "$(total "$2" "${@:3}")"
}

share() { # PART WHOLE: in percent; 0 of nothing is 0
    "$PYTHON" -c 'import sys; p, w = map(float, sys.argv[1:]); print(f"{100 * p / w if w else 0:.1f}")' "$1" "$2"
}

is() { # A OPERATOR B: compare numbers
    "$PYTHON" -c '
import operator, sys
a, how, b = sys.argv[1:]
sys.exit(not {"<": operator.lt, ">": operator.gt, "<=": operator.le}[how](float(a), float(b)))' "$1" "$2" "$3"
}

p95() { "$PYTHON" -c 'import sys; v = sorted(map(float, sys.argv[1:])); print(f"{v[min(len(v) - 1, int(len(v) * .95))]:.0f}")' "$@"; }

web_metrics() { http -f ${METRICS_HEADER:+-H "$METRICS_HEADER"} -o "$1" "$BASE_URL/api/metrics/"; }

worker_metrics() { http -f -o "$1" "$WORKER_METRICS_URL"; }

configured() { one_hot "$WORK/metrics" memory_mode_configured; }

one_hot() { # FILE NAME: the mode whose series is 1
    local mode
    for mode in off write_only read_write; do
        if [[ "$(total "$1" "$2" "mode=\"$mode\"")" == 1 ]]; then echo "$mode"; fi
    done
}

held_for() { # why reads are off by force; empty where they are not
    manage zep_mode --json > "$WORK/mode.json" && field "$WORK/mode.json" forced.reason
}

say() { # THREAD TEXT: one turn; answer.json, status and ms tell of it
    local thread=""
    if [[ -n $1 ]]; then thread="\"thread_id\": \"$1\", "; fi
    printf '{%s"message": "%s"}' "$thread" "$2" > "$WORK/body.json"
    local found
    found="$(http -o "$WORK/answer.json" -w '%{http_code} %{time_total}' -H "@$WORK/auth" -H 'Content-Type: application/json' \
        --data "@$WORK/body.json" "$BASE_URL/api/chat/" || true)"
    echo "${found%% *}" > "$WORK/status"
    "$PYTHON" -c 'import sys; print(f"{1000 * float(sys.argv[1] or 0):.0f}")' "${found##* }" > "$WORK/ms"
    [[ ${found%% *} == 200 ]]
}

trace() { field "$WORK/answer.json" "trace.memory.$1"; }

# Steps: `step NAME EXPECTED FUNCTION ...`; the function prints what it found, and fails where that is not as expected.

step() {
    local name="$1" expected="$2" actual verdict=PASS answer
    shift 2
    if [[ $MODE == interactive ]]; then
        printf '\n%s\n  expected: %s\n  [Enter] run  [s] skip  [q] quit: ' "$name" "$expected"
        if ! read -r answer; then answer=q; fi
        case "$answer" in
            q) echo "Ended by the operator."; summary; exit 1 ;;
            s) skip "$name" "by the operator"; return 0 ;;
        esac
    fi
    actual="$("$@")" || verdict=FAIL
    if [[ $verdict == PASS ]]; then PASSED=$((PASSED + 1)); else FAILED=$((FAILED + 1)); fi
    printf '%s  %s\n      expected: %s\n      actual:   %s\n' "$verdict" "$name" "$expected" "${actual:-nothing}"
    [[ $verdict == PASS ]]
}

skip() {
    SKIPPED=$((SKIPPED + 1))
    printf 'SKIP  %s\n      because:  %s\n' "$1" "$2"
}

summary() { printf '\n%s passed, %s failed, %s skipped\n' "$PASSED" "$FAILED" "$SKIPPED"; }

needs_manage() { # NAME: skip it where there are no commands
    if [[ -n $HTTP_ONLY ]]; then skip "$1" "--http-only"; return 1; fi
}

# What is looked at

answers_200() { local found; found="$(status_of "$BASE_URL$1")"; echo "${found:-no answer}"; [[ $found == 200 ]]; }

metrics_are_readable() {
    if ! web_metrics "$WORK/metrics"; then echo "not readable: from elsewhere set METRICS_TOKEN"; return 1; fi
    echo "configured mode $(configured), effective mode $(one_hot "$WORK/metrics" memory_mode_gauge)"
    [[ -n "$(configured)" ]]
}

is_rolled_out() { echo "$(configured): FLAG_ZEP_WRITE is $([[ "$(configured)" == off ]] && echo off || echo on)"; [[ "$(configured)" != off ]]; }

commands_act_on_it() {
    manage zep_mode --json > "$WORK/mode.json" || { echo "manage.py zep_mode does not answer"; return 1; }
    echo "base mode $(field "$WORK/mode.json" base_mode), effective mode $(field "$WORK/mode.json" effective_mode)"
    [[ "$(field "$WORK/mode.json" base_mode)" == "$(configured)" ]]
}

has_token() {
    local token="${SRE_TOKEN:-}"
    if [[ -z $token && -z $IS_LOCAL ]]; then echo "set SRE_TOKEN: a token of this machine's system is not sent elsewhere"; return 1; fi
    if [[ -z $token && -z $HTTP_ONLY ]]; then
        touch "$WORK/token-is-ours"
        manage issue_token sre-runbook --name "$REASON" > "$WORK/token" || true
        while IFS= read -r token; do :; done < "$WORK/token"
        token="${token:-$(cat "$WORK/token")}"
        rm -f "$WORK/token"
    fi
    printf 'Authorization: Bearer %s\n' "$token" > "$WORK/auth"
    if say "" "hello"; then echo "200"; else echo "$(< "$WORK/status"): set SRE_TOKEN to a token of this system"; return 1; fi
    field "$WORK/answer.json" client_msg_id > "$WORK/hello.id"
}

message_is_in_our_database() {
    manage zep_proof "$(< "$WORK/hello.id")" --json > "$WORK/proof.json" || true
    if [[ -s $WORK/proof.json ]]; then echo "found"; else echo "not found: give manage.py the system's settings, or use --http-only"; return 1; fi
}

snapshot() { # keep the metrics as they are now, under a name
    web_metrics "$WORK/web.$1"
    worker_metrics "$WORK/worker.$1" || rm -f "$WORK/worker.$1"
}

force_write_only() {
    touch "$WORK/forced"
    SECONDS=0
    manage zep_mode --force "$REASON" --ttl "$HOLD_SECONDS" --operator sre-runbook > /dev/null || { echo "zep_mode --force failed"; return 1; }
    effective_is write_only
}

clear_hold() {
    SECONDS=0
    manage zep_mode --clear --operator sre-runbook > /dev/null || { echo "zep_mode --clear failed"; return 1; }
    rm -f "$WORK/forced"
    effective_is read_write
}

effective_is() { # MODE: on the command line and in the metrics, within seconds
    local deadline=$((SECONDS + 15)) command metrics
    while :; do
        manage zep_mode --json > "$WORK/mode.json" || true
        command="$(field "$WORK/mode.json" effective_mode)"
        web_metrics "$WORK/metrics" || true
        metrics="$(one_hot "$WORK/metrics" memory_mode_gauge)"
        if [[ $command == "$1" && $metrics == "$1" ]]; then echo "$1 after ${SECONDS} s"; return 0; fi
        if ((SECONDS > deadline)); then echo "zep_mode: $command, metrics: $metrics"; return 1; fi
        sleep 0.5
    done
}

turn_in() { # MODE USED: one turn with made-up personal data
    CANARY_MAIL="canary.$RANDOM$RANDOM@example.com"
    CANARY_PHONE="533 8$((RANDOM % 90 + 10)) $((RANDOM % 90 + 10)) $((RANDOM % 90 + 10))"
    printf '%s\n%s\n' "$CANARY_MAIL" "$CANARY_PHONE" > "$WORK/canaries"
    if ! say "" "need a flat in girne, call +90 $CANARY_PHONE or write to $CANARY_MAIL"; then
        echo "status $(< "$WORK/status")"
        return 1
    fi
    field "$WORK/answer.json" thread_id > "$WORK/thread"
    field "$WORK/answer.json" client_msg_id > "$WORK/message"
    echo "mode $(trace mode), used $(trace used), source $(trace source)"
    [[ "$(trace mode)" == "$1" && "$(trace used)" == "$2" ]]
}

is_mirrored() { # within a minute, by our record and by Zep's own word
    local deadline=$((SECONDS + MIRROR_SECONDS))
    while ! manage zep_proof "$(< "$WORK/message")" --json > "$WORK/proof.json"; do
        if ((SECONDS > deadline)); then break; fi
        sleep 1
    done
    echo "state $(field "$WORK/proof.json" state), read back: $(field "$WORK/proof.json" read_back)"
    [[ "$(field "$WORK/proof.json" state)" == mirrored && "$(field "$WORK/proof.json" read_back)" == yes ]]
}

is_redacted() {
    local mail phone
    mail="$(field "$WORK/proof.json" redactions.email)" phone="$(field "$WORK/proof.json" redactions.phone)"
    echo "e-mail ${mail:-0}, phone ${phone:-0}"
    [[ $mail == 1 && $phone == 1 ]]
}

has_standin() { [[ -n $ZEP_URL && "$(status_of "$ZEP_URL/_standin/faults")" == 200 ]]; }

standin_holds_no_canary() {
    local canary held=0 placeholders=0
    http -f -o "$WORK/held" "$ZEP_URL/_standin/threads/$(< "$WORK/thread")" || { echo "no such thread there"; return 1; }
    while IFS= read -r canary; do
        if [[ "$(< "$WORK/held")" == *"$canary"* ]]; then held=$((held + 1)); fi
    done < "$WORK/canaries"
    if [[ "$(< "$WORK/held")" == *"[EMAIL]"* ]]; then placeholders=$((placeholders + 1)); fi
    if [[ "$(< "$WORK/held")" == *"[PHONE]"* ]]; then placeholders=$((placeholders + 1)); fi
    echo "$held canaries, $placeholders placeholders"
    [[ $held == 0 && $placeholders == 2 ]]
}

turns_answered() { # ROUNDS: in three threads, a second apart; ms, took, cached, used of each are kept
    local round number threads=("" "" "") answered=0
    : > "$WORK/turns"
    for ((round = 1; round <= $1; round++)); do
        for number in 0 1 2; do
            if say "${threads[number]}" "need a 2 bedroom in girne under 700 gbp"; then
                answered=$((answered + 1))
                threads[number]="$(field "$WORK/answer.json" thread_id)"
                echo "$round $(< "$WORK/ms") $(trace used) $(trace cached) $(trace took_ms)" >> "$WORK/turns"
            fi
        done
        sleep 1 # people take longer; by then the worker has read the new context ahead
    done
    echo "${threads[0]}" > "$WORK/known-thread"
    echo "$answered of $((3 * $1))"
    ((answered == 3 * $1))
}

turn_p95() {
    local ms=() each
    while read -r _ each _; do ms+=("$each"); done < "$WORK/turns"
    each="$(p95 "${ms[@]}")"
    echo "$each ms"
    is "$each" '<' 2000
}

reads_changed_by_0() { local found; found="$(change "$WORK/web.before" "$WORK/web.after" memory_zep_read_requests_total)"; echo "$found"; [[ $found == 0 ]]; }

no_downgrade() { # but for those that operators ask for
    local name=memory_zep_downgrades_total all manual
    all="$(change "$WORK/web.before" "$WORK/web.after" "$name")"
    manual="$(change "$WORK/web.before" "$WORK/web.after" "$name" 'reason="manual"')"
    all="$("$PYTHON" -c 'import sys; print(f"{float(sys.argv[1]) - float(sys.argv[2]):g}")' "$all" "$manual")"
    echo "$all"
    [[ $all == 0 ]]
}

no_write_hold() { local found; found="$(change "$WORK/worker.before" "$WORK/worker.after" circuit_open_total 'component="zep"')"; echo "$found"; [[ $found == 0 ]]; }

no_dead_letter() { local found; found="$(change "$WORK/web.before" "$WORK/web.after" memory_mirror_dead_letters)"; echo "$found more"; is "$found" '<=' 0; }

writes_succeed() {
    local failures attempts found
    failures="$(change "$WORK/worker.before" "$WORK/worker.after" memory_zep_write_failures_total)"
    attempts="$(change "$WORK/worker.before" "$WORK/worker.after" memory_zep_write_attempts_total)"
    found="$(share "$failures" "$attempts")"
    echo "$found % of $attempts failed"
    is "$attempts" '>' 0 && is "$found" '<' 1
}

within_bucket() { # ROLE METRIC LE: whether 95 % of what happened since took no longer
    local all fast found
    all="$(change "$WORK/$1.before" "$WORK/$1.after" "$2_count")"
    fast="$(change "$WORK/$1.before" "$WORK/$1.after" "$2_bucket" "le=\"$3\"")"
    found="$(share "$fast" "$all")"
    echo "$found % of $all took at most $3 s"
    is "$all" '>' 0 && is "$found" '>' 94.999
}

reads_within_budget() {
    local took=() each
    while read -r _ _ _ _ each; do took+=("${each:-0}"); done < "$WORK/turns"
    each="$(p95 "${took[@]}")"
    echo "$each ms"
    is "$each" '<' 250
}

cache_hits() { # after the first round, in which nothing can be cached
    local round cached all=0 hits=0 found
    while read -r round _ _ cached _; do
        if ((round > 1)); then all=$((all + 1)); fi
        if ((round > 1)) && [[ $cached == true ]]; then hits=$((hits + 1)); fi
    done < "$WORK/turns"
    found="$(share "$hits" "$all")"
    echo "$found % of $all turns"
    is "$found" '>' 60
}

turns_used_memory() {
    local used all=0 found=0
    while read -r _ _ used _; do
        all=$((all + 1))
        if [[ $used == true ]]; then found=$((found + 1)); fi
    done < "$WORK/turns"
    found="$(share "$((all - found))" "$all")"
    echo "$found % without"
    is "$found" '<' 10
}

invalidated_is_read_anew() {
    local thread
    thread="$(< "$WORK/known-thread")"
    manage zep_mode --invalidate "$thread" --operator sre-runbook > /dev/null || { echo "zep_mode --invalidate failed"; return 1; }
    say "$thread" "and in lefkosa" || { echo "status $(< "$WORK/status")"; return 1; }
    echo "used $(trace used), cached $(trace cached)"
    [[ "$(trace used)" == true && "$(trace cached)" == false ]]
}

drill_passes() { manage zep_drill "$1" --operator sre-runbook --json > "$WORK/drill.json" || { echo "$(field "$WORK/drill.json" outcome): see manage.py zep_drill $1"; return 1; }; echo "passed in $(field "$WORK/drill.json" seconds) s"; }

# The phases

preflight() {
    printf '\n== Before: is there a system, and is it well\n'
    step "The process is up" "200" answers_200 /healthz || return 1
    step "It takes turns" "200" answers_200 /readyz || return 1
    step "Its metrics can be read, and say the mode" "a configured mode" metrics_are_readable || return 1
    step "Memory is rolled out" "write_only or read_write" is_rolled_out || return 1
    if [[ -z $HTTP_ONLY ]]; then
        step "manage.py acts on a system with the same mode" "base mode $(configured)" commands_act_on_it || return 1
    fi
    step "A turn with our token" "200" has_token || return 1
    if [[ -z $HTTP_ONLY ]]; then
        step "manage.py sees the message of that turn" "found" message_is_in_our_database || return 1
    fi
}

write_only() {
    local used=true is_ours=""
    printf '\n== Day 0-2: write-only\n'
    if [[ "$(configured)" == read_write ]]; then
        used=false
        if [[ "$(one_hot "$WORK/metrics" memory_mode_gauge)" == write_only ]]; then
            echo "Reads are forced off already, not by this script: that is left as it is."
        elif needs_manage "Write-only, rehearsed by force"; then
            is_ours=yes
            step "Reads are forced off, as in these days" "effective mode write_only" force_write_only || return 0
        else
            return 0
        fi
    fi
    snapshot before
    if step "A turn with made-up personal data" "mode write_only, used $used" turn_in write_only "$used"; then
        reaches_zep_redacted
    fi
    step "Turns are answered" "9 of 9" turns_answered 3 || true
    step "Turn p95" "< 2000 ms" turn_p95 || true
    snapshot after
    step "Reads of Zep meanwhile" "0" reads_changed_by_0 || true
    writes_are_well
    if [[ -n $is_ours ]]; then step "Reads are let go on" "effective mode read_write" clear_hold || true; fi
}

reaches_zep_redacted() {
    if needs_manage "It reaches Zep"; then
        step "It reaches Zep" "state mirrored, read back: yes" is_mirrored || true
        step "It went out redacted" "e-mail 1, phone 1" is_redacted || true
    fi
    if has_standin; then
        step "What the Zep stand-in holds of it" "0 canaries, 2 placeholders" standin_holds_no_canary || true
    else
        skip "What the Zep stand-in holds of it" "no stand-in there: Zep's own API is not asked"
    fi
}

writes_are_well() {
    if [[ -e $WORK/worker.before && -e $WORK/worker.after ]]; then
        step "Writes that fail" "< 1 % of more than 0" writes_succeed || true
        step "Write p95" "95 % within 0.15 s" within_bucket worker memory_zep_write_latency_seconds 0.15 || true
        step "Write holds" "0" no_write_hold || true
    else
        skip "Failures, p95 and holds of writes" "no metrics of a worker at WORKER_METRICS_URL"
    fi
    step "Dead letters" "0 more" no_dead_letter || true
    step "Downgrades without an operator" "0" no_downgrade || true
}

read_write() {
    printf '\n== Day 3-5: read-write\n'
    if [[ "$(configured)" != read_write ]]; then
        skip "Day 3-5" "the system is configured write_only: set FLAG_ZEP_READ=true and restart it"
        return 0
    fi
    snapshot before
    step "A turn" "mode read_write, used true" turn_in read_write true || return 0
    step "Turns are answered" "15 of 15" turns_answered 5 || true
    step "Turns without memory" "< 10 %" turns_used_memory || true
    step "Read p95, as turns saw it" "< 250 ms" reads_within_budget || true
    step "Cache hits after the first round" "> 60 %" cache_hits || true
    step "Turn p95" "< 2000 ms" turn_p95 || true
    if needs_manage "A forgotten context is read anew"; then
        step "A forgotten context is read anew" "used true, cached false" invalidated_is_read_anew || true
    fi
    reaches_zep_redacted
    snapshot after
    step "Read p95, as the metrics have it" "95 % within 0.25 s" within_bucket web memory_zep_read_latency_seconds 0.25 || true
    writes_are_well
    if needs_manage "Drills of the guard"; then
        step "Drill: a refused key stops reads" "passed" drill_passes auth_failure || true
        step "Drill: the probe brings reads back" "passed" drill_passes probe_recovery || true
    fi
}

rollback() {
    printf '\n== Emergency rollback\n'
    cat <<'WORDS'
   1. To write-only, at once, without a restart:   manage.py zep_mode --force REASON --ttl 0
   2. For good: FLAG_ZEP_READ=false, restart.       3. Stateless: FLAG_ZEP_WRITE=false too, restart.
WORDS
    if [[ "$(configured)" != read_write ]]; then
        skip "Emergency rollback" "the system reads nothing: what is left is FLAG_ZEP_WRITE=false and a restart"
        return 0
    fi
    needs_manage "Emergency rollback" || return 0
    if [[ -n "$(held_for)" ]]; then
        skip "Emergency rollback" "reads are forced off already, not by this script"
        return 0
    fi
    step "Write-only, at once" "effective mode write_only" force_write_only || return 0
    snapshot before
    step "A turn" "mode write_only, used false" turn_in write_only false || true
    step "It reaches Zep all the same" "state mirrored, read back: yes" is_mirrored || true
    snapshot after
    step "Reads of Zep meanwhile" "0" reads_changed_by_0 || true
    step "Back: reads are let go on" "effective mode read_write" clear_hold || true
    step "A turn" "mode read_write, used true" turn_in read_write true || true
}

wants() { [[ $PHASE == all || $PHASE == "$1" ]]; }

if [[ -z $BASE_URL ]]; then
    host="$(setting WEB_HOST)" port="$(setting WEB_PORT)"
    case "${host:-127.0.0.1}" in 0.0.0.0 | ::) host=127.0.0.1 ;; esac
    BASE_URL="http://${host:-127.0.0.1}:${port:-8000}"
fi
# What this machine knows of its own system goes to no other.
if [[ $BASE_URL =~ ^http://(127(\.[0-9]+){3}|localhost|\[::1\])(:[0-9]+)?(/.*)?$ ]]; then
    IS_LOCAL=1 METRICS_TOKEN="$(setting METRICS_TOKEN)"
else
    IS_LOCAL="" METRICS_TOKEN="${METRICS_TOKEN:-}"
fi
METRICS_HEADER=""
if [[ -n $METRICS_TOKEN ]]; then
    printf 'Authorization: Bearer %s\n' "$METRICS_TOKEN" > "$WORK/metrics-auth"
    METRICS_HEADER="@$WORK/metrics-auth"
fi
worker_port="$(setting WORKER_METRICS_PORT)"
WORKER_METRICS_URL="${WORKER_METRICS_URL:-http://127.0.0.1:${worker_port:-9808}/metrics}"
ZEP_URL="$(setting ZEP_BASE_URL)"
[[ -n $HTTP_ONLY && -z ${ZEP_BASE_URL:-} ]] && ZEP_URL=""

echo "System: $BASE_URL"
if preflight; then
    if wants write-only; then write_only; fi
    if wants read-write; then read_write; fi
    if wants rollback; then rollback; fi
fi
summary
((FAILED == 0))

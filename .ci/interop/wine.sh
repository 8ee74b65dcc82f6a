#!/usr/bin/env bash
# Command lines run by a real cmd.exe, that of wine: winrmctl exec against winrmctl sandbox --programs wine, from a prefix
# that is made for this and thrown away. Streams and exit codes are compared to the byte. The unit tests that need wine run
# in that prefix too: without one they are skipped, because go test shall not make it in the user's directory.
#
# WINRMCTL is the binary. Exit 0: passed. 77: skipped, the last line says why. Else: failed.
set -uo pipefail
: "${WINRMCTL:?the binary to test}"

[ "$(uname -sm)" = "Linux x86_64" ] || { echo "skipped: wine is used on Linux with x86-64 only"; exit 77; }

work=$(mktemp -d)
home=$HOME
export HOME=$work XDG_CONFIG_HOME=$work/config TMPDIR=$work WINEPREFIX=$work/prefix
sandbox=

# ours prints the ids of the processes of this prefix.
ours() {
	local environ
	for environ in /proc/[0-9]*/environ; do
		tr '\0' '\n' 2>/dev/null <"$environ" | grep -qxF "WINEPREFIX=$WINEPREFIX" || continue
		environ=${environ#/proc/} environ=${environ%/environ}
		case " $$ $BASHPID $sandbox " in *" $environ "*) ;; *) echo "$environ" ;; esac
	done
}

clean() {
	trap - EXIT INT TERM
	[ -z "$sandbox" ] || kill -INT "$sandbox" 2>/dev/null
	[ -z "$sandbox" ] || wait "$sandbox" 2>/dev/null
	local id
	for id in $(ours); do kill -KILL "$id" 2>/dev/null; done
	# Wine may still be writing its registry.
	for _ in 1 2 3 4 5; do rm -rf "$work" 2>/dev/null && break || sleep 1; done
}
trap clean EXIT
trap 'exit 1' INT TERM

failures=0
fail() {
	echo "FAILED: $*"
	failures=$((failures + 1))
}

begin=$SECONDS
"$WINRMCTL" sandbox --programs wine -o json >"$work/json" 2>"$work/err" &
sandbox=$!
until [ -s "$work/json" ]; do
	if ! kill -0 "$sandbox" 2>/dev/null; then
		cat "$work/err"
		grep -q 'wine is not installed' "$work/err" || exit 1
		echo "skipped: wine is not installed (Debian package wine64)"
		exit 77
	fi
	[ $((SECONDS - begin)) -lt 120 ] || { cat "$work/err"; echo "wine does not start within two minutes"; exit 1; }
	sleep 0.1
done
echo "started with a new prefix after $((SECONDS - begin)) s: $(cat "$work/err")"
[ "$(cat "$work/err")" = "making the wine prefix $WINEPREFIX: once, up to a minute and 0.7 GB" ] || fail "there is no word of the prefix"
url=$(sed 's/.*"url":"\([^"]*\)".*/\1/' "$work/json")
sed 's/.*"password":"\([^"]*\)".*/\1/' "$work/json" >"$work/password"

run() { "$WINRMCTL" exec -u sandbox --password-file "$work/password" "$@"; }

# check CODE STDOUT STDERR ARGUMENT...: the streams are formats of printf; STDERR may be -, for any.
check() {
	local code=$1 stdout=$2 stderr=$3 got
	shift 3
	run "$@" >"$work/stdout" 2>"$work/stderr" <"${input:-/dev/null}"
	got=$?
	# shellcheck disable=SC2059
	{
		printf -- "$stdout" >"$work/want.stdout"
		printf -- "$stderr" >"$work/want.stderr"
	}
	[ "$got" = "$code" ] || fail "$*: exit code $got, want $code: $(cat "$work/stderr")"
	cmp "$work/stdout" "$work/want.stdout" || fail "$*: stdout: $(od -c "$work/stdout" | head -n 5)"
	[ "$stderr" = - ] || cmp "$work/stderr" "$work/want.stderr" || fail "$*: stderr: $(od -c "$work/stderr" | head -n 5)"
}

check 0 'hello\r\n' '' "$url" 'echo hello'
check 0 '"a b" \r\nc\r\n' '' "$url" 'echo "a b" & echo c'
check 0 '"a&b|c<d>e^f"\r\n"x"y"z"\r\n' '' "$url" 'echo "a&b|c<d>e^f"&echo "x"y"z"'
check 0 'Windows_NT 100%% a%%%%b !x! %%nosuch%%\r\n' '' "$url" 'echo %OS% 100% a%%b !x! %nosuch%'
check 0 '1\r\n2\r\n' '' "$url" 'for %i in (1 2) do @echo %i'
check 0 'yes\r\n' '' "$url" 'if 1==1 (echo yes) else (echo no)'
check 0 'é 日本\r\n' '' "$url" 'echo é 日本'
check 0 '\202\r\n' '' --code-page 850 "$url" 'echo é'
check 0 'out\r\n' 'err\r\n' "$url" 'echo out&echo err>&2'
check 0 'one two\r\n' '' "$url" 'echo one two|find "w"'
check 0 'cmd.exe\r\n' '' "$url" 'dir /b C:\windows\system32\cmd.exe'
check 0 'C:\\windows\r\nte st "&é C:\\x\r\n' '' --cwd 'C:\windows' --env 'STAGE=te st "&é' --env 'TEMP=C:\x' "$url" 'cd&echo %STAGE% %TEMP%'
check 7 '' '' "$url" 'exit 7'
check 255 '' '' "$url" 'exit -1'
check 1 '' '' "$url" 'exit 256'
check 76 '' - --cwd 'C:\nosuch' "$url" 'cd'
grep -q 2147942667 "$work/stderr" || fail "a directory that is not there: $(cat "$work/stderr")"
check 76 '' - --direct "$url" 'nosuch.exe /x'
check 76 '' - --direct "$url" 'echo hello'
input=$work/lines
seq 100000 >"$input"
check 0 "$(sed 's/$/\\r\\n/' "$input" | grep 77 | tr -d '\n')" '' -i --direct "$url" find.exe 77
input=

# Batch files: written by findstr, which wine 8 does not have, so that another program stands in for it; run by cmd.exe. Without
# the stand-in nothing arrives, which has to show.
batch() {
	local code=$1 stdout=$2 script=$3
	shift 3
	check "$code" "$stdout" '' ${path:+--env "$path"} -f "$work/$script" "$@"
}
path='PATH=C:\standin;C:\windows\system32'
printf '@echo off\r\n:next\r\nif "%%~1"=="" goto end\r\necho [%%1]\r\nshift\r\ngoto next\r\n:end\r\nexit /b 3' >"$work/args.cmd"
check 76 '' - -f "$work/args.cmd" "$url"
grep -q '^winrmctl: the script could not be written whole' "$work/stderr" || fail "findstr is not there: $(cat "$work/stderr")"
mkdir "$WINEPREFIX/drive_c/standin"
if python3 "$(dirname "$0")/lib/copier.py" "$WINEPREFIX/drive_c/standin/findstr.exe"; then
	batch 3 '["a b"]\r\n["q""q"]\r\n["x&y|z"]\r\n["^c"]\r\n["!e!"]\r\n[é日本]\r\n["(p)"]\r\n["<r>"]\r\n[C:\\x\\]\r\n' args.cmd "$url" -- \
		'a b' 'q"q' 'x&y|z' '^c' '!e!' 'é日本' '(p)' '<r>' 'C:\x\'
	tr -d '\r' <"$work/args.cmd" >"$work/lf.cmd"
	batch 3 '[1]\r\n[2]\r\n' lf.cmd "$url" 1 2
	printf '\357\273\277' | cat - "$work/args.cmd" >"$work/utf8.cmd"
	batch 3 '[1]\r\n' utf8.cmd "$url" 1
	iconv -t UTF-16 "$work/args.cmd" >"$work/utf16.cmd"
	batch 3 '[1]\r\n' utf16.cmd "$url" 1
	{ printf '@echo off\r\ngoto far\r\n' && seq -f 'rem line %g of a long script' 5000 | sed 's/$/\r/' && printf ':far\r\necho far away\r\n'; } >"$work/long.cmd"
	batch 0 'far away\r\n' long.cmd "$url"
	: >"$work/empty.cmd"
	batch 0 '' empty.cmd "$url"
	printf '@set /p x=name? \r\n@echo [%%x%%]&exit 259' >"$work/input.cmd"
	echo Bob >"$work/bob"
	input=$work/bob
	batch 3 'name? [Bob]\r\n' input.cmd -i "$url"
	input=
	[ -z "$(find "$WINEPREFIX" -name 'winrmctl-*.cmd')" ] || fail "batch files are left behind"
else
	fail "no python3 to make the stand-in for findstr"
fi

mark=76$$ # of the programs below, and of no other run's

# Ctrl-C, once the program has spoken; it is winrmctl's own exit code then. Wine ends cmd.exe from a thread of its own, and
# until that runs cmd.exe goes on: it may begin what stands next in the line, but does not live to see its end.
"$WINRMCTL" exec -u sandbox --password-file "$work/password" "$url" "echo ready&ping -n $mark 127.0.0.1&ping -n 2 127.0.0.1 >nul&echo not me" >"$work/stdout" 2>"$work/stderr" </dev/null &
exec=$!
until grep -q ready "$work/stdout"; do kill -0 "$exec" 2>/dev/null || break; sleep 0.05; done
kill -INT "$exec"
wait "$exec"
code=$?
[ "$code" = 130 ] || fail "Ctrl-C: exit code $code"
! grep -q 'not me' "$work/stdout" || fail "Ctrl-C does not end the line"

# What a command starts ends with it.
run --timeout 3s "$url" "start ping -n $mark 127.0.0.1&start /b ping -n $mark 127.0.0.1&ping -n $mark 127.0.0.1" >/dev/null 2>&1
code=$?
[ "$code" = 124 ] || fail "a time limit: exit code $code"
for _ in $(seq 100); do
	left=$(grep -lz "$mark" /proc/[0-9]*/cmdline 2>/dev/null)
	[ -n "$left" ] || break
	sleep 0.1
done
[ -z "$left" ] || fail "programs are left behind: $left"

(cd "$(dirname "$0")/../.." && HOME=$home TMPDIR=$work go test -count=1 -run Wine ./internal/sandbox) || fail "the unit tests"

# Several at once.
for n in 1 2 3 4 5 6; do
	run "$url" "echo $n&exit $n" >"$work/at-once.$n" 2>&1 &
	pids[n]=$!
done
for n in 1 2 3 4 5 6; do
	wait "${pids[n]}"
	code=$?
	[ "$code $(tr -d '\r' <"$work/at-once.$n")" = "$n $n" ] || fail "at once: $n: exit code $code: $(cat "$work/at-once.$n")"
done

kill -INT "$sandbox"
wait "$sandbox"
code=$?
sandbox=
[ "$code" = 0 ] || fail "the sandbox ends with $code"
left=$(ours)
[ -z "$left" ] || fail "wine runs on: $(head -c 200 $(printf '/proc/%s/cmdline ' $left) | tr '\0' ' ')"
[ -z "$(ls -d "$work"/winrmctl-wine-* 2>/dev/null)" ] || fail "files are left behind"

echo "$failures failures, $((SECONDS - begin)) s"
[ "$failures" = 0 ]

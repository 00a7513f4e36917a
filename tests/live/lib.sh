# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# What the live tests share: TAP lines, a scratch directory, and a drive to talk
# to.  A test sources this file, states its rules one by one, and ends with
# done_testing.
#
# PMT_LIVE says how programs reach the drive: "cuse", as device nodes, or "fuse",
# as files.  A test needs to know that only where the two differ.  With PMT_PAIR
# the tape of start_pmtd is not pmtd's own, but behind pmtserve.
#
#   $scratch        a directory of the test's own, empty, removed at the end
#   $tape, $ntape   the nodes: rewinding on close, and not
#   $slave          the node of the slave end, with the tape pair:
#   $options        what makes pmtd use the transport
#   $image          the tape that start_drive puts in the drive
#   $hold           a file that tapes of start_held are held by
#
# Nothing here waits for a time to pass: what is awaited is an event, with a
# bound after which the test fails.  What is done often does without processes of
# its own, which take their time in the lab.

set -u
export LC_ALL=C PATH=$PATH:/usr/sbin:/sbin
unset TAPE TAR_OPTIONS RMT POSIXLY_CORRECT # These would change what clients do.

live=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
build=$(realpath "${BUILD:-$live/../../build}")
pmtd=$build/pmtd
tapeop=$build/tests/live/tapeop
transport=${PMT_LIVE:-fuse}

scratch=$(mktemp -d "${TMPDIR:-/tmp}/pmt-live.XXXXXX") || exit 1
image=$scratch/image.tap
hold=$scratch/hold
log=$scratch/pmtd.log # what pmtd says on standard error
pmtserve=$build/pmtserve
serve_pid='' serve_log=$scratch/pmtserve.log
pmtd_pid=''
end_status='' end_ms='' # how pmtd ended
tests=0
failures=0

case $transport in
cuse) dev=/dev options=() ;;
fuse) dev=$scratch/dev options=(--fuse "$dev") ;;
*) echo "Bail out! PMT_LIVE=$transport: neither fuse nor cuse"; exit 1 ;;
esac
tape=$dev/pmt
ntape=$dev/npmt
slave=$dev/pmts
last_node=$ntape # of those that pmtd makes

# ---- Results ---------------------------------------------------------------

pass()
{
	tests=$((tests + 1))
	echo "ok $tests - $1"
}

# fail SENTENCE: what was seen may follow with diag.
fail()
{
	tests=$((tests + 1))
	failures=$((failures + 1))
	echo "not ok $tests - $1"
}

# Standard input, as lines for people; a thousand are more than enough.
diag()
{
	head -n 1000 | sed 's/^/# /'
}

# ok SENTENCE COMMAND...: the rule holds if the command succeeds.  What the
# command said is in $scratch/output afterwards, for this and the next two.
ok()
{
	local sentence=$1 status=0

	shift
	"$@" >"$scratch/output" 2>&1 || status=$?
	if [ "$status" -eq 0 ]; then
		pass "$sentence"
		return 0
	fi
	fail "$sentence"
	{ echo "status $status of: $*"; cat "$scratch/output"; } | diag
	return 1
}

# fails SENTENCE COMMAND...: the rule holds if the command does not succeed, but
# ends by itself.
fails()
{
	local sentence=$1 status=0

	shift
	"$@" >"$scratch/output" 2>&1 || status=$?
	if [ "$status" -gt 0 ] && [ "$status" -lt 124 ]; then
		pass "$sentence"
		return 0
	fi
	fail "$sentence"
	{ echo "status $status of: $*"; cat "$scratch/output"; } | diag
	return 1
}

# is EXPECTED SEEN SENTENCE
is()
{
	if [ "$1" = "$2" ]; then
		pass "$3"
		return 0
	fi
	fail "$3"
	printf 'expected: %s\n    seen: %s\n' "$1" "$2" | diag
	return 1
}

# like REGEX SEEN SENTENCE
like()
{
	if [[ $2 =~ $1 ]]; then
		pass "$3"
		return 0
	fi
	fail "$3"
	printf 'expected: /%s/\n    seen: %s\n' "$1" "$2" | diag
	return 1
}

# bail WHY: the test can't go on, and that is a failure.
bail()
{
	echo "Bail out! $1"
	exit 1
}

done_testing()
{
	echo "1..$tests"
	[ "$failures" -eq 0 ]
	exit
}

# need PROGRAM...: without them nothing is proven, so that is no reason to skip.
need()
{
	local program

	for program; do
		type -P "$program" >/dev/null ||
			bail "cannot find $program; run make deps and make tests"
	done
}

# ---- Waiting ---------------------------------------------------------------

# pause SECONDS: as sleep(1), but of the shell itself.
pause()
{
	read -r -t "$1" <>"$scratch/.silent" || :
}

# await SECONDS COMMAND...: until it succeeds; false if it never does.
await()
{
	local deadline=$((${EPOCHREALTIME/./} + $1 * 1000000))

	shift
	until "$@"; do
		[ "${EPOCHREALTIME/./}" -lt "$deadline" ] || return 1
		pause 0.01
	done
}

# ended PID: kill -0 would tell, but the shell may not have heard of it yet.
ended()
{
	local line

	read -r line <"/proc/$1/stat" || return 0
	[[ ${line##*) } == [ZX]* ]]
} 2>/dev/null # There may be no such process any more.

# reap PID: a child that is about to end; returns its status, which is 137 if it
# does not.
reap()
{
	{
		await 10 ended "$1" || kill -KILL "$1"
		wait "$1"
	} 2>/dev/null # Here the shell would tell of children that were killed.
}

# contains FILE TEXT
contains()
{
	[[ $(<"$1") == *"$2"* ]]
} 2>/dev/null # There may be no file yet.

# ---- The drive -------------------------------------------------------------

# nodes_exist: pmtd makes them one by one.
nodes_exist()
{
	[ -e "$tape" ] && [ -e "$ntape" ] && [ -e "$last_node" ]
}

nodes_are_gone()
{
	[ ! -e "$tape" ] && [ ! -e "$ntape" ] && ! is_mounted
}

# After a SIGKILL the mount stays, dead, with no nodes in it.
is_mounted()
{
	[[ $(</proc/self/mountinfo) == *" $scratch/"* ]]
}

ready_or_ended()
{
	nodes_exist || ended "$pmtd_pid"
}

# start_pmtd [OPTION...] SPEC: returns when the nodes are there.
start_pmtd()
{
	local given=("$@")

	[ -z "${PMT_PAIR-}" ] || given[-1]=pair:
	last_node=$ntape
	[[ " ${given[*]} " != *' --modes '* ]] || last_node=${ntape}a
	[[ ${given[-1]} != pair:* ]] || last_node=$slave
	"$pmtd" --foreground "${options[@]}" "${given[@]}" 2>>"$log" &
	pmtd_pid=$!
	if ! { await "${start_patience:-10}" ready_or_ended && nodes_exist; }; then
		diag <"$log"
		bail "pmtd does not start: $*"
	fi
	[ -z "${PMT_PAIR-}" ] || start_serve "$slave" "${!#}"
}

serving_or_ended()
{
	[ -s "$scratch/serve.pid" ] || ended "$serve_pid"
}

# start_serve [OPTION...] NODE SPEC: returns when pmtserve has the slave end.
start_serve()
{
	rm -f "$scratch/serve.pid"
	"$pmtserve" --foreground --pidfile "$scratch/serve.pid" "$@" \
		2>>"$serve_log" &
	serve_pid=$!
	await 10 serving_or_ended && [ -s "$scratch/serve.pid" ] && return
	diag <"$serve_log"
	bail "pmtserve does not start: $*"
}

# end_serve: by itself, or with a SIGNAL before; sets $end_status.
end_serve()
{
	[ $# -eq 0 ] || kill "-$1" "$serve_pid"
	reap "$serve_pid"
	end_status=$?
	serve_pid=''
}

# start_drive: with a blank tape, $image.
start_drive()
{
	rm -f "$image"
	start_pmtd "file:$image"
}

# start_held OPERATION WHEN: with a blank tape that is held in that operation, as
# is_held tells, until let_go; see pmtd(8).
start_held()
{
	rm -f "$image"
	: >"$hold"
	: >"$log"
	start_pmtd "fault:{file:$image},do=$* hold=$hold"
}

is_held()
{
	contains "$log" 'is held by'
}

let_go()
{
	rm "$hold"
}

# end_pmtd SIGNAL: sets $end_status and $end_ms, how it ended and after what time.
end_pmtd()
{
	local begin=${EPOCHREALTIME/./}

	kill "-$1" "$pmtd_pid"
	reap "$pmtd_pid"
	end_status=$?
	end_ms=$(((${EPOCHREALTIME/./} - begin) / 1000))
	pmtd_pid=''
	[ -z "${PMT_PAIR-}" ] || { reap "$serve_pid"; serve_pid=''; }
}

ended_well()
{
	echo "status $end_status after $end_ms ms"
	[ "$end_status" -eq 0 ] && [ "$end_ms" -lt 2000 ] && nodes_are_gone
}

stop_pmtd()
{
	end_pmtd TERM
	ok 'SIGTERM ends pmtd within 2 s, with status 0 and no node left' \
		ended_well
}

# kill_pmtd: as a crash would.
kill_pmtd()
{
	end_pmtd KILL
	unmount
}

unmount()
{
	local dir

	while read -r _ _ _ _ dir _; do
		[[ $dir != "$scratch"/* ]] || fusermount3 -u -q -z "$dir"
	done </proc/self/mountinfo
}

# ---- What is on the tape ---------------------------------------------------

# rewound COMMAND...: on a tape that stands at BOT.
rewound()
{
	mt -f "$ntape" rewind && "$@"
}

# place: file and block number, as "1/0".
place()
{
	mt -f "$ntape" status |
		sed -n 's/^File number=\(.*\), block number=\(.*\), .*/\1\/\2/p'
}

# op OP...: see tapeop.c.
op()
{
	"$tapeop" "$ntape" "$@"
}

# layout: the records and filemarks of the image, read without pmtd.
layout()
{
	"$live/simh-ls" "$image"
}

# ---- Data ------------------------------------------------------------------

# data BYTES SEED: the same at every call, and no two pieces of it are equal.
data()
{
	seq "${2}000000000" inf | head -c "$1"
}

# make_tree DIR: files of many sizes and kinds, 1.5 MB in all.
make_tree()
{
	local size

	mkdir -p "$1/sub/empty"
	for size in 0 1 511 512 513 10240 70001 1400000; do
		data "$size" "$size" >"$1/sub/$size"
	done
	perl -e 'print pack("C*", 0 .. 255) x 200' >"$1/all bytes"
	ln -s sub/512 "$1/symlink"
	ln "$1/sub/511" "$1/link"
}

same_tree()
{
	diff -r --no-dereference "$1" "$2"
}

# ---- dump ------------------------------------------------------------------

# make_fs TREE IMAGE: an ext4 file system of that tree.
make_fs()
{
	mkdir -p "$1/lost+found" # Every ext4 has it.
	mke2fs -q -t ext4 -E "root_owner=$(id -u):$(id -g)" -d "$1" "$2" 8M \
		>"$scratch/output" 2>&1 || bail 'mke2fs makes no file system'
}

# dump_image IMAGE OPTION...: dumps the file system in it, which needs no mount.
# dump would rather dump a file as a part of what the tables of mounts say it
# lies on, so they are hidden from it, with all else in /etc.
dump_image()
{
	local file=$1 namespace=(unshare --mount)

	shift
	[ "$(id -u)" -eq 0 ] || namespace+=(--map-root-user)
	# shellcheck disable=SC2016 # The inner shell expands it.
	"${namespace[@]}" sh -c 'mount -t tmpfs none /etc && exec dump "$@"' \
		dump -0 "$@" "$file" </dev/null
}

# restore_to DIR OPTION...: in an empty directory.
restore_to()
{
	local dir=$1

	shift
	rm -rf "$dir"
	mkdir "$dir"
	(cd "$dir" && exec restore "$@" </dev/null)
}

# restores_tree TREE OPTION...: restore -r gives back that tree.
restores_tree()
{
	local tree=$1

	shift
	restore_to "$scratch/out" -r "$@" &&
		rm "$scratch/out/restoresymtable" &&
		same_tree "$tree" "$scratch/out"
}

# ---- The end ---------------------------------------------------------------

# Leaves nothing behind, whichever way the test ends.
cleanup()
{
	local status=$? children

	if [ "$failures" -gt 0 ] && [ -s "$log" ]; then
		{ echo 'pmtd said:'; tail -n 50 "$log"; } | diag
	fi
	if [ "$failures" -gt 0 ] && [ -s "$serve_log" ]; then
		{ echo 'pmtserve said:'; tail -n 50 "$serve_log"; } | diag
	fi
	mapfile -t children < <(jobs -p)
	{
		[ ${#children[@]} -eq 0 ] || kill -KILL "${children[@]}"
		wait
	} 2>/dev/null
	unmount
	rm -rf "$scratch"
	exit "$status"
}

mkdir -p "$dev"
mkfifo "$scratch/.silent" || exit 1
trap cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
need "$pmtd" "$tapeop" mt perl
[ "$transport" = cuse ] || need fusermount3

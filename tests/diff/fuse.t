#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The same as cuse.t, with our file over FUSE, on this machine and its kernel.
# Where the machine can't run it, that is said, and is a failure if everything
# should run: with CI or PMT_STRICT in the environment.  With PMT_PAIR, which is
# "pair:", the tape is behind pmtserve.

set -u

build=${BUILD:-build}
pmtd='' serve=''

# leave_out WHY
leave_out()
{
	if [ -n "${CI-}${PMT_STRICT-}" ]; then
		echo '1..1'
		echo "not ok 1 - the drive over FUSE is compared here: $1"
		exit 1
	fi
	echo "1..0 # SKIP left out, the drive over FUSE: $1"
	exit 0
}

cleanup()
{
	[ -z "$pmtd" ] || kill "$pmtd"
	[ -z "$serve" ] || kill "$serve" 2>/dev/null # It may have ended first.
	wait
	rm -rf "$dir"
}

# started: whether the file is there; false if it will never be.
started()
{
	local tries=1000

	until [ -e "$dir/dev/ndiff" ]; do
		kill -0 "$pmtd" && [ $((tries--)) -gt 0 ] || return 1
		sleep 0.01
	done
}

[ -e /dev/fuse ] || leave_out 'there is no /dev/fuse'
[ "$(id -u)" -eq 0 ] || leave_out 'only root can be somebody else, too'
dir=$(mktemp -d "${TMPDIR:-/tmp}/pmt-diff.XXXXXX") || exit 1
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
mkdir "$dir/dev"
spec=file:$dir/image.tap,objects=9999,warn_objects=19,min=512,max=1M,granularity=4
"$build/pmtd" --foreground --name diff --fuse "$dir/dev" \
	"${PMT_PAIR-$spec}" 2>"$dir/log" &
pmtd=$!
if ! started; then
	sed 's/^/# /' "$dir/log"
	echo 'Bail out! pmtd does not start'
	exit 1
fi
if [ -n "${PMT_PAIR-}" ]; then
	"$build/pmtserve" --foreground "$dir/dev/diffs" "$spec" 2>"$dir/log" &
	serve=$!
fi
timeout "$((${DURATION:-0} + 600))" "$build/tests/diff/difftest" \
	compare -u fuse -n "$dir/dev/ndiff" -s "${SEED:-1}" \
	-c "${OPERATIONS:-30000}" ${DURATION:+-t "$DURATION"} \
	tests/diff/scripts/*.tape

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# The same as lab.t, with our node over CUSE in the place of st's: what came
# through the kernel is held against the drive in this process.  The tape is an
# image with the limits that scsi_debug has.  The random cases are the same with
# every run; SEED and OPERATIONS, or DURATION in seconds, ask for others.
# With PMT_PAIR, which is "pair:", the tape is behind pmtserve.

if [ -z "${PMT_LAB:-}" ]; then
	exec tests/lab/lab -k "${PMT_KERNEL:-new}" \
		-t "$((${DURATION:-0} + 600))" -- "$0"
fi

build=${BUILD:-build}
dir=$(mktemp -d)
image=$dir/image.tap
spec=file:$image,objects=9999,warn_objects=19,min=512,max=1M,granularity=4
"$build/pmtd" --name diff "${PMT_PAIR-$spec}" || exit 1
[ -z "${PMT_PAIR-}" ] || "$build/pmtserve" /dev/diffs "$spec" || exit 1
exec "$build/tests/diff/difftest" compare -u cuse -n /dev/ndiff \
	-s "${SEED:-1}" -c "${OPERATIONS:-20000}" ${DURATION:+-t "$DURATION"} \
	tests/diff/scripts/*.tape

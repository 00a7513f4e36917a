#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A file exports only names that begin with its own, drive_rw.c has drive_*, or with
# its folder's.
# Looks at the objects that `make` has left in $BUILD (default build).
set -u
cd "$(dirname "$0")/../.." || exit 1

build=${BUILD:-build}
n=0
failed=0

for dir in daemon formats mirror rmt cuse pair tools; do
	for object in "$build/$dir"/*.o; do
		[ -e "$object" ] || continue
		file=$(basename "$object" .o)
		word=${file%%_*}
		word=${word#lib} # libpmt has pmt_*
		foreign=$(nm -g --defined-only "$object" | awk '{ print $3 }' |
			grep -vE "^${word}(_|s_|\$)|^${dir}_|^main\$")
		n=$((n + 1))
		if [ -z "$foreign" ]; then
			echo "ok $n - $dir/$file.c exports only ${word}_*"
		else
			echo "not ok $n - $dir/$file.c exports only ${word}_*"
			echo "# ${foreign//$'\n'/$'\n'# }"
			failed=1
		fi
	done
done

foreign=$(nm -D --defined-only "$build"/libpmt.so.1 | grep -v ' A ' |
	grep -v ' T pmt_'
	nm -g --defined-only "$build/libpmt.a" | grep -v '^$\|:$' |
		grep -v ' T pmt_')
n=$((n + 1))
if [ -z "$foreign" ]; then
	echo "ok $n - libpmt, static or shared, shows pmt_* and nothing else"
else
	echo "not ok $n - libpmt, static or shared, shows pmt_* and nothing else"
	echo "# ${foreign//$'\n'/$'\n'# }"
	failed=1
fi

echo "1..$n"
[ $n -gt 0 ] && exit $failed
exit 1

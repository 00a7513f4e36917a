#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The manual pages are well-formed, and tell all the options there are.
set -u
cd "$(dirname "$0")/../.." || exit 1

build=${BUILD:-build}
n=0
failed=0

ok()
{
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		failed=1
	fi
}

for page in docs/*.[1-8]; do
	faults=$(mandoc -T lint -W warning "$page" 2>&1 | grep -v 'outdated mandoc.db')
	[ -z "$faults" ] || echo "# ${faults//$'\n'/$'\n'# }"
	[ -z "$faults" ]
	ok $? "$page has no faults that mandoc sees"
done

for page in pmtd.8 pmtimg.1 pmt-rmt.8 pmtserve.1; do
	name=${page%.*}
	for option in $("$build/$name" --help | grep -oE -- ' --[a-z-]+' |
		sort -u); do
		grep -q "Fl Fl ${option#--}" "docs/$page"
		ok $? "$name(${page#*.}) explains $option"
	done
done

for name in $(nm -D --defined-only "$build/libpmt.so.1" | sed -n 's/.* T \(pmt_[^@]*\).*/\1/p'); do
	grep -q "^.It Fn .*$name" docs/libpmt.3
	ok $? "libpmt(3) explains $name"
	grep -q "$name(" pair/pmt/pair.h
	ok $? "pmt/pair.h declares $name"
done
while read -r name number; do
	grep -q "^.It $name Ta $number Ta" docs/pmt-pair.7
	ok $? "pmt-pair(7) has $name, which is $number"
done < <(sed -n 's/^\t*PMT_\([A-Z_]*\) = \([0-9]*\),.*/\1 \2/p' pair/pmt/pair.h |
	grep -v '^OPS ')

echo "1..$n"
exit $failed

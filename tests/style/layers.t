#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The folders include each other one way only, as HACKING.md says.
set -u
cd "$(dirname "$0")/../.." || exit 1

n=0
failed=0

# "none SENTENCE": what grep finds on standard input must be nothing.
none()
{
	local found

	found=$(cat)
	n=$((n + 1))
	if [ -z "$found" ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		echo "# ${found//$'\n'/$'\n'# }"
		failed=1
	fi
}

includes()
{
	grep -Hn '^#include' "$@" /dev/null
}

# Headers of our own, by folder, as one alternative of a regular expression.
headers()
{
	find "$@" -name '*.h' -printf '%f\n' | paste -sd'|' | sed 's/\./\\./g'
}

daemon_only='(drive|drive_state|ioctl|log|null|fault|fault_script)\.h'

none "only cuse/ includes libfuse" \
	< <(includes daemon/*.[ch] formats/*.[ch] pair/*.[ch] | grep -E 'fuse')
none "of pair/ cuse/ knows the port, and what goes through it" \
	< <(includes cuse/*.[ch] | grep -v '"wire\.h"' |
		grep -E "\"($(headers pair))\"|<pmt/" | grep -v '"port\.h"')
none "only mirror/ includes libsgutils2, and of it only sg.c" \
	< <(includes daemon/*.[ch] formats/*.[ch] cuse/*.[ch] mirror/*.[ch] \
		tests/*/*.[ch] | grep -E '<scsi/sg_' | grep -v '^mirror/sg\.c:')
none "formats/ knows tapes, specs and limits, but no drive" \
	< <(includes formats/*.[ch] | grep -E "\"$daemon_only\"")
none "formats/ does not know cuse/" \
	< <(includes formats/*.[ch] | grep -E "\"($(headers cuse))\"")
none "cuse/ does not know formats/" \
	< <(includes cuse/*.[ch] | grep -E "\"($(headers formats))\"")
none "cuse/ knows the drive, but no tape and nothing inside the drive" \
	< <(includes cuse/*.[ch] | grep -E '"(tape|drive_state|null|fault)\.h"')
none "mirror/ knows tapes, and of formats/ only the trail" \
	< <(includes mirror/*.[ch] | grep -v '"trail\.h"' |
		grep -E "\"($daemon_only|$(headers cuse formats))\"" )
none "rmt/ knows tapes and drives, and of formats/ only the bytes" \
	< <(includes rmt/*.[ch] | grep -vE '"(wire|bytes)\.h"' |
		grep -E "\"($(headers cuse formats mirror))\"")
none "the codec of rmt/ does no I/O and knows nothing but the limits of a tape" \
	< <(includes rmt/wire.[ch] | grep '"' |
		grep -vE '"(bytes|wire|tape)\.h"')
none "libpmt and the codec of pair/ need libc and the bytes, and no tape" \
	< <(includes pair/{libpmt*,wire,memory,stream}.[ch] pair/pmt/*.h | grep '"' |
		grep -vE '"(bytes|wire|memory|stream|libpmt_pair)\.h"')
none "what serves a slave end knows tapes, but no drive and no port" \
	< <(includes pair/serve.[ch] | grep '"' |
		grep -vE '"(serve|tape)\.h"')
none "pair/ knows tapes, and of formats/ only the bytes" \
	< <(includes pair/*.[ch] | grep -vE '"(wire|bytes|pair)\.h"' |
		grep -E "\"(drive|drive_state|ioctl|$(headers cuse formats mirror rmt))\"")
none "formats/ does not know mirror/, nor rmt/" \
	< <(includes formats/*.[ch] | grep -E "\"($(headers mirror rmt))\"")
none "mirror/ does not know rmt/" \
	< <(includes mirror/*.[ch] | grep -E "\"($(headers rmt))\"")
none "daemon/ knows none of them, but for pmtd.c" \
	< <(includes daemon/*.[ch] | grep -v '^daemon/pmtd\.c:' |
		grep -E "\"($(headers cuse formats mirror rmt pair))\"")
none "tools/ knows tapes and images, but no drive and no nodes" \
	< <(includes tools/*.[ch] |
		grep -E "\"((drive|drive_state|ioctl)\.h|$(headers cuse))\"|fuse")
none "nobody knows tools/, and only tools/ knows jansson" \
	< <(includes daemon/*.[ch] formats/*.[ch] mirror/*.[ch] cuse/*.[ch] |
		grep -E "\"($(headers tools))\"|jansson")
none "the inside of the drive is for drive*.c" \
	< <(includes daemon/*.[ch] | grep 'drive_state\.h' | grep -v '^daemon/drive')
none "every source file has its SPDX line" \
	< <(find . -path "./${BUILD:-build}" -prune -o -path ./.git -prune -o \
		-type f -regex '.*\(\.\([cht8]\|sh\)\|/Makefile\|/lab\|/run\)' \
		-print0 | xargs -0 grep -L 'SPDX-License-Identifier: BSD-2-Clause')

echo "1..$n"
exit $failed

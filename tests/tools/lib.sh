# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# What the tests of pmtimg share, besides tests/live/lib.sh: to run it and look
# at what it said, and tapes to run it on.  A test works in $scratch.
#
#   $status, out, err   how pmtimg ended, and files with what it said
#   $images             tests/data

# shellcheck source=tests/live/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../live/lib.sh"

tools=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
images=$(realpath "$tools/../data")
export images
pmtimg=$build/pmtimg
status=''
need "$pmtimg" perl
cd "$scratch" || exit 1

# img ARGUMENT...: nothing here may take long, or read what it should not.
img()
{
	timeout 60 "$pmtimg" "$@" >out 2>err </dev/null
	status=$?
	return $status
}

# exits STATUS SENTENCE ARGUMENT...
exits()
{
	local expected=$1 sentence=$2

	shift 2
	img "$@"
	is "$expected" "$status" "$sentence" && return
	{ echo "of: pmtimg $*"; cat out err; } | diag
	return 1
}

# says REGEX SENTENCE, and complains REGEX SENTENCE: on standard output or error.
says()
{
	like "$1" "$(<out)" "$2"
}

complains()
{
	like "$1" "$(<err)" "$2"
}

# tape NAME OBJECT...: a SIMH image, see mktape.
tape()
{
	local name=$1

	shift
	"$tools/mktape" "$@" >"$name" || bail "cannot make $name"
}

# json PERL SENTENCE: what pmtimg has printed is JSON, in $j, and this holds.
json()
{
	ok "$2" perl -MJSON::PP -e '
		local $/;
		open my $f, "<", "out" or die "out: $!\n";
		my $j = decode_json(<$f>);
		exit 0 if eval $ARGV[0];
		die $@ || "not so\n";' "$1"
}

# damage FILE OFFSET BYTE...: in hexadecimal.
damage()
{
	local file=$1 at=$2

	shift 2
	printf '%b' "${@/#/\\x}" |
		dd of="$file" bs=1 seek="$at" conv=notrunc status=none
}

# formats: those that a blank image can be made of.
formats()
{
	local name

	for name in $("$pmtimg" create --format none x 2>&1 |
		sed 's/.*there are //; s/,//g'); do
		"$pmtimg" create --format "$name" probe.img >/dev/null 2>&1 &&
			echo "$name"
		rm -rf probe.img
	done
}

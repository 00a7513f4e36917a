#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The examples, as their first lines say: each is the tape of a drive that tar
# writes two archives to, finds them again, and restores what it wrote.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need tar age age-keygen python3 cc pkg-config

examples=$(realpath "$live/../../examples")
root=$scratch/root # where they and the library are installed
tree=$scratch/tree
tapes=$scratch/tapes
make_tree "$tree"
mkdir "$tapes"

# has_node_or_ended: a script, whose descriptor 4 comes after the node.
has_node_or_ended()
{
	[ -e "/proc/$serve_pid/fd/4" ] || ended "$serve_pid"
}

# takes_over COMMAND...: a script; false if the slave end is not free yet.
takes_over()
{
	follow "$@"
	await 5 has_node_or_ended
	! ended "$serve_pid" || { reap "$serve_pid"; false; }
}

# begin COMMAND...: a drive whose tape it is.
begin()
{
	PMT_PAIR='' start_pmtd pair:
	follow "$@"
}

# follow COMMAND...: it is the tape of the drive that is there.
follow()
{
	"$@" 2>>"$serve_log" &
	serve_pid=$!
}

factor=20 # of tar's records

extracts()
{
	rm -rf "$scratch/out"
	mkdir "$scratch/out"
	tar -b "$factor" -xf "$ntape" "$@" -C "$scratch/out" &&
		same_tree "$tree" "$scratch/out"
}

# holds NAME: what every tape has to be able to do.
holds()
{
	local name=$1

	ok "$name: tar -c writes" timeout 60 tar -b "$factor" -cf "$ntape" -C "$tree" .
	is 1/0 "$(place)" "$name: mt status stands behind the filemark"
	ok "$name: a second archive follows" \
		tar -b 2048 -cf "$ntape" -C "$tree/sub" .
	ok "$name: mt rewind" mt -f "$ntape" rewind
	ok "$name: tar -t lists the first" tar -b "$factor" -tf "$ntape"
	is "$(tar -cf - -C "$tree" . | tar -tf -)" "$(<"$scratch/output")" \
		"$name: ... all of it"
	ok "$name: tar -x restores it" rewound extracts
	ok "$name: mt fsf finds the second" rewound mt -f "$ntape" fsf 1
	ok "$name: tar -d compares it" \
		tar -b 2048 -df "$ntape" -C "$tree/sub"
	mt -f "$ntape" rewind
	mt -f "$ntape" fsf 1
	ok "$name: mt bsfm finds its beginning" mt -f "$ntape" bsfm 1
	ok "$name: mt eod finds the end" mt -f "$ntape" eod
	is 2 "$(place | cut -d/ -f1)" "$name: ... behind both files"
	fails "$name: a third is not there" mt -f "$ntape" fsf 1
	mt -f "$ntape" rewind
}

# replaces NAME: the first file again, and then it is the only one.
replaces()
{
	mt -f "$ntape" rewind
	ok "$1: the tape is written anew" tar -b "$factor" -cf "$ntape" -C "$tree" .
	mt -f "$ntape" eod
	is 1 "$(place | cut -d/ -f1)" "$1: ... and nothing old is behind that"
	mt -f "$ntape" rewind
	ok "$1: ... it is restored" extracts
}

# ends NAME: with the drive.
ends()
{
	stop_pmtd
	# shellcheck disable=SC2119 # No signal: by itself.
	end_serve
	is 0 "$end_status" "$1: the example ends with pmtd"
}

# As its users do: what is installed, found by pkg-config, and in PATH.
compile()
{
	make -C "$live/../.." BUILD="$build" DESTDIR="$root" PREFIX=/usr \
		install-libpmt >/dev/null &&
		read -ra flags < <(PKG_CONFIG_PATH=$root/usr/lib/pkgconfig \
			PKG_CONFIG_SYSROOT_DIR=$root pkg-config \
			--cflags --libs libpmt) &&
		cc -o "$scratch/ramtape" "$examples/ramtape.c" "${flags[@]}" &&
		export LD_LIBRARY_PATH=$root/usr/lib PATH=$root/usr/bin:$PATH
}

# A page is what fits on one of paper.
is_a_page()
{
	local most=80

	[[ $1 != *.py ]] || most=88
	[ "$(wc -l <"$1")" -le 66 ] && ! expand "$1" | grep -E ".{$((most + 1))}"
}

pages()
{
	local file

	for file in "$examples"/*; do
		ok "${file##*/} is a page" is_a_page "$file"
	done
}

in_c()
{
	ok 'ramtape.c is compiled against what is installed' compile
	begin "$scratch/ramtape" "$slave"
	holds ramtape
	replaces ramtape
	ends ramtape
}

# from_database QUERY: the data that it finds, without the drive.
from_database()
{
	/usr/bin/python3 -c 'import sqlite3, sys
for data, in sqlite3.connect(sys.argv[1]).execute(sys.argv[2]):
    sys.stdout.buffer.write(data)' "$tapes/db" "$1"
}

# has QUERY: whether that finds anything.
has()
{
	[ -n "$(from_database "$1" 2>/dev/null)" ]
}

# killed NAME SIGN...: in the middle of a tape file, when the sign succeeds.
killed()
{
	local name=$1 writer

	mt -f "$ntape" eod
	dd if=/dev/zero of="$ntape" bs=10k 2>"$scratch/dd" &
	writer=$!
	ok "$name: a third file is being written" await 20 "${@:2}"
	end_serve KILL
	is 137 "$end_status" "$name: ... when the program is killed"
	reap "$writer"
	is 1 $? "$name: ... which the client is told"
}

in_python()
{
	begin "$examples/sqltape.py" "$slave" "$tapes/db"
	holds sqltape
	ok 'sqltape: a tape file can be taken from the database' bash -c "
		$(declare -f from_database); tapes=$tapes
		from_database 'SELECT data FROM tape WHERE file = 0' |
		tar -df - -C '$tree'"
	is 2 "$(from_database \
		'SELECT cast(count(*) AS blob) FROM tape WHERE length(data) = 0')" \
		'sqltape: ... and its filemarks counted'
	ends sqltape
	PMT_PAIR='' start_pmtd "pair:$scratch/socket"
	follow "$examples/sqltape.py" "$scratch/socket" "$tapes/db"
	ok 'sqltape: it is still there for the next, at a socket' extracts
	killed sqltape has 'SELECT cast(file AS blob) FROM tape WHERE file = 2'
	follow "$examples/sqltape.py" "$scratch/socket" "$tapes/db"
	ok 'sqltape: the next one goes on' await 10 mt -f "$ntape" rewind
	ok 'sqltape: ... with what was there' extracts
	is 10240 "$(from_database 'SELECT DISTINCT cast(length(data) AS blob)
		FROM tape WHERE file = 2')" 'sqltape: ... and whole records'
	replaces sqltape
	is 0 "$(from_database 'SELECT DISTINCT cast(file AS blob) FROM tape
		WHERE length(data) > 0')" 'sqltape: ... alone'
	ends sqltape
}

# Large records, for each costs a few processes; in the lab they are slow.
encrypted()
{
	local recipient

	factor=2048
	age-keygen -o "$scratch/key" 2>/dev/null
	recipient=$(age-keygen -y "$scratch/key")
	begin "$examples/pipetape" "$slave" "$tapes/pipe" \
		"age -r $recipient" "age -d -i $scratch/key"
	holds pipetape
	ok 'pipetape: what is kept is encrypted' \
		grep -q '^age-encryption.org' "$tapes/pipe/0"
	ok 'pipetape: and restored without the program, too' bash -c "
		age -d -i '$scratch/key' '$tapes/pipe/0' | tar -df - -C '$tree'"
	killed pipetape test -s "$tapes/pipe/new"
	is '0 1' "$(cd "$tapes/pipe" && echo [0-9]*)" \
		'pipetape: ... and what has no filemark is not there'
	ok 'pipetape: the next one takes over' await 10 takes_over \
		"$examples/pipetape" "$slave" "$tapes/pipe" \
		"age -r $recipient" "age -d -i $scratch/key"
	ok 'pipetape: ... and goes on' await 10 mt -f "$ntape" rewind
	ok 'pipetape: ... with what was there' extracts
	replaces pipetape
	is 0 "$(cd "$tapes/pipe" && echo [0-9]*)" \
		'pipetape: ... the old files are gone'
	ends pipetape
	rm -r "$tapes/pipe"
}

# It never goes on as if a command had done well.
failing()
{
	begin "$examples/pipetape" "$slave" "$tapes/pipe" false false
	fails 'pipetape: a command that fails is an error for tar' \
		tar -cf "$ntape" -C "$tree" .
	ends pipetape
	begin "$examples/pipetape" "$slave" "$tapes/pipe" 'cat; false' false
	is 'ok 5000 EIO' "$(op wo write:5000 weof)" \
		'pipetape: one that fails at its end is one for the filemark'
	is new "$(ls "$tapes/pipe")" 'pipetape: ... and nothing is kept'
	ends pipetape
	begin "$examples/pipetape" "$slave" "$tapes/pipe" cat 'cat; false'
	ok 'pipetape: what can be written' tar -cf "$ntape" -C "$tree/sub" 512
	mt -f "$ntape" rewind
	is 'ok 10240 EIO EIO' "$(op ro read:20480 read:20480 read:20480)" \
		'pipetape: ... and not be read is an error, no filemark'
	is 'ok ok 1000 EIO EIO' "$(op rw rewind read:1000 write:1000 weof)" \
		'pipetape: nothing is written in the middle of a file'
	is 'ok ok 1000' "$(op ro rewind read:1000)" \
		'pipetape: ... and the tape is still there'
	end_serve TERM
	is 143 "$end_status" 'pipetape: SIGTERM ends it'
	ok 'pipetape: ... and the next one takes over' await 10 takes_over \
		"$examples/pipetape" "$slave" "$tapes/pipe" cat \
		"cat; echo \"file \$FILE\" >$scratch/number"
	ok 'pipetape: ... and goes on' await 10 mt -f "$ntape" rewind
	is 'ok 10240 0' "$(op ro read:20480 read:20480)" \
		'pipetape: ... with a command that reads'
	is 'file 0' "$(<"$scratch/number")" '... and knows which file'
	ends pipetape
}

# program PAGE: the one that is printed there.
program()
{
	awk '/^\.\\" program/ { on = 1 } /^\.Ed/ { on = 0 }
		on && !/^\./' "$live/../../docs/$1" | sed 's/^\\&//'
}

# The programs of the manual: with them there is a drive.
manual()
{
	program libpmt.3 >"$scratch/manual.c"
	ok 'the program of libpmt(3) is compiled as it is there' \
		cc -o "$scratch/manual" "$scratch/manual.c" "${flags[@]}"
	begin "$scratch/manual" "$slave"
	ok '... and tar writes to it' tar -cf "$ntape" -C "$tree" .
	is 1/0 "$(place)" '... behind a filemark'
	mt -f "$ntape" rewind
	fails '... and it has nothing to be read' tar -tf "$ntape"
	ends '... the program'
	program pmt-pair.7 >"$scratch/manual.sh"
	begin bash "$scratch/manual.sh" "$slave"
	ok 'with the script of pmt-pair(7) there is a tape' \
		mt -f "$ntape" rewind
	is 'ok EIO EIO' "$(op rw read:1000 write:1000)" \
		'... that has nothing and takes nothing'
	ends '... the script'
}

pages
in_c
manual
in_python
encrypted
failing
done_testing

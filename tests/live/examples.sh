#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The examples, as their first lines say: each is the tape of a drive that tar
# writes two archives to, finds them again, and restores what it wrote.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need tar age age-keygen python3 cc pkg-config ssh

examples=$(realpath "$live/../../examples")
tree=$scratch/tree
tapes=$scratch/tapes
make_tree "$tree"
mkdir "$tapes"

# begin COMMAND...: a drive whose tape it is.
begin()
{
	PMT_PAIR='' start_pmtd pair:
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

# As its users do: what is installed, found by pkg-config.
compile()
{
	local root=$scratch/root

	make -C "$live/../.." BUILD="$build" DESTDIR="$root" PREFIX=/usr \
		install-libpmt >/dev/null &&
		read -ra flags < <(PKG_CONFIG_PATH=$root/usr/lib/pkgconfig \
			PKG_CONFIG_SYSROOT_DIR=$root pkg-config \
			--cflags --libs libpmt) &&
		cc -o "$scratch/ramtape" "$examples/ramtape.c" "${flags[@]}" &&
		export LD_LIBRARY_PATH=$root/usr/lib
}

in_c()
{
	ok 'ramtape.c is compiled against what is installed' compile
	begin "$scratch/ramtape" "$slave"
	holds ramtape
	replaces ramtape
	ends ramtape
}

in_python()
{
	begin "$examples/dirtape.py" "$slave" "$tapes/dir"
	holds dirtape
	ok 'dirtape: a tape file is a file' \
		tar -df "$tapes/dir/0000" -C "$tree"
	ends dirtape
	PMT_PAIR='' start_pmtd "pair:$scratch/socket"
	"$examples/dirtape.py" "$scratch/socket" "$tapes/dir" \
		2>>"$serve_log" &
	serve_pid=$!
	ok 'dirtape: it is still there for the next, at a socket' extracts
	replaces dirtape
	ends dirtape
}

encrypted()
{
	local recipient

	factor=512 # Each record costs a few processes.
	age-keygen -o "$scratch/key" 2>/dev/null
	recipient=$(age-keygen -y "$scratch/key")
	begin "$examples/pipetape" "$slave" "$tapes/pipe" \
		"age -r $recipient" "age -d -i $scratch/key"
	holds pipetape
	replaces pipetape
	ok 'pipetape: what is kept is encrypted' \
		grep -q '^age-encryption.org' "$tapes/pipe/0"
	ok 'pipetape: and restored without the program, too' bash -c "
		age -d -i '$scratch/key' '$tapes/pipe/0' | tar -df - -C '$tree'"
	ends pipetape
	begin "$examples/pipetape" "$slave" "$tapes/pipe" false false
	fails 'pipetape: a command that fails is an error for tar' \
		tar -cf "$ntape" -C "$tree" .
	ends pipetape
	rm -r "$tapes/pipe"
	begin "$examples/pipetape" "$slave" "$tapes/pipe" cat false
	ok 'pipetape: what can be written' tar -cf "$ntape" -C "$tree/sub" 512
	mt -f "$ntape" rewind
	fails 'pipetape: ... and not be read is an error, too' tar -tf "$ntape"
	ok 'pipetape: ... and the tape is still there' mt -f "$ntape" rewind
	ends pipetape
}

# The program of libpmt(3): with it there is a drive, that forgets.
manual()
{
	awk '/^\.\\" program/ { on = 1 } /^\.Ed/ { on = 0 }
		on && !/^\./' "$live/../../docs/libpmt.3" >"$scratch/manual.c"
	ok 'the program of libpmt(3) is compiled as it is there' \
		cc -o "$scratch/manual" "$scratch/manual.c" "${flags[@]}"
	begin "$scratch/manual" "$slave"
	ok '... and tar writes to it' tar -cf "$ntape" -C "$tree" .
	is 1/0 "$(place)" '... behind a filemark'
	mt -f "$ntape" rewind
	fails '... and it has nothing to be read' tar -tf "$ntape"
	ends '... the program'
}

in_c
manual
in_python
# In the lab a process costs so much that this would take minutes.  What a node is
# to a program, the other two have shown there.
[ "$transport" = cuse ] || encrypted
done_testing

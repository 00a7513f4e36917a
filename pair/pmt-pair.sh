# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2034 # Who reads this in uses the variables.
#
# pmt-pair.sh: pmt-pair(7) for tapes in bash, at a node.
#
#     . pmt-pair.sh && pmt_open /dev/pmts || exit
#     while pmt_next; do
#             case $op in
#             ... do it, and change what is to be told ...
#             *) pmt_fail 95 'this tape can not do that' ;;
#             esac
#             pmt_answer
#     done
#
# pmt_next waits for a request, or gives the one that is not answered yet.  It
# sets $op, $unit and $count, and what pmt_answer tells: that all is $done,
# nothing was $met, there is no $error, and the tape stands where it stood, with
# $at objects and $file filemarks before it.  HELLO and DESCRIBE are answered
# within; a record has up to 1 MiB.  It fails when the drive has ended.
#
# $message is a file, with the record of a WRITE behind 64 bytes.  So are the
# $length bytes of data of an answer.  The node is descriptor 3, the file 4, and 5
# is for what follows; give the node to no command that may go on when the tape has
# ended (3>&-).
#
# pmt_run COMMAND, in a process substitution, runs it without the node.  pmt_ran
# waits for the last one to end, and is true if it has ended well.

# pmt_open NODE.  The file is in memory, and has no name: nothing is left of it.
pmt_open()
{
	exec 3<>"$1" || return
	exec 5<> <(:)
	message=$(mktemp -p /dev/shm pmt.XXXXXX) && exec 4<>"$message" &&
		rm "$message" && message=/dev/fd/4
}

# How it ends goes through a pipe, for what wait has to tell of a substitution bash
# may have lost by then.
pmt_run()
{
	exec 3>&-
	sh -c "$1" 5>&-
	echo "$BASHPID $?" >&5
}

# Others may have been left in the middle, and end later.
pmt_ran()
{
	local pid='' status

	until [ "$pid" = $! ]; do
		read -r pid status <&5
	done
	[ "$status" = 0 ]
}

# A request is read at once, by a process that has not to wait for it and so does
# not outlive the script: a read of one byte waits, and takes nothing.
pmt_next()
{
	local n

	[ -s "$message" ] || {
		read -r -N 1 -u 3 n
		dd bs=2M count=1 status=none <&3 >"$message"
	} 2>/dev/null
	read -ra n <<<"$(od -An -v -tu4 -w64 -N64 "$message")"
	[ ${#n[@]} -eq 16 ] || return
	op=$((n[1] & 65535)) id="${n[2]} ${n[3]}" at=${n[4]} file=${n[6]}
	unit=${n[9]} count=$((n[10] << 32 >> 32)) # which may be negative
	met=0 error=0 done=0 length=0
	case $op in
	1) done=1 ;;
	4) pmt_describe ;;
	7 | 8) done=${count#-}; return 0 ;;
	*) return 0 ;;
	esac
	pmt_answer
	pmt_next
}

# Records of 1 byte to 1 MiB in any size, and one partition.
pmt_describe()
{
	printf '%64s\1\0\0\0\0\0\20\0\0\0\0\0\1\0\0\0\1\0\0\0\1' '' >"$message"
	length=128
}

# pmt_fail ERRNO WORDS
pmt_fail()
{
	printf '%64s%s' '' "$2" >"$message"
	met=0 error=$1 done=0 length=${#2}
}

# It is written at once, with zeros where the file is shorter.
pmt_answer()
{
	local n bytes=''

	# shellcheck disable=SC2086 # $id is two numbers.
	for n in $((64 + length)) $((op | met << 16)) $id $at 0 $file 0 0 \
		$((1 | error << 16)) $done 0 0 0 $((1 << 20)) 0; do
		printf -v n %08x "$n"
		bytes+="\\x${n:6:2}\\x${n:4:2}\\x${n:2:2}\\x${n:0:2}"
	done
	printf %b "$bytes" 1<>"$message"
	dd bs=$((64 + length)) count=1 conv=sync status=none <"$message" >&3 \
		2>/dev/null
	: >"$message"
}

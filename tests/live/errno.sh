#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# What a program gets that does what it may not: the errnos of st(4), and a tape
# that nothing has happened to.
#
# kernel: stable

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# Both nodes are one drive, and one program has it at a time.
exclusive()
{
	start_drive
	is 'ok EBUSY EBUSY 5 ok' \
		"$(op rw "open:$ntape" "open:$tape" write:5 close)" \
		'a second open of the drive, of either node, fails with EBUSY'
	is 'ok ok ok EBUSY' "$(op rw close "open:$tape" "open:$ntape")" \
		'the drive can be opened again when it is closed'
	stop_pmtd
}

by_mode()
{
	start_drive
	op wo write:1024 close >>"$log"
	is 'ok EBADF EACCES EACCES ok' \
		"$(op ro write:1024 weof erase close)" \
		'opened for reading, a tape cannot be written in any way'
	is 'ok ok 1024 ok' "$(op ro rewind read:1024 close)" \
		'but read and moved'
	is 'ok EBADF 0/1 ok' "$(op wo read:1024 place close)" \
		'opened for writing only, it can be asked for its status'
	is '1024 mark' "$(layout)" 'nothing of this has changed the image'
	stop_pmtd
}

protected()
{
	start_drive
	op wo write:1024 close >>"$log"
	stop_pmtd
	start_pmtd "file:$image,readonly=yes"
	is 'EROFS EROFS ok 1024 ok' "$(op rw wo ro read:1024 close)" \
		'a write protected tape can be opened for reading only'
	like ' WR_PROT ' "$(mt -f "$ntape" status)" 'and mt status says so'
	stop_pmtd
}

# What the program's count is can be seen of a small read, and of a large one
# where the kernel tells.  Where it does not, the documented fallback is that the
# program gets as much as it has asked for.
small_buffer()
{
	local large=3000000 smaller=2000000 expected=ENOMEM what='gives ENOMEM, too'

	start_drive
	op wo write:4096 write:4096 "write:$large" write:512 close >>"$log"
	is 'ok ENOMEM 0/1 4096 0/2 ok' \
		"$(op ro rewind read:4095 place read:4096 place close |
			sed 's/ok //')" \
		'a record that is larger than the read gives ENOMEM and is passed'
	if ! grep -qs . /proc/self/syscall; then
		expected=$smaller what='is cut off, as the kernel hides the count'
	fi
	is "ok ok ok $expected 0/3 512 ok" \
		"$(op ro rewind fsr:2 "read:$smaller" place read:512 close)" \
		"a large record $what, and the next one follows"
	if [ "$expected" != ENOMEM ]; then
		ok 'then a line in the log says how much was lost' \
			contains "$log" "dropped $((large - smaller)) bytes"
	fi
	stop_pmtd
}

at_the_end()
{
	start_drive
	op wo write:1024 close >>"$log"
	is 'ok ok 1024 0 0 EIO EIO ok' "$(op ro rewind read:2048 read:2048 \
		read:2048 read:2048 read:2048 close)" \
		'a filemark and the end of data read as 0, once each, then EIO'
	stop_pmtd
	start_drive
	is 'ok EIO EIO 0/-1 ok' "$(op ro read:512 read:512 place close)" \
		'a blank tape gives EIO at once'
	stop_pmtd
}

# Here a record of 1000 bytes takes 1008, and the warning lies at 3000.
early_warning()
{
	rm -f "$image"
	start_pmtd "file:$image,capacity=6000,warn=3000"
	is 'ok 1000 1000 1000 ENOSPC 1000 ENOSPC ENOSPC ENOSPC ok 1/0 ok' \
		"$(op wo write:1000 write:1000 write:1000 write:1000 \
			write:1000 write:1000 write:2000 write:1000 weof \
			place close)" \
		'from early warning on writes succeed and fail in turn'
	is $'1000*4 mark' "$(layout)" \
		'every acknowledged record is there, and the filemark'
	stop_pmtd
}

exclusive
by_mode
protected
small_buffer
at_the_end
early_warning
done_testing

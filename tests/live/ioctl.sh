#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# ioctls by their numbers: how much of the argument each fills in, and what a bad
# pointer gives, as over st.
#
# kernel: stable

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

mtiocget=0x80306d02 mtiocpos=0x80086d03 mtioctop=0x40086d01
mtiocget32=0x801c6d02 mtiocpos32=0x80046d03
idlun=0x5382 bus=0x5386 sg_version=0x2282 tcgets=0x5401

# The numbers of the SCSI layer do not tell the size of the argument, and over
# FUSE nothing else does.
of_scsi()
{
	if [ "$transport" = cuse ]; then
		is 'ok 8 4 4 ok' \
			"$(op ro "ioctl:$idlun" "ioctl:$bus" "ioctl:$sg_version" \
				close)" \
			'the ioctls of the SCSI layer fill in their arguments'
		is 'ok EFAULT EFAULT EFAULT ok' \
			"$(op ro "badioctl:$idlun" "badioctl:$bus" \
				"badioctl:$sg_version" close)" \
			'and give EFAULT if they can not'
	else
		is 'ok EINVAL EINVAL EINVAL ok' \
			"$(op ro "ioctl:$idlun" "ioctl:$bus" "ioctl:$sg_version" \
				close)" \
			'the ioctls of the SCSI layer are refused, as documented'
	fi
}

of_tapes()
{
	is 'ok 48 8 ok' "$(op ro "ioctl:$mtiocget" "ioctl:$mtiocpos" close)" \
		'MTIOCGET and MTIOCPOS fill in their structs'
	is 'ok EFAULT EFAULT EFAULT 0/0 ok' \
		"$(op ro "badioctl:$mtiocget" "badioctl:$mtiocpos" \
			"badioctl:$mtioctop" place close)" \
		'a bad pointer gives EFAULT'
	is 'ok EINVAL EINVAL ok' \
		"$(op ro "ioctl:$tcgets" "ioctl:0x6dff" close)" \
		'what is no ioctl of tapes gives EINVAL'
}

of_32_bits()
{
	local seen

	is 'ok EINVAL EINVAL ok' \
		"$(op ro "ioctl:$mtiocget32" "ioctl:$mtiocpos32" close)" \
		'the numbers of 32-bit programs are for these alone'
	seen=$(op ro "ioctl32:$mtiocget32" "ioctl32:$mtiocpos32" \
		"ioctl32:$mtiocget" "ioctl32:$mtiocpos" "ioctl32:$tcgets" close)
	if [[ $seen = *none* ]]; then
		echo '# this kernel has no 32-bit programs'
	else
		is 'ok 28 4 28 4 EINVAL ok' "$seen" \
			'which get their layout, by either number'
	fi
}

start_drive
of_scsi
of_tapes
of_32_bits
stop_pmtd
done_testing

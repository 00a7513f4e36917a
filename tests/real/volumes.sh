# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# What the tests with several volumes share: the mirror over both drives, and a
# change of cartridges that shows what the drives hold, read without our code.

# shellcheck disable=SC2154 # drives.sh sets them.

# Where dump runs there is no /etc, and mt is a link into it.
mt=$(realpath "$(type -P mt)")
# shellcheck disable=SC2034 # for who sources this
mirror="mirror:{st:$a,st:$b}"

# write_change_script LIST...: the operator: "change N" takes volume N - 1 out,
# lists both tapes, and puts in blank ones.  ${new_tapes} is a command for that.
write_change_script()
{
	cat >"$scratch/change" <<-END
		#!/bin/bash
		set -eu
		export PATH=$PATH
		"$mt" -f $ntape offline
		"$real/rawst" $a ls $digits >"$scratch/a.\$((\$1 - 1))"
		"$real/rawst" $b ls $digits >"$scratch/b.\$((\$1 - 1))"
		$new_tapes
		"$mt" -f $ntape load
		echo "\$1" >>"$scratch/volumes"
	END
	# tar tells which volume it is about to write.
	cat >"$scratch/next" <<-END
		#!/bin/bash
		exec "$scratch/change" \$TAR_VOLUME >>"$scratch/change.log" 2>&1
	END
	chmod +x "$scratch/change" "$scratch/next"
}

# list_last N: the volume that is in the drives.
list_last()
{
	mt -f "$ntape" offline &&
		raw "$a" ls "$digits" >"$scratch/a.$1" &&
		raw "$b" ls "$digits" >"$scratch/b.$1" &&
		echo $(($1 + 1)) >>"$scratch/volumes"
}

# volumes_are_copies N WHAT: both tapes of each volume hold the same.
volumes_are_copies()
{
	local v

	for v in $(seq "$1"); do
		ok "volume $v: both tapes hold the same objects ($2)" \
			cmp "$scratch/a.$v" "$scratch/b.$v"
		like '^10240' "$(head -n 1 "$scratch/a.$v")" \
			"volume $v begins with a record ($2)"
		is mark "$(tail -n 1 "$scratch/a.$v")" \
			"volume $v ends with a filemark ($2)"
	done
}

records()
{
	grep -cv mark "$1"
}

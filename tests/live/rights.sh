#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Who may use a drive, and who may make one.  root asks on behalf of an ordinary
# user here, nobody; for an ordinary user there is nothing to test but himself.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need setpriv tar

# A place that nobody can reach, whatever leads to the build directory.
prepare()
{
	chmod 755 "$scratch"
	cp "$pmtd" "$tapeop" "$scratch"
	mkdir "$scratch/own"
	chown nobody "$scratch/own"
}

# nobody COMMAND...
nobody()
{
	(cd "$scratch/own" && exec setpriv --reuid=nobody --regid=nogroup \
		--clear-groups --no-new-privs "$@")
}

# nobody_opens: what nobody gets.
nobody_opens()
{
	nobody "$scratch/tapeop" "$ntape" rw close
}

# access: mode, owner and group of both nodes.
access()
{
	stat -c '%a %U %G' "$tape" "$ntape" | uniq
}

access_of_nodes()
{
	start_pmtd null:
	is '660 root tape' "$(access)" 'nodes are for root and the group tape'
	like '^EACCES ' "$(nobody_opens)" 'nobody else can open them'
	stop_pmtd
	start_pmtd --mode 666 null:
	is '666 root tape' "$(access)" '--mode is the mode of the nodes'
	is 'ok ok' "$(nobody_opens)" 'which lets nobody in'
	stop_pmtd
	start_pmtd --mode 600 --owner nobody --group nogroup null:
	is '600 nobody nogroup' "$(access)" '--owner and --group are who they say'
	is 'ok ok' "$(nobody_opens)" 'which lets nobody in'
	stop_pmtd
}

# In the lab there is /dev/cuse, and nobody may not use it; elsewhere there may
# be none at all.
no_cuse()
{
	local status=0

	nobody timeout 10 "$scratch/pmtd" --name other null: \
		>"$scratch/said" 2>&1 || status=$?
	like '^1 pmtd: /dev/cuse: (No such|Permission).*--fuse' \
		"$status $(<"$scratch/said")" \
		'pmtd of an ordinary user cannot make devices, and names the way out'
	is 1 "$(wc -l <"$scratch/said")" 'in one line'
	ok 'and no node is left' [ ! -e /dev/other ]
}

# For fusermount3 nobody has to keep the right to become somebody.
own_drive()
{
	local me=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
	local own=$scratch/own

	"${me[@]}" mkdir "$own/drive"
	"${me[@]}" "$scratch/pmtd" --foreground --fuse "$own/drive" \
		"file:$own/own.tap" 2>>"$log" &
	pmtd_pid=$!
	tape=$own/drive/pmt ntape=$own/drive/npmt dev=$own/drive
	await 10 "${me[@]}" test -e "$ntape"
	ok 'an ordinary user has a drive of his own' \
		"${me[@]}" tar -cf "$ntape" -C "$scratch" tapeop
	like 'File number=1' "$("${me[@]}" mt -f "$ntape" status)" \
		'and all that belongs to it'
	fails 'nobody else, not even root, can look into its directory' \
		ls "$own/drive"
	stop_pmtd
}

if [ "$(id -u)" -ne 0 ]; then
	echo '1..0 # SKIP only root can ask on behalf of others'
	exit 0
fi
prepare
access_of_nodes
no_cuse
[ "$transport" = cuse ] || own_drive
done_testing

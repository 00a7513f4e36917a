#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# pmt-rmt behind a real sshd, on the loopback interface, with keys that are thrown
# away: started by name as clients start rmt, by a key that may do nothing else,
# and by one whose tapes a table of root's names.

# shellcheck source=tests/tools/rmt-lib.sh
. "$(dirname "$0")/rmt-lib.sh"

need_root
need ssh ssh-keygen /usr/sbin/sshd
make_tree "$tree"
make_fs "$tree" "$scratch/fs"
me=$(id -un)
sshd_pid=''

# ---- The daemon ------------------------------------------------------------

key()
{
	ssh-keygen -q -t ed25519 -N '' -C "$1" -f "$scratch/key-$1" ||
		bail 'no key can be made'
}

# authorize KEY OPTIONS
authorize()
{
	echo "$2 $(cat "key-$1.pub")" >>authorized_keys
}

# shellcheck disable=SC2317 # await calls it.
listens_or_ended()
{
	contains sshd.log 'Server listening' || ended "$sshd_pid"
}

# try_sshd PORT: false if it is taken.
try_sshd()
{
	cat >sshd_config <<-END
		Port $1
		ListenAddress 127.0.0.1
		HostKey $scratch/key-host
		AuthorizedKeysFile $scratch/authorized_keys
		PidFile none
		StrictModes no
		UsePAM no
		PermitRootLogin yes
		PasswordAuthentication no
		KbdInteractiveAuthentication no
	END
	: >sshd.log
	/usr/sbin/sshd -D -f "$scratch/sshd_config" -E "$scratch/sshd.log" &
	sshd_pid=$!
	await 10 listens_or_ended && contains sshd.log 'Server listening'
}

start_sshd()
{

	# sshd wants this directory, which the service makes otherwise.
	mkdir -p /run/sshd
	for _ in 1 2 3 4 5; do
		port=$((20000 + RANDOM % 12000))
		try_sshd "$port" && return
	done
	diag <sshd.log
	bail 'sshd does not start'
}

# use KEY: the clients log in with that one, through $rsh.
use()
{
	cat >ssh_config <<-END
		Host *
		Port $port
		User $me
		IdentityFile $scratch/key-$1
		IdentitiesOnly yes
		IdentityAgent none
		UserKnownHostsFile $scratch/known_hosts
		StrictHostKeyChecking yes
		BatchMode yes
		ControlPath none
		LogLevel ERROR
	END
	printf '#!/bin/sh\nexec ssh -F "%s" "$@"\n' "$scratch/ssh_config" \
		>"$rsh"
}

# opens NAME FLAGS: what a client with that key gets for an open.
opens()
{
	printf 'O%s\n%s\n' "$1" "$2" |
		timeout 30 "$rsh" "$host" /usr/sbin/rmt 2>"$said" | head -1
}

# ---- The tests -------------------------------------------------------------

restricted_key()
{
	local t=$host:file:$tapes/ssh.tap

	use tapes
	ok 'tar -c over ssh' r_tar -c -f "$t" -C "$tree" .
	like '^10240\*[0-9]+ mark $' "$(image ssh.tap)" \
		'has written records and the filemark of close'
	ok 'tar -d over ssh' r_tar -d -f "$t" -C "$tree"
	ok 'dump over ssh' r_dump -f "$host:file:$tapes/ssh-dump.tap"
	export RSH=$rsh RMT=/usr/sbin/rmt
	ok 'restore over ssh' restores_tree "$tree" \
		-f "$host:file:$tapes/ssh-dump.tap"
	unset RSH RMT
	ok 'mt over ssh' r_mt "file:$tapes/ssh.tap" fsf 1
	ok 'cpio over ssh' bash -c "cd '$tree' && find . |
		timeout 60 cpio --quiet --rsh-command='$rsh' -o \
		-F '$host:file:$tapes/ssh-cpio.tap'"
	is E13 "$(opens "$scratch/key-host" 0)" \
		'the key opens no file of the user'
	is E13 "$(opens "file:$scratch/x.tap" '1 O_CREAT')" \
		'... nor makes one elsewhere'
	is A0 "$(opens "file:$tapes/ssh.tap" 0)" 'but it opens the tapes'
	like '^(E22|)$' "$(timeout 30 "$rsh" "$host" cat key-host </dev/null)" \
		'... and runs no other program'
}

by_name()
{
	start_drive
	use any
	ok 'tar --rmt-command starts it by name, for a node' timeout 60 tar \
		--rsh-command="$rsh" --rmt-command="$pmtrmt" \
		-c -f "$host:$ntape" -C "$tree" .
	like '^10240\*[0-9]+ mark $' "$(layout | tr '\n' ' ')" \
		'... and writes to it'
	stop_pmtd
}

by_table()
{
	use table
	is A0 "$(opens one 0)" 'the table gives the tape to this user and host'
	is E13 "$(opens one 1)" '... to be read'
	ok 'tar reads it by its alias' r_tar -d -f "$host:one" -C "$tree"
	is E13 "$(opens two 0)" 'not what other hosts may open'
	is E13 "$(opens three 0)" '... nor other users'
	is E13 "$(opens "$tapes/ssh.tap" 0)" 'nor what no line names'
}

# A client that is killed: sshd ends the connection, and that the session.
killed_client()
{
	local t=file:$tapes/killed.tap

	use tapes
	mkfifo requests
	: >replies
	"$rsh" "$host" /usr/sbin/rmt <requests >replies 2>>"$said" &
	client=$!
	exec 7>requests
	printf 'O%s\n1 O_CREAT\nW5\nhelloW5\nhe' "$t" >&7
	await 20 contains replies A5 || bail 'no reply'
	is E16 "$(opens "$t" 1)" 'while a client has the tape, another gets EBUSY'
	kill -KILL "$client"
	reap "$client"
	exec 7>&-
	# shellcheck disable=SC2317 # await calls it.
	is_free()
	{
		[ "$(opens "$t" 0)" = A0 ]
	}
	ok 'the tape of a client that was killed is free soon' \
		await 20 is_free
	is '5 mark ' "$(image killed.tap)" \
		'... with its whole records and the filemark of close'
}

for k in host tapes any table; do
	key "$k"
done
printf 'alias one %s\nalias two null:\nalias three null:\n' \
	"file:$tapes/ssh.tap" >table
printf 'allow %s 127.0.0.1 ro one\nallow %s 10.* rw two\nallow x%s * rw three\n' \
	"$me" "$me" "$me" >>table
chmod 644 table
authorize tapes "restrict,command=\"$pmtrmt --create --allow file:$tapes/*\""
authorize any restrict
authorize table "restrict,command=\"$pmtrmt --table $scratch/table\""
start_sshd
echo "[127.0.0.1]:$port $(cut -d' ' -f1,2 key-host.pub)" >known_hosts
restricted_key
by_name
by_table
killed_client
done_testing

#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The tape "rmt:" over a real ssh: a server of its own on the loopback, with keys
# that are thrown away; the key lets in to nothing but Debian's tape server.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

need ssh ssh-keygen tar /usr/sbin/sshd /usr/sbin/rmt-tar
[ "$(id -u)" -eq 0 ] || bail 'sshd wants root to let somebody in'
keys=$scratch/keys
port=$((20000 + $$ % 20000))
far_pid=''
sshd_pid=''

if [ "$transport" = fuse ]; then
	mkdir "$scratch/far"
	far=$scratch/far/nfar
	far_options=(--fuse "$scratch/far" --name far)
else
	far=/dev/nfar
	far_options=(--name far)
	ip link set lo up 2>/dev/null || ifconfig lo up
fi

make_keys()
{
	mkdir -m 700 "$keys"
	ssh-keygen -q -t ed25519 -N '' -f "$keys/host" &&
		ssh-keygen -q -t ed25519 -N '' -f "$keys/user" || return
	printf 'restrict,command="/usr/sbin/rmt-tar" %s\n' \
		"$(<"$keys/user.pub")" >"$keys/allowed"
	printf '[127.0.0.1]:%d %s\n' "$port" "$(<"$keys/host.pub")" \
		>"$keys/known"
	cat >"$keys/sshd_config" <<-END
	ListenAddress 127.0.0.1
	Port $port
	HostKey $keys/host
	AuthorizedKeysFile $keys/allowed
	PasswordAuthentication no
	KbdInteractiveAuthentication no
	PermitRootLogin yes
	StrictModes no
	UsePAM no
	PidFile none
	END
	cat >"$keys/ssh_config" <<-END
	Port $port
	IdentityFile $keys/user
	IdentitiesOnly yes
	UserKnownHostsFile $keys/known
	StrictHostKeyChecking yes
	END
	# It is called ssh, so that it gets all that ssh gets.
	mkdir "$scratch/bin"
	printf '#!/bin/sh\nexec /usr/bin/ssh -F %s "$@"\n' \
		"$keys/ssh_config" >"$scratch/bin/ssh"
	chmod +x "$scratch/bin/ssh"
}

listens()
{
	(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null
}

make_keys >"$scratch/output" 2>&1 || bail 'there are no keys'
mkdir -p /run/sshd # sshd wants it; it stays empty
/usr/sbin/sshd -D -e -f "$keys/sshd_config" 2>"$scratch/sshd.log" &
sshd_pid=$!
await 10 listens || { diag <"$scratch/sshd.log"; bail 'sshd does not start'; }


far_ready_or_ended()
{
	[ -e "$far" ] || ended "$far_pid"
}

"$pmtd" --foreground "${far_options[@]}" "file:$image" 2>>"$log" &
far_pid=$!
await 10 far_ready_or_ended
[ -e "$far" ] || bail "pmtd does not start"

make_tree "$scratch/tree"
start_patience=40 # seconds: several connections of ssh, in the lab
start_pmtd "rmt:root@127.0.0.1:$far,rsh=$scratch/bin/ssh,window=1M,dialect=gnu"
ok 'tar writes through ssh' tar -C "$scratch/tree" -cf "$ntape" .
ok 'and compares' rewound tar -C "$scratch/tree" -df "$ntape"

# The connection's own process, and with it the server, goes away.
children_of()
{
	ps -o pid= --ppid "$1"
}

cut_ssh()
{
	local pids

	mapfile -t pids < <(children_of "$pmtd_pid")
	[ ${#pids[@]} -gt 0 ] && kill -KILL "${pids[@]}"
}

mt -f "$ntape" rewind
ok 'ssh is killed' cut_ssh
ok 'tar writes all the same' tar -C "$scratch/tree" -b 64 -cf "$ntape" .
ok 'and compares what is there' \
	rewound tar -C "$scratch/tree" -b 64 -df "$ntape"
end_pmtd TERM
is 0 "$end_status" 'SIGTERM ends pmtd with status 0'
mt -f "$far" rewind
ok 'at the far end there is the same' \
	tar -C "$scratch/tree" -b 64 -df "$far"

fails 'a host that lets nobody in is no tape' timeout 60 "$pmtd" \
	--foreground "${options[@]}" \
	"rmt:nobody@127.0.0.1:$far,rsh=$scratch/bin/ssh,timeout=20"
like 'Permission denied' "$(<"$scratch/output")" \
	'and it is said what ssh has said'

kill "$far_pid"
reap "$far_pid"
is 0 $? 'the far drive ends well'
kill "$sshd_pid"
reap "$sshd_pid"
done_testing

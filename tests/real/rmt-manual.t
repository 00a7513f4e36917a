#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The examples of pmt-rmt(8), and of pmtd(8) about rmt:, as they are printed: in
# the lab, where there may be a host called vault, its key, its drive and its
# directories.

# shellcheck disable=SC2034 # drives.sh uses them.
kernel=stable drives=tgt lab_seconds=300
# shellcheck source=drives.sh
. "$(dirname "$0")/drives.sh"
need tar dump restore mke2fs mt-gnu ssh ssh-keygen /usr/sbin/sshd \
	/usr/sbin/rmt-tar "$build/pmt-rmt"
docs=$real/../../docs

# example PAGE NUMBER: the lines of one, as a reader sees them.
example()
{
	awk -v want="$2" '
		/^\.Sh/ { in_examples = $2 == "EXAMPLES" }
		/^\.Bd/ && in_examples { n++; next }
		/^\.Ed/ { inside = 0 }
		in_examples && n == want && !/^\./ { print }
		/^\.Ed/ && n == want { exit }' "$docs/$1" | sed 's/\\e/\\/g'
}

# Our own vault: what is on a host of that name.
make_vault()
{
	mkdir -p /var/tapes /run/sshd /root/.ssh
	echo '127.0.0.1 vault' >>/etc/hosts
	# Nobody else is to be asked: there is no network.
	sed -i 's/^hosts:.*/hosts: files/' /etc/nsswitch.conf
	echo 'GSSAPIAuthentication no' >/root/.ssh/config
	: >/root/.bashrc # A login's shell reads it, however long it takes.
	install -D "$build/pmt-rmt" /usr/local/sbin/pmt-rmt
	mkdir -p /etc/pmt
	usermod -s /bin/sh -d /var/backups backup
	mkdir -p /var/backups/.ssh
	chown backup /var/tapes
	chmod 666 $a
	ssh-keygen -q -t ed25519 -N '' -C backup -f /root/.ssh/id_ed25519 &&
		ssh-keygen -q -t ed25519 -N '' -f "$scratch/key-host" || return
	key=$(cut -d' ' -f1,2 /root/.ssh/id_ed25519.pub)
	echo "vault $(<"$scratch/key-host.pub")" >/root/.ssh/known_hosts
	cat >"$scratch/sshd_config" <<-END
	HostKey $scratch/key-host
	PidFile none
	StrictModes no
	UsePAM no
	PermitRootLogin yes
	PasswordAuthentication no
	END
	/usr/sbin/sshd -D -f "$scratch/sshd_config" -E "$scratch/sshd.log" &
	await 10 contains "$scratch/sshd.log" 'Server listening'
}

# authorize LINE
authorize()
{
	echo "$1" >/root/.ssh/authorized_keys
	echo "$1" >/var/backups/.ssh/authorized_keys
}

# A /home that is a file system of its own, as dump wants it.
make_home()
{
	make_tree "$scratch/home"
	make_fs "$scratch/home" "$scratch/fs"
	mount -o loop "$scratch/fs" /home
}

# typed NUMBER: the example of pmt-rmt(8), in a shell.
typed()
{
	example pmt-rmt.8 "$1" >"$scratch/typed"
	(cd / && timeout 100 bash -e "$scratch/typed" </dev/null)
}

# line NUMBER: of the third example.
line()
{
	example pmt-rmt.8 3 | sed -n "$1p" >"$scratch/typed"
	(cd / && timeout 100 bash -e "$scratch/typed" </dev/null)
}

with_a_login()
{
	authorize "$key"
	ok 'the first example: tar of /home to a drive of vault' typed 1
	raw $a op 6 1
	ok '... where it is' tar -C / -df $a
	raw $a op 6 1
}

with_a_key()
{
	authorize "$(example pmt-rmt.8 2 | tr -s '\n ' '  ' |
		sed "s|ssh-ed25519 AAAA[^ ]* |$key |")"
	ok 'the key of the second: a dump' line 1
	ok '... which restore lists' line 2
	like 'all bytes' "$(<"$scratch/output")" '... with what is in it'
	ok 'there is a tape of /etc' tar --rsh-command=/usr/bin/ssh \
		-cf vault:file:/var/tapes/etc.tap -C / etc
	ok '... which tar compares' line 3
	ok 'mt spaces over a filemark' line 4
	is 4 "$(example pmt-rmt.8 3 | wc -l)" 'there are no more of them'
	fails '... and opening any other file does not work' \
		tar --rsh-command=/usr/bin/ssh \
		-cf vault:file:/var/other.tap -C / etc
	like 'Permission denied' "$(<"$scratch/output")" '... as tar says'
}

# opens ADDRESS NAME FLAGS: the reply to the user backup from there.
opens()
{
	printf 'O%s\n%s\n' "$2" "$3" | su backup -c \
		"SSH_CLIENT='$1 1 22' /usr/local/sbin/pmt-rmt" | head -1
}

with_a_table()
{
	example pmt-rmt.8 4 >/etc/pmt/rmt.conf
	: >/var/tapes/web.tap
	chown backup /var/tapes/*
	is A0 "$(opens 10.1.2.3 web 1)" 'by the table a host opens its tape'
	is A0 "$(opens 10.1.2.4 mail '1 O_CREAT')" '... and one makes it'
	is E13 "$(opens 10.1.2.4 web 1)" '... but not that of another'
	is E13 "$(opens 10.1.2.3 mail 0)" '... nor may that one'
	is A0 "$(opens 10.1.2.9 file:/var/tapes/web.tap 0)" \
		'the third may read the one'
	is A0 "$(opens 10.1.2.9 file:/var/tapes/mail.pmt 0)" '... and the other'
	is E13 "$(opens 10.1.2.9 file:/var/tapes/web.tap 1)" \
		'... but not write'
	is E13 "$(opens 10.1.2.9 $a 0)" '... nor use the drive'
	rm /etc/pmt/rmt.conf
}

# The daemon of the example lives on; what it was given is in its own words.
with_pmtd()
{
	local spec

	authorize "$key"
	raw $a op 6 1
	spec=$(sed -n 's/^# pmtd \(rmt:[^ ]*\)$/\1/p' "$docs/pmtd.8")
	is rmt:backup@vault:/dev/nst0,window=1M "$spec" 'the example of pmtd(8)'
	start_pmtd "$spec"
	ok '... works, and tar writes /home' tar -C / -cf /dev/pmt home
	ok '... and compares it' tar -C / -df /dev/pmt
	stop_pmtd
	raw $a op 6 1
	ok '... which is on the drive of vault' tar -C / -df $a
}

ulimit -n 1024 # Who closes all that there may be takes long, else.
start_tgt 40 40
make_home
make_vault >"$scratch/output" 2>&1 || { diag <"$scratch/output"; bail 'no vault'; }
with_a_login
with_a_key
with_a_table
with_pmtd
umount /home
done_testing

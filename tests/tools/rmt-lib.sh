# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# What the tests of pmt-rmt share, besides tests/live/lib.sh: clients that reach
# it, and a look at what they have left on the tape.
#
#   $tapes   a directory for images, which tests allow
#   $rsh     a script that clients start in the place of rsh or ssh; it ignores
#            the host, and runs pmt-rmt with the words of the file $arguments
#   server   a file with the number of the last process of that script
#   $said    what pmt-rmt said

# shellcheck source=tests/live/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../live/lib.sh"

pmtrmt=$build/pmt-rmt
# The clients look the host up before they start $rsh.
host=127.0.0.1
tapes=$scratch/tapes
tree=$scratch/tree
rsh=$scratch/rsh
arguments=$scratch/arguments
said=$scratch/said
mkdir "$tapes"
need "$pmtrmt" tar cpio mt-gnu dump restore mke2fs unshare
cd "$scratch" || exit 1

cat >"$rsh" <<END
#!/bin/bash
mapfile -t words <"$arguments"
echo \$\$ >"$scratch/server"
exec "$pmtrmt" --debug "\${words[@]}" 2>>"$said"
END
chmod +x "$rsh"

# with OPTION...: what clients get a pmt-rmt with.
with()
{
	: >"$arguments"
	[ $# -eq 0 ] || printf '%s\n' "$@" >"$arguments"
}

with --allow "file:$tapes/*" --create

# The clients, each with the name of a tape.
r_tar()
{
	timeout 60 tar --rsh-command="$rsh" --rmt-command=pmt-rmt "$@"
}

r_mt()
{
	timeout 60 mt-gnu --rsh-command="$rsh" -f "$host:$1" "${@:2}"
}

r_cpio()
{
	timeout 60 cpio --quiet --rsh-command="$rsh" "$@"
}

# dump would ask /etc/fstab what the file lies on, so it gets an /etc without.
r_dump()
{
	local namespace=(unshare --mount)

	[ "$(id -u)" -eq 0 ] || namespace+=(--map-root-user)
	mkdir -p etc
	cp /etc/passwd /etc/hosts /etc/nsswitch.conf etc
	# shellcheck disable=SC2016 # The inner shell expands it.
	RSH=$rsh RMT=pmt-rmt timeout 60 "${namespace[@]}" sh -c \
		'mount --bind etc /etc && exec dump -0 "$@"' dump "$@" \
		"$scratch/fs" </dev/null
}

r_restore()
{
	export RSH=$rsh RMT=pmt-rmt
	timeout 60 restore "$@" </dev/null
}

# GNU's clients call initgroups(3) before they start a remote shell, and give up
# if that fails, as it does for users.
need_root()
{
	[ "$(id -u)" -ne 0 ] || return 0
	echo '1..0 # SKIP only root can use remote tapes of GNU tar, cpio and mt'
	exit 0
}

# talk OPTION...: pmt-rmt itself; standard input is what it gets.
talk()
{
	timeout 30 "$pmtrmt" --debug "$@" 2>>"$said"
}

# image NAME: the records and filemarks in an image, in one line.
image()
{
	"$live/simh-ls" "$tapes/$1" | tr '\n' ' '
}

#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# pmt-rmt against clients that mean no good, or break off: nothing is opened that
# is not granted, no time and no memory beyond bounds, the tape free afterwards.

# shellcheck source=tests/tools/rmt-lib.sh
. "$(dirname "$0")/rmt-lib.sh"

# opens NAME FLAGS OPTION...: what an open is answered with.
opens()
{
	local name=$1 flags=$2

	shift 2
	printf 'O%s\n%s\n' "$name" "$flags" | talk "$@" | head -1
}

# refuses NAME SENTENCE [OPTION...]
refuses()
{
	is E13 "$(opens "$1" 66\ O_RDWR\|O_CREAT "${@:3}")" "$2"
}

rights()
{
	local allow=(--allow "file:$tapes/*")

	echo secret >secret
	chmod 600 secret
	ln -s "$scratch/secret" "$tapes/link"
	ln -s "$scratch" "$tapes/up"
	refuses /etc/passwd 'with no option no file is opened'
	refuses file:/etc/passwd '... nor as an image'
	refuses /dev/null 'no device but tape nodes'
	refuses "$scratch/secret" 'no file of the user'
	refuses "file:$scratch/secret" 'nothing that --allow does not name' \
		"${allow[@]}"
	refuses "file:$tapes/../secret" 'no way up' "${allow[@]}"
	refuses "file:$tapes/link" 'no link that leads out' "${allow[@]}"
	refuses "file:$tapes/up/secret" 'no directory that does' "${allow[@]}"
	refuses "file:$tapes/new.tap,key=$scratch/secret" \
		'no option that names a file' "${allow[@]}" --create
	is secret "$(cat secret)" 'nothing has happened to the file'
	is E2 "$(opens "file:$tapes/new.tap" 66\ O_RDWR\|O_CREAT "${allow[@]}")" \
		'nothing is made without --create'
	is E2 "$(opens "file:$tapes/new.tap" 1 "${allow[@]}" --create)" \
		'... nor if the client does not ask for it'
	is A0 "$(opens "file:$tapes/new.tap" 1\ O_CREAT "${allow[@]}" --create)" \
		'with both an image is made'
	is E13 "$(opens "file:$tapes/new.tap" 1 "${allow[@]}" --read-only)" \
		'--read-only lets nothing be opened for writing'
	is A0 "$(opens "file:$tapes/new.tap" 0 "${allow[@]}" --read-only)" \
		'... but for reading'
	cp secret "$tapes/text.tap"
	echo 'no tape, but a text of some lines' >>"$tapes/text.tap"
	like '^E' "$(opens "file:$tapes/text.tap" 0 "${allow[@]}")" \
		'a file that is no tape is not opened, though allowed'
	is '' "$(find "$scratch" -maxdepth 1 -newer "$tapes/text.tap" -type f \
		! -name output ! -name said)" \
		'no other file has been made'
}

# exchange A B: for ever, by renameat2(2) with RENAME_EXCHANGE.
exchange()
{
	exec perl -e '
		my $call = `uname -m` =~ /x86_64/ ? 316 : 276;

		for (;;) {
			syscall($call, -100, $ARGV[0], -100, $ARGV[1], 2) == 0
				or die "renameat2: $!\n";
			select(undef, undef, undef, rand 0.0002);
		}' "$1" "$2"
}

# A link that comes and goes while its path is looked at, opened, looked at again.
changing_links()
{
	local n=1000 i

	mkdir "$tapes/d" outside
	printf 'Ofile:%s/x.tap\n1 O_CREAT\nW6\nsecretC\n' "$scratch/outside" |
		talk --allow "file:$scratch/outside/*" --create >replies
	cp outside/x.tap outside.before
	printf 'Ofile:%s/x.tap\n1 O_CREAT\nW6\npublicC\n' "$tapes/d" |
		talk --allow "file:$tapes/d/*" --create >replies
	ln -s "$scratch/outside" way-out
	exchange "$tapes/d" way-out 2>exchange.log &
	changer=$!
	for ((i = 0; i < n; i++)); do
		printf 'Orewind:file:%s/x.tap\n0\nR99\nC\n' "$tapes/d"
		printf 'Orewind:file:%s/x.tap\n2\nW6\npublicC\n' "$tapes/d"
	done | talk --allow "file:$tapes/*/*" >replies
	kill -KILL "$changer"
	reap "$changer"
	like '^[1-9]' "$(grep -c '^public' replies)" \
		'a path with a link that comes and goes is opened without it'
	like '^[1-9]' "$(grep -c '^E13\|^E40\|^E22\|^E2$' replies)" '... or not at all'
	is 0 "$(grep -c secret replies)" '... and never where the link leads'
	ok '... where nothing is written' cmp outside/x.tap outside.before
	is '' "$(cat exchange.log)" '(it came and went)'
}

# bounded SENTENCE COMMAND: with the output of the command as its client, pmt-rmt
# ends by itself, at once, in 200 MB.
bounded()
{
	# What sanitizers reserve has nothing to do with what is used.
	ok "$1" bash -c "
		nm '$pmtrmt' 2>/dev/null | grep -q __asan_init || ulimit -v 200000
		$2 | timeout 10 '$pmtrmt' --allow null: >replies
		status=\${PIPESTATUS[1]}
		[ \$status -eq 1 ] && [ \$(wc -c <replies) -lt 1000 ]"
}

garbage()
{
	bounded 'digits without end' "(printf W; yes 1 | tr -d '\n')"
	bounded 'a name without end' "(printf O; yes x | tr -d '\n')"
	bounded 'flags without end' "(printf 'Onull:\n'; yes x | tr -d '\n')"
	bounded 'a record larger than any' \
		"(printf 'Onull:\n1\nW4294967295\n'; cat /dev/zero)"
	bounded 'a negative record' \
		"(printf 'Onull:\n1\nW-1\n'; cat /dev/zero)"
	bounded 'bytes of no sense' 'cat /dev/zero'
	bounded 'numbers of no sense' "printf 'I99999999999999999999\n1\n'"
	bounded 'a request that breaks off' "printf 'Onull:\n1\nW1000\nabc'"
	bounded 'a spec of 500 levels' "(printf O; yes 'mirror:{' |
		head -500 | tr -d '\n'; printf '\n0\nX\n')"
	is 'A0 E5 E5 A0 E22 A0' "$(printf \
		'Onull:\n2\nR4294967295\nR99999999999999\nI6\n-2147483648\nI6\n2147483648\nC\n' |
		talk --allow null: | grep '^[AE][0-9]' | paste -sd' ')" \
		'huge numbers are answered, and change nothing'
}

# ---- Sessions that are held ------------------------------------------------

# shellcheck disable=SC2317 # await calls it.
has_lines()
{
	[ "$(wc -l <replies)" -ge "$1" ]
}

# begin OPTION...: a session whose client is us, at file descriptor 7.
begin()
{
	rm -f requests replies
	mkfifo requests
	: >replies
	"$pmtrmt" --debug "$@" <requests >replies 2>>"$said" &
	session=$!
	exec 7>requests
}

# say TEXT LINES: and waits for so many lines of replies in all.
say()
{
	printf '%b' "$1" >&7
	await 10 has_lines "$2" || bail "no reply to $1"
}

one_at_a_time()
{
	local t=file:$tapes/one.tap allow=(--allow "file:$tapes/*" --create)

	begin "${allow[@]}"
	say "O$t\n1 O_CREAT\nW5\nhello" 2
	is E16 "$(opens "$t" 1 "${allow[@]}")" \
		'a tape that another client has open is EBUSY'
	is E16 "$(opens "$t" 0 "${allow[@]}")" '... for reading as well'
	say 'C\n' 3
	is A0 "$(opens "$t" 0 "${allow[@]}")" \
		'after its C it is free, though the session goes on'
	exec 7>&-
	ok 'a session ends well at the end of its input' reap "$session"
}

broken_links()
{
	local t=file:$tapes/cut.tap allow=(--allow "file:$tapes/*" --create)

	begin "${allow[@]}"
	say "O$t\n1 O_CREAT\nW5\nhelloW5\nhel" 2
	exec 7>&-
	fails 'a connection that breaks in a record' reap "$session"
	is '5 mark ' "$(image cut.tap)" \
		'... leaves nothing of it, and the filemark of close'
	rm "$tapes/cut.tap"
	begin "${allow[@]}"
	say "O$t\n1 O_CREAT\nW5\nhelloW3\nabc" 3
	kill -TERM "$session"
	reap "$session"
	is 0 $? 'SIGTERM ends a session that waits'
	is '5 3 mark ' "$(image cut.tap)" '... as close does'
	exec 7>&-
	rm "$tapes/cut.tap"
	begin "${allow[@]}" --timeout 1
	say "O$t\n1 O_CREAT\nW5\nhello" 2
	fails '--timeout ends a session with a silent client' reap "$session"
	is '5 mark ' "$(image cut.tap)" '... and closes its tape'
	is A0 "$(opens "$t" 1 "${allow[@]}")" '... which is free again'
	exec 7>&-
}

# A client that asks and does not listen: the pipe is full at some time.
deaf_client()
{
	local t=file:$tapes/deaf.tap

	{ printf 'O%s\n1 O_CREAT\nW1000000\n' "$t"; data 1000000 1; } |
		talk --allow "file:$tapes/*" --create >/dev/null
	rm -f requests replies
	mkfifo requests replies
	exec 8<>replies 7<>requests
	"$pmtrmt" --timeout 1 --allow "$t" <requests >replies 2>>"$said" &
	session=$!
	printf 'O%s\n0\nR1000000\nR1000000\n' "$t" >&7
	fails '--timeout ends a session with a client that does not listen' \
		reap "$session"
	is A0 "$(opens "$t" 1 --allow "$t")" '... and its tape is free'
	"$pmtrmt" --allow "$t" <requests >replies 2>>"$said" &
	session=$!
	printf 'O%s\n0\nR1000000\nR1000000\n' "$t" >&7
	await 10 bash -c "[ \"\$(printf 'O$t\n0\n' | timeout 10 '$pmtrmt' \
		--allow '$t' | head -1)\" = E16 ]"
	kill -TERM "$session"
	fails 'SIGTERM ends such a session, too' reap "$session"
	exec 7>&- 8>&-
}

tables()
{
	local t=file:$tapes/one.tap me

	me=$(id -un)
	printf 'alias one %s\nallow %s - ro one\n' "$t" "$me" >table
	chmod 666 table
	is '' "$(opens one 0 --table "$scratch/table")" \
		'with a table that anybody can write to nothing is served'
	like 'others than root can write|must belong to root' "$(tail -1 "$said")" '... which it says'
	is '' "$(opens one 0 --table "$scratch/no-table")" \
		'nor without the table that was asked for'
	chmod 644 table
	if [ "$(id -u)" -ne 0 ]; then
		is '' "$(opens one 0 --table "$scratch/table")" \
			'nor with a table that is not of root'
		return
	fi
	is A0 "$(opens one 0 --table "$scratch/table")" \
		'an alias of the table is opened'
	is E13 "$(opens one 1 --table "$scratch/table")" \
		'... not for writing, where it says ro'
	is E13 "$(opens "$t" 0 --table "$scratch/table")" \
		'... and not by its spec, which no line allows'
	is E13 "$(SSH_CLIENT='10.0.0.1 1 22' opens one 0 \
		--table "$scratch/table")" '... nor from another host'
	chown 1 table
	is '' "$(opens one 0 --table "$scratch/table")" \
		'with a table that is not of root nothing is served'
}

usage()
{
	local option

	for option in --help --version; do
		ok "pmt-rmt $option" timeout 10 "$pmtrmt" $option
	done
	for option in --nonsense --allow '--timeout 0' '--timeout x' --create \
		/tmp/debug '--allow x --create --read-only'; do
		# shellcheck disable=SC2086 # The words are meant.
		timeout 10 "$pmtrmt" $option </dev/null >out 2>&1
		is 2 $? "pmt-rmt $option is refused"
	done
}

rights
changing_links
garbage
one_at_a_time
broken_links
deaf_client
tables
usage
done_testing

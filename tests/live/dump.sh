#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# dump and restore of an ext4 file system.  dump writes to one open file from
# several processes, each a record in turn, while signals fly between them.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need dump restore mke2fs unshare

tree=$scratch/tree
fs=$scratch/fs.ext4

dump_fs()
{
	dump_image "$fs" "$@"
}

restores()
{
	restores_tree "$tree" "$@"
}

extracts_one()
{
	restore_to "$scratch/one" -x -a "$@" ./sub/70001 &&
		cmp "$tree/sub/70001" "$scratch/one/sub/70001"
}

lists_all()
{
	restore -t "$@" </dev/null >"$scratch/list" &&
		diff <(cd "$tree" && find . | sort) \
			<(sed -n 's/^ *[0-9]*\t//p' "$scratch/list" |
				sort)
}

# differences OPTION...: what restore -C finds.  It compares flags, too, of which
# each type of file system has its own.
differences()
{
	local status=0

	restore -C -D "$tree" "$@" </dev/null >"$scratch/output" 2>&1 ||
		status=$?
	grep -q '^Dump   date' "$scratch/output" || echo "status $status"
	grep '^\.' "$scratch/output" | grep -v ': flags changed'
}

one_dump()
{
	start_drive
	ok 'dump -0 writes a file system' dump_fs -f "$ntape"
	like '^10240\*[0-9]+ mark$' "$(layout)" \
		'dump has written records of 10 KiB, and close one filemark'
	is 1/0 "$(place)" 'after dump the tape stands behind that filemark'
	ok 'restore -t lists what was dumped' rewound lists_all -f "$ntape"
	is '' "$(rewound differences -f "$ntape")" \
		'restore -C finds no difference'
	printf x >>"$tree/sub/513"
	is './sub/513: size has changed.' \
		"$(rewound differences -f "$ntape")" \
		'restore -C finds the one file that has changed'
	truncate -s 513 "$tree/sub/513"
	ok 'restore -r gives back the same tree' \
		rewound restores -f "$ntape"
	ok 'restore -x gives back one file' \
		rewound extracts_one -f "$ntape"
	stop_pmtd
}

several_dumps()
{
	start_drive
	ok 'a dump with records of 64 KiB' dump_fs -b 64 -f "$ntape"
	ok 'another behind it with records of 1 MiB' \
		dump_fs -b 1024 -f "$ntape"
	like $'^65536\\*[0-9]+ mark\n1048576\\*[0-9]+ mark$' "$(layout)" \
		'both are on the tape in records of their sizes'
	ok 'restore -s 1 takes the first' \
		rewound restores -b 64 -s 1 -f "$ntape"
	ok 'restore -s 2 takes the second' \
		rewound restores -b 1024 -s 2 -f "$ntape"
	ok 'dump writes to the node that rewinds' rewound dump_fs -f "$tape"
	like '^10240\*[0-9]+ mark$' "$(layout)" \
		'a dump at BOT is the end of what was on the tape before'
	is 0/0 "$(place)" 'the node that rewinds has rewound when dump is done'
	ok 'restore finds the dump at BOT, its record size by itself' \
		restores -f "$tape"
	stop_pmtd
}

make_tree "$tree"
make_fs "$tree" "$fs"
one_dump
several_dumps
done_testing

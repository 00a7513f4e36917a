# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# What the live tests of the pair share: a slave for tests (slave.c).

# shellcheck disable=SC2154 # $build and $scratch are of lib.sh.
slave_program=$build/tests/live/slave
slave_pid='' slave_said=$scratch/slave

slave_is_ready_or_ended()
{
	contains "$slave_said" ready || ended "$slave_pid"
}

# start_slave PATH [WHAT]...: returns when it is the tape.
start_slave()
{
	: >"$slave_said" # here, so that what the last one said is gone
	"$slave_program" "$@" >"$slave_said" 2>&1 &
	slave_pid=$!
	await 10 slave_is_ready_or_ended && contains "$slave_said" ready && return
	diag <"$slave_said"
	bail "the slave does not start: $*"
}

end_slave()
{
	kill -KILL "$slave_pid"
	reap "$slave_pid"
	slave_pid=''
}

need "$slave_program"

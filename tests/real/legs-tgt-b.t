#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A leg is killed: on_leg_error=stop and markfull, and under a dump.

# shellcheck source=legs-tgt.sh
. "$(dirname "$0")/legs-tgt.sh"

what='tar, KILL, stop'
begin KILL on_leg_error=stop,leg_timeout=5
fails "$what: tar does not succeed" tars
like 'Input/output error' "$(<"$scratch/output")" "$what: it has EIO"
finish
ok "$what: the other tape has what was acknowledged" lists_first_file
ok "$what: and so has the lost one" begins_like "$scratch/a" "$scratch/b"

what='tar, KILL, markfull'
begin KILL on_leg_error=markfull,leg_timeout=5,degraded_open=yes
ok "$what: tar goes on with another volume" tars -M -F "$scratch/next"
finish
is mark "$(tail -n 1 "$scratch/a.1")" "$what: the first ends with a filemark"
cp "$scratch/a" "$scratch/a.2"
like '^10240' "$(<"$scratch/a.2")" "$what: the second has records"

what='dump, KILL, degrade'
begin KILL on_leg_error=degrade,leg_timeout=5
ok "$what: dump succeeds" dumps
finish
ok "$what: the other tape alone gives back the file system" restores_dump_alone
done_testing

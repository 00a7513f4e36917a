#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A leg is killed, and one hangs; the others go on: on_leg_error=degrade.

# shellcheck source=legs-tgt.sh
. "$(dirname "$0")/legs-tgt.sh"

one_degrade KILL
one_degrade STOP
done_testing

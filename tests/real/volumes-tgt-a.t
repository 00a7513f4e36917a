#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Volumes on a mirror of two drives of tgt, of which the first ends first.

# shellcheck disable=SC2034 # The file below uses it.
sizes=(2 3)
# shellcheck source=volumes-tgt.sh
. "$(dirname "$0")/volumes-tgt.sh"

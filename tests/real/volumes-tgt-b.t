#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Volumes on a mirror of two drives of tgt, of which the second ends first.

# shellcheck disable=SC2034 # The file below uses it.
sizes=(3 2)
# shellcheck source=volumes-tgt.sh
. "$(dirname "$0")/volumes-tgt.sh"

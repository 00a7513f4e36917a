#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# The same as fuse.t, with pmtserve in the place of pmtd's own tape.

PMT_PAIR=pair: OPERATIONS=${OPERATIONS:-5000} exec tests/diff/fuse.t

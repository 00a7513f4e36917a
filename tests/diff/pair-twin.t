#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# The same as twin.t, with the drive's tape behind a pair.

exec "${BUILD:-build}/tests/diff/difftest" check -p \
	tests/diff/scripts/*.tape tests/diff/recorded.tape

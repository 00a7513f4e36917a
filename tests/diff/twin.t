#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# The drive, in this process, against what st was seen to do: the scripts, whose
# outcomes were written by hand, and random cases recorded from st.

exec "${BUILD:-build}/tests/diff/difftest" check \
	tests/diff/scripts/*.tape tests/diff/recorded.tape

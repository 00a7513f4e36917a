/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The FAKETAPE format: every image in tests/data/faketape is read as its
 * listing says, and what is written is the bytes of the format.
 */
#include "chains.h"

int
main(void)
{
	static const char example[] =
	    "000000030003abc000300000003000000020002de";
	static const char changed[] =
	    "000000030003abc000300010002x000100000001";
	const char *dir = make_scratch();

	test_listings("faketape", 25);
	test_example(dir, "example.fkt", example, sizeof(example) - 1);
	test_overwrite(dir, "example.fkt", changed, sizeof(changed) - 1);
	test_largest(dir, "largest.fkt");
	is_refused(EINVAL, spec_in(dir, "new.fkt,compress=zlib"),
	    "no compression");
	remove_scratch(dir);
	return tap_done();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* The AWSTAPE image (.aws) of mainframe emulators; see aws.c for the bytes. */
#ifndef PMT_AWS_H
#define PMT_AWS_H

#include "chain.h"

extern const struct image_format aws_format;

/* Its headers, and the same with compressed records, as HET has them. */
extern const struct chain_code aws_code;
extern const struct chain_code aws_packed_code;

#endif

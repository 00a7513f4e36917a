/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libfuse, in the one version of its interface that this folder is written for:
 * that of the oldest library it runs with, 3.14.  In it the ioctl of a CUSE
 * device takes an int, which newer versions of the interface change.
 */
#ifndef PMT_LIBFUSE_H
#define PMT_LIBFUSE_H

#define FUSE_USE_VERSION 314

#include <cuse_lowlevel.h>
#include <fuse_lowlevel.h>

#endif

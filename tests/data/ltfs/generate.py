#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes the images of this directory, one folder a case, each a directory.

The names are put together here, apart from the code under test.  The listing
beside each says what a reader is to say: objects, or the words of the failure.
"""
import os
import shutil
import struct

HERE = os.path.dirname(os.path.abspath(__file__))

A, B, C = b"a" * 80, b"b" * 81, b"c" * 3


def tape(*objects, partition=0, eod=True):
    """Objects are bytes, or None for a filemark."""
    files = {}
    for n, thing in enumerate(objects):
        kind = "F" if thing is None else "R"
        files["%d_%d_%s" % (partition, n, kind)] = thing or b""
    if eod:
        files["%d_%d_E" % (partition, len(objects))] = b""
    return files


def changed(files, remove=(), **more):
    """Without some names, and with more: _0_1_R=... is the file 0_1_R."""
    files = {k: v for k, v in files.items() if k not in remove}
    files.update((k[1:], v) for k, v in more.items())
    return files


def attribute(number, value):
    return struct.pack(">HBH", number, 0, len(value)) + value


PLAIN = tape(A, None, B, C, None, None)
VCR = {"attr_0_9": attribute(9, struct.pack(">I", 3))}
LINK = ("link", "0_0_R")

CASES = {
    # Good tapes.
    "blank": tape(),
    "nothing": VCR,
    "plain": PLAIN,
    "one-byte": tape(b"x"),
    "marks-only": tape(None, None, None),
    "more-than-ten": tape(*[b"%d" % n for n in range(12)]),
    "partitions": {**tape(A, None), **tape(B, C, None, partition=1), **VCR},
    "partition-1-only": tape(B, partition=1),
    "other-names": {**PLAIN, **VCR, **dict.fromkeys((
        "0_01_R", "0_7_X", "0_7_", "0_7_RR", "0_-1_R", "0_+1_R", "00_7_R",
        "0_ 7_R", "_7_R", "0__R", "filedebug_tc_conf.xml", "attr_1_9", "0_7_r",
        "0_99999999999999999999_R", "0_18446744073709551615_E"), b"?")},
    # Numbers.
    "gap": changed(PLAIN, ["0_2_R"]),
    "gap-at-first": changed(PLAIN, ["0_0_R"]),
    "gap-then-nothing-but-eod": changed(tape(A, B), ["0_1_R"]),
    "two-types-r-f": changed(PLAIN, _0_2_F=b""),
    "two-types-r-e": changed(PLAIN, _0_2_E=b""),
    "two-types-f-e": changed(PLAIN, _0_1_E=b""),
    "all-types": changed(PLAIN, _0_2_E=b"", _0_2_F=b""),
    "eod-missing": tape(A, None, eod=False),
    "eod-missing-only-eod-of-other": {
        **tape(A, eod=False), **tape(B, partition=1)},
    "eod-in-the-middle": changed(PLAIN, ["0_2_R"], _0_2_E=b""),
    "eod-at-first": changed(PLAIN, ["0_0_R"], _0_0_E=b""),
    "two-eods": changed(PLAIN, _0_9_E=b""),
    "far-name": changed(PLAIN, _0_9223372036854775807_R=b"z"),
    # Files.
    "filemark-not-empty": changed(PLAIN, _0_1_F=b"x"),
    "eod-not-empty": changed(PLAIN, _0_6_E=b"xy"),
    "record-empty": changed(PLAIN, _0_2_R=b""),
    "record-is-a-link": changed(PLAIN, _0_2_R=LINK),
    "record-is-a-directory": changed(PLAIN, ["0_2_R"],
                                     **{"_0_2_R/file": b"x"}),
    # What a killed LTFS leaves.
    "killed-before-record": changed(tape(A, None), ["0_2_E"]),
    "killed-in-record": changed(tape(A, None, eod=False), _0_2_R=b""),
    "killed-before-removing": {**tape(A, B, None, C), "0_2_E": b""},
}

# What is refused as a whole; see tests/unit/ltfs-t.c.
REFUSED = {
    "partition-2": changed(PLAIN, _2_0_R=b"x"),
}
BARCODE = {
    "barcode": {**PLAIN, "attr_0_806": attribute(0x806, b"LTF001L5".ljust(32))},
    "no-text": {**PLAIN, "attr_0_806": attribute(0x806, b"\1\2\3")},
    "other-id": {**PLAIN, "attr_0_806": attribute(0x805, b"LTF001L5")},
    "short": {**PLAIN, "attr_0_806": b"\x08\x06"},
}


def write(path, content):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if isinstance(content, tuple):
        os.symlink(content[1], path)
        return
    with open(path, "wb") as file:
        file.write(content)


for group, cases in (("", CASES), ("refused.d", REFUSED),
                     ("barcode.d", BARCODE)):
    for name, files in cases.items():
        folder = os.path.join(HERE, group, name, "image")
        shutil.rmtree(folder, ignore_errors=True)
        for file_name, content in files.items():
            write(os.path.join(folder, file_name), content)

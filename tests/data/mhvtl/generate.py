#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes the images of this directory, one folder a case, each a directory.

The bytes are put together here from the layout, apart from the code under test.
The listing beside each says what a reader is to say: objects, or the words of
the failure.  Records that LZO compresses need liblzo2.
"""
import ctypes
import os
import shutil
import struct
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
RECORD, MARK, EOD, NOOP = 11, 3, 5, 8
ZLIB, ENCRYPTED, LZO, CRC = 1, 2, 4, 8

A, B, C = b"a" * 80, b"b" * 81, b"c" * 3


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def lzo(data):
    library = ctypes.CDLL("liblzo2.so.2")
    out = ctypes.create_string_buffer(len(data) + len(data) // 16 + 67)
    size = ctypes.c_ulong(len(out))
    work = ctypes.create_string_buffer(1 << 20)
    if library.lzo1x_1_compress(data, ctypes.c_ulong(len(data)), out,
                                ctypes.byref(size), work) != 0:
        raise SystemExit("liblzo2 failed")
    return out.raw[:size.value]


def rec(data, flags=CRC, packed=None, **more):
    """A record; more overrides parts of its entry."""
    if packed is None:
        packed = data
        if flags & ZLIB:
            packed = zlib.compress(data)
        if flags & LZO:
            packed = lzo(data)
    return dict({"type": RECORD, "flags": flags, "size": len(data),
                 "stored": len(packed), "bytes": packed,
                 "crc": crc32c(data) if flags & CRC else 0}, **more)


def mark(**more):
    return dict({"type": MARK, "flags": 0, "size": 0, "stored": 0,
                 "bytes": b"", "crc": 0}, **more)


def part(objects, number, version):
    """The bytes of data, of indx, and of the map with its header."""
    data, indx, marks = b"", b"", []
    for n, thing in enumerate(objects):
        if thing is None:
            thing = mark()
        if isinstance(thing, bytes):
            thing = rec(thing)
        key = thing.get("key", b"")
        entry = struct.pack("<qIIIIIIIII", thing.get("at", len(data)),
                            thing["type"], thing["flags"],
                            thing.get("number", n), thing["size"],
                            thing["stored"], thing["crc"], len(key), 0, 0)
        entry = entry.ljust(48, b"\0") + key.ljust(96, b"\0")
        if version == 6:
            entry += struct.pack("<I", thing.get("partition", number))
        indx += entry.ljust(512, b"\0")
        data += thing["bytes"]
        if thing["type"] == MARK:
            marks.append(n)
    meta = struct.pack("<I", len(marks)).ljust(512, b"\0")
    return [data, indx, meta + struct.pack("<%dI" % len(marks), *marks)]


def v3(*objects, version=3):
    data, indx, meta = part(objects, 0, 3)
    mam = struct.pack("<II", version, 3).ljust(1024, b"\0")
    return {"data": data, "indx": indx, "meta": mam + meta}


def v6(*partitions, version=6):
    files = {"mam": struct.pack("<II", version, 4) + b"\0" * 100,
             "mhvtl_data": b"\0" * 16}
    for number, objects in enumerate(partitions):
        for name, content in zip(("data", "indx", "meta"),
                                 part(objects, number, 6)):
            files["%s.%d" % (name, number)] = content
    return files


def put(files, name, at, content):
    """With other bytes at a place of a file."""
    old = files[name]
    return {**files, name: old[:at] + content + old[at + len(content):]}


def cut(files, name, by):
    return {**files, name: files[name][:-by]}


def more(files, name, content):
    return {**files, name: files[name] + content}


def without(files, *names):
    return {k: v for k, v in files.items() if k not in names}


def word(n):
    return struct.pack("<I", n)


OBJECTS = (A, None, B, C, None, None)
V3, V6 = v3(*OBJECTS), v6(OBJECTS)
LONG = bytes(range(256)) * 16
MAP = 512  # where the map begins in meta.0

CASES = {
    # Good tapes.
    "v3-blank": v3(),
    "v3-plain": V3,
    "v3-without-checksums": v3(rec(A, 0), None, rec(B, 0)),
    "v3-zlib": v3(rec(LONG, ZLIB | CRC), rec(A, ZLIB), None),
    "v3-lzo": v3(rec(LONG, LZO | CRC), rec(A, LZO), None),
    "v3-partition-field-unused": put(V3, "indx", 144, word(77)),
    "v6-blank": v6(()),
    "v6-plain": V6,
    "v6-zlib": v6((rec(LONG, ZLIB | CRC), A, None)),
    "v6-lzo": v6((rec(LONG, LZO | CRC), A, None)),
    "v6-packed-grows": v6((rec(b"x", ZLIB | CRC), rec(b"y", LZO | CRC))),
    "v6-partitions": v6((A, None), (B,), (), (None, C)),
    "v6-marks-only": v6((None, None, None)),
    "v6-mark-at-bot": v6((None, A)),
    # The index.
    "indx-cut-in-last": cut(V6, "indx.0", 511),
    "indx-cut-in-first": {**V6, "indx.0": V6["indx.0"][:511]},
    "indx-empty": {**V6, "indx.0": b""},
    "indx-lacks-record": cut(v6((A, None, B)), "indx.0", 512),
    "indx-lacks-filemark": cut(V6, "indx.0", 512),
    "v3-indx-lacks-record": cut(v3(A, None, B), "indx", 512),
    "indx-cut-in-next": more(V6, "indx.0", b"\0"),
    "number-wrong": v6((A, rec(B, number=2), C)),
    "number-of-filemark": v6((A, mark(number=0), C)),
    "partition-wrong": v6((A, rec(B, partition=1), C)),
    "type-eod": v6((A, mark(type=EOD), C)),
    "type-noop": v6((A, mark(type=NOOP), C)),
    "type-zero": v6((A, mark(type=0), C)),
    "flags-unknown": v6((A, rec(B, CRC | 16))),
    "flags-zlib-and-lzo": v6((A, rec(B, ZLIB | LZO, packed=B))),
    "flags-of-filemark": v6((A, mark(flags=CRC))),
    "filemark-with-bytes": v6((A, mark(size=1, stored=1, bytes=b"x"))),
    "record-of-nothing": v6((A, rec(b""))),
    "record-stored-as-nothing": v6((A, rec(B, ZLIB, packed=b""))),
    "record-too-large": v6((A, rec(B, size=16777217, stored=16777217))),
    "stored-too-large": v6((A, rec(B, ZLIB, packed=B, stored=16777217))),
    "sizes-differ": v6((A, rec(B, size=80), C)),
    "data-at-overlaps": v6((A, rec(B, at=79), C)),
    "data-at-skips": v6((A, rec(B, at=81), C)),
    "data-at-negative": v6((A, rec(B, at=-81), C)),
    "data-at-of-filemark": v6((A, mark(at=0), C)),
    "first-data-at": v6((rec(A, at=1),)),
    # The data.
    "data-cut": cut(V6, "data.0", 1),
    "data-cut-in-first": {**V6, "data.0": V6["data.0"][:79]},
    "data-empty": {**V6, "data.0": b""},
    "data-longer": more(V6, "data.0", b"z"),
    "v3-data-cut": cut(V3, "data", 3),
    # The map of the filemarks.
    "map-cut": cut(V6, "meta.0", 4),
    "map-cut-in-number": cut(V6, "meta.0", 1),
    "map-longer": more(V6, "meta.0", word(9)),
    "map-count-less": put(V6, "meta.0", 0, word(2)),
    "map-count-more": put(V6, "meta.0", 0, word(4)),
    "map-count-huge": put(V6, "meta.0", 0, word(0xFFFFFFFF)),
    "map-header-cut": {**V6, "meta.0": V6["meta.0"][:511]},
    "map-header-cut-no-filemarks":
        {**v6((A,)), "meta.0": b""},
    "map-lacks-one": put(V6, "meta.0", MAP + 4, word(3)),
    "map-has-record": put(v6((A, B, None)), "meta.0", MAP, word(1)),
    "map-has-record-too": {**v6((A, B, None)), "meta.0":
                           word(2).ljust(512, b"\0") + word(1) + word(2)},
    "map-beyond-end": {**v6((A, B, None)), "meta.0":
                       word(2).ljust(512, b"\0") + word(2) + word(3)},
    "map-not-ascending": put(V6, "meta.0", MAP + 4, word(1)),
    "map-descending": {**v6((None, None)), "meta.0":
                       word(2).ljust(512, b"\0") + word(1) + word(0)},
    "v3-map-cut": cut(V3, "meta", 4),
    "v3-map-header-cut": {**V3, "meta": V3["meta"][:1535]},
}

# What shows when a record is read, but not when it is passed, and what is
# refused as a whole: see tests/unit/mhvtl-t.c.
Z, L = zlib.compress(LONG), lzo(LONG)
BAD_RECORDS = {
    "checksum": rec(B, crc=1),
    "zlib-checksum": rec(LONG, ZLIB | CRC, crc=1),
    "lzo-checksum": rec(LONG, LZO | CRC, crc=1),
    "zlib-damaged": rec(LONG, ZLIB | CRC, packed=b"\0" + Z[1:]),
    "zlib-cut": rec(LONG, ZLIB | CRC, packed=Z[:-1]),
    "zlib-longer": rec(LONG, ZLIB | CRC, packed=Z + b"\0"),
    "zlib-of-more": rec(LONG, ZLIB, size=4095),
    "zlib-of-less": rec(LONG, ZLIB, size=4097),
    "lzo-damaged": rec(LONG, LZO | CRC, packed=b"\x0f" + L[1:]),
    "lzo-cut": rec(LONG, LZO | CRC, packed=L[:-1]),
    "lzo-longer": rec(LONG, LZO | CRC, packed=L + b"\0"),
    "lzo-of-more": rec(LONG, LZO, size=4095),
    "lzo-of-less": rec(LONG, LZO, size=4097),
    "encrypted": rec(B, ENCRYPTED | CRC, key=b"k" * 32),
    "encrypted-zlib": rec(B, ENCRYPTED | ZLIB | CRC, key=b"k" * 32),
}
READ = {name: v6((A, thing, C)) for name, thing in BAD_RECORDS.items()}
REFUSED = {
    "v3-version-2": v3(A, version=2),
    "v3-version-6": v3(A, version=6),
    "v3-version-cut": {**V3, "meta": b"\3\0\0"},
    "v3-big-endian": put(V3, "meta", 0, b"\0\0\0\3"),
    "v6-version-3": v6((A,), version=3),
    "v6-version-7": v6((A,), version=7),
    "v6-version-cut": {**V6, "mam": b""},
    "v6-big-endian": put(V6, "mam", 0, b"\0\0\0\6"),
    "v6-no-indx": without(V6, "indx.0"),
    "v6-no-meta": without(V6, "meta.0"),
    "v6-hole": without(v6((A,), (B,), (C,)), "data.1"),
    "v6-five": v6((A,), (A,), (A,), (A,), (A,)),
}

for group, cases in (("", CASES), ("read.d", READ), ("refused.d", REFUSED)):
    for name, files in cases.items():
        folder = os.path.join(HERE, group, name, "image")
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        for file_name, content in files.items():
            with open(os.path.join(folder, file_name), "wb") as file:
                file.write(content)

# The same in the form that tests/fuzz/mhvtl-fuzz.c takes.
os.makedirs(os.path.join(HERE, "fuzz.d"), exist_ok=True)
for name in ("v6-plain", "v6-zlib", "v6-lzo", "v3-plain"):
    files = CASES[name]
    old = "data" in files
    data, indx, meta = (files[n if old else n + ".0"]
                        for n in ("data", "indx", "meta"))
    entries = [indx[at:at + 32] for at in range(0, len(indx), 512)]
    marks = meta[1536 if old else 512:]
    with open(os.path.join(HERE, "fuzz.d", name), "wb") as file:
        file.write(struct.pack("<BHB", old, len(data), len(marks)))
        file.write(data + marks + b"".join(entries))

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes the images of this directory, one folder a case.

The bytes are put together here, apart from the code under test.  The listing
beside each says what a reader is to say: objects, or the words of the failure.
Three cases were not made here, but by tgt itself, as tests/contract/ssc-peer.sh
does it, with smaller records: from-tgtimg, from-tgtd, from-tgtd-overwritten.
"""
import os
import struct

HERE = os.path.dirname(os.path.abspath(__file__))
RECORD, BOT, EOD, MARK = 2, 0x10, 0x20, 0x40


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def header(stored, size, kind, number, prev, curr, nxt, damage=0):
    rest = struct.pack(">IIIQQQQ", stored, size, kind, number, prev, curr, nxt)
    return struct.pack("<I", crc32c(rest) ^ damage) + rest


def mam(barcode, version=2):
    block = bytearray(1104)
    block[0:4] = struct.pack(">I", version)
    block[568:600] = barcode.ljust(32)
    return bytes(block)


def tape(*objects, eod=None, barcode=b"PMT001", first=None, version=2,
         no_eod=False, cut=None, tail=b""):
    """Objects are bytes, None for a filemark, or a dict that overrides parts of
    a header: data, and any of the names in put()."""
    out = first or header(0, 1, BOT, 0, 0, 0, 1152)
    out += mam(barcode, version)
    prev, number = 0, 1
    for thing in list(objects) + ([] if no_eod else [dict(eod or {}, kind=EOD)]):
        if thing is None:
            thing = {"kind": MARK}
        if isinstance(thing, bytes):
            thing = {"data": thing}
        data = thing.get("data", b"")
        at = len(out)
        kind = thing.get("kind", RECORD)
        nxt = at if kind == EOD else at + 48 + len(data)
        out += header(thing.get("stored", len(data)),
                      thing.get("size", len(data)), thing.get("type", kind),
                      thing.get("number", number), thing.get("prev", prev),
                      thing.get("curr", at), thing.get("next", nxt),
                      thing.get("damage", 0)) + data
        prev, number = at, number + 1
    out += tail
    return out[:len(out) + cut] if cut is not None else out


A, B, C = b"a" * 80, b"b" * 81, b"c" * 3

CASES = {
    # Good tapes.
    "blank": tape(),
    "plain": tape(A, None, B, C, None, None),
    "one-byte": tape(b"x"),
    "marks-only": tape(None, None, None),
    "mark-at-bot": tape(None, A),
    "no-barcode": tape(A, barcode=b""),
    "stale-after-eod": tape(A, tail=tape(A, B, None, C)[1280:]),
    "text-like-header": tape(b"\0" * 48, header(0, 0, EOD, 2, 0, 0, 0)),
    # Headers that are damaged.
    "sum-of-record": tape(A, {"data": B, "damage": 1}, C),
    "sum-of-filemark": tape(A, {"kind": MARK, "damage": 0x80000000}, C),
    "sum-of-eod": tape(A, None, eod={"damage": 0x100}),
    "sum-of-first": tape({"data": A, "damage": 1}, C),
    "curr-wrong": tape(A, {"data": B, "curr": 1152}),
    "prev-to-bot": tape(A, {"data": B, "prev": 0}),
    "prev-forward": tape(A, {"data": B, "prev": 5000}),
    "prev-inside-this": tape(A, {"data": B, "prev": 1279}),
    "number-repeated": tape(A, {"data": B, "number": 1}),
    "number-skipped": tape(A, eod={"number": 3}),
    "next-too-far": tape(A, {"data": B, "next": 1152 + 128 + 48 + 82}, C),
    "next-back": tape(A, {"data": B, "next": 1152}, C),
    "next-of-filemark": tape({"kind": MARK, "next": 1152}, C),
    "next-of-eod": tape(A, eod={"next": 1152}),
    "eod-with-size": tape(A, eod={"size": 4}),
    "filemark-with-size": tape({"kind": MARK, "size": 1}),
    "record-of-nothing": tape(A, b"", C),
    "record-too-large": tape(A, {"stored": 16777217, "size": 16777217}),
    "stored-differs": tape({"data": A, "size": 160}, C),
    "type-compressed": tape(A, {"data": B, "type": 1}, C),
    "type-encrypted": tape(A, {"data": B, "type": 4}, C),
    "type-setmark": tape(A, {"type": 0x80}, C),
    "type-noop": tape(A, {"type": 0}, C),
    "type-bot-again": tape(A, {"type": BOT}, C),
    # Files that are too short, at each place.
    "cut-no-eod": tape(A, None, no_eod=True),
    "cut-in-eod": tape(A, None, cut=-1),
    "cut-in-eod-first-byte": tape(A, None, cut=-47),
    "cut-in-data": tape(A, B, no_eod=True, cut=-1),
    "cut-before-data": tape(A, B, no_eod=True, cut=-81),
    "cut-in-record-header": tape(A, B, no_eod=True, cut=-82),
    "cut-after-first-object-header": tape(A, no_eod=True, cut=-80),
    "cut-after-mam": tape(no_eod=True),
    # What a killed tgtd leaves: the header goes on to what is not there.
    "killed-before-eod": tape({"data": A}, B, no_eod=True, cut=-129) + b"",
    "killed-over-old": tape(A, {"data": b"n" * 33},
                            no_eod=True) + tape(A, B, C)[1361:],
}

# What is refused as a whole; see tests/unit/ssc-t.c.
REFUSED = {
    "first-sum": tape(A, first=header(0, 1, BOT, 0, 0, 0, 1152, 1)),
    "first-type": tape(A, first=header(0, 1, EOD, 0, 0, 0, 1152)),
    "first-curr": tape(A, first=header(0, 1, BOT, 0, 0, 48, 1152)),
    "first-next": tape(A, first=header(0, 1, BOT, 0, 0, 0, 1200)),
    "first-number": tape(A, first=header(0, 1, BOT, 1, 0, 0, 1152)),
    "first-prev": tape(A, first=header(0, 1, BOT, 0, 48, 0, 1152)),
    "version-1": tape(A, version=1),
    "version-3": tape(A, version=3),
    "cut-in-mam": tape(A)[:1151],
    "cut-in-first": tape(A)[:47],
    "one-byte": tape(A)[:1],
}

for group, cases in (("", CASES), ("refused.d", REFUSED)):
    for name, image in cases.items():
        folder = os.path.join(HERE, group, name)
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "image.ssc"), "wb") as file:
            file.write(image)

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes the images of this directory, one folder a case.

An image is a directory, and the files in it are put together here, apart from
the code under test.  The listing beside each says what a reader is to say:
objects, or the words of the failure.
"""
import os
import shutil

HERE = os.path.dirname(os.path.abspath(__file__))
BLOCK = 32768


def header(text):
    return ("AMANDA: " + text + "\n\f\n").encode().ljust(BLOCK, b"\0")


def dump(data):
    return header("FILE 20260102030405 host /usr  lev 1 comp N program "
                  "/bin/tar") + data


LABEL = {"00000.TAPE01": header("TAPESTART DATE 20260102030405 TAPE TAPE01")}
ONE = "00001.host._usr.1"
TWO = "00002.host._usr.1"



def files(*pairs):
    return dict(LABEL, **dict(pairs))


CASES = {
    # Good tapes.
    "label-only": LABEL,
    "plain": files((ONE, dump(b"a" * (BLOCK + 100))),
                   (TWO, dump(b"b" * 7))),
    "no-data": files((ONE, dump(b"")), (TWO, dump(b"b"))),
    "whole-block": files((ONE, dump(b"a" * BLOCK))),
    "data-directory": {"data/" + k: v for k, v in
                       files((ONE, dump(b"a" * 9))).items()},
    "gap": files(("00003.host._usr.1", dump(b"c" * 3))),
    "gap-at-bot": {"00002.host._usr.1": dump(b"b" * 2)},
    "six-digits": files(("000001.host.d.0", dump(b"a")),
                        ("2.host.d.0", dump(b"b"))),
    "others-in-it": files((ONE, dump(b"a")), ("00000-lock", b""),
                          ("notes", b"none"), ("1x.y", b"none"),
                          ("99999999999.x", b"none"),
                          ("00007-openx.y", b""), ("00008-open0.y", b"")),
    # Not ended with a filemark.
    "open": files(("00001-open32768.host._usr.1", dump(b"a" * BLOCK))),
    "open-torn": files(("00001-open32768.host._usr.1",
                        dump(b"a" * BLOCK + b"b" * 99))),
    "open-torn-header": files(("00001-open32768.host._usr.1",
                               dump(b"")[:4096])),
    "open-empty": files(("00001-open32768.host._usr.1", b"")),
    "open-small-blocks": files(("00001-open512.host._usr.1",
                                dump(b"a" * 1100))),
    "last": files(("00001-last.host._usr.1", dump(b"a" * 99))),
    # Damage.
    "header-cut": files((ONE, dump(b"")[:1000]), (TWO, dump(b"b"))),
    "header-missing": files((ONE, b"")),
    "header-other": files((ONE, b"x" * BLOCK)),
    "same-number": files((ONE, dump(b"a")),
                         ("00001.host.other.0", dump(b"b"))),
    "same-number-open": files((ONE, dump(b"a")),
                              ("00001-open32768.host.d.0", dump(b""))),
    "open-in-the-middle": files(("00001-open32768.host.d.0", dump(b"")),
                                (TWO, dump(b"b"))),
}

for case, content in CASES.items():
    top = os.path.join(HERE, case, "image")
    shutil.rmtree(top, ignore_errors=True)
    for name, data in content.items():
        path = os.path.join(top, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(data)

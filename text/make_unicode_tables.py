#!/usr/bin/env python3
"""Writes text/unicode_tables.h: lower-casing and white space as Python's str has them (Unicode facts, unicodedata).

Run: python3 text/make_unicode_tables.py > text/unicode_tables.h
The classes behind the final-sigma rule are found by asking str.lower itself, so they are what it uses."""
import unicodedata

POINTS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]


def ranges(points):
    out = []
    for c in points:
        if out and c == out[-1][1] + 1:
            out[-1][1] = c
        else:
            out.append([c, c])
    return out


def case_ranges():
    """[first, last, stride, delta]: every stride-th code point of the range moves by delta."""
    out = []
    for c in POINTS:
        low = chr(c).lower()
        if len(low) != 1 or ord(low) == c or c == 0x3A3:
            continue
        delta = ord(low) - c
        last = out[-1] if out else None
        if last and last[3] == delta and (c - last[1] == last[2] or (last[0] == last[1] and c - last[1] == 2)):
            last[2] = c - last[1]
            last[1] = c
        else:
            out.append([c, c, 1, delta])
    return out


def emit(name, kind, rows, per_line):
    print(f"static const {kind} {name}[] = {{")
    for i in range(0, len(rows), per_line):
        print("    " + " ".join("{" + ", ".join(map(str, r)) + "}," for r in rows[i:i + per_line]))
    print("};\n")


cased = [c for c in POINTS if c != 0x3A3 and (chr(c) + "\u03a3").lower()[-1] == "\u03c2"] + [0x3A3]
ignorable = [c for c in POINTS if c not in set(cased) and ("a" + chr(c) + "\u03a3").lower()[-1] == "\u03c2"]
print(f"/* Made by make_unicode_tables.py from Unicode {unicodedata.unidata_version}; do not edit. */")
print("#ifndef RINS_TEXT_UNICODE_TABLES_H\n#define RINS_TEXT_UNICODE_TABLES_H\n\n#include <stdint.h>\n")
print("/* Code points first, first + stride, ..., last move by delta. U+0130 and U+03A3 are apart. */")
print("typedef struct CaseRange { int32_t first, last, stride, delta; } CaseRange;")
print("typedef struct PointRange { int32_t first, last; } PointRange;\n")
emit("lower_ranges", "CaseRange", case_ranges(), 5)
emit("cased_ranges", "PointRange", ranges(sorted(cased)), 7)
print("/* Looked through on both sides of a capital sigma (marks, apostrophes, full stops ...). */")
emit("ignorable_ranges", "PointRange", ranges(ignorable), 7)
emit("space_ranges", "PointRange", ranges(c for c in POINTS if chr(c).isspace()), 7)
print("#endif")

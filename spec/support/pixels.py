# SPDX-License-Identifier: MIT
"""pixels.py PNG [RRGGBB...]: what a screenshot shows, as one line of JSON: width, height, light (mean luminance,
0 to 255), most (share of the most frequent colour), colours (how many differ), and the pixels of each colour asked
for. Reads 8-bit RGB and RGBA without interlacing, which is what browsers write."""
import collections
import json
import struct
import sys
import zlib


def chunks(data):
    at = 8
    while at < len(data):
        n, kind = struct.unpack(">I4s", data[at : at + 8])
        yield kind, data[at + 8 : at + 8 + n]
        at += n + 12


def paeth(a, b, c):
    p = a + b - c
    pa, pb, pc = abs(p - a), abs(p - b), abs(p - c)
    return a if pa <= pb and pa <= pc else b if pb <= pc else c


def unfilter(kind, row, above, step):
    if kind == 2:
        return bytearray((x + y) & 255 for x, y in zip(row, above))
    for i in range(len(row) if kind else 0):
        a = row[i - step] if i >= step else 0
        b, c = above[i], above[i - step] if i >= step else 0
        row[i] = (row[i] + (a if kind == 1 else (a + b) // 2 if kind == 3 else paeth(a, b, c))) & 255
    return row


def pixels(data):
    assert data[:8] == b"\x89PNG\r\n\x1a\n", "no PNG"
    packed, header = b"", None
    for kind, body in chunks(data):
        if kind == b"IHDR":
            header = struct.unpack(">IIBBBBB", body)
        elif kind == b"IDAT":
            packed += body
    width, height, depth, colour, _, _, interlace = header
    assert depth == 8 and colour in (2, 6) and not interlace, "a kind of PNG that is not read here"
    step = 3 if colour == 2 else 4
    raw, size = zlib.decompress(packed), width * step + 1
    counts, above = collections.Counter(), bytearray(size - 1)
    for y in range(height):
        line = raw[y * size : (y + 1) * size]
        above = unfilter(line[0], bytearray(line[1:]), above, step)
        counts.update(zip(above[0::step], above[1::step], above[2::step]))
    return width, height, counts


def main():
    with open(sys.argv[1], "rb") as file:
        width, height, counts = pixels(file.read())
    total = width * height
    light = sum((0.2126 * r + 0.7152 * g + 0.0722 * b) * n for (r, g, b), n in counts.items()) / total
    asked = {c: counts[tuple(bytes.fromhex(c))] for c in sys.argv[2:]}
    print(json.dumps({"width": width, "height": height, "light": light, "colours": len(counts),
                      "most": max(counts.values()) / total, "pixels": asked}))


main()

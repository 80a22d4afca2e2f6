"""Small pictures and documents that the tests of shapes make for themselves."""

import io
import struct
import zlib

import numpy as np
from PIL import Image


def picture(mask, dark=20, bright=240):
    """Grey picture, row 0 of `mask` at the top."""
    return Image.fromarray(np.where(mask, dark, bright).astype(np.uint8))


def encoded(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def letter_l(side=60):
    """An L: 60 x 60 px with a free quarter at the top right. Its area is 3/4 of its box."""
    mask = np.zeros((side + 20, side + 20), dtype=bool)
    mask[10:-10, 10:-10] = True
    mask[10 : 10 + side // 2, 10 + side // 2 : -10] = False
    return mask


def png_of_size(width, height, data=b""):
    """A PNG that announces a size, with whatever `data` for its pixels."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data, 9)) + chunk(b"IEND", b"")


def svg(body, box="0 0 100 100"):
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}">{body}</svg>'.encode()


def one_line(error):
    """What is said of bad input: a single line of bounded length."""
    text = str(error)
    assert text
    assert "\n" not in text
    assert len(text) < 500

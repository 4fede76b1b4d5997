#!/usr/bin/env python3
"""Makes tests/golden/images/* and expected.txt: small pictures of every kind that web data holds, and the CRC-32 of the
RGB bytes that Pillow makes of them. Needs Pillow 13 or later (its resize goes down first where the height shrinks by
much more than the width) and numpy. Usage: make_images.py [IMAGENET_SAMPLE_DIR], which also writes imagenet_sample.txt."""
import glob, io, os, struct, sys, zlib
import numpy as np
from PIL import Image, ImageEnhance, ImageOps

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "images")


def scene(w, h):
    y, x = np.mgrid[0:h, 0:w].astype(float)
    r = 127 + 120 * np.sin(x / 3.1 + y / 7)
    g = 255 * x / max(w - 1, 1)
    b = 255 * ((x // 4 + y // 4) % 2)
    return np.clip(np.stack([r, g, b], -1), 0, 255).astype(np.uint8)


def alpha(w, h):
    y, x = np.mgrid[0:h, 0:w]
    return ((x * 255 // max(w - 1, 1) + y * 5) % 256).astype(np.uint8)


# --- A baseline JPEG encoder, for sampling factors that Pillow does not write. -------------------------------------

def segments(jpeg):
    at = 2
    while at < len(jpeg):
        marker, size = jpeg[at + 1], struct.unpack(">H", jpeg[at + 2:at + 4])[0]
        yield marker, jpeg[at + 4:at + 2 + size]
        if marker == 0xDA:
            return
        at += 2 + size


def huffman_codes():
    """The standard tables, read back from a file of Pillow's."""
    file = io.BytesIO()
    Image.fromarray(scene(8, 8)).save(file, "JPEG", optimize=False)
    tables, raw = {}, b""
    for marker, body in segments(file.getvalue()):
        if marker != 0xC4:
            continue
        raw += b"\xff\xc4" + struct.pack(">H", len(body) + 2) + body
        while body:
            key, counts, body = body[0], body[1:17], body[17:]
            codes, code, at = {}, 0, 0
            for length, n in enumerate(counts, 1):
                for _ in range(n):
                    codes[body[at]] = (code, length)
                    code, at = code + 1, at + 1
                code *= 2
            tables[key], body = codes, body[at:]
    return tables, raw


class Bits:
    def __init__(self):
        self.value, self.n, self.out = 0, 0, bytearray()

    def put(self, value, n):
        self.value, self.n = (self.value << n) | value, self.n + n
        while self.n >= 8:
            byte = (self.value >> (self.n - 8)) & 255
            self.out += bytes([byte, 0]) if byte == 255 else bytes([byte])
            self.n -= 8
        self.value &= (1 << self.n) - 1

    def flush(self):
        if self.n:
            self.put((1 << (8 - self.n)) - 1, 8 - self.n)


def put_number(bits, table, run, value):
    size = int(abs(value)).bit_length()
    bits.put(*table[run * 16 + size])
    if size:
        bits.put(value if value > 0 else value + (1 << size) - 1, size)


def zigzag():
    return sorted(range(64), key=lambda i: (i // 8 + i % 8, (i // 8 if (i // 8 + i % 8) % 2 else i % 8)))


def put_block(bits, block, step, last, dc, ac):
    basis = np.array([[np.cos((2 * i + 1) * k * np.pi / 16) * (np.sqrt(0.125) if k == 0 else 0.5) for i in range(8)]
                      for k in range(8)])
    quantised = np.rint(basis @ (block - 128.0) @ basis.T / step).astype(int).ravel()[zigzag()]
    put_number(bits, dc, 0, int(quantised[0]) - last)
    run = 0
    for value in quantised[1:]:
        if value == 0:
            run += 1
            continue
        while run > 15:
            bits.put(*ac[0xF0])
            run -= 16
        put_number(bits, ac, run, int(value))
        run = 0
    if run:
        bits.put(*ac[0])
    return int(quantised[0])


def encode(rgb, factors, step=12, restart=0, separate=False, key=None):
    """factors: (h, v) of each component; `separate`: one scan for each; `key` makes it YCCK."""
    tables, dht = huffman_codes()
    h, w = rgb.shape[:2]
    planes = np.array(Image.fromarray(rgb).convert("YCbCr")).transpose(2, 0, 1).astype(float)
    planes = list(planes) + ([key.astype(float)] if key is not None else [])
    hmax, vmax = max(f[0] for f in factors), max(f[1] for f in factors)
    mcus_x, mcus_y = -(-w // (8 * hmax)), -(-h // (8 * vmax))
    parts = []
    for plane, (fh, fv) in zip(planes, factors):
        full = np.pad(plane, ((0, mcus_y * 8 * vmax - h), (0, mcus_x * 8 * hmax - w)), mode="edge")
        sy, sx = vmax // fv, hmax // fh
        parts.append(full.reshape(full.shape[0] // sy, sy, full.shape[1] // sx, sx).mean((1, 3)))
    n = len(factors)
    adobe = b"\xff\xee" + struct.pack(">H", 14) + b"Adobe\0\x64\0\0\0\0\x02" if key is not None else b""
    out = b"\xff\xd8" + adobe + b"\xff\xdb" + struct.pack(">HB", 67, 0) + bytes([step] * 64)
    out += b"\xff\xc0" + struct.pack(">HBHHB", 8 + 3 * n, 8, h, w, n)
    out += b"".join(bytes([i + 1, fh * 16 + fv, 0]) for i, (fh, fv) in enumerate(factors)) + dht
    if restart:
        out += b"\xff\xdd" + struct.pack(">HH", 4, restart)
    scans = [[i] for i in range(n)] if separate or n == 1 else [list(range(n))]
    for scan in scans:
        out += b"\xff\xda" + struct.pack(">HB", 6 + 2 * len(scan), len(scan))
        out += b"".join(bytes([i + 1, 0x11 if i else 0]) for i in scan) + b"\x00\x3f\x00"
        bits, last, count = Bits(), [0] * n, 0
        if len(scan) == 1:
            fh, fv = factors[scan[0]]
            cols, rows = -(-(-(-w * fh // hmax)) // 8), -(-(-(-h * fv // vmax)) // 8)
            order = [[(scan[0], y, x)] for y in range(rows) for x in range(cols)]
        else:
            order = [[(i, my * factors[i][1] + v, mx * factors[i][0] + u) for i in scan for v in range(factors[i][1])
                      for u in range(factors[i][0])] for my in range(mcus_y) for mx in range(mcus_x)]
        for number, mcu in enumerate(order):
            if restart and number and number % restart == 0:
                bits.flush()
                bits.out += bytes([0xFF, 0xD0 + count % 8])
                last, count = [0] * n, count + 1
            for i, y, x in mcu:
                last[i] = put_block(bits, parts[i][8 * y:8 * y + 8, 8 * x:8 * x + 8], step, last[i],
                                    tables[1 if i else 0], tables[0x11 if i else 0x10])
        bits.flush()
        out += bytes(bits.out)
    return out + b"\xff\xd9"


# --- The pictures -----------------------------------------------------------------------------------------------------

def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(w, h, depth, colour, rows, extra=b"", interlace=0):
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, depth, colour, 0, 0, interlace)) + extra +
            chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b""))


def plain_rows(array):
    """(h, row bytes) to filtered rows, filter 0."""
    return b"".join(b"\0" + row.tobytes() for row in array)


def adam7(array, channels_bytes):
    h, w = array.shape[:2]
    out = b""
    for x0, y0, dx, dy in ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)):
        part = array[y0::dy, x0::dx]
        if part.size:
            out += plain_rows(np.ascontiguousarray(part).reshape(part.shape[0], -1))
    return out


def save(name, image, **options):
    image.save(os.path.join(OUT, name), **options)


def write(name, data):
    with open(os.path.join(OUT, name), "wb") as file:
        file.write(data)


def make_jpegs():
    rgb = Image.fromarray(scene(45, 37))
    for name, sub in (("444", 0), ("422", 1), ("420", 2)):
        save(f"jpeg-{name}.jpg", rgb, quality=85, subsampling=sub)
    save("jpeg-progressive.jpg", rgb, quality=80, progressive=True, subsampling=2)
    save("jpeg-progressive-444.jpg", rgb, quality=80, progressive=True, subsampling=0)
    save("jpeg-grey.jpg", rgb.convert("L"), quality=85)
    save("jpeg-grey-progressive.jpg", rgb.convert("L"), quality=85, progressive=True)
    save("jpeg-1x1.jpg", Image.fromarray(scene(1, 1)))
    save("jpeg-1x40.jpg", Image.fromarray(scene(1, 40)))
    save("jpeg-41x1.jpg", Image.fromarray(scene(41, 1)), subsampling=2)
    save("jpeg-rgb.jpg", rgb, quality=85, keep_rgb=True)
    for name, factors in (("411", [(4, 1), (1, 1), (1, 1)]), ("440", [(1, 2), (1, 1), (1, 1)]),
                          ("410", [(4, 2), (1, 1), (1, 1)]), ("odd-factors", [(2, 2), (2, 1), (1, 2)])):
        write(f"jpeg-{name}.jpg", encode(scene(45, 37), factors))
    write("jpeg-restart.jpg", encode(scene(45, 37), [(2, 2), (1, 1), (1, 1)], restart=2))
    write("jpeg-scans.jpg", encode(scene(45, 37), [(2, 2), (1, 1), (1, 1)], separate=True))
    cmyk = Image.fromarray(np.concatenate([scene(33, 29), alpha(33, 29)[..., None]], -1), "CMYK")
    file = io.BytesIO()
    cmyk.save(file, "JPEG", quality=85)
    data = bytearray(file.getvalue())
    write("jpeg-cmyk.jpg", bytes(data))
    at = data.index(b"Adobe")
    data[at + 11] = 2  # the same numbers, said to be YCCK
    write("jpeg-ycck.jpg", bytes(data))
    write("jpeg-ycck-420.jpg", encode(scene(45, 37), [(2, 2), (1, 1), (1, 1), (2, 2)], key=alpha(45, 37)))
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        save(f"exif-{orientation}.jpg", Image.fromarray(scene(24, 17)), quality=85, exif=exif)


def make_pngs():
    w, h = 31, 23
    rgb, a = scene(w, h), alpha(w, h)
    grey = np.array(Image.fromarray(rgb).convert("L"))
    save("png-rgb.png", Image.fromarray(rgb))
    save("png-rgba.png", Image.fromarray(np.concatenate([rgb, a[..., None]], -1)))
    save("png-la.png", Image.fromarray(np.stack([grey, a], -1), "LA"))
    save("png-grey.png", Image.fromarray(grey))
    save("png-bw.png", Image.fromarray(grey).convert("1"))
    palette = Image.fromarray(rgb).quantize(13)
    save("png-palette.png", palette)
    save("png-palette-2.png", Image.fromarray(rgb).quantize(4), bits=2)
    save("png-palette-trns.png", palette, transparency=bytes([0, 128, 255, 60]))
    save("png-grey-trns.png", Image.fromarray(grey // 64 * 64), transparency=64)
    save("png-rgb-trns.png", Image.fromarray(rgb // 128 * 128), transparency=(128, 0, 0))
    wide = (np.arange(w * h).reshape(h, w) * 97 % 65536).astype(">u2")
    wide[:8] = wide[:8] % 300
    write("png-grey16.png", png(w, h, 16, 0, plain_rows(wide)))
    rgb16 = np.stack([wide, wide[::-1], wide[:, ::-1]], -1)
    write("png-rgb16.png", png(w, h, 16, 2, plain_rows(rgb16.reshape(h, -1))))
    write("png-rgba16.png", png(w, h, 16, 6, plain_rows(np.concatenate([rgb16, wide[..., None]], -1).reshape(h, -1))))
    write("png-la16.png", png(w, h, 16, 4, plain_rows(np.stack([wide, wide[::-1]], -1).reshape(h, -1))))
    nibbles = np.pad(grey // 16, ((0, 0), (0, w % 2)))
    write("png-grey4.png", png(w, h, 4, 0, plain_rows((nibbles[:, ::2] * 16 + nibbles[:, 1::2]).astype(np.uint8))))
    write("png-interlaced.png", png(w, h, 8, 2, adam7(rgb, 3), interlace=1))
    write("png-interlaced-rgba.png", png(w, h, 8, 6, adam7(np.concatenate([rgb, a[..., None]], -1), 4), interlace=1))
    write("png-interlaced-grey16.png", png(w, h, 16, 0, adam7(wide.view(np.uint8).reshape(h, w, 2), 2), interlace=1))
    exif = Image.Exif()
    exif[0x0112] = 6
    save("png-exif-6.png", Image.fromarray(scene(12, 9)), exif=exif)


def make_webps():
    rgb, a = scene(37, 27), alpha(37, 27)
    rgba = Image.fromarray(np.concatenate([rgb, a[..., None]], -1))
    save("webp-lossy.webp", Image.fromarray(rgb), quality=70)
    save("webp-lossless.webp", Image.fromarray(rgb), lossless=True)
    save("webp-lossy-alpha.webp", rgba, quality=70)
    save("webp-lossless-alpha.webp", rgba, lossless=True, exact=True)
    other = Image.fromarray(255 - rgb)
    save("webp-animation.webp", rgba, save_all=True, append_images=[other], quality=70, duration=50)
    exif = Image.Exif()
    exif[0x0112] = 8
    save("webp-exif-8.webp", Image.fromarray(scene(20, 13)), quality=70, exif=exif)


def crc(image):
    assert image.mode == "RGB"
    return f"{image.width} {image.height} {zlib.crc32(image.tobytes()):08x}"


def on(image, colour):
    if not image.has_transparency_data:
        return image.convert("RGB")
    rgba = image.convert("RGBA")
    back = Image.new("RGB", image.size, colour)
    back.paste(rgba, mask=rgba.getchannel("A"))
    return back


def expected_lines(name):
    path = os.path.join(OUT, name)
    image = Image.open(path)
    rgb = image.convert("RGB")
    yield f"{name} drop {crc(rgb)}"
    yield f"{name} white {crc(on(Image.open(path), 'white'))}"
    yield f"{name} black {crc(on(Image.open(path), 'black'))}"
    yield f"{name} exif {crc(ImageOps.exif_transpose(Image.open(path)).convert('RGB'))}"
    for method, filter in (("bicubic", Image.BICUBIC), ("bilinear", Image.BILINEAR)):
        for w, h in ((16, 16), (64, 40), (9, 31)):
            yield f"{name} {method} {crc(rgb.resize((w, h), filter))}"
    if min(rgb.size) > 8:
        box = (1.5, 2.25, rgb.width - 3.75, rgb.height - 0.5)
        yield f"{name} box {crc(rgb.resize((16, 12), Image.BICUBIC, box=box))}"


def augmented_lines(name):
    """name, what, its parameter, size and CRC."""
    image = Image.open(os.path.join(OUT, name)).convert("RGB")
    for factor in (0.0, 0.35, 1.0, 1.8):
        for what, enhance in (("brightness", ImageEnhance.Brightness), ("contrast", ImageEnhance.Contrast),
                              ("saturation", ImageEnhance.Color), ("sharpness", ImageEnhance.Sharpness)):
            yield f"{name} {what} {factor} {crc(enhance(image).enhance(factor))}"
    for bits in (1, 4, 8):
        yield f"{name} posterize {bits} {crc(ImageOps.posterize(image, bits))}"
    for threshold in (0, 100, 255):
        yield f"{name} solarize {threshold} {crc(ImageOps.solarize(image, threshold))}"
    yield f"{name} autocontrast 0 {crc(ImageOps.autocontrast(image))}"
    yield f"{name} equalize 0 {crc(ImageOps.equalize(image))}"
    yield f"{name} mirror 0 {crc(ImageOps.mirror(image))}"
    yield f"{name} translate 5 {crc(image.transform(image.size, Image.AFFINE, (1, 0, 5, 0, 1, -3), Image.NEAREST))}"


def main():
    os.makedirs(OUT, exist_ok=True)
    for old in glob.glob(os.path.join(OUT, "*")):
        os.remove(old)
    make_jpegs()
    make_pngs()
    make_webps()
    names = sorted(os.listdir(OUT))
    assert all(os.path.getsize(os.path.join(OUT, name)) < 6000 for name in names)
    with open(os.path.join(OUT, "expected.txt"), "w") as file:
        for name in names:
            file.write("".join(line + "\n" for line in expected_lines(name)))
    with open(os.path.join(OUT, "augmented.txt"), "w") as file:
        for name in ("jpeg-420.jpg", "png-grey16.png", "png-palette-2.png"):
            file.write("".join(line + "\n" for line in augmented_lines(name)))
    if len(sys.argv) > 1:
        with open(os.path.join(HERE, "imagenet_sample.txt"), "w") as file:
            for path in sorted(glob.glob(os.path.join(sys.argv[1], "*.JPEG"))):
                image = Image.open(path).convert("RGB").resize((224, 224), Image.BICUBIC)
                file.write(f"{os.path.basename(path)} {zlib.crc32(image.tobytes()):08x}\n")


main()

#!/usr/bin/env python3
"""Images per second on one core, side by side: rins, torchvision v2 and Pillow + torchvision, all from JPEG files on
disk to a normalised float32 tensor of 224 x 224 (squashed, antialiased bicubic). Rounds alternate between them, so that
a busy machine is fair; medians and ratios are printed. Needs torch and torchvision; OpenCV is measured where installed.

    bench/compare_data.py --rins build/tools/rins --data FOLDER_OF_JPEGS [--rounds 5] [--json F]"""
import argparse, glob, io, json, os, statistics, subprocess, time

parser = argparse.ArgumentParser()
parser.add_argument("--rins", default="build/tools/rins")
parser.add_argument("--data", required=True)
parser.add_argument("--rounds", type=int, default=5)
parser.add_argument("--size", type=int, default=224)
parser.add_argument("--core", type=int, default=0)
parser.add_argument("--json")
options = parser.parse_args()
os.sched_setaffinity(0, {options.core})  # children inherit it

import numpy as np
import torch
from PIL import Image
from torchvision.io import ImageReadMode, decode_jpeg
from torchvision.transforms import v2

torch.set_num_threads(1)
files = sorted(f for f in glob.glob(os.path.join(options.data, "**", "*"), recursive=True)
               if f.lower().endswith((".jpg", ".jpeg")))
side = (options.size, options.size)
resize = v2.Resize(side, interpolation=v2.InterpolationMode.BICUBIC, antialias=True)
normalise = v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.Normalize([0.5] * 3, [0.5] * 3)])


def read(path):
    with open(path, "rb") as file:
        return file.read()


def to_tensor(path):
    return decode_jpeg(torch.frombuffer(bytearray(read(path)), dtype=torch.uint8), mode=ImageReadMode.RGB)


def pillow(path):
    image = Image.open(io.BytesIO(read(path))).convert("RGB").resize(side, Image.BICUBIC)
    return normalise(v2.functional.pil_to_tensor(image))


def over_files(one):
    def rate():
        start = time.perf_counter()
        for path in files:
            one(path)
        return len(files) / (time.perf_counter() - start)
    return rate


def rins(pp):
    def rate():
        out = subprocess.run([options.rins, "bench", "data", "--data", "folder:" + options.data, "--threads", "1",
                              "--samples", str(len(files)), "--pp", pp, "--json", "-"], check=True, capture_output=True)
        return json.loads(out.stdout)["images_per_s"]
    return rate


squash = f"decode|resize({options.size})|value_range(-1,1)"
crop = f"|inception_crop({options.size})|flip_lr|value_range(-1,1)"
peers = {
    "rins": rins(squash),
    "torchvision v2": over_files(lambda path: normalise(resize(to_tensor(path)))),
    "Pillow + torchvision": over_files(pillow),
    "torchvision decode alone": over_files(to_tensor),
    "rins training crop": rins("decode" + crop),
    "rins training crop, fast": rins("decode(fast=1)" + crop),
}
try:
    import cv2
    cv2.setNumThreads(1)
    scale = np.float32(2 / 255)
    peers["OpenCV, area"] = over_files(lambda path: cv2.resize(cv2.cvtColor(
        cv2.imdecode(np.frombuffer(read(path), np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB), side,
        interpolation=cv2.INTER_AREA) * scale - 1)
except ImportError:
    pass

rates = {name: [] for name in peers}
for round_number in range(options.rounds + 1):
    for name, rate in peers.items():
        images_per_s = rate()
        if round_number:  # the first one warms up
            rates[name].append(images_per_s)
medians = {name: statistics.median(values) for name, values in rates.items()}
print(f"{len(files)} files, {options.rounds} alternating rounds, one core, images/s (median, least..most), rins is x times as fast")
for name, median in medians.items():
    print(f"{name:26} {median:7.1f}  {min(rates[name]):7.1f}..{max(rates[name]):7.1f}  {medians['rins'] / median:5.2f}x")
if options.json:
    with open(options.json, "w") as file:
        json.dump({"files": len(files), "images_per_s": medians, "rounds": rates}, file, indent=1)

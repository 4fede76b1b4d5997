#!/usr/bin/env python3
"""Measures rins against this machine's own limits: its GEMM peak, its threads, its plans. No other software is needed.

    python3 bench/limits.py build/tools/rins [--rounds 3] [--only recursion,threads,loss,memory,start] [--append]

Runs that are compared alternate, and ratios are those of medians over the rounds. --append adds lines to bench/limits.csv.
"""
import argparse
import csv
import datetime
import json
import os
import re
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
B16 = os.path.join(ROOT, "configs/siglip_b16.yaml")
RINS_B16 = os.path.join(ROOT, "configs/rins_b16.yaml")


def run(args, *words):
    out = subprocess.run([args.rins, *map(str, words)], capture_output=True, text=True)
    if out.returncode != 0:
        sys.exit(out.stderr)
    return out.stdout


def step(args, config, batch=16, threads=None):
    return json.loads(run(args, "bench", "step", "--config", config, "--batch", batch, "--steps", args.steps, "--threads",
                          threads or args.threads, "--json", "-", "--quiet"))


def median(results, key):
    return statistics.median(r[key] for r in results)


def recursion(args):
    """A^2B on both towers: seconds a step, as a multiple of the plain step's, over the multiple that its FLOPs say."""
    plain, recursive = [], []
    for _ in range(args.rounds):
        plain.append(step(args, B16))
        recursive.append(step(args, RINS_B16))
    flops = [median(r, "gflops") * median(r, "step_s") for r in (plain, recursive)]
    seconds = [median(r, "step_s") for r in (plain, recursive)]
    yield "A^2B cost over its FLOPs", seconds[1] / seconds[0] / (flops[1] / flops[0]), "0.97 to 1.03", lambda x: abs(x - 1) <= 0.03


def threads(args):
    """Speed with all threads over that with one, over the same ratio of sgemm."""
    one, all_of_them = [], []
    for _ in range(args.rounds):
        one.append(step(args, B16, threads=1))
        all_of_them.append(step(args, B16))
    ours = median(all_of_them, "pairs_per_s") / median(one, "pairs_per_s")
    sgemm = median(all_of_them, "gemm_peak_gflops") / median(one, "gemm_peak_gflops")
    yield "speed-up by threads, of the step", ours, "", None
    yield "speed-up by threads, of sgemm", sgemm, "", None
    yield "the first over the second", ours / sgemm, ">= 0.97", lambda x: x >= 0.97


def loss(args):
    """Sigmoid loss of 32,768 pairs of width 768, forward and backward."""
    result = json.loads(run(args, "bench", "loss", "--steps", 1, "--threads", args.threads, "--json", "-", "--quiet"))
    yield "loss 32768 x 768, fraction of sgemm peak", result["fraction_of_peak"], ">= 0.8", lambda x: x >= 0.8
    yield "loss, MiB beyond inputs and gradients", result["extra_bytes"] / 2**20, "<= 64", lambda x: x <= 64


def planned_gib(args, *overrides):
    text = run(args, "flops", B16, *overrides)
    figure, unit = re.search(r"memory for training.*: ([\d.]+) (\wiB) planned", text).groups()
    return float(figure) * {"MiB": 1 / 1024, "GiB": 1}[unit]


def memory(args):
    """B/16: what is planned (a run uses just that) and what a process took."""
    whole = planned_gib(args, "train.batch=16")
    yield "B/16 batch 16, planned GiB", whole, "", None
    yield "B/16 batch 16, peak of the process, GiB", step(args, B16)["peak_rss_bytes"] / 2**30, "", None
    yield "B/16 batch 16 with recompute, planned GiB", planned_gib(args, "train.batch=16", "train.recompute=true"), "<= 3.7", lambda x: x <= 3.7
    micro = planned_gib(args, "train.batch=256", "train.micro_batch=16")
    pixels = 256 * 224 * 224 * 3 / 2**20
    yield "B/16 batch 256 in micro-batches of 16, MiB more than batch 16", (micro - whole) * 1024, "<= %.0f" % (50 + pixels), lambda x: x <= 50 + pixels


def start(args):
    """rins info, from starting the process to its end."""
    times = []
    for _ in range(21):
        begin = time.perf_counter()
        run(args, "info")
        times.append(time.perf_counter() - begin)
    yield "rins info, milliseconds", 1000 * statistics.median(times), "< 50", lambda x: x < 50


CASES = {f.__name__: f for f in (recursion, threads, loss, memory, start)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rins")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=2, help="timed steps a run")
    parser.add_argument("--only", default=",".join(CASES))
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--append", action="store_true", help="add the lines to bench/limits.csv")
    args = parser.parse_args()
    cpu = json.loads(run(args, "bench", "gemm", "--json", "-", "--quiet"))
    lines = []
    for name in args.only.split(","):
        for figure, value, limit, holds in CASES[name](args):
            verdict = "" if holds is None else "holds" if holds(value) else "missed"
            print("%-64s %8.3f  %-12s %s" % (figure, value, limit, verdict), flush=True)
            lines.append({"date": datetime.date.today().isoformat(), "figure": figure, "value": "%.4g" % value, "limit": limit,
                          "verdict": verdict, "threads": args.threads, "cpu": cpu["cpu"], "blas_core": cpu["blas_core"]})
    if not args.append:
        return
    path = os.path.join(HERE, "limits.csv")
    fresh = not os.path.exists(path)
    with open(path, "a", newline="") as out:
        writer = csv.DictWriter(out, lines[0].keys(), lineterminator="\n")
        if fresh:
            writer.writeheader()
        writer.writerows(lines)


if __name__ == "__main__":
    main()

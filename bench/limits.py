#!/usr/bin/env python3
"""Measures rins against this machine's own limits: its GEMM peak, its threads, its plans. No other software is needed.

    python3 bench/limits.py build/tools/rins [--rounds 8] [--only recursion,threads,precision,loss,memory,start] [--append]

Runs that are compared take turns, step by step, and ratios are those of medians over all steps. --append adds lines to
bench/limits.csv.
"""
import argparse
import csv
import datetime
import json
import os
import statistics
import subprocess
import sys
import time

from turns import cpu_flags, rins_bench

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
B16 = os.path.join(ROOT, "configs/siglip_b16.yaml")
RINS_B16 = os.path.join(ROOT, "configs/rins_b16.yaml")


def run(args, *words):
    out = subprocess.run([args.rins, *map(str, words)], capture_output=True, text=True)
    if out.returncode != 0:
        sys.exit(out.stderr)
    return out.stdout


def precisions():
    """Those that this CPU trains in."""
    return ["fp32", "bf16"] if "bf16" in cpu_flags() else ["fp32"]


def in_turns(args, *runs):
    """Training steps of batch 16 for each (config, precision, threads): what each says of itself, its median as step_s."""
    runners = [rins_bench(args.rins, "step", config, args.rounds, threads, "--batch", 16, "--precision", precision)
               for config, precision, threads in runs]
    for _ in range(args.rounds):
        for runner in runners:
            runner.measure()
    said = [runner.close() for runner in runners]
    return [{**r, "step_gflop": r["gflops"] * r["step_s"], "step_s": runner.median()} for r, runner in zip(said, runners)]


def recursion(args):
    """A^2B on both towers: seconds a step, as a multiple of the plain step's, over the multiple that its FLOPs say."""
    for precision in precisions():
        plain, recursive = in_turns(args, (B16, precision, args.threads), (RINS_B16, precision, args.threads))
        cost = recursive["step_s"] / plain["step_s"]
        flops = recursive["step_gflop"] / plain["step_gflop"]
        yield "A^2B cost over its FLOPs, %s" % precision, cost / flops, "0.97 to 1.03", lambda x: abs(x - 1) <= 0.03


def threads(args):
    """Speed with all threads over that with one, over the same ratio of sgemm."""
    one, all_of_them = in_turns(args, (B16, "fp32", 1), (B16, "fp32", args.threads))
    ours = one["step_s"] / all_of_them["step_s"]
    sgemm = all_of_them["gemm_median_gflops"] / one["gemm_median_gflops"]
    yield "speed-up by threads, of the step", ours, "", None
    yield "speed-up by threads, of sgemm", sgemm, "", None
    yield "the first over the second", ours / sgemm, ">= 0.97", lambda x: x >= 0.97


def precision(args):
    """Speed in bf16 over that in fp32."""
    if "bf16" not in precisions():
        return
    fp32, bf16 = in_turns(args, (B16, "fp32", args.threads), (B16, "bf16", args.threads))
    yield "B/16 training step, bf16 over fp32", fp32["step_s"] / bf16["step_s"], ">= 1.7", lambda x: x >= 1.7


def loss(args):
    """Sigmoid loss of 32,768 pairs of width 768, forward and backward."""
    result = json.loads(run(args, "bench", "loss", "--steps", 1, "--threads", args.threads, "--json", "-", "--quiet"))
    yield "loss 32768 x 768, fraction of sgemm peak", result["fraction_of_peak"], ">= 0.8", lambda x: x >= 0.8
    yield "loss, MiB beyond inputs and gradients", result["extra_bytes"] / 2**20, "<= 64", lambda x: x <= 64


def planned_gib(args, *overrides):
    return json.loads(run(args, "flops", B16, "precision=fp32", *overrides, "--json", "-"))["memory_bytes"] / 2**30


def peak_of_step(args):
    """Bytes; the first step has used all that later ones do."""
    return json.loads(run(args, "bench", "step", "--config", B16, "--batch", 16, "--precision", "fp32", "--steps", 1, "--threads",
                          args.threads, "--json", "-", "--quiet"))["peak_rss_bytes"]


def memory(args):
    """B/16: what is planned (a run uses just that) and what a process took."""
    whole = planned_gib(args, "train.batch=16")
    yield "B/16 batch 16, planned GiB", whole, "", None
    yield "B/16 batch 16, peak of the process, GiB", peak_of_step(args) / 2**30, "", None
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


CASES = {f.__name__: f for f in (recursion, threads, precision, loss, memory, start)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rins")
    parser.add_argument("--rounds", type=int, default=8, help="timed steps of each run")
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

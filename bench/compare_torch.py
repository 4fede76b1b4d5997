#!/usr/bin/env python3
"""Trains and embeds side by side with PyTorch (transformers' SiglipModel) on the same cores in one run.

    pip install torch transformers numpy
    python3 bench/compare_torch.py build/tools/rins [--rounds 12] [--only b16,small,embed] [--compile] [--fused] [--append]

Each is one process that warms up (and compiles) once. They take turns of one or a few steps (rins, PyTorch, rins, ...), and
the one whose turn it is not is stopped: a machine that drifts drifts for both. The ratio is that of the medians of all steps;
ratio_of_turns the median of the ratios of each turn.
Both multiply matrices of the same shape between their steps, outside the clock and the peak of memory: `rins bench` compares
its steps with these products, and without them PyTorch's steps would meet a cooler machine.
A line per comparison goes to standard output, with --append to bench/results.csv too.
"""
import argparse
import csv
import datetime
import itertools
import json
import os
import sys

from turns import Runner, cpu_flags, paired, rins_bench

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)

# The models of the configs, for transformers.
B16 = dict(
    vision=dict(hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12, image_size=224, patch_size=16),
    text=dict(hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12, vocab_size=32000,
              max_position_embeddings=64, projection_size=768))
SMALL = dict(
    vision=dict(hidden_size=128, intermediate_size=512, num_hidden_layers=4, num_attention_heads=2, image_size=32, patch_size=4),
    text=dict(hidden_size=128, intermediate_size=512, num_hidden_layers=2, num_attention_heads=2, vocab_size=8000,
              max_position_embeddings=16, projection_size=128))

CASES = {
    # name: (what, config, model, batch, steps a turn)
    "b16": ("step", "configs/siglip_b16.yaml", B16, 16, 1),
    "small": ("step", "configs/siglip_small.yaml", SMALL, 256, 6),
    "embed": ("infer", "configs/siglip_b16.yaml", B16, 8, 3),
}


# What tools/cmd_bench.c does between steps: one product to warm up and three more, after each of the first 32 steps.
GEMM_M, GEMM_N, GEMM_K, GEMM_RUNS, GEMM_STEPS = 3136, 3072, 768, 4, 32


def between_steps():
    import torch

    a, b = torch.rand(GEMM_M, GEMM_K), torch.rand(GEMM_K, GEMM_N)
    for _ in range(GEMM_RUNS):
        torch.mm(a, b)


def forget_peak():
    """Sets the process's peak of resident memory back to what is resident now (Linux, proc(5))."""
    with open("/proc/self/clear_refs", "w") as control:
        control.write("5")


def peak_rss():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))


def torch_worker(spec):
    """Runs in a process of its own: warms up, then, as `rins bench --paced`, runs a step for each line that it reads and
    prints its seconds as a line of JSON; in the end its peak of memory."""
    import time

    import torch
    from transformers import SiglipConfig, SiglipModel

    what, model_spec, batch, threads = spec["what"], spec["model"], spec["batch"], spec["threads"]
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    bf16 = spec["precision"] == "bf16"
    config = SiglipConfig(vision_config=model_spec["vision"], text_config=model_spec["text"])
    model = SiglipModel(config)
    side, length, vocab = model_spec["vision"]["image_size"], model_spec["text"]["max_position_embeddings"], model_spec["text"]["vocab_size"]
    pixels = torch.randn(batch, 3, side, side)
    ids = torch.randint(0, vocab, (batch, length))
    if what == "infer":
        tower = model.vision_model.eval()
        tower = torch.compile(tower) if spec["compile"] else tower

        def step():
            with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
                tower(pixel_values=pixels)
    else:
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, betas=(0.9, 0.95), weight_decay=0.1, fused=spec["fused"] or None)
        run = torch.compile(model) if spec["compile"] else model

        def step():
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
                loss = run(input_ids=ids, pixel_values=pixels, return_loss=True).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()

    peaks, n_gemms = [], 0
    for _ in itertools.chain(range(4 if spec["compile"] else 1), sys.stdin):
        start = time.perf_counter()
        step()
        seconds = time.perf_counter() - start
        peaks.append(peak_rss())
        if n_gemms < GEMM_STEPS:
            n_gemms += 1
            between_steps()
            forget_peak()
        print(json.dumps({"step_s": seconds}), flush=True)
    print(json.dumps({"peak_rss_bytes": max(peaks)}), flush=True)


def compare(args, name):
    import torch

    what, config, model, batch, steps = CASES[name]
    spec = dict(what=what, model=model, batch=batch, threads=args.threads, precision=args.precision, compile=args.compile,
                fused=args.fused)
    theirs = Runner([sys.executable, os.path.abspath(__file__), "--worker", json.dumps(spec)], 4 if args.compile else 1)
    ours = rins_bench(args.rins, what, os.path.join(ROOT, config), args.rounds * steps, args.threads, "--batch", batch,
                      "--precision", args.precision)
    for _ in range(args.rounds):
        turn = ours.measure(steps), theirs.measure(steps)
        print("round: rins %.4g, PyTorch %.4g a second, %.3f times" % (batch / turn[0], batch / turn[1], turn[1] / turn[0]),
              file=sys.stderr, flush=True)
    theirs_said, ours_said = theirs.close(), ours.close()
    mine, peer = (batch / r.median() for r in (ours, theirs))
    return {
        "date": datetime.date.today().isoformat(), "case": name, "precision": args.precision, "threads": args.threads, "batch": batch,
        "steps": len(ours.seconds),
        "peer": "torch %s %s%s" % (torch.__version__.split("+")[0], "compiled" if args.compile else "eager",
                                   " fused" if args.fused and what == "step" else ""),
        "rins_per_s": "%.4g" % mine, "peer_per_s": "%.4g" % peer, "ratio": "%.3f" % (mine / peer), "ratio_of_turns": "%.3f" % paired(ours, theirs),
        "fraction_of_peak": "%.3f" % ours_said["fraction_of_peak"], "gemm_peak_gflops": "%.4g" % ours_said["gemm_peak_gflops"],
        "fraction_of_gemm_median": "%.3f" % ours_said["fraction_of_gemm_median"],
        "gemm_median_gflops": "%.4g" % ours_said["gemm_median_gflops"],
        "rins_peak_rss": ours_said["peak_rss_bytes"], "peer_peak_rss": theirs_said["peak_rss_bytes"],
        "memory_ratio": "%.3f" % (ours_said["peak_rss_bytes"] / theirs_said["peak_rss_bytes"]),
        "cpu": ours_said["cpu"], "flags": cpu_flags(), "blas_core": ours_said["blas_core"],
    }


def main():
    if len(sys.argv) > 2 and sys.argv[1] == "--worker":
        return torch_worker(json.loads(sys.argv[2]))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rins")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--only", default=",".join(CASES))
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    parser.add_argument("--compile", action="store_true", help="compare with torch.compile instead of eager")
    parser.add_argument("--fused", action="store_true", help="AdamW(fused=True), which PyTorch does not choose by itself on a CPU")
    parser.add_argument("--append", action="store_true", help="add the lines to bench/results.csv")
    args = parser.parse_args()
    for name in args.only.split(","):
        row = compare(args, name)
        print(json.dumps(row, indent=1), flush=True)
        if not args.append:
            continue
        path = os.path.join(HERE, "results.csv")
        fresh = not os.path.exists(path)
        with open(path, "a", newline="") as out:
            writer = csv.DictWriter(out, row.keys(), lineterminator="\n")
            if fresh:
                writer.writeheader()
            writer.writerow(row)


if __name__ == "__main__":
    main()

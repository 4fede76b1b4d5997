#!/usr/bin/env python3
"""Trains and embeds side by side with PyTorch (transformers' SiglipModel) on the same cores in one run.

    pip install torch transformers numpy
    python3 bench/compare_torch.py build/tools/rins [--rounds 3] [--only b16,small,embed] [--compile] [--append]

They alternate (rins, PyTorch, rins, ...), each reports the median of its own steps, and the ratio is that of the medians
over the rounds. PyTorch is one process, which compiles and warms up once and waits while rins runs. Both multiply
matrices of the same shape between their steps, outside the clock and the peak of memory: `rins bench` compares its steps
with these products, and without them PyTorch's steps would meet a cooler machine.
A line per comparison goes to standard output, with --append to bench/results.csv too.
"""
import argparse
import csv
import datetime
import json
import os
import statistics
import subprocess
import sys

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
    # name: (what, config, model, batch, steps)
    "b16": ("step", "configs/siglip_b16.yaml", B16, 16, 2),
    "small": ("step", "configs/siglip_small.yaml", SMALL, 256, 12),
    "embed": ("infer", "configs/siglip_b16.yaml", B16, 8, 6),
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
    """Runs in a process of its own: warms up, then prints one JSON line of measured steps for each line that it reads."""
    import time

    import torch
    from transformers import SiglipConfig, SiglipModel

    what, model_spec, batch, steps, threads = spec["what"], spec["model"], spec["batch"], spec["steps"], spec["threads"]
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
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, betas=(0.9, 0.95), weight_decay=0.1)
        run = torch.compile(model) if spec["compile"] else model

        def step():
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
                loss = run(input_ids=ids, pixel_values=pixels, return_loss=True).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()

    def run_steps(n):
        times, peaks = [], []
        for i in range(n):
            start = time.perf_counter()
            step()
            times.append(time.perf_counter() - start)
            peaks.append(peak_rss())
            if i < GEMM_STEPS:
                between_steps()
                forget_peak()
        return times, peaks

    _, warm_peaks = run_steps(4 if spec["compile"] else 1)
    for _ in sys.stdin:
        times, peaks = run_steps(steps)
        print(json.dumps({"step_s": statistics.median(times), "per_s": batch / statistics.median(times),
                          "peak_rss_bytes": max(warm_peaks + peaks)}), flush=True)


class Torch:
    """A worker: measures its steps each time it is asked."""

    def __init__(self, spec):
        self.process = subprocess.Popen([sys.executable, os.path.abspath(__file__), "--worker", json.dumps(spec)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def measure(self):
        self.process.stdin.write("measure\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        sys.exit("compare_torch: the PyTorch process ended")

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def run_rins(rins, what, config, batch, steps, threads, precision):
    command = [rins, "bench", what, "--config", os.path.join(ROOT, config), "--batch", str(batch), "--steps", str(steps),
               "--precision", precision, "--threads", str(threads), "--json", "-", "--quiet"]
    out = subprocess.run(command, capture_output=True, text=True)
    if out.returncode != 0:
        sys.exit(out.stderr)
    result = json.loads(out.stdout)
    result["per_s"] = result.get("pairs_per_s", result.get("images_per_s"))
    return result


def cpu_flags():
    with open("/proc/cpuinfo") as info:
        for line in info:
            if line.startswith("flags"):
                words = set(line.split())
                return " ".join(f for f in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if f in words)
    return ""


def compare(args, name):
    import torch

    what, config, model, batch, steps = CASES[name]
    spec = dict(what=what, model=model, batch=batch, steps=steps, threads=args.threads, precision=args.precision, compile=args.compile)
    ours, theirs, worker = [], [], Torch(spec)
    worker.measure()  # warmed up and, where asked for, compiled
    for _ in range(args.rounds):
        ours.append(run_rins(args.rins, what, config, batch, steps, args.threads, args.precision))
        theirs.append(worker.measure())
        print("round: rins %.4g, PyTorch %.4g a second" % (ours[-1]["per_s"], theirs[-1]["per_s"]), file=sys.stderr, flush=True)
    worker.close()
    mine = statistics.median(r["per_s"] for r in ours)
    peer = statistics.median(r["per_s"] for r in theirs)
    return {
        "date": datetime.date.today().isoformat(), "case": name, "precision": args.precision, "threads": args.threads, "batch": batch,
        "peer": "torch %s%s" % (torch.__version__.split("+")[0], " compiled" if args.compile else " eager"),
        "rins_per_s": "%.4g" % mine, "peer_per_s": "%.4g" % peer, "ratio": "%.3f" % (mine / peer),
        "fraction_of_peak": "%.3f" % statistics.median(r["fraction_of_peak"] for r in ours),
        "gemm_peak_gflops": "%.4g" % statistics.median(r["gemm_peak_gflops"] for r in ours),
        "fraction_of_gemm_median": "%.3f" % statistics.median(r["fraction_of_gemm_median"] for r in ours),
        "gemm_median_gflops": "%.4g" % statistics.median(r["gemm_median_gflops"] for r in ours),
        "rins_peak_rss": max(r["peak_rss_bytes"] for r in ours), "peer_peak_rss": max(r["peak_rss_bytes"] for r in theirs),
        "memory_ratio": "%.3f" % (max(r["peak_rss_bytes"] for r in ours) / max(r["peak_rss_bytes"] for r in theirs)),
        "cpu": ours[0]["cpu"] if isinstance(ours[0]["cpu"], str) else ours[0]["cpu"].get("name", ""), "flags": cpu_flags(),
        "blas_core": ours[0]["blas_core"],
    }


def main():
    if len(sys.argv) > 2 and sys.argv[1] == "--worker":
        return torch_worker(json.loads(sys.argv[2]))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rins")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default=",".join(CASES))
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    parser.add_argument("--compile", action="store_true", help="compare with torch.compile instead of eager")
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

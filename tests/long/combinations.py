#!/usr/bin/env python3
"""Draws run configurations over the whole config and holds the program to the equalities that must hold among their runs.

    tests/long/combinations.py [BUILD_DIR] [--seed S] [--n N] [--first I] [--only PROPERTY,...] [--minutes M] [--keep]

A failure prints the configuration's file and the commands that show it; `--first I --n 1` with the same seed draws it again.
README.md beside this file says what each property is. Needs no module beyond Python's own."""
import argparse
import json
import math
import os
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import break_config
import draw_config

root = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BF16_ROUNDING = 4e-3  # 2^-8: to which sums in another order move a gradient or, a step later, a weight now and then
DEFECT = re.compile(r"AddressSanitizer|LeakSanitizer|runtime error:|overflowed its plan|RINS_ERR_INTERNAL|double free|corrupted")
RUN_FILES = ["metrics.jsonl", "eval.jsonl", "bad.jsonl"]
STATE_FILES = ["model.safetensors", "optimizer.safetensors", "train_state.json", "config.json"]


class Failure(Exception):
    pass


class Refused(Exception):
    pass


def read(path):
    if not os.path.exists(path):
        return None
    with open(path, "rb") as f:
        return f.read()


def lines(path):
    return [json.loads(line) for line in (read(path) or b"").splitlines()]


def apart(a, b, floor=1e-3):
    return abs(a - b) / max(abs(a), abs(b), floor)


def tensors(path):
    """{name: bytes} of a safetensors file."""
    data = read(path)
    n = struct.unpack("<Q", data[:8])[0]
    return {k: data[8 + n + v["data_offsets"][0]:8 + n + v["data_offsets"][1]] for k, v in json.loads(data[8:8 + n]).items() if k != "__metadata__"}


def npy(path):
    data = read(path)
    n = struct.unpack("<H", data[8:10])[0]
    shape = eval(data[10:10 + n].decode())["shape"]
    return shape, struct.unpack(f"<{shape[0] * shape[1]}f", data[10 + n:])


class Case:
    """One configuration: its folder, its base run, and the commands given so far."""

    def __init__(self, rins, world, work, seed, index):
        self.rins, self.index, self.dir = rins, index, os.path.join(work, f"case{index}")
        self.config, facts = draw_config.draw(world, seed, index)
        self.steps, self.donor, self.size, self.world = facts["steps"], facts["donor"], facts["size"], world
        self.r = random.Random(f"checks {seed}:{index}")
        self.said, self.n_embeds = [], 0
        shutil.rmtree(self.dir, ignore_errors=True)
        os.makedirs(self.dir)
        self.yaml = self.at("config.yaml")

    def at(self, name):
        return os.path.join(self.dir, name)

    def call(self, *args, env=None, ok=True, prefix=()):
        words = [*prefix, self.rins, *args]
        self.said.append(" ".join([f"{k}={v}" for k, v in (env or {}).items()] + [repr(w) if re.search(r"[^\w=./:,-]", w) else w for w in words]))
        try:
            done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **(env or {})}, timeout=900)
        except subprocess.TimeoutExpired:
            raise Failure("hangs: " + self.said[-1])
        done.out, done.err = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        if done.returncode not in (0, 1, 2) or DEFECT.search(done.err):
            raise Failure(f"crash (exit {done.returncode}): {done.err[-1500:]}")
        if ok and done.returncode != 0:
            raise Failure(f"exit {done.returncode}: {done.err[-600:]}")
        return done

    def train(self, out, *keys, threads=2, **more):
        return self.call("train", self.yaml, *keys, "--out", self.at(out), "--threads", str(threads), **more)

    def save(self):
        with open(self.yaml, "w") as f:
            json.dump(self.config, f, indent=1, ensure_ascii=False)
            f.write("\n")

    def budget(self):
        """Epochs and FLOPs that buy about the steps drawn need to know the data and the model."""
        budget = self.config["train"]["budget"]
        if "?" not in budget.values():
            self.save()
            return
        self.config["train"]["budget"] = {"steps": 1}
        self.save()
        done = self.train("probe", ok=False)
        if done.returncode:
            raise Refused(done.err.strip())
        samples = int(re.search(r"epochs of (\d+)\)", done.err).group(1))
        line, batch = lines(self.at("probe/metrics.jsonl"))[0], self.config["train"]["batch"]
        if "epochs" in budget:
            budget["epochs"] = (self.steps + 0.3) * batch / samples
        else:
            budget["flops"] = line["flops"] * (self.steps + self.r.uniform(-0.4, 0.4))
        self.config["train"]["budget"] = budget
        self.save()

    def start(self):
        self.budget()
        self.base = self.train("base", ok=False)
        if self.base.returncode:
            raise Refused(self.base.err.strip())
        with open(self.at("base/config.yaml")) as config:
            self.bf16 = re.search(r"^precision: (\w+)$", config.read(), re.M)[1] == "bf16"
        self.metrics = lines(self.at("base/metrics.jsonl"))
        if [m["step"] for m in self.metrics] != list(range(1, self.steps + 1)):
            raise Failure(f"budget: {len(self.metrics)} steps, {self.steps} were bought")
        if self.base.out.strip() != self.checkpoint("base"):
            raise Failure(f"standard output is {self.base.out!r}")

    def checkpoint(self, run, step=None):
        return self.at(f"{run}/checkpoints/step-{step or self.steps:09d}")

    def same(self, run, files=RUN_FILES, states=STATE_FILES, other="base"):
        pairs = [(f"{other}/{f}", f"{run}/{f}") for f in files]
        pairs += [(os.path.join(self.checkpoint(other), f), os.path.join(self.checkpoint(run), f)) for f in states]
        for a, b in pairs:
            x, y = read(self.at(a)), read(self.at(b))
            if x is None and y is None:
                continue
            if x != y:
                raise Failure(f"{self.at(a)} and {self.at(b)} differ" + (" (one is missing)" if x is None or y is None else ""))

    def near(self, run, steps, limit, grad=None, executed=True):
        other = lines(self.at(f"{run}/metrics.jsonl"))
        for i in range(min(steps, self.steps)):
            a, b = self.metrics[i], other[i]
            for key in a:
                off = apart(a[key], b[key], 0.02 if key == "grad_norm" else 1e-3) if isinstance(a[key], (int, float)) else float(a[key] != b[key])
                bound = {"loss": limit * (1 if i == 0 else 30), "grad_norm": (grad or 10 * limit) * (1 if i == 0 else 30),
                         "t": 1e-3 if i else 0, "b": 1e-3 if i else 0}.get(key, 0)
                if key == "flops_executed" and not executed:
                    continue
                if self.bf16 and (key == "grad_norm" or (key == "loss" and i)):
                    bound = max(bound, BF16_ROUNDING)
                if off > bound:
                    raise Failure(f"step {i + 1}: {key} is {b[key]}, of the base run {a[key]}: {off:.2g} apart, {bound:g} allowed")

    def embed(self, model, *more):
        """Bytes of embeddings of images and of texts, by `rins embed`."""
        self.n_embeds += 1
        found = []
        for kind in ("image", "text"):
            out = self.at(f"{kind}{self.n_embeds}.npy")
            self.call("embed", kind, "--model", model, "--input", self.world.at(f"{kind}s.txt"), "--out", out, "--threads", "2", "--quiet", *more)
            found.append(out)
        return found


def steps_differ(a, b):
    """Largest difference of two pairs of embedding files."""
    worst = 0
    for x, y in zip(a, b):
        (shape, p), (shape2, q) = npy(x), npy(y)
        if shape != shape2:
            raise Failure(f"{x} has shape {shape}, {y} {shape2}")
        if not all(math.isfinite(v) for v in p):
            raise Failure(f"{x} is not finite")
        worst = max([worst] + [abs(v - w) for v, w in zip(p, q)])
    return worst


# ---- properties. Each takes a Case whose base run is done.

def again(c):
    c.train("again")
    c.same("again")


def stopped(c):
    """Killed or asked to stop a few times, then let go on to the end."""
    every = c.r.choice([None, "train.checkpoint.every_steps=1", "train.checkpoint.every_steps=2"])
    keys = ([every] if every else []) + c.r.choice([[], ["data.workers=2"], ["train.checkpoint.keep=1"]])
    words = [c.rins, "train", c.yaml, *keys, "--out", c.at("stopped"), "--threads", "2", "--quiet"]
    marks = []
    for kick in range(c.r.randint(1, 3)):
        sig, goal, extra = c.r.choice([signal.SIGKILL, signal.SIGTERM]), c.r.randint(0, c.steps), c.r.uniform(0, 0.01)
        with open(c.at("stopped.err"), "ab") as err:
            child = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=err)
        end = time.monotonic() + 900
        while child.poll() is None and time.monotonic() < end and (read(c.at("stopped/metrics.jsonl")) or b"").count(b"\n") < goal:
            time.sleep(0.0005)
        time.sleep(extra)
        if child.poll() is None:
            child.send_signal(sig)
        code = child.wait(timeout=900)
        marks.append(f"{sig.name} at {goal}")
        if code not in (0, 1, -sig):
            raise Failure(f"exit {code} after {sig.name}: {(read(c.at('stopped.err')) or b'')[-800:].decode()}")
    c.said.append(" ".join(words) + "   # " + ", ".join(marks))
    c.train("stopped", *keys)
    c.same("stopped")


def branched(c):
    """A branch with the same config goes on as the run itself would have."""
    step = c.r.randint(1, c.steps)
    c.train("trunk", "train.checkpoint={every_steps: 1, keep: 0}")
    c.train("branch", f"train.branch={c.checkpoint('trunk', step)}")
    c.same("branch", files=[], states=STATE_FILES)
    rest = [line for line in lines(c.at("base/metrics.jsonl")) if line["step"] > step]
    if lines(c.at("branch/metrics.jsonl")) != rest:
        raise Failure("metrics.jsonl of the branch is not the rest of the run's")
    rest = [line for line in lines(c.at("base/eval.jsonl")) if line["step"] > min(step, c.steps - 1)]
    if lines(c.at("branch/eval.jsonl")) != rest:
        raise Failure("eval.jsonl of the branch is not the rest of the run's")


def rate(c, step, total):
    """The learning rate by docs/training.md."""
    s, lr = c.config["train"]["schedule"], c.config["train"]["optimizer"].get("lr", 1e-3)
    fraction = lambda f: max(1, math.floor(f * total + 0.5)) if f > 0 else 0
    warm, cool = s.get("warmup_steps"), fraction(s.get("cooldown_fraction", 0))
    warm = fraction(s.get("warmup_fraction", 0.02)) if warm is None else warm
    if step > warm and s["name"] == "cosine":
        lr *= (1 + math.cos(math.pi * (step - 1 - warm) / (total - warm))) / 2
    if step > warm and s["name"] == "rsqrt":
        lr *= math.sqrt(max(warm, 1) / step)
    lr *= min(1, step / warm) if warm else 1
    return lr * (min(1, (total + 1 - step) / cool) if cool else 1)


def scheduled(c):
    """Learning rates are those of the formula, and the checkpoints kept are those asked for."""
    total = c.steps
    for m in c.metrics:
        lr = rate(c, m["step"], total)
        if abs(lr - m["lr"]) > 1e-8 * max(lr, 1e-9):
            raise Failure(f"step {m['step']}: lr is {m['lr']}, by the formula {lr}")
    every, keep = c.config["train"]["checkpoint"]["every_steps"], c.config["train"]["checkpoint"]["keep"]
    wanted = [step for step in range(1, total + 1) if step == total or (every and step % every == 0)][-keep:]
    found = sorted(int(name[5:]) for name in os.listdir(c.at("base/checkpoints")))
    if found != wanted:
        raise Failure(f"checkpoints are {found}, not {wanted}")


def still(c):
    """Without a learning rate nothing moves; with one, nothing that is frozen or has the factor 0 does."""
    c.train("still", "train.optimizer.lr=0")
    a, b = c.metrics[0], lines(c.at("still/metrics.jsonl"))[0]
    if {**a, "lr": 0} != {**b, "lr": 0}:
        raise Failure(f"step 1 depends on the learning rate: {a}, {b}")
    start, end = (tensors(os.path.join(c.checkpoint(run), "model.safetensors")) for run in ("still", "base"))
    mults, model = c.config["train"]["optimizer"].get("lr_mults", {}), c.config["model"]
    for name in start:
        tower = {"v": "image", "t": "text"}.get(name[0])
        fits = [k for k in mults if name == k or (name.startswith(k) and (k[-1] == "." or name[len(k)] == "."))]
        mult = mults[max(fits, key=len)] if fits else mults.get(tower, 1)
        held = (tower and model[tower].get("freeze")) or mult == 0 or not any(m["lr"] for m in c.metrics)
        if held and start[name] != end[name]:
            raise Failure(f"{name} moved, though it is frozen or has the factor 0")
    if any(m["grad_norm"] > 1e-3 and m["lr"] > 1e-6 for m in c.metrics) and not any(v == 0 for v in mults.values()) and start == end:
        raise Failure("nothing moved")


def extended(c):
    """A longer budget goes on as the run that had it from the start, or is refused where rates would have differed."""
    k = c.r.randint(1, c.steps)
    c.train("extended", "train.budget={steps: %d}" % k)
    alike = all(rate(c, step, k) == rate(c, step, c.steps) for step in range(1, k + 1))
    done = c.train("extended", ok=False)
    if alike != (done.returncode == 0) or (not alike and "train.budget was" not in done.err):
        raise Failure(f"from {k} to {c.steps} steps, whose first rates are {'' if alike else 'not '}the same: exit {done.returncode}: {done.err[-400:]}")
    if alike:
        c.same("extended", files=RUN_FILES[:1])


def changed(c):
    """Another value of what a run hangs on is refused by its key when it is resumed, and nothing is touched."""
    train, data = c.config["train"], c.config["data"]
    key, value = c.r.choice([("seed", 2), ("train.optimizer.lr", 0.5), ("train.optimizer.b1", 0.77), ("train.optimizer.clip", 3), ("data.shuffle", not data["shuffle"]),
                             ("train.optimizer.decay_all", not train["optimizer"].get("decay_all", False)), ("train.batch", 2 * train["batch"]),
                             ("data.text_pp", "tokenize" if data["text_pp"] != "tokenize" else "lower|tokenize"), ("train.optimizer.lr_mults", {"logit_scale": 0.123}),
                             ("train.loss", "softmax" if train["loss"] == "sigmoid" else "sigmoid"), ("model.text.recursion.drop", 0.77),
                             ("data.image_pp", data["image_pp"].replace("decode|", "", 1) if "decode|" in data["image_pp"] else "decode|" + data["image_pp"]),
                             ("train.schedule.cooldown_fraction", 0.01), ("data.cache", not data["cache"])])
    shutil.copytree(c.at("base"), c.at("changed"))
    more = ["train.budget={steps: 999}"] if key == "train.batch" else []
    done = c.train("changed", f"{key}={json.dumps(value)}", *more, ok=False)
    if done.returncode == 0 or not re.search(r"train\.schedule" if "cooldown" in key else re.escape(key), done.err):
        raise Failure(f"resumed with {key}={value}: exit {done.returncode}: {done.err[-400:]}")
    c.same("changed", files=RUN_FILES + ["config.yaml", "timing.jsonl"])


def fewer_rounds(c):
    """--rounds at use is a signature with that exponent."""
    towers = {t: c.config["model"][t].get("recursion", {}) for t in ("image", "text")}
    several = [t for t, r in towers.items() if draw_config.rounds_of(r.get("signature", "A")) > 1]
    if not several or any(r.get("adapter", "none") != "none" for r in towers.values()) or "from" in str(c.config["model"]):
        return False
    n = {t: c.r.randint(1, 4) for t in several}
    c.train("rounds", f"model.from={c.at('base')}", *[f"model.{t}.recursion.signature={draw_config.with_rounds(towers[t]['signature'], n[t])}" for t in several],
            "train.optimizer.lr=0", "train.budget={steps: 1}", "train.schedule={name: constant, warmup_steps: 0}")
    far = steps_differ(c.embed(c.at("base"), "--rounds", ",".join(f"{t}={n[t]}" for t in several)), c.embed(c.at("rounds")))
    if far:
        raise Failure(f"--rounds {n} embeds otherwise than those signatures, by {far:.3g}")


def spoiled(c):
    """Too many bad samples end a run at the same step with the same words, for any workers, and again."""
    keys = [f"data.train=[\"table:{c.world.at('dirty/list.tsv')}\"]", "data.max_bad_fraction=0.05", "train.batch=12", "train.micro_batch=0", "train.budget={steps: 40}",
            "train.schedule={name: constant, warmup_steps: 0, warmup_fraction: 0, cooldown_fraction: 0}", "--quiet"]
    ends = []
    for run, n in (("spoiled", 0), ("spoiled2", 3), ("spoiled", 5)):
        done = c.train(run, *keys, f"data.workers={n}", ok=False)
        said = [line for line in done.err.splitlines() if "warning" not in line]  # of what the first start found
        ends.append((done.returncode, "".join(said).replace("spoiled2", "spoiled"), read(c.at(f"{run}/metrics.jsonl")), read(c.at(f"{run}/bad.jsonl"))))
    if ends[0][0] != 1 or "max_bad_fraction" not in ends[0][1]:
        raise Failure(f"exit {ends[0][0]}: {ends[0][1]}")
    if not ends[0] == ends[1] == ends[2]:
        raise Failure(f"it ended otherwise: {[(e[0], e[1], len(e[2] or b''), len(e[3] or b'')) for e in ends]}")


def workers(c):
    n = c.r.choice([n for n in (0, 1, 2, 5, 13) if n != c.config["data"]["workers"]])
    c.train("workers", f"data.workers={n}")
    c.same("workers")


def cached(c):
    if "fast=1" in c.config["data"]["image_pp"]:
        return False  # a crop of the whole picture is not the crop decoded at half the size
    value = "false" if c.config["data"]["cache"] else "true"
    c.train("cached", f"data.cache={value}")
    c.same("cached", states=STATE_FILES[:2])


def recomputed(c):
    c.train("recomputed", f"train.recompute={'false' if c.config['train']['recompute'] else 'true'}")
    c.near("recomputed", 2, 1e-5, executed=False)


def micro(c):
    batch, now = c.config["train"]["batch"], c.config["train"]["micro_batch"]
    n = c.r.choice([d for d in range(0, batch + 1) if (d == 0 or batch % d == 0) and d != now])
    c.train("micro", f"train.micro_batch={n}")
    c.near("micro", 2, 1e-5, executed=False)


def threads(c):
    n = c.r.choice([1, 3, 4])
    c.train("threads", threads=n)
    c.near("threads", 2, 1e-5)


def reference(c):
    if c.bf16:
        return False  # RINS_CPU=ref would train in fp32
    c.train("reference", env={"RINS_CPU": "ref"})
    c.near("reference", 1, 1e-4, grad=1e-3)


def processes(c):
    batch, micro_batch = c.config["train"]["batch"], c.config["train"]["micro_batch"]
    share = [n for n in (2, 3) if batch % n == 0]
    if not share or not shutil.which("mpirun"):
        return False
    n = c.r.choice(share)
    prefix = ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(n)]
    env = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMPI_MCA_btl_vader_single_copy_mechanism": "none",
           "ASAN_OPTIONS": "detect_leaks=0"}
    c.train("mpi", threads=1, prefix=prefix, env=env)
    c.near("mpi", 2, 1e-5, executed=False)
    c.train("mpi2", threads=1, prefix=prefix, env=env)
    c.same("mpi2", other="mpi")
    words = [*prefix, c.rins, "train", c.yaml, "train.checkpoint.every_steps=2", "--out", c.at("mpi3"), "--threads", "1", "--quiet"]
    with open(c.at("mpi3.err"), "wb") as err:
        child, goal = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=err, env={**os.environ, **env}), c.r.randint(1, c.steps)
    while child.poll() is None and (read(c.at("mpi3/metrics.jsonl")) or b"").count(b"\n") < goal:
        time.sleep(0.001)
    child.send_signal(signal.SIGUSR1)
    child.wait(timeout=900)
    c.train("mpi3", "train.checkpoint.every_steps=2", threads=1, prefix=prefix, env=env)
    c.same("mpi3", files=RUN_FILES[:2], other="mpi")
    whole, pieces = (sorted(line for n in range(3) for line in (read(c.at(f"{run}/bad.jsonl" + (f".{n}" if n else ""))) or b"").splitlines())
                     for run in ("mpi", "mpi3"))  # those of all ranks are gathered when a run goes on
    if whole != pieces:
        raise Failure(f"bad samples named in {c.at('mpi')} and {c.at('mpi3')} differ")


def flops(c):
    """What `rins flops` says before the run is what the run says of itself."""
    def figures(*keys):
        return json.loads(c.call("flops", c.yaml, "--json", "-", *keys).out)
    cost, batch, before, at_rounds = figures(), c.config["train"]["batch"], 0, {}
    towers = {t: c.config["model"][t].get("recursion", {"signature": "A"}) for t in ("image", "text")}
    for m in c.metrics:
        if apart(m["flops"], cost["expected_training_flops"] * m["examples"]) > 1e-8:
            raise Failure(f"step {m['step']}: flops is {m['flops']}, {m['examples']} pairs of {cost['expected_training_flops']} were planned")
        drawn = {t: m[f"{t}_rounds"] for t in towers}
        if any(r.get("adapter") and drawn[t] < draw_config.rounds_of(r["signature"]) for t, r in towers.items()):
            before = m["flops_executed"]
            continue  # no signature runs fewer rounds and the adapter of that exit
        key = tuple(drawn.values())
        if key not in at_rounds:
            at_rounds[key] = figures(*[f"model.{t}.recursion.signature={draw_config.with_rounds(r['signature'], drawn[t])}"
                                       for t, r in towers.items() if "drop" in r])["flops_executed"]
        if abs(m["flops_executed"] - before - at_rounds[key] * batch) > 1e-8 * m["flops_executed"]:
            raise Failure(f"step {m['step']}: flops_executed is {m['flops_executed'] - before}, {at_rounds[key] * batch} were planned at rounds {key}")
        before = m["flops_executed"]
    note = re.search(r"memory: (.*) planned, of it (.*) activations", c.base.err)
    said = re.search(r": (.*) planned \(.*; (.*) activations\)", c.call("flops", c.yaml).out)
    if note.groups() != said.groups():
        raise Failure(f"memory of the run is {note.groups()}, of rins flops {said.groups()}")


def exported(c):
    """Export, plain and unrolled, embeds as the checkpoint does."""
    base = c.embed(c.at("base"))
    c.call("export", "--model", c.at("base"), "--out", c.at("plain"), "--quiet")
    plain = c.embed(c.at("plain"))
    for a, b in zip(base, plain):
        if read(a) != read(b):
            raise Failure(f"{a} and {b} differ: the export embeds otherwise (by {steps_differ(base, plain):.3g})")
    again_ = c.embed(c.checkpoint("base"), "--batch", str(c.r.choice([1, 3, 7, 64])))
    if steps_differ(base, again_) > 2e-5:
        raise Failure(f"another --batch embeds otherwise, by {steps_differ(base, again_):.3g}")
    done = c.call("export", "--model", c.at("base"), "--out", c.at("unrolled"), "--unroll", "--quiet", ok=False)
    model = json.loads(read(c.at("plain/config.json")))
    model = model.get("rins", {}).get("model", model.get("rins", {}))
    fits = not model
    if model:
        towers = [model["image"], model["text"]]
        between = any(t["recursion"]["adapter"] == "round" and draw_config.rounds_of(t["recursion"]["signature"]) > 1 for t in towers)
        fits = (not between and model["image"]["pool"] == "map" and model["text"]["pool"] == "last" and
                model["embed_dim"] == model["image"]["width"])
    if model and c.r.random() < 0.5:
        image, text = (min(2, draw_config.rounds_of(t["recursion"]["signature"])) for t in towers)
        few = ["--rounds", f"image={image},text={text}"]
        if steps_differ(c.embed(c.at("base"), *few), c.embed(c.at("plain"), *few)) != 0:
            raise Failure(f"the export embeds otherwise with {few}")
    if (done.returncode == 0) != fits:
        raise Failure(f"export --unroll: exit {done.returncode} where the model {'fits' if fits else 'does not fit'} a plain one: {done.err}")
    if fits and steps_differ(base, c.embed(c.at("unrolled"))) > 2e-5:
        raise Failure(f"the unrolled export embeds otherwise, by {steps_differ(base, c.embed(c.at('unrolled'))):.3g}")


def evaluated(c):
    """What the run evaluated at its end is what `rins eval` finds in its checkpoint; the report is written."""
    last = [e for e in lines(c.at("base/eval.jsonl")) if e["step"] == c.steps]
    wanted = sum(len(c.config["train"]["eval"].get(k, [])) for k in ("loss", "retrieval", "zeroshot"))
    if len(last) != wanted:
        raise Failure(f"{len(last)} evaluations after the last step, {wanted} asked for")
    model = c.at("base")
    for e in last:
        if e["task"] == "retrieval":
            done = c.call("eval", "retrieval", "--model", model, "--data", c.config["train"]["eval"]["retrieval"][0], "--json", "-", "--quiet")
        elif e["task"] == "zeroshot":
            data, words = c.config["train"]["eval"]["zeroshot"][0].split(" templates=")
            done = c.call("eval", "zeroshot", "--model", model, "--data", data, "--templates", words, "--json", "-", "--quiet", "--no-cache")
        else:
            continue
        found = json.loads(done.out)["metrics"]
        for key, value in e["metrics"].items():
            if isinstance(value, (int, float)) and apart(value, found[key]) > 1e-4:
                raise Failure(f"{e['task']}: {key} was {value} in training, is {found[key]} from the checkpoint")
    c.call("report", c.at("base"), "--html", c.at("page.html"), "--quiet", "--images", "2")


def used(c):
    """Embeddings in shards are those in one piece, damaged pictures are NaN, and an export is evaluated as its checkpoint is."""
    model, at = c.at("base"), c.world.at
    c.call("export", "--model", model, "--out", c.at("used"), "--quiet")
    source = c.r.choice([f"folder:{at('odd')}", f"table:{at('dirty/list.tsv')}", f"wds:{at('g.tar.gz')}", f"karpathy:{at('k.json')}"])
    for out, more in (("whole.npy", []), ("part.npy", ["--shard-size", str(c.r.choice([1, 4, 7]))])):
        c.call("embed", "image", "--model", model, "--input", source, "--out", c.at(out), "--skip-bad", "--quiet", "--batch", "5", *more)
    whole = npy(c.at("whole.npy"))
    parts = [npy(c.at(s["file"])) for s in json.loads(read(c.at("part.json")))["shards"]]
    if sum(shape[0] for shape, _ in parts) != whole[0][0]:
        raise Failure(f"{[shape for shape, _ in parts]} rows in shards, {whole[0]} in one piece")
    far = max(abs(a - b) if a == a or b == b else 0 for a, b in zip(whole[1], (v for _, values in parts for v in values)))
    if not far < 2e-5:
        raise Failure(f"in shards of another size the embeddings are {far} apart")
    bad = {b["row"] for b in lines(c.at("whole.bad.jsonl"))}
    nan = {i // whole[0][1] for i, v in enumerate(whole[1]) if v != v}
    if nan != bad:
        raise Failure(f"rows of NaN are {sorted(nan)}, bad inputs {sorted(bad)}")
    task = c.r.choice([["retrieval", "--data", f"karpathy:{at('k.json')}"], ["hard", "--data", f"table:{at('w/hard.tsv')}"],
                       ["knn", "--train", f"folder:{at('w/seen')}", "--data", f"folder:{at('w/seen')}"],
                       ["probe", "--train", f"folder:{at('odd')}", "--data", f"folder:{at('odd')}", "--l2", "0.1"]])
    found = [json.loads(c.call("eval", *task, "--model", m, "--json", "-", "--quiet").out) for m in (model, c.at("used"))]
    if found[0]["metrics"] != found[1]["metrics"] or not all(math.isfinite(v) for v in found[0]["metrics"].values() if isinstance(v, (int, float))):
        raise Failure(f"{task[0]} of the run: {found[0]['metrics']}, of its export: {found[1]['metrics']}")


def refused(c):
    """A broken config is refused: exit code 2, a message that names the key, and no run begun."""
    for mutation in break_config.mutations(c.r, c.config, 8):
        for i, args in enumerate(mutation.ways(c)):
            out = c.at(f"refused{i}")
            done = c.call("train", *args, "--out", out, "--threads", "1", "--quiet", ok=False)
            if done.returncode not in mutation.codes:
                raise Failure(f"{mutation}: exit {done.returncode}, not {mutation.codes}: {done.err[-300:]}")
            if not re.search(mutation.names, done.err):
                raise Failure(f"{mutation}: the message does not name it (/{mutation.names}/): {done.err[-300:]}")
            if done.err.count("\n") > 2:
                raise Failure(f"{mutation}: more than a line: {done.err}")
            left = [name for _, _, names in os.walk(out) for name in names]
            if left:
                raise Failure(f"{mutation}: it left {left} in {out}")
            shutil.rmtree(out, ignore_errors=True)


PROPERTIES = {f.__name__: f for f in (
    again, stopped, branched, scheduled, still, extended, changed, fewer_rounds, spoiled, workers, cached, recomputed, micro, threads, reference,
    processes, flops, exported, evaluated, used, refused)}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("build", nargs="?", default=os.path.join(root, "build"))
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--n", type=int, default=100, help="configurations")
    p.add_argument("--first", type=int, default=0, help="index of the first one")
    p.add_argument("--only", default=",".join(PROPERTIES), help="properties, of: " + " ".join(PROPERTIES))
    p.add_argument("--share", type=float, default=1, help="share of the properties checked on each, drawn")
    p.add_argument("--minutes", type=float, default=1e9, help="begin no configuration after this")
    p.add_argument("--work", help="where to work (a scratch folder, removed where all passes)")
    p.add_argument("--keep", action="store_true", help="keep the runs of what passes, too")
    a = p.parse_args()
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    work = os.path.realpath(a.work or tempfile.mkdtemp(prefix="rins-combinations-"))
    os.environ["RINS_CACHE_DIR"] = os.path.join(work, "cache")
    os.makedirs(work, exist_ok=True)
    rins = shutil.copy(os.path.join(os.path.realpath(a.build), "tools", "rins"), os.path.join(work, "rins"))  # a build may go on beside it
    world = draw_config.World(rins, os.path.join(work, "world"))
    checks, failures, n_refused, n, start = {}, 0, 0, 0, time.monotonic()
    for index in range(a.first, a.first + a.n):
        if time.monotonic() - start > 60 * a.minutes:
            break
        c, n, failed = Case(rins, world, work, a.seed, index), n + 1, False
        def fail(name, error):
            print(f"FAILED {name}, configuration {index} of seed {a.seed}: {error}\n  config: {c.yaml}\n  " + "\n  ".join(c.said[-4:]), flush=True)
        try:
            c.start()
        except Refused as error:
            n_refused += 1
            fail("begin", error)
            failures += 1
            continue
        except Failure as error:
            fail("begin", error)
            failures += 1
            continue
        for name in a.only.split(","):
            if c.r.random() >= a.share:
                continue
            try:
                c.said = c.said[:1]
                if PROPERTIES[name](c) is not False:
                    checks[name] = checks.get(name, 0) + 1
            except Failure as error:
                fail(name, error)
                failures, failed = failures + 1, True
        if not failed and not a.keep:
            shutil.rmtree(c.dir)
    print(f"{n} configurations, {sum(checks.values())} checks passed ({', '.join(f'{k} {v}' for k, v in checks.items())}), "
          f"{failures} failed, {time.monotonic() - start:.0f} s", flush=True)
    if not failures and not a.keep and not a.work:
        shutil.rmtree(work)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

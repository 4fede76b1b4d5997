"""Programs that take turns on one machine, a step or a few each, so that what drifts drifts for all of them.

A program taking part runs a step for each line that it reads and prints {"step_s": seconds} after it, and in the end a JSON
object about itself: `rins bench ... --paced --json -` does, and compare_torch.py's PyTorch process.
"""
import atexit
import json
import os
import signal
import statistics
import subprocess
import sys

# A script that is killed takes its programs along, which may be stopped: atexit is not for signals.
signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))


def paired(ours, theirs):
    """How many times as fast ours was: the median over turns, each of which compares neighbours in time."""
    return statistics.median(b / a for a, b in zip(ours.turns, theirs.turns))


class Runner:
    """A process that is stopped when it is not its turn."""

    def __init__(self, command, warm_up=0):
        """command answers warm_up steps without being asked for them."""
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        atexit.register(self.process.kill)  # stopped, it would stay
        self.seconds = []  # of every step measured
        self.turns = []  # the median of every turn
        self.turn(0, warm_up)

    def turn(self, steps, answers):
        self.process.send_signal(signal.SIGCONT)
        self.process.stdin.write("step\n" * steps)
        self.process.stdin.flush()
        seconds = [self.answer()["step_s"] for _ in range(answers)]
        self.process.send_signal(signal.SIGSTOP)
        return seconds

    def measure(self, steps=1):
        """Runs steps; their median in seconds."""
        seconds = self.turn(steps, steps)
        self.seconds += seconds
        self.turns.append(statistics.median(seconds))
        return self.turns[-1]

    def median(self):
        """Seconds, of all steps measured."""
        return statistics.median(self.seconds)

    def answer(self):
        for line in self.process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        sys.exit("%s ended with %s" % (self.process.args[0], self.process.wait()))

    def close(self):
        """What it says of itself in the end."""
        self.process.send_signal(signal.SIGCONT)
        self.process.stdin.close()
        out = self.process.stdout.read()  # not communicate(): it would miss what is buffered already
        self.process.wait()
        return json.loads(out[out.index("{"):])


def rins_bench(rins, what, config, steps, threads, *flags):
    """`rins bench`, ready to take its turns, steps of them in all."""
    return Runner([rins, "bench", what, "--config", config, "--steps", str(steps), "--threads", str(threads), "--paced", "--json", "-",
                   "--quiet", *map(str, flags)])


def cpu_flags():
    """Those flags of the CPU that decide between kernels, as /proc/cpuinfo names them."""
    with open("/proc/cpuinfo") as info:
        for line in info:
            if line.startswith("flags"):
                words = set(line.split())
                return " ".join(f for f in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if f in words)
    return ""

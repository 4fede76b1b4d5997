"""Ways to break a run configuration that tests/long/combinations.py has drawn, each with what the refusal must say."""
import copy
import json
import re

# key: (type, smallest, largest, may be null)
KEYS = {
    "seed": ("int", 0, 2**53, False), "model.embed_dim": ("int", 1, 65536, True), "model.act": ("enum",), "precision": ("enum",),
    "model.from": ("path",), "model.image.from": ("path",), "model.text.from": ("path",),
    "data.shuffle": ("bool",), "data.cache": ("bool",), "data.workers": ("int", 0, 256, False), "data.max_bad_fraction": ("float", 0, 1, False),
    "data.tokenizer": ("path",), "data.caption_templates": ("path",), "data.text_pp": ("text",), "data.image_pp": ("text",),
    "data.eval_image_pp": ("text",), "data.train": ("sources",),
    "train.batch": ("int", 1, 2**24, False), "train.micro_batch": ("int", 0, 2**24, False), "train.recompute": ("bool",),
    "train.branch": ("path",), "train.loss": ("enum",), "train.optimizer.name": ("enum",), "train.optimizer.lr": ("float", 0, 1e3, False),
    "train.optimizer.b1": ("float", 0, 1, False), "train.optimizer.b2": ("float", 0, 1, False), "train.optimizer.eps": ("float", 0, 1, False),
    "train.optimizer.weight_decay": ("float", 0, 1e3, False), "train.optimizer.decay_all": ("bool",),
    "train.optimizer.clip": ("float", 0, 1e9, False), "train.optimizer.lr_mults": ("map",),
    "train.schedule.name": ("enum",), "train.schedule.warmup_steps": ("int", 0, 1e15, True),
    "train.schedule.warmup_fraction": ("float", 0, 1, False), "train.schedule.cooldown_fraction": ("float", 0, 1, False),
    "train.checkpoint.every_steps": ("int", 0, 1e15, False), "train.checkpoint.every_minutes": ("float", 0, 1e15, False),
    "train.checkpoint.keep": ("int", 0, 1e15, False), "train.eval.every_steps": ("int", 0, 1e15, False),
    "train.eval.zeroshot": ("specs",), "train.eval.retrieval": ("specs",), "train.eval.loss": ("specs",),
    "train.budget.examples": ("int", 1, 1e15, True), "train.budget.steps": ("int", 1, 1e15, True),
    "train.budget.epochs": ("float", 1e-9, 1e9, True), "train.budget.flops": ("float", 1, 1e30, True),
}
for _t in ("image", "text"):
    KEYS.update({f"model.{_t}.variant": ("enum",), f"model.{_t}.width": ("int", 1, 65536, True), f"model.{_t}.depth": ("int", 1, 1024, True),
                 f"model.{_t}.mlp": ("int", 1, 262144, True), f"model.{_t}.heads": ("int", 1, 1024, True), f"model.{_t}.pool": ("enum",),
                 f"model.{_t}.freeze": ("bool",), f"model.{_t}.recursion.drop": ("float", 0, 1, False),
                 f"model.{_t}.recursion.adapter": ("enum",), f"model.{_t}.recursion.signature": ("signature",)})
KEYS.update({"model.image.patch": ("int", 1, 4096, False), "model.image.size": ("int", 1, 16384, False),
             "model.image.force_size": ("int", 1, 16384, True), "model.text.vocab": ("int", 1, 2**24, False),
             "model.text.length": ("int", 1, 65536, False)})


class Mutation:
    """`key` set to `value` (or misspelt), refused with one of the exit codes and a message that `names` matches."""

    def __init__(self, config, key, value, names=None, codes=(2,), misspelt=None):
        self.config, self.key, self.value, self.misspelt = config, key, value, misspelt
        self.codes, self.names = codes, names or re.escape(misspelt or key)

    def __str__(self):
        return f"{self.misspelt or self.key}={json.dumps(self.value)}"

    def ways(self, c):
        """Arguments of `rins train`: as an override, and in the file."""
        word = self.misspelt or self.key
        yield [c.yaml, f"{word}={json.dumps(self.value)}"]
        broken = copy.deepcopy(self.config)
        at = broken
        *path, leaf = word.split(".")
        for name in path:
            at = at.setdefault(name, {})
            if not isinstance(at, dict):
                return
        at[leaf] = self.value
        path = c.at("broken.yaml")
        with open(path, "w") as f:
            json.dump(broken, f)
        yield [path]


def bad_value(r, key):
    kind, *more = KEYS[key]
    anything = [[], {}, [1, 2], {"a": 1}]
    if kind == "int":
        low, high, nullable = more
        return r.choice(anything + [low - 1, high + 1, "x", 1.5, -7, 1e30, "", True, "0x10", "1_000", "nan"] + ([] if nullable else [None]))
    if kind == "float":
        low, high, nullable = more
        return r.choice(anything + [-1e-9 if low == 0 else low / 2, high * 1.5, "x", "1e-3x", "", False, "nan", "-inf", "1,5"] + ([] if nullable else [None]))
    if kind == "bool":
        return r.choice(anything + [2, "maybe", None, "", 0.5])
    if kind == "enum":
        return r.choice(anything + ["nonesuch", 3, None, "", "adamw "])
    if kind == "path":
        return r.choice([[], {}, ["x"], "/nonexistent/thing", ""])
    if kind == "text":
        return r.choice([[], {}, ["x", "y"], "nonesuch(3)", "", "|"] + ([None] if key != "data.eval_image_pp" else []))
    if kind == "signature":
        return r.choice([[], {}, None, "", "A^", "A^0B", "a", "A:99", "(AB", "AB)^2", "A^2B:0", "A^99999", "A 2", "^2", "A:1A:2", "A^2^2"])
    if kind == "sources":
        return r.choice([[], {}, None, "", "wds:/nonexistent/x.tar", "nonesuch:/x", ["table:/nonexistent.tsv"], 7,
                         [{"source": "table:/nonexistent.tsv", "weigth": 1}], [{"weight": 1}], [{"source": None}]])
    if kind == "specs":
        return r.choice([{}, "table:/nonexistent.tsv", ["wds:/nonexistent/x.tar"], [[]], [None], [""]])
    return r.choice([[], 3, "x", {"nonesuch.name": 1}, {"image": -1}, {"image": "x"}, {"text": 1e7}, {"vision_mod": 1}, {"": 1}])


def misspell(r, word):
    i = r.randrange(len(word))
    return r.choice([word[:i] + word[i + 1:], word[:i] + word[i] + word[i:], word[:i] + "x" + word[i:], word.upper(), word + " "])


def contradictions(config):
    """(key, value, what the message names) that only several keys together forbid."""
    yield "train.micro_batch", config["train"]["batch"] + 1, "micro_batch"
    yield "train.optimizer.b1", 1, r"optimizer\.b1"
    yield "train.optimizer.b2", 1, r"optimizer\..*b2"
    yield "data.image_pp", "decode|resize(31)|value_range(-1,1)", r"data\.image_pp"
    yield "train.budget", {"steps": 3, "examples": 30, "epochs": None, "flops": None}, r"train\.budget"
    yield "train.budget", {"steps": None, "examples": None, "epochs": None, "flops": None}, r"train\.budget"
    if "from" in str(config["model"]):
        return  # the sizes of the model to start from hold
    yield "model.image.patch", 4096, "patch"
    yield "model.text.vocab", 3, r"model\.text\.vocab"
    yield "model.image.heads", 1021, r"model\.image|heads"
    yield "model.text.heads", 1021, r"model\.text|heads"


def mutations(r, config, n):
    for _ in range(n):
        draw = r.random()
        if draw < 0.2:
            key = r.choice(sorted(KEYS))
            path = key.split(".")
            i = r.randrange(len(path))
            wrong = misspell(r, path[i])
            if wrong.strip() == path[i]:
                continue
            path[i] = wrong
            yield Mutation(config, key, 1, names=re.escape(wrong.strip()), misspelt=".".join(path))
        elif draw < 0.35:
            key, value, names = r.choice(list(contradictions(config)))
            yield Mutation(config, key, value, names=names, codes=(1, 2) if key == "model.text.vocab" else (2,))
        else:
            key = r.choice(sorted(KEYS))
            files = KEYS[key][0] in ("path", "sources", "specs")  # what is not there is a failure (1), what is no such thing wrong usage (2)
            yield Mutation(config, key, bad_value(r, key), names=re.escape(key.split(".")[-1]), codes=(1, 2) if files else (2,))

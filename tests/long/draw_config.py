"""What tests/long/combinations.py draws: a small world of data to train on, and run configurations over all keys of the config.

A configuration is a function of (seed, index) alone. All of it is valid: `rins train` must take it."""
import gzip
import io
import json
import os
import random
import struct
import subprocess
import tarfile
import zlib

VOCAB = 96


def png(pixels_of, width, height, colour, cut=0):
    """A PNG whose bytes come from pixels_of(n); colour 0 grey, 2 RGB, 4 grey + alpha, 6 RGBA."""
    n = {0: 1, 2: 3, 4: 2, 6: 4}[colour] * width
    rows = b"".join(b"\0" + pixels_of(n) for _ in range(height))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    whole = (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)) +
             chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
    return whole[:len(whole) - cut] if cut else whole


class World:
    """Data, tokenizer and models to start from, in one folder. The same bytes for the same program."""

    def __init__(self, rins, path):
        self.rins, self.path = rins, path
        if os.path.exists(self.at("made")):
            return
        os.makedirs(path, exist_ok=True)
        self.call("data", "synth", "--out", self.at("w"), "--n", "70", "--val", "21", "--per-class", "2", "--hard", "8",
                  "--size", "24", "--quiet")
        self.call("tokenizer", "train", "--input", self.at("w/captions.txt"), "--vocab", str(VOCAB), "--out", self.at("spiece.model"))
        self.make_odd_pictures(random.Random(1))
        self.make_sources(random.Random(2))
        self.make_donors()
        open(self.at("made"), "w").close()

    def at(self, name):
        return os.path.join(self.path, name)

    def call(self, *args):
        done = subprocess.run([self.rins, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            raise SystemExit(f"cannot make the world: rins {' '.join(args)}: {done.stderr}")

    def make_odd_pictures(self, r):
        """Folders of class pictures of odd shapes and kinds: odd/ is sound, dirty/ is not altogether."""
        shapes = [(1, 1), (40, 3), (3, 40), (17, 31), (64, 64), (5, 5), (33, 20), (24, 24)]
        for i, (width, height) in enumerate(shapes * 2):
            folder = self.at(f"odd/class_{i % 3}")
            os.makedirs(folder, exist_ok=True)
            with open(f"{folder}/{i:02d}.png", "wb") as f:
                f.write(png(r.randbytes, width, height, [0, 2, 4, 6][i % 4]))
        os.makedirs(self.at("odd/empty_class"), exist_ok=True)
        os.makedirs(self.at("dirty"), exist_ok=True)
        rows = ["filepath\tcaption"]
        for i in range(30):
            with open(self.at(f"dirty/{i:02d}.png"), "wb") as f:
                f.write(b"not a picture" if i == 3 else png(r.randbytes, 9 + i, 30 - i // 2, 2, 40 if i % 7 == 5 else 0))
            rows.append(f"{i:02d}.png\t" + ("" if i == 11 else f"picture {i} of a {'red' if i % 2 else 'blue'} thing"))
        rows.append("gone.png\ta picture that is not there")
        self.write("dirty/list.tsv", "\n".join(rows) + "\n")

    def write(self, name, text):
        with open(self.at(name), "w") as f:
            f.write(text)

    def make_sources(self, r):
        captions = open(self.at("w/captions.txt")).read().splitlines()
        pictures = []
        for folder, _, names in sorted(os.walk(self.at("w/seen"))):
            pictures += [os.path.join(folder, name) for name in sorted(names)]
        pictures = pictures[:40]
        quote = lambda text: '"' + text.replace('"', '""') + '"'
        self.write("t.tsv", "filepath\tcaption\n" + "".join(f"{p}\t{captions[i]}\n" for i, p in enumerate(pictures[:26])))
        self.write("cols.csv", "url,title,more\n" + "".join(
            quote(p) + "," + quote(captions[i] + ', "so"') + ",x\n" for i, p in enumerate((pictures[:9]) * 2)))
        with tarfile.open(self.at("json.tar"), "w") as tar:
            for i, p in enumerate(pictures[:11]):
                texts = captions[2 * i:2 * i + 1 + i % 3]
                for name, data in (("jpg", open(p, "rb").read()), ("json", json.dumps({"alt": texts}).encode())):
                    info = tarfile.TarInfo(f"dir.d/{i:03d}.{name}")
                    info.size = len(data)
                    tar.addfile(info, io.BytesIO(data))
        with open(self.at("w/train-00000.tar"), "rb") as plain, gzip.GzipFile(self.at("g.tar.gz"), "wb", mtime=0) as packed:
            packed.write(plain.read())
        images = [{"filename": os.path.basename(p), "filepath": os.path.relpath(os.path.dirname(p), self.path),
                   "split": ["train", "restval", "val", "test"][i % 4],
                   "sentences": [{"raw": captions[(i + k) % len(captions)]} for k in range(1 + i % 3)]}
                  for i, p in enumerate(pictures[:28])]
        self.write("k.json", json.dumps({"images": images, "dataset": "world"}))
        self.write("templates.txt", "a picture of {}\n{}, small\nit is {}!\n")
        self.write("texts.txt", "\n".join(captions[:9] + ["", "Ünïcode & LARGE, letters!", "a " * 60]) + "\n")
        self.write("images.txt", "".join(p + "\n" for p in pictures[:7]) +
                   "".join(self.at(f"odd/class_{i % 3}/{i:02d}.png") + "\n" for i in range(8)))

    def make_donors(self):
        """Two models to start from: a recursive one, and one of other pools and an embedding of its own."""
        base = {"precision": "fp32", "data": {"train": f"wds:{self.at('w')}/train-*.tar", "tokenizer": self.at("spiece.model")},
                "train": {"batch": 8, "budget": {"steps": 2}, "schedule": {"name": "constant", "warmup_steps": 0}}}
        towers = [({"width": 16, "depth": 2, "mlp": 24, "heads": 2, "patch": 6, "size": 18, "recursion": {"signature": "A^2B"}},
                   {"width": 16, "depth": 2, "mlp": 20, "heads": 4, "vocab": VOCAB, "length": 8, "recursion": {"signature": "(AB)^2"}}, {}),
                  ({"width": 12, "depth": 1, "mlp": 17, "heads": 3, "patch": 5, "size": 21, "pool": "tok"},
                   {"width": 10, "depth": 3, "mlp": 11, "heads": 2, "vocab": VOCAB + 5, "length": 6, "pool": "mean"},
                   {"embed_dim": 7, "act": "gelu_erf"})]
        for i, (image, text, more) in enumerate(towers):
            config = json.loads(json.dumps(base))
            config["model"] = {"image": image, "text": text, **more}
            config["data"]["image_pp"] = f"decode|resize({image['size']})|value_range(-1,1)"
            self.write(f"donor{i}.yaml", json.dumps(config))
            self.call("train", self.at(f"donor{i}.yaml"), "--out", self.at(f"donor{i}"), "--threads", "1", "--quiet")
        self.call("export", "--model", self.at("donor0"), "--out", self.at("plain"), "--unroll", "--quiet")

    # (where it lies, image size, what it holds of either tower)
    def donors(self):
        return [(self.at("donor0"), 18), (self.at("donor1"), 21), (self.at("plain"), 18)]


def signature(r, depth):
    """A signature that `depth` blocks can run, of at most a dozen steps."""
    def once():
        groups = r.randint(1, min(3, depth))
        letters = "ABC"[:groups]
        sizes = None
        if depth % groups or r.random() < 0.25:
            cuts = sorted(r.sample(range(1, depth), groups - 1))
            sizes = [b - a for a, b in zip([0] + cuts, cuts + [depth])]
        items, steps = [], []
        for i, letter in enumerate(letters):
            exponent = r.choice([None, None, 1, 2, 2, 3])
            size = sizes[i] if sizes else depth // groups
            items.append(letter + (f":{size}" if sizes else "") + (f"^{exponent}" if exponent else ""))
            steps.append(size * (exponent or 1))
        if groups > 1 and r.random() < 0.4:
            first = r.randint(0, groups - 2)
            outer = r.choice([None, 2])
            items[first:] = ["(" + (" " if r.random() < 0.2 else "").join(items[first:]) + ")" + (f"^{outer}" if outer else "")]
            steps[first:] = [sum(steps[first:]) * (outer or 1)]
        if r.random() < 0.15:  # a group that comes again
            items.append(letters[0])
            steps.append(sizes[0] if sizes else depth // groups)
        return "".join(items), sum(steps)
    while True:
        text, steps = once()
        if steps <= 12:
            return text


def recursive_group(text):
    """(exponent, where its digits begin, and end) of the outermost first recursive group, as docs say; None: there is none."""
    best = None
    for i in (i for i, c in enumerate(text) if c == "^"):
        begin = i - 1
        while text[begin].isdigit() or text[begin] == ":":
            begin -= 1
        depth = 0
        while text[begin] in "()" or depth:
            depth += (text[begin] == ")") - (text[begin] == "(")
            if depth == 0:
                break
            begin -= 1
        end = i + 1
        while end < len(text) and text[end].isdigit():
            end += 1
        if best is None or begin < best[0]:
            best = (begin, int(text[i + 1:end]), i + 1, end)
    return best[1:] if best else None


def rounds_of(text):
    group = recursive_group(text)
    return group[0] if group else 1


def with_rounds(text, n):
    group = recursive_group(text)
    return text[:group[1]] + str(n) + text[group[2]:] if group else text


def encoder(r):
    heads = r.choice([1, 1, 2, 3, 4])
    tower = {"variant": "mu", "heads": heads, "width": heads * r.choice([1 if heads > 2 else 3, 3, 4, 5, 8, 9])}  # LayerNorm of one value is 0
    if r.random() < 0.15:  # the variant's own
        tower = {"variant": "mu"}
    if r.random() < 0.85:
        tower["mlp"] = r.choice([1, 7, 16, 24, 33])
    tower["depth"] = r.choice([1, 2, 2, 3, 4])
    if r.random() < 0.7:
        text = signature(r, tower["depth"])
        tower["recursion"] = {"signature": text, "drop": r.choice([0, 0, 0.3, 0.5, 0.9, 1])}
        if rounds_of(text) > 1 and r.random() < 0.5:
            tower["recursion"]["adapter"] = r.choice(["exit", "round"])
    if r.random() < 0.15:
        tower["freeze"] = True
    return tower


def image_pp(r, size, ending):
    fix = [f"resize({size})", f"resize({size},{r.choice(['nearest', 'bilinear', 'bicubic'])},antialias={r.randint(0, 1)})",
           f"resize_small({size})|central_crop({size})", f"inception_crop({size})", f"inception_crop({size},20,bilinear)",
           f"resize({size + 4})|random_crop({size})", f"central_crop|resize({size})", f"resize({size})|pad_crop({size},2)",
           f"resize_small({size + 3},bilinear)|random_crop({size})"]
    more = ["flip_lr", "flip_lr(p=1)", "color_jitter", "color_jitter(0.1,0.9,0.2,0.4,p=0.5)", "greyscale(p=0.3)", "random_erase(p=0.8)",
            "randaugment(2,9)", "randaug(layers=3,magnitude=30)", "grayscale"]
    first = r.choice([None, "decode", "decode(exif=apply)", "decode(alpha=black)", "decode(alpha=drop,fast=1)"])
    ops = ([first] if first else []) + [r.choice(fix)] + r.sample(more, r.choice([0, 0, 1, 2, 3])) + ([ending] if ending else [])
    if first in (None, "decode") and r.random() < 0.1:
        ops = [f"decode_jpeg_and_inception_crop({size})"] + ops[2 if first else 1:]
    return "|".join(ops)


def sources(r, world):
    known = [f"wds:{world.at('w')}/train-*.tar", world.at("w/train-00000.tar"), f"wds:{world.at('g.tar.gz')}",
             f"wds(text=alt):{world.at('json.tar')}", f"table:{world.at('t.tsv')}", f"table(image=url,caption=title):{world.at('cols.csv')}",
             f"karpathy(split=train+restval,images={world.path}):{world.at('k.json')}", f"table:{world.at('dirty/list.tsv')}",
             f"folder:{world.at('w/seen')}", f"folder:{world.at('odd')}"]
    chosen = r.sample(known, r.choice([1, 1, 2, 3, 4]))
    weighted = len(chosen) > 1 and r.random() < 0.6
    return [{"source": s, "weight": r.choice([0.01, 0.5, 1, 2, 7.25])} if weighted or r.random() < 0.1 else s for s in chosen]


def captioned(r, world):
    return r.choice([f"table:{world.at('t.tsv')}", f"wds:{world.at('w')}/val-*.tar", f"karpathy:{world.at('k.json')}",
                     f"karpathy(split=val,images={world.path}):{world.at('k.json')}"])


def trained_prefixes(model):
    names = ["logit_scale", "logit_bias"]
    if not model["image"].get("freeze"):
        names += ["image", "vision_model", "vision_model.encoder", "vision_model.encoder.layers.0", "vision_model.embeddings",
                  "vision_model.post_layernorm.weight"]
    if not model["text"].get("freeze"):
        names += ["text", "text_model", "text_model.head", "text_model.encoder.layers.0.mlp", "text_model.embeddings.token_embedding."]
    return names


def optimizer(r, model):
    o = {"lr": r.choice([0, 1e-4, 1e-3, 3e-3, 1e-2]), "b1": r.choice([0, 0.9]), "b2": r.choice([0.5, 0.95, 0.999]),
         "eps": r.choice([1e-8, 1e-6]), "weight_decay": r.choice([0, 0.1, 1]), "clip": r.choice([0, 0.05, 1, 1e9])}
    if r.random() < 0.2:
        o["decay_all"] = True
    if r.random() < 0.4:
        o["lr_mults"] = {k: r.choice([0, 0.1, 1, 3]) for k in r.sample(trained_prefixes(model), r.randint(1, 2))}
    return {k: v for k, v in o.items() if r.random() < 0.8 or k == "lr_mults"}


def schedule(r):
    s = {"name": r.choice(["cosine", "constant", "rsqrt"])}
    if r.random() < 0.5:
        s["warmup_steps"] = r.choice([0, 1, 2, 5, 50])
    warm = r.choice([None, 0, 0.1, 0.5, 1])
    if warm is not None:
        s["warmup_fraction"] = warm
    room = 1 - s.get("warmup_fraction", 0.02)
    cool = r.choice([0, 0.2, 0.5, 1])
    if cool <= room or s.get("warmup_steps") is not None:
        s["cooldown_fraction"] = cool
    return s


def draw(world, seed, index):
    """(config as a dict, facts the checks need) number `index` of `seed`."""
    r = random.Random(f"{seed}:{index}")
    image, text = encoder(r), encoder(r)
    image["patch"] = r.choice([3, 4, 5, 8])
    image["size"] = r.choice([image["patch"], 8, 13, 16, 20]) if image["patch"] <= 8 else 16
    image["pool"] = r.choice(["map", "map", "gap", "tok"])
    text["vocab"] = VOCAB + r.choice([0, 1, 9])
    text["length"] = r.choice([1, 2, 5, 8, 13])
    text["pool"] = r.choice(["last", "last", "first", "mean"])
    model = {"image": image, "text": text, "act": r.choice(["gelu_tanh", "gelu_erf"])}
    if r.random() < 0.4:
        model["embed_dim"] = r.choice([1, 6, 16, image.get("width", 32)])
    size = image["size"]
    donor = None
    if r.random() < 0.25:
        donor, size = r.choice(world.donors())
        place = r.choice([model, image, text])
        place["from"] = donor
        if place is not text and r.random() < 0.4:
            size = image["force_size"] = r.choice([9, 12, 24]) if size == 18 else r.choice([10, 24])
        if place is text:
            size = image["size"]
        if place is not model:
            model.pop("embed_dim", None)
        if place is image and r.random() < 0.4:  # the text tower of the same model, or of one that fits it
            text["from"] = donor if donor == world.at("donor1") else r.choice([world.at("donor0"), world.at("plain")])
        for tower in (image, text):  # adapters need the rounds of a signature that the model itself has
            if place is model or "from" in tower:
                tower.pop("recursion", None)
    ending = r.choice(["value_range(-1,1)", "value_range(-1,1)", "value_range(0,1)", "normalize(0.5,0.5)", "normalize", None])
    data = {"train": sources(r, world), "tokenizer": world.at("spiece.model"), "image_pp": image_pp(r, size, ending),
            "text_pp": r.choice(["canonicalize|tokenize", "lower|tokenize", "hf|tokenize", "tokenize"]),
            "shuffle": r.random() < 0.8, "workers": r.choice([0, 1, 2, 3, 7]), "cache": r.random() < 0.3,
            "max_bad_fraction": r.choice([0, 0.9, 1])}
    if ending not in ("value_range(-1,1)",):
        resize = r.choice([f"resize({size})", f"resize_small({size + 2},bilinear)|central_crop({size})"])
        data["eval_image_pp"] = f"decode|{resize}" + (f"|{ending}" if ending else "")
    elif r.random() < 0.3:
        data["eval_image_pp"] = f"decode|{r.choice([f'resize({size},nearest)', f'resize_small({size})|central_crop({size})', f'resize({size},antialias=0)'])}|{ending}"
    names = [s if isinstance(s, str) else s["source"] for s in data["train"]]
    if any(n.startswith("folder:") for n in names) or r.random() < 0.1:
        data["caption_templates"] = world.at("templates.txt")
    if len(data["train"]) == 1 and isinstance(data["train"][0], str) and r.random() < 0.3:
        data["train"] = data["train"][0]
    batch, steps = r.choice([1, 2, 3, 4, 6, 8, 12]), r.randint(3, 7)
    divisors = [d for d in range(1, batch + 1) if batch % d == 0]
    train = {"batch": batch, "micro_batch": r.choice([0, 0] + divisors), "recompute": r.random() < 0.3,
             "optimizer": optimizer(r, model), "schedule": schedule(r), "loss": r.choice(["sigmoid", "softmax"]),
             "budget": r.choice([{"steps": steps}, {"steps": steps}, {"examples": steps * batch + r.randint(0, batch - 1)},
                                 {"epochs": "?"}, {"flops": "?"}]),
             "checkpoint": {"every_steps": r.choice([0, 1, 2, 3]), "keep": r.choice([0, 1, 2, 3]),
                            "every_minutes": r.choice([0, 15.0, 1e-6])},
             "eval": {"every_steps": r.choice([0, 1, 2])}}
    if r.random() < 0.4:
        train["eval"]["loss"] = [captioned(r, world) for _ in range(r.randint(1, 2))]
    if r.random() < 0.3:
        train["eval"]["retrieval"] = [captioned(r, world)]
    if r.random() < 0.3:
        train["eval"]["zeroshot"] = [r.choice([f"folder:{world.at('w/heldout')} templates=simple",
                                               f"folder:{world.at('odd')} templates={world.at('templates.txt')}"])]
    config = {"seed": r.choice([0, 1, 7, 123456789, 9007199254740992]), "model": model, "data": data, "train": train,
              "precision": r.choice(["fp32", "auto"])}
    return config, {"steps": steps, "donor": donor, "size": size, "rng": r}

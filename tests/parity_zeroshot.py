#!/usr/bin/env python3
"""Zero-shot classification of real photos: rins against transformers, with a random SiglipModel and the 80 CLIP templates.

    tests/parity_zeroshot.py RINS PHOTOS SPIECE [--classes N]

PHOTOS: a flat folder of WNID_name.JPEG files. SPIECE: a SentencePiece model. Needs torch, transformers and Pillow; not part of the
tests. Prints the largest difference of the logits (must be 1e-4 or less), how many top-1 answers differ where transformers' margin
exceeds 2e-4 (must be 0), and both accuracies (must be equal)."""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import numpy as np
import torch
from PIL import Image
from transformers import SiglipConfig, SiglipImageProcessorPil, SiglipModel
from transformers.models.siglip.tokenization_siglip import SiglipTokenizer

DATA = pathlib.Path(__file__).parent.parent / "eval" / "data"


def make_model(folder, spiece):
    tower = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}
    torch.manual_seed(0)
    vocab = SiglipTokenizer(spiece).vocab_size
    model = SiglipModel(SiglipConfig(text_config=tower | {"vocab_size": vocab, "max_position_embeddings": 64, "projection_size": 64},
                                     vision_config=tower | {"image_size": 64, "patch_size": 16})).eval()
    with torch.no_grad():  # lively weights: a fresh model gives nearly the same embedding to everything
        for name, p in model.named_parameters():
            if p.ndim > 1:
                p.normal_(0, 0.15)
        model.logit_scale.fill_(2.3)
        model.logit_bias.fill_(-10.0)
    model.save_pretrained(folder)
    shutil.copy(spiece, folder / "spiece.model")
    SiglipTokenizer(spiece).save_pretrained(folder)
    processor = SiglipImageProcessorPil(size={"height": 64, "width": 64}, resample=3)
    processor.save_pretrained(folder)
    return model, processor, SiglipTokenizer(spiece)


def features(out):
    out = out if torch.is_tensor(out) else out.pooler_output
    return torch.nn.functional.normalize(out, dim=-1)


@torch.no_grad()
def by_transformers(model, processor, tokenizer, photos, names, templates):
    classes = []
    for name in names:
        texts = [t.replace("{}", name) for t in templates]
        ids = tokenizer(texts, padding="max_length", max_length=64, truncation=True, return_tensors="pt")["input_ids"]
        mean = features(model.get_text_features(input_ids=ids)).mean(0)
        classes.append(mean / mean.norm())
    images = [features(model.get_image_features(**processor(images=Image.open(p).convert("RGB"), return_tensors="pt")))[0] for p in photos]
    return torch.stack(images).numpy(), torch.stack(classes).numpy()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rins"), parser.add_argument("photos"), parser.add_argument("spiece")
    parser.add_argument("--classes", type=int, default=1000, help="only the first N of ImageNet's")
    args = parser.parse_args()
    names = (DATA / "imagenet_names.txt").read_text().splitlines()[: args.classes]
    wnids = (DATA / "imagenet_wnids.txt").read_text().splitlines()[: args.classes]
    templates = (DATA / "templates_openai.txt").read_text().splitlines()
    photos = [p for p in sorted(pathlib.Path(args.photos).iterdir()) if p.name[:9] in wnids]
    truth = np.array([wnids.index(p.name[:9]) for p in photos])
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        (work / "model").mkdir(), (work / "photos").mkdir()
        parts = make_model(work / "model", args.spiece)
        for p in photos:
            (work / "photos" / p.name).symlink_to(p.resolve())
        (work / "list.txt").write_text("".join(f"{p}\n" for p in photos))
        (work / "labels.tsv").write_text("".join(f"{p.name}\t{t}\n" for p, t in zip(photos, truth)))
        (work / "names.txt").write_text("".join(f"{n}\n" for n in names))
        env = dict(os.environ, RINS_CACHE_DIR=str(work / "cache"))
        model = ["--model", str(work / "model")]
        run = lambda *words: subprocess.run([args.rins, *words], check=True, env=env)
        run("embed", "image", *model, "--input", str(work / "list.txt"), "--out", str(work / "images.npy"))
        run("eval", "zeroshot", *model, "--data", f"folder:{work}/photos", "--labels", str(work / "labels.tsv"), "--classes",
            str(work / "names.txt"), "--templates", "openai", "--json", str(work / "z.json"))
        ours = json.loads((work / "z.json").read_text())
        images, classes = np.load(work / "images.npy"), np.load(next((work / "cache").glob("classes-*.npy")))
        their_images, their_classes = by_transformers(*parts, photos, names, templates)
    scale, bias = float(torch.tensor(2.3).exp()), -10.0
    logits, their_logits = scale * images @ classes.T + bias, scale * their_images @ their_classes.T + bias
    worst = float(np.abs(logits - their_logits).max())
    ordered = np.sort(their_logits, 1)
    clear = ordered[:, -1] - ordered[:, -2] > 2e-4
    differ = int((logits.argmax(1) != their_logits.argmax(1))[clear].sum())
    own = their_logits[np.arange(len(truth)), truth]
    acc1 = float(((their_logits >= own[:, None]).sum(1) == 1).mean())
    print(f"photos {len(photos)}, classes {len(names)}, prompts {len(names) * len(templates)}")
    print(f"largest logit difference {worst:.3g}; top-1 differs in {differ} of {clear.sum()} clear cases; "
          f"acc1 rins {ours['metrics']['acc1']:.6f}, transformers {acc1:.6f}; logit spread {their_logits.std():.3g}")
    return worst > 1e-4 or differ > 0 or abs(ours["metrics"]["acc1"] - acc1) > 1.5 / len(photos)


sys.exit(main())

"""Compares rins with transformers' SiglipModel on random pixels and ids; needs tests/golden/requirements.txt.

    compare_transformers.py make-b16 DIR                   random B/16 at 224, vocabulary 32,000, 64 tokens
    compare_transformers.py inputs DIR IN.safetensors [N]  random inputs for the model in DIR
    compare_transformers.py check DIR IN OUT TOLERANCE     OUT: what tests/parity_tool wrote for IN
"""

import math
import sys

import torch
from safetensors.torch import load_file, save_file
from transformers import SiglipConfig, SiglipModel


def make_b16(out):
    torch.manual_seed(0)
    model = SiglipModel(SiglipConfig())
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.ndim == 1:
                p.normal_(mean=0.0 if name.endswith("bias") else 1.0, std=0.05)
        model.logit_scale.fill_(math.log(10.0))
        model.logit_bias.fill_(-10.0)
    model.save_pretrained(out)


def inputs(model_dir, path, n=4):
    torch.manual_seed(1)
    config = SiglipConfig.from_pretrained(model_dir)
    size, text = config.vision_config.image_size, config.text_config
    save_file(dict(pixels=torch.randint(0, 256, (int(n), size, size, 3), dtype=torch.uint8),
                   ids=torch.randint(0, text.vocab_size, (int(n), text.max_position_embeddings), dtype=torch.int32)), path)


def check(model_dir, in_path, out_path, tolerance):
    model, info = SiglipModel.from_pretrained(model_dir, output_loading_info=True)
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        assert not info[kind], f"{kind}: {info[kind]}"
    given, got = load_file(in_path), load_file(out_path)
    pixels = given["pixels"].permute(0, 3, 1, 2).float() * (2 / 255) - 1
    with torch.no_grad():
        want = model.eval()(input_ids=given["ids"].long(), pixel_values=pixels)
        logits = (math.exp(model.logit_scale.item()) * got["image_embeds"] @ got["text_embeds"].T + model.logit_bias)
    pairs = dict(image_embeds=(got["image_embeds"], want.image_embeds), text_embeds=(got["text_embeds"], want.text_embeds),
                 logits=(logits, want.logits_per_image))
    worst = {name: (a - b).abs().max().item() for name, (a, b) in pairs.items()}
    print("largest differences:", ", ".join(f"{name} {value:.2g}" for name, value in worst.items()))
    return 0 if all(value <= float(tolerance) for value in worst.values()) else 1


if __name__ == "__main__":
    commands = {"make-b16": make_b16, "inputs": inputs, "check": check}
    if len(sys.argv) < 3 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    sys.exit(commands[sys.argv[1]](*sys.argv[2:]) or 0)

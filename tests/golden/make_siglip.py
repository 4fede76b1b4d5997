"""Makes siglip_tiny/ and siglip_odd/: random SiglipModels as transformers saves them, inputs, and what it computes.

    pip install -r requirements.txt && python make_siglip.py     (in tests/golden)

  config.json, model*.safetensors   the model as save_pretrained writes it (odd: bf16, in shards)
  io.safetensors                    pixels u8 (N, size, size, 3), ids i32 (N, length), image_embeds, text_embeds,
                                    logits_per_image, loss; everything computed in fp32
  train.safetensors (tiny only)     20 AdamW steps from the saved weights: pixels, ids (4 batches, used in turn), lrs
                                    (peak 1e-3, warm-up 4, cosine), losses and gradient norms before clipping, plain and
                                    with layers 0 0 1 in both towers (A^2B)
"""

import math
import pathlib
import shutil

import torch
from safetensors.torch import save_file
from transformers import SiglipConfig, SiglipModel

HERE = pathlib.Path(__file__).parent
STEPS, BATCHES, BATCH = 20, 4, 8

TINY = dict(
    text_config=dict(hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, vocab_size=64,
                     max_position_embeddings=8, bos_token_id=None, eos_token_id=1),
    vision_config=dict(hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, image_size=16,
                       patch_size=8))
ODD = dict(
    text_config=dict(hidden_size=20, intermediate_size=45, num_hidden_layers=2, num_attention_heads=5, vocab_size=101,
                     max_position_embeddings=13, projection_size=60, bos_token_id=None, eos_token_id=1,
                     hidden_act="gelu"),
    vision_config=dict(hidden_size=60, intermediate_size=77, num_hidden_layers=3, num_attention_heads=3, image_size=37,
                       patch_size=7, hidden_act="gelu"))


def make_model(config, seed):
    """Every parameter random and of a size that matters: biases, norms and both scalars too."""
    torch.manual_seed(seed)
    model = SiglipModel(SiglipConfig(**config))
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.ndim == 1 and name.endswith("bias"):
                p.normal_(std=0.1)
            elif p.ndim == 1:
                p.normal_(mean=1.0, std=0.1)
        model.logit_scale.fill_(math.log(10.0))
        model.logit_bias.fill_(-10.0)
    return model.eval()


def to_pixels(u8):
    return (u8.permute(0, 3, 1, 2).float() * (2 / 255) - 1).contiguous()


def make_inputs(model, n):
    size = model.config.vision_config.image_size
    text = model.config.text_config
    return (torch.randint(0, 256, (n, size, size, 3), dtype=torch.uint8),
            torch.randint(0, text.vocab_size, (n, text.max_position_embeddings), dtype=torch.int32))


def write_io(model, out, n):
    u8, ids = make_inputs(model, n)
    with torch.no_grad():
        result = model(input_ids=ids.long(), pixel_values=to_pixels(u8), return_loss=True)
    save_file(dict(pixels=u8, ids=ids, image_embeds=result.image_embeds, text_embeds=result.text_embeds,
                   logits_per_image=result.logits_per_image.contiguous(), loss=result.loss.reshape(1)),
              out / "io.safetensors", metadata={"format": "pt"})


def learning_rate(step, peak=1e-3, warmup=4):
    """Linear warm-up (step 1 gets peak / warm-up), then cosine, which would reach 0 one step after the last."""
    if step <= warmup:
        return peak * step / warmup
    return 0.5 * peak * (1 + math.cos(math.pi * (step - 1 - warmup) / (STEPS - warmup)))


def train(model, u8, ids, lrs):
    """fp32, AdamW on every parameter (decay_all), clipped at 1."""
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1.0, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1,
                                  foreach=False, fused=False)
    losses, norms = [], []
    for step, lr in enumerate(lrs):
        optimizer.param_groups[0]["lr"] = lr
        i = step % BATCHES
        loss = model(input_ids=ids[i].long(), pixel_values=to_pixels(u8[i]), return_loss=True).loss
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norms.append(float(torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)))
        optimizer.step()
        losses.append(loss.item())
    return torch.tensor(losses), torch.tensor(norms)


def write_train(out):
    torch.manual_seed(11)
    inputs = [make_inputs(SiglipModel.from_pretrained(out), BATCH) for _ in range(BATCHES)]
    u8, ids = (torch.stack(part) for part in zip(*inputs))
    lrs = [learning_rate(step) for step in range(1, STEPS + 1)]
    saved = dict(pixels=u8, ids=ids, lrs=torch.tensor(lrs, dtype=torch.float64))
    for name, order in (("plain", [0, 1]), ("a2b", [0, 0, 1])):
        model = SiglipModel.from_pretrained(out)
        for tower in (model.text_model, model.vision_model):  # the same modules at several depths: tied weights
            tower.encoder.layers = torch.nn.ModuleList([tower.encoder.layers[i] for i in order])
        saved["losses_" + name], saved["grad_norms_" + name] = train(model, u8, ids, lrs)
        print(name, saved["losses_" + name].tolist())
    save_file(saved, out / "train.safetensors", metadata={"format": "pt"})


def fresh(name):
    out = HERE / name
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    return out


def main():
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)
    out = fresh("siglip_tiny")
    make_model(TINY, 1).save_pretrained(out)
    write_io(SiglipModel.from_pretrained(out).eval(), out, 6)
    write_train(out)
    out = fresh("siglip_odd")
    make_model(ODD, 2).to(torch.bfloat16).save_pretrained(out, max_shard_size="120KB")
    write_io(SiglipModel.from_pretrained(out, dtype=torch.float32).eval(), out, 5)


if __name__ == "__main__":
    main()

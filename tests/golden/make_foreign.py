"""Makes open_clip_tiny/ and big_vision_tiny.npz: other projects' checkpoints in their own names and layouts.

    pip install -r requirements.txt && python make_foreign.py     (in tests/golden, after make_siglip.py)

  open_clip_tiny/       open_clip_config.json, open_clip_model.safetensors of a CustomTextCLIP with a timm siglip tower, made
                        small; io.safetensors as in siglip_tiny, computed by open_clip
  big_vision_tiny.npz   the weights of siglip_tiny as big_vision would save them: image blocks one by one, text blocks
                        stacked as with scan=True
"""

import json
import math
import pathlib
import shutil
from unittest import mock

import numpy as np
import timm
import torch
from open_clip.model import CustomTextCLIP
from safetensors.torch import load_file, save_file

HERE = pathlib.Path(__file__).parent

MODEL_CFG = dict(
    embed_dim=32, init_logit_bias=-10, custom_text=True,
    vision_cfg=dict(image_size=20, timm_model_name="vit_base_patch16_siglip_224", timm_model_pretrained=False,
                    timm_pool="map", timm_proj="none"),
    text_cfg=dict(context_length=6, vocab_size=50, width=24, heads=2, layers=2, mlp_ratio=2.5, no_causal_mask=True,
                  proj_bias=True, pool_type="last", norm_kwargs=dict(eps=1e-6)))
PREPROCESS_CFG = dict(mean=[0.5] * 3, std=[0.5] * 3, interpolation="bicubic", resize_mode="squash")


def make_open_clip(out):
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    torch.manual_seed(5)
    small = dict(img_size=20, patch_size=4, embed_dim=32, depth=2, num_heads=1, mlp_ratio=2.0, class_token=False,
                 global_pool="map", num_classes=0)
    with mock.patch("timm.create_model", lambda *args, **kwargs: timm.models.VisionTransformer(**small)):
        model = CustomTextCLIP(**{k: v for k, v in MODEL_CFG.items() if k != "custom_text"}).eval()
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.ndim == 1:
                p.normal_(mean=0.0 if name.endswith("bias") else 1.0, std=0.1)
        model.logit_scale.fill_(math.log(10.0))
        model.logit_bias.fill_(-10.0)
        u8 = torch.randint(0, 256, (5, 20, 20, 3), dtype=torch.uint8)
        ids = torch.randint(0, 50, (5, 6), dtype=torch.int32)
        x = model.encode_image(u8.permute(0, 3, 1, 2).float() * (2 / 255) - 1, normalize=True)
        y = model.encode_text(ids.long(), normalize=True)
        logits = model.logit_scale.exp() * x @ y.T + model.logit_bias
        loss = -torch.nn.functional.logsigmoid((2 * torch.eye(5) - 1) * logits).sum(-1).mean()
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, out / "open_clip_model.safetensors",
              metadata={"format": "pt"})
    save_file(dict(pixels=u8, ids=ids, image_embeds=x, text_embeds=y, logits_per_image=logits.contiguous(),
                   loss=loss.reshape(1)), out / "io.safetensors", metadata={"format": "pt"})
    (out / "open_clip_config.json").write_text(
        json.dumps(dict(model_cfg=MODEL_CFG, preprocess_cfg=PREPROCESS_CFG), indent=2) + "\n")


def attention(ours, prefix, heads):
    """Flax's MultiHeadDotProductAttention from separate q, k, v and out (out, in) matrices."""
    tree = {}
    for name, (weight, bias) in zip(("query", "key", "value"), ours[:3]):
        width = weight.shape[1]
        tree[f"{prefix}/{name}/kernel"] = weight.T.reshape(width, heads, -1)
        tree[f"{prefix}/{name}/bias"] = bias.reshape(heads, -1)
    weight, bias = ours[3]
    tree[f"{prefix}/out/kernel"] = weight.T.reshape(heads, -1, weight.shape[0])
    tree[f"{prefix}/out/bias"] = bias
    return tree


def make_big_vision(path, heads=2):
    w = {name: value.numpy() for name, value in load_file(HERE / "siglip_tiny" / "model.safetensors").items()}

    def both(name):
        return w[name + ".weight"], w[name + ".bias"]

    def norm(name, prefix):
        return {f"{prefix}/scale": both(name)[0], f"{prefix}/bias": both(name)[1]}

    def mlp(name, prefix):
        return {f"{prefix}/Dense_{i}/{kind}": value for i in (0, 1)
                for kind, value in (("kernel", both(f"{name}.fc{i + 1}")[0].T), ("bias", both(f"{name}.fc{i + 1}")[1]))}

    def block(name, prefix):
        names = ("q_proj", "k_proj", "v_proj", "out_proj")
        return {**norm(f"{name}.layer_norm1", f"{prefix}/LayerNorm_0"), **norm(f"{name}.layer_norm2", f"{prefix}/LayerNorm_1"),
                **mlp(f"{name}.mlp", f"{prefix}/MlpBlock_0"),
                **attention([both(f"{name}.self_attn.{n}") for n in names], f"{prefix}/MultiHeadDotProductAttention_0", heads)}

    head = "vision_model.head"
    qkv = zip(np.split(w[f"{head}.attention.in_proj_weight"], 3), np.split(w[f"{head}.attention.in_proj_bias"], 3))
    tree = {"t": w["logit_scale"], "b": w["logit_bias"],
            "img/embedding/kernel": w["vision_model.embeddings.patch_embedding.weight"].transpose(2, 3, 1, 0),
            "img/embedding/bias": w["vision_model.embeddings.patch_embedding.bias"],
            "img/pos_embedding": w["vision_model.embeddings.position_embedding.weight"][None],
            **norm("vision_model.post_layernorm", "img/Transformer/encoder_norm"),
            "img/MAPHead_0/probe": w[f"{head}.probe"],
            **attention([*qkv, both(f"{head}.attention.out_proj")], "img/MAPHead_0/MultiHeadDotProductAttention_0", heads),
            **norm(f"{head}.layernorm", "img/MAPHead_0/LayerNorm_0"), **mlp(f"{head}.mlp", "img/MAPHead_0/MlpBlock_0"),
            "txt/Embed_0/embedding": w["text_model.embeddings.token_embedding.weight"],
            "txt/pos_embedding": w["text_model.embeddings.position_embedding.weight"][None],
            **norm("text_model.final_layer_norm", "txt/Encoder_0/encoder_norm"),
            "txt/head/kernel": w["text_model.head.weight"].T, "txt/head/bias": w["text_model.head.bias"]}
    for i in range(2):
        tree.update(block(f"vision_model.encoder.layers.{i}", f"img/Transformer/encoderblock_{i}"))
    layers = [block(f"text_model.encoder.layers.{i}", "txt/Encoder_0/encoderblock") for i in range(2)]
    tree.update({name: np.stack([layer[name] for layer in layers]) for name in layers[0]})
    np.savez(path, **{"params/" + name: np.ascontiguousarray(value) for name, value in tree.items()})


if __name__ == "__main__":
    make_open_clip(HERE / "open_clip_tiny")
    make_big_vision(HERE / "big_vision_tiny.npz")

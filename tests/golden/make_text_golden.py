#!/usr/bin/env python3
"""Writes tests/golden/text/: a small SentencePiece model, and what Python makes of texts with it.

Run: python3 tests/golden/make_text_golden.py (sentencepiece 0.2.x, transformers 5.x with SiglipTokenizer, tokenizers).
text.json holds the expected values; the tests read it and need no Python."""
import io
import json
import pathlib
import re
import string

import sentencepiece
from tokenizers import normalizers
from transformers.models.siglip.tokenization_siglip import SiglipTokenizer

OUT = pathlib.Path(__file__).parent / "text"
THINGS = "cat dog bird boat bridge triangle circle square house tree mountain train child woman man river".split()
LOOKS = "red blue green striped dotted small large old shiny wooden bright dark quiet".split()
PLACES = ["left of", "right of", "above", "below", "next to", "in front of", "behind"]
CORPUS = [f"a {a} {x} {p} a {b} {y}" for i, x in enumerate(THINGS) for j, y in enumerate(THINGS)
          for a, b, p in [(LOOKS[(i * 3 + j) % 13], LOOKS[(i + 5 * j) % 13], PLACES[(i + j) % 7])]]
CORPUS += [f"a photo of the {x}" for x in THINGS] + ["un café près de la rivière", "ein großes straßenschild über dem fluß",
           "ο σκύλος τρέχει στην παραλία", "красная кошка на столе", "bir istanbul günü", "東京の猫", "it is a dogs life 123 45"] * 6

TEXTS = ["", " ", "a photo of a cat", "  two   spaces\tand\na tab ", "A Photo, of THE Cat!", "snake_case_name", "_", "!!!", "! a",
         " leading", "trailing ", "don't stop", "e-mail: x@y.z", "(a) [b] {c} <d> `e` ~f |g\\h", "{} and { }", "Café PRÈS de la RIVIÈRE",
         "ÜBER Straßenschild ẞ", "İSTANBUL Iğdır", "ΟΔΥΣΣΕΥΣ ΣΑΣ Σ", "ΣΊΣΥΦΟΣ. ΤΈΛΟΣ", "ΑΣ' Σ", "ΑΣ_Β ΑΣ-Β", "КРАСНАЯ Кошка", "ԱՐԵՎ Հայ",
         "ⴀ Ⴀ Ა", "ǅ Ǆ Ǳ", "Ⱥ Ⱦ Ⓐ Ⅷ", "𐐀 𝐀 𞤀", "ＦＵＬＬ　ｗｉｄｔｈ", "nbsp\u00a0em\u2003line\u2028x\u0085y\u001fz", "zero\u200bwidth joiner\u200d",
         "東京の猫と犬", "emoji 🐱 🐶", "a▁b ▁c", "▁", "combining e\u0301 É", "ᾈ ᾼ Ὀ ΑΙ͂", "K Å Ω", "Ꭰ Ᏸ ꭰ", "Ȼ Ⱡ Ɐ Ɦ Ꞵ Ᶎ", "1,000.5 % $3 + 4 = 7",
         "a red cat left of a blue dog " * 20]


def canonicalize(text):
    text = text.replace("_", " ").translate(str.maketrans("", "", string.punctuation)).lower()
    return re.sub(r"\s+", " ", text).strip()


def main():
    OUT.mkdir(exist_ok=True)
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(CORPUS), model_writer=model, vocab_size=300, hard_vocab_limit=False, num_threads=1, pad_id=0,
        eos_id=1, unk_id=2, bos_id=-1, normalization_rule_name="identity", minloglevel=2)
    path = OUT / "spiece.model"
    path.write_bytes(model.getvalue())
    spm = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    siglip = SiglipTokenizer(str(path))
    rust_lower = normalizers.Lowercase()
    cases = []
    for text in TEXTS:
        lower = rust_lower.normalize_str(text)
        marked = siglip.canonicalize_text("\u2581" + text.replace("\u2581", " "))
        case = {"text": text, "canonicalize": canonicalize(text), "hf": marked, "lower": lower, "python_lower": text.lower()}
        case["ids_canonicalize"] = spm.encode(case["canonicalize"])
        case["ids_lower"] = spm.encode(lower)
        case["ids_hf_16"] = siglip(text, padding="max_length", max_length=16, truncation=True)["input_ids"]
        case["decoded"] = spm.decode([i for i in case["ids_canonicalize"] if i != spm.unk_id()])
        cases.append(case)
    (OUT / "text.json").write_text(json.dumps({"vocab": spm.get_piece_size(), "cases": cases}, ensure_ascii=False, indent=0) + "\n")


main()

"""Writes a run's model as GGUF: the base's own metadata and tokenizer, with trained tensors.

    python -m base.export --base BASE.gguf --run RUN --out mercer-chat.gguf              # the whole model
    python -m base.export --base BASE.gguf --run RUN --out adapter.gguf --adapter        # lora's adapters alone
    python -m base.export --base BASE.gguf --out base.gguf                               # the base itself, for adapters
    python -m base.export --base BASE.gguf --run RUN --out weights.pt --weights          # to start other runs from

Whatever is written as a model gets `mercer.prompt = shop` and a chat template that knows the role `tool`. Without a
run the tensors are the base's, byte for byte. An export also works while training goes on.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import gguf
import numpy as np

from . import adapter, checkpoint
from .markup import template_of
from .methods import merge, prepare
from .model import Decoder
from .read import Base, read_base, sha256

TYPES = {
    "q8_0": (gguf.GGMLQuantizationType.Q8_0, gguf.LlamaFileType.MOSTLY_Q8_0),
    "q4_1": (gguf.GGMLQuantizationType.Q4_1, gguf.LlamaFileType.MOSTLY_Q4_1),
    "f16": (gguf.GGMLQuantizationType.F16, gguf.LlamaFileType.MOSTLY_F16),
}
# The table of pieces is also the output; as in the base, it is never cut below eight bits.
EMBEDDINGS = "token_embd.weight"


def trained_base(path: Path, saved: dict[str, object]) -> Base:
    """Reads the base and puts a checkpoint's weights into it, adapters added to their matrices."""
    checkpoint.check_base(saved, sha256(path))
    base = read_base(path)
    prepare(base.decoder, checkpoint.method_of(saved))
    checkpoint.put_weights(base.decoder, saved)
    merge(base.decoder)
    return base


def as_arrays(decoder: Decoder) -> dict[str, np.ndarray]:
    """Returns a decoder's weights by name."""
    return {name: weight.detach().float().numpy() for name, weight in decoder.state_dict().items()}


def write_model(source: Path, weights: dict[str, np.ndarray] | None, out: Path, kind: str, name: str) -> None:
    """Writes a model with the metadata of `source`; its own tensors too, unless other weights are given."""
    reader = gguf.GGUFReader(source)
    writer = gguf.GGUFWriter(out, "llama")
    copy_metadata(reader, writer, {"general.name": name, "general.file_type": None if weights is None else int(TYPES[kind][1])})
    writer.add_string("mercer.prompt", "shop")
    for tensor in reader.tensors:
        if weights is None:
            writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
            continue
        values = weights[tensor.name]
        if values.ndim == 1:
            writer.add_tensor(tensor.name, values)
            continue
        quantized_type = TYPES["q8_0" if kind == "q4_1" and tensor.name == EMBEDDINGS else kind][0]
        writer.add_tensor(tensor.name, gguf.quants.quantize(values, quantized_type), raw_dtype=quantized_type)
    finish(writer)


def copy_metadata(reader: gguf.GGUFReader, writer: gguf.GGUFWriter, replaced: dict[str, object]) -> None:
    """Copies every key, with some values replaced where they are not None, and the template that is trained with."""
    metadata = {name: field.contents() for name, field in reader.fields.items()}
    replaced = {**replaced, "tokenizer.chat_template": template_of(metadata)}
    for name, field in reader.fields.items():
        if name.startswith("GGUF.") or name in ("general.architecture", "mercer.prompt"):
            continue  # the writer's own
        value = metadata[name] if replaced.get(name) is None else replaced[name]
        inner = field.types[1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(name, value, field.types[0], sub_type=inner)


def finish(writer: gguf.GGUFWriter) -> None:
    """Writes the file."""
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--run", type=Path, help="folder of the run, or a checkpoint file")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--type", choices=list(TYPES), default="q8_0")
    parser.add_argument("--name", default="mercer-chat")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--adapter", action="store_true", help="write lora's adapters alone, in f16")
    what.add_argument("--weights", action="store_true", help="write the checkpoint without its optimizer")
    args = parser.parse_args(arguments)
    if args.run is None and (args.adapter or args.weights):
        parser.error("--adapter and --weights need --run")
    saved = None
    if args.run is not None:
        saved = checkpoint.load(args.run / checkpoint.NAME if args.run.is_dir() else args.run)
    if args.weights:
        checkpoint.save(args.out, checkpoint.weights_alone(saved))
    elif args.adapter:
        adapter.write(saved, args.out, args.name)
    elif saved is None:
        write_model(args.base, None, args.out, args.type, args.name)
    else:
        write_model(args.base, as_arrays(trained_base(args.base, saved).decoder), args.out, args.type, args.name)
    print(f"{args.out}: {args.out.stat().st_size / 1e6:.1f} MB" + (f", after step {saved['step']}" if saved else ""))


if __name__ == "__main__":
    main()

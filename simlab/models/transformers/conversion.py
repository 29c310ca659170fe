"""Makes a folder of transformers' format from a GGUF file: ``python -m MODULE GGUF FOLDER``.

A process of its own, started by `simlab.models.weights`.
"""

import sys
from pathlib import Path

import transformers


def convert(gguf: Path, folder: Path) -> None:
    """Write the model and the tokenizer of `gguf` to `folder`, every weight unpacked to float32.

    The folder then loads in transformers and in vLLM alike, which needs two repairs: a GGUF file
    does not name the model's class, and the model that was read from one is marked as quantised.
    """
    source = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
    model = transformers.AutoModelForCausalLM.from_pretrained(**source, dtype="float32")
    model.config.architectures = [type(model).__name__]
    del model.config.quantization_config
    del model.hf_quantizer
    model.save_pretrained(folder)
    transformers.AutoTokenizer.from_pretrained(**source).save_pretrained(folder)


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))

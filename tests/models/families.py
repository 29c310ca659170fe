"""Chat templates in the manner of families of models, written for these tests, and a tokenizer.

Each has one thing that trips a renderer: a system turn of its own, roles of other names, words that
are trimmed, strict turns, a space before what was said, thoughts that are left out or opened.
"""

import functools
import re

import jinja2

SMOLLM = (
    "{% if messages[0].role != 'system' %}<|start|>system\nBe kind.<|end|>\n{% endif %}"
    "{% for m in messages %}<|start|>{{ m.role }}\n{{ m.content }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant\n{% endif %}"
)
LLAMA = (
    "<s>{% for m in messages %}<|start|>{{ m.role }}<|then|>\n\n{{ m.content | trim }}<|end|>"
    "{% endfor %}{% if add_generation_prompt %}<|start|>assistant<|then|>\n\n{% endif %}"
)
_STRICT = (
    "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('turns must alternate') }}{% endif %}{% endfor %}"
)
GEMMA = (
    "<s>" + _STRICT + "{% for m in messages %}"
    "<|start|>{{ 'model' if m.role == 'assistant' else m.role }}\n{{ m.content | trim }}<|end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|start|>model\n{% endif %}"
)
MISTRAL = (
    "<s>" + _STRICT + "{% for m in messages %}{% if m.role == 'user' %}[INST] {{ m.content }} "
    "[/INST]{% else %} {{ m.content }}</s>{% endif %}{% endfor %}"
)
QWEN = (
    "{% for m in messages %}<|start|>{{ m.role }}\n"
    "{% if m.role == 'assistant' %}{{ m.content.split('</think>')[-1].lstrip('\n') }}"
    "{% else %}{{ m.content }}{% endif %}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant\n{% endif %}"
)
THINKER = (
    "{% for m in messages %}<|start|>{{ m.role }}\n{{ m.content }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant\n<think>\n{% endif %}"
)

FAMILIES = {
    "smollm": SMOLLM,
    "llama": LLAMA,
    "gemma": GEMMA,
    "mistral": MISTRAL,
    "qwen": QWEN,
}
"""Those whose chats go on from what was drawn."""

SPECIAL = ("<|start|>", "<|then|>", "<s>")
"""What stands in these templates for no words, but for the ends of turns."""


def end_of(family):
    """The token that ends a turn."""
    return "</s>" if family == "mistral" else "<|end|>"


class Pairs:
    """A tokenizer of letters, of pairs of letters, and of what stands in angle brackets.

    Text is cut into pairs where there are any, so that letters drawn one by one are never what
    their words are cut into.

    Args:
        template: Of chats.
    """

    def __init__(self, template=None):
        self.chat_template = template
        self._vocabulary = {}
        self.encode("<|end|></s><s>" + "".join(map(chr, range(32, 127))), add_special_tokens=False)

    def __len__(self):
        return 1000

    def encode(self, text, *, add_special_tokens):
        assert not add_special_tokens
        words = re.findall(r"<\|\w+\|>|</?s>|\w\w|.|\n", text)
        return [self._vocabulary.setdefault(word, len(self._vocabulary)) for word in words]

    def letters(self, text):
        """The ids of a text, letter by letter, as a model might draw it."""
        return [one for letter in text for one in self.encode(letter, add_special_tokens=False)]

    def decode(self, token_ids, *, skip_special_tokens):
        words = {token: word for word, token in self._vocabulary.items()}
        shown = [words.get(token, "?") for token in token_ids]
        if skip_special_tokens:
            shown = [word for word in shown if not re.fullmatch(r"<\|\w+\|>|</?s>", word)]
        return "".join(shown)

    def apply_chat_template(self, conversation, *, tokenize, add_generation_prompt):
        assert not tokenize
        return compiled(self.chat_template).render(
            messages=conversation, add_generation_prompt=add_generation_prompt
        )


@functools.cache
def compiled(template):
    environment = jinja2.Environment()
    environment.globals["raise_exception"] = refuse
    return environment.from_string(template)


def refuse(words):
    """What a template calls for a chat that it does not take."""
    raise jinja2.TemplateError(words)

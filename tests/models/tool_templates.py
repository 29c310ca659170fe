"""Chat templates in the manner of model families that know tools, or none, and a tokenizer."""

import json

from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from simlab.models.model import ChatMessage
from simlab.models.tool_call import ToolCall, ToolSpec

_TURN = "<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n"
_CHATML_END = "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"

SMOLLM = f"{{% for m in messages %}}{_TURN}{{% endfor %}}{_CHATML_END}"
"""Takes any role, and passes over tools and calls."""

QWEN = (
    "{% if tools %}<|im_start|>system\n"
    "{% if messages[0].role == 'system' %}{{ messages[0].content }}\n\n{% endif %}"
    'Call functions as <tool_call>{"name": ..., "arguments": ...}</tool_call>:\n'
    "{% for tool in tools %}{{ tool | tojson }}\n{% endfor %}<|im_end|>\n{% endif %}"
    "{% for m in messages %}"
    "{% if m.role == 'tool' %}<|im_start|>user\n<tool_response>\n{{ m.content }}\n"
    "</tool_response><|im_end|>\n"
    "{% elif m.tool_calls %}<|im_start|>assistant\n{{ m.content }}"
    '{% for call in m.tool_calls %}<tool_call>\n{"name": "{{ call.function.name }}", '
    '"arguments": {{ call.function.arguments | tojson }}}\n</tool_call>{% endfor %}<|im_end|>\n'
    f"{{% elif m.role != 'system' or not tools %}}{_TURN}"
    f"{{% endif %}}{{% endfor %}}{_CHATML_END}"
)

LLAMA = (
    "{% for m in messages %}"
    "{% if m.tool_calls %}{% if m.tool_calls | length > 1 %}"
    "{{ raise_exception('This model only makes single calls.') }}{% endif %}"
    "{% set call = m.tool_calls[0].function %}<|head|>assistant<|/head|>\n\n"
    '{"name": "{{ call.name }}", "parameters": {{ call.arguments | tojson }}}<|eot|>'
    "{% elif m.role == 'tool' %}<|head|>ipython<|/head|>\n\n{{ m.content | tojson }}<|eot|>"
    "{% else %}<|head|>{{ m.role }}<|/head|>\n\n"
    "{% if tools and m.role == 'user' and loop.index0 < 2 %}{% for tool in tools %}"
    "{{ tool | tojson(indent=4) }}\n\n{% endfor %}{% endif %}"
    "{{ m.content | trim }}<|eot|>{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|head|>assistant<|/head|>\n\n{% endif %}"
)

MISTRAL = (
    "{% for m in messages | rejectattr('role', 'equalto', 'tool') "
    "| selectattr('tool_calls', 'undefined') %}"
    "{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Roles must alternate.') }}{% endif %}{% endfor %}"
    "{% for m in messages %}"
    "{% if m.tool_calls is defined %}[TOOL_CALLS] [{% for call in m.tool_calls %}"
    "{% if call.id | length != 9 %}{{ raise_exception('Ids have length 9.') }}{% endif %}"
    '{{ (call.function | tojson)[:-1] }}, "id": "{{ call.id }}"}'
    "{% if not loop.last %}, {% endif %}{% endfor %}]</s>"
    "{% elif m.role == 'tool' %}[TOOL_RESULTS] {\"content\": {{ m.content }}, "
    '"call_id": "{{ m.tool_call_id }}"}[/TOOL_RESULTS]'
    "{% elif m.role == 'assistant' %} {{ m.content }}</s>"
    "{% else %}{% if tools %}[AVAILABLE_TOOLS] {{ tools | tojson }}[/AVAILABLE_TOOLS]{% endif %}"
    "[INST] {{ m.content }}[/INST]{% endif %}{% endfor %}"
)

GEMMA = (
    "{% for m in messages %}{% if m.role not in ('user', 'assistant') %}"
    "{{ raise_exception(m.role ~ ' role not supported') }}{% endif %}"
    "{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Roles must alternate.') }}{% endif %}"
    "<start_of_turn>{{ m.role }}\n{{ m.content | trim }}<end_of_turn>\n{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>assistant\n{% endif %}"
)

CODER = QWEN.replace(
    '{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}',
    "<function={{ call.function.name }}>{% for name, value in call.function.arguments.items() %}"
    "<parameter={{ name }}>{{ value }}</parameter>{% endfor %}</function>",
)
"""Tells of tools, and writes calls in a form of its own."""

WEATHER = ToolSpec(
    "weather",
    "Says how the weather is.",
    {
        "type": "object",
        "properties": {"city": {"type": "string", "description": "Its name."}},
        "required": ["city"],
    },
)
CALLS = tuple(
    ToolCall("weather", f'{{"city": "{city}"}}', f"call{number:05}")
    for number, city in enumerate(("Rome", "Oslo"), 1)
)
CHAT = [ChatMessage("system", "Be brief."), ChatMessage("user", "Where is it warmer?")]
RESULTS = [
    ChatMessage("tool", text, calls=(call,)) for text, call in zip(("21", "4"), CALLS, strict=True)
]
CALLED = [*CHAT, ChatMessage("assistant", "", calls=CALLS), *RESULTS]


class Templated:
    """A tokenizer with a token for each letter, which renders as transformers does.

    Attributes:
        chat_template: In Jinja.
    """

    def __init__(self, chat_template):
        self.chat_template = chat_template
        environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
        environment.filters["tojson"] = json.dumps
        environment.globals["raise_exception"] = _raise
        self._template = environment.from_string(chat_template)

    def __len__(self):
        return 0x110000

    def apply_chat_template(self, conversation, *, tokenize, add_generation_prompt, tools=None):
        assert not tokenize
        return self._template.render(
            messages=conversation, tools=tools, add_generation_prompt=add_generation_prompt
        )

    def encode(self, text, *, add_special_tokens):
        assert not add_special_tokens
        return [ord(letter) for letter in text]

    def decode(self, token_ids, *, skip_special_tokens):
        del skip_special_tokens  # there are none
        return "".join(map(chr, token_ids))


def _raise(message):
    raise TemplateError(message)

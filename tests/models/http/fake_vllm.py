"""A vLLM server in this process: the tokens of its model are characters, and 0 ends a turn."""

import json
import math
import random

import httpx2

END = 0


class FakeVllm:
    """Answers what `EndpointModel` asks of ``vllm serve``, in the shapes that vLLM 0.29 has.

    What it draws follows from model, prompt, seed and temperature.

    Attributes:
        asked: Path and JSON of each request.
        adapters: Folder of each adapter that is loaded, by name.
        refuses: Names of adapters that cannot be loaded.
        missing: Names of parts that are left out of its replies, as by another server.
    """

    def __init__(self):
        self.asked = []
        self.adapters = {}
        self.refuses = set()
        self.missing = set()

    def __call__(self, request):
        asked = json.loads(request.content) if request.content else None
        self.asked.append((request.url.path, asked))
        match request.url.path:
            case "/tokenize":
                return httpx2.Response(200, json={"tokens": _tokens(asked), "count": 0})
            case "/v1/completions":
                return self._complete(asked)
            case "/v1/models":
                cards = [{"id": "small", "root": "/weights"}]
                cards += [{"id": name, "root": root} for name, root in self.adapters.items()]
                return httpx2.Response(200, json={"data": cards})
            case "/v1/load_lora_adapter":
                return self._load(asked["lora_name"], asked["lora_path"])
        return httpx2.Response(404, json={"detail": "Not Found"})

    def paths(self):
        return [path for path, _ in self.asked]

    def _complete(self, asked):
        if asked["model"] not in ("small", *self.adapters):
            said = f"The model `{asked['model']}` does not exist."
            return httpx2.Response(404, json={"error": {"message": said}})
        named = [asked["model"], asked["prompt"], asked.get("seed"), asked["temperature"]]
        rng = random.Random(json.dumps(named))
        drawn = [rng.randrange(97, 123) for _ in range(rng.randrange(3, 12))] + [END]
        drawn = drawn[: asked["max_tokens"]]
        choice = {
            "index": 0,
            "text": "".join(map(chr, drawn)).removesuffix(chr(END)),
            "finish_reason": "stop" if drawn[-1] == END else "length",
            "logprobs": _logprobs(asked, drawn) if "logprobs" in asked else None,
            "token_ids": drawn,
            "prompt_token_ids": asked["prompt"],
        }
        usage = {
            "prompt_tokens": len(asked["prompt"]),
            "completion_tokens": len(drawn),
            "prompt_tokens_details": {"cached_tokens": 2},
        }
        choice = {name: part for name, part in choice.items() if name not in self.missing}
        return httpx2.Response(200, json={"choices": [choice], "usage": usage})

    def _load(self, name, folder):
        if name in self.refuses:
            said = "LoRA rank 64 is greater than max_lora_rank 8"
            return httpx2.Response(400, json={"error": {"message": said}})
        if name in self.adapters:
            return httpx2.Response(400, json={"error": {"message": "has already been loaded"}})
        self.adapters[name] = folder
        return httpx2.Response(200, text=f"Success: LoRA adapter '{name}' added successfully.")


def logprob_of(prefix, token):
    """The log-probability of a token after others: of 256 tokens, one that follows from them."""
    weight = random.Random(f"{prefix} {token}").uniform(0.5, 1.0)
    return math.log(weight / 256)


def _tokens(asked):
    text = asked.get("prompt")
    if text is None:
        chat = [f"<{message['role']}>{message['content']}" for message in asked["messages"]]
        text = "".join([*chat, "<assistant>"])
    return [ord(character) for character in text]


def _logprobs(asked, drawn):
    scored = asked.get("logprob_token_ids", drawn[:1])
    tops = [{f"token_id:{t}": logprob_of(asked["prompt"], t) for t in scored} for _ in drawn]
    logprobs = [logprob_of(asked["prompt"], token) for token in drawn]
    return {"token_logprobs": logprobs, "top_logprobs": tops}

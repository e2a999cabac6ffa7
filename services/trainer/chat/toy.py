"""Writes a small corpus in the right format, to try the scripts without the real one.

    python -m chat.toy --out FOLDER --dialogues 5000

It has a few phrasings only; a model trained on it is no model to ship.
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path

from embedder import words
from embedder.texts import Texts


class Toy:
    """Makes dialogues of one to four turns."""

    def __init__(self, seed: int):
        self.random = random.Random(seed)
        self.texts = Texts(seed, words.NOUNS)

    def dialogue(self) -> list[dict[str, str]]:
        """Returns the messages of one dialogue."""
        shop = self.texts.brand()
        messages = [self._message("system", f"You answer customers of {shop}. First plan tools, then reply from the evidence.")]
        for _ in range(self.random.randint(1, 4)):
            messages += self.random.choice([self._search, self._search, self._policy, self._order, self._greeting])()
        return messages

    def _message(self, role: str, content: str) -> dict[str, str]:
        return {"role": role, "content": content}

    def _turn(self, said: str, calls: list[dict[str, object]], evidence: str, reply: str) -> list[dict[str, str]]:
        plan = json.dumps({"calls": calls}, separators=(",", ":"), ensure_ascii=False)
        return [self._message("user", said), self._message("assistant", plan), self._message("tool", evidence), self._message("assistant", reply)]

    def _search(self) -> list[dict[str, str]]:
        pick, noun = self.random.choice, self.texts.noun()
        query = f"{self.texts.quality()} {noun}" if self.random.random() < 0.5 else noun
        price = str(self.random.randint(5, 400))
        call: dict[str, object] = {"tool": "search_catalog", "query": query}
        if self.random.random() < 0.5:
            said = pick(["do you have a {} under £{}?", "I want a {} for less than {} pounds", "{} below £{} please"]).format(query, price)
            call["max_price"] = price
        else:
            said = pick(["do you sell a {}?", "I'm looking for a {}", "show me your {}", "hi, any {} in stock?"]).format(query)
        count = self.random.randint(0, 3)
        if count == 0:
            return self._turn(said, [call], "search: nothing found", pick(["Sorry, I found nothing like that.", "I could not find that in our shop."]))
        lines = [f"search: {count} product{'s' * (count > 1)}"]
        for at in range(1, count + 1):
            lines.append(f"p{at} name={self.texts.brand()} {noun.title()}; price=£{self.random.randint(3, 400)}.{self.random.choice(['00', '50', '99'])}; "
                         f"stock={pick(['in stock', 'out of stock'])}; colour={pick(words.COLOURS)}, {pick(words.COLOURS)}")
        items = " and ".join(f"{{{{p{at}.name}}}} for {{{{p{at}.price}}}}" for at in range(1, min(count, 2) + 1))
        return self._turn(said, [call], "\n".join(lines), f"I found {items}.")

    def _policy(self) -> list[dict[str, str]]:
        topic = self.random.choice(words.TOPICS)
        said = self.random.choice(["what is your policy on {}?", "how does {} work?", "tell me about {}"]).format(topic)
        return self._turn(said, [{"tool": "search_policies", "query": topic}], f"d1 {topic.capitalize()}: {self.texts.policy()}", "{{d1}}")

    def _order(self) -> list[dict[str, str]]:
        code = self.texts.code()
        said = self.random.choice(["where is my order {}?", "has {} been sent?", "status of {} please"]).format(code)
        call = [{"tool": "order_status", "order": code}]
        if self.random.random() < 0.4:
            return self._turn(said, call, "order: identity needed", "Please tell me the e-mail address and the postcode of the order.")
        return self._turn(said, call, f"o1 number={code}; status=shipped; eta={self.random.randint(1, 28)} March 2027", "Your order {{o1.number}} is {{o1.status}} and should arrive on {{o1.eta}}.")

    def _greeting(self) -> list[dict[str, str]]:
        return self._turn(self.random.choice(["hi", "thanks!", "hello there", "ok great"]), [], "none", "How can I help you?")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--dialogues", type=int, default=5000)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for name, seed, count in (("train", 1, args.dialogues), ("heldout", 2, 300)):
        toy = Toy(seed)
        with (args.out / f"{name}.jsonl").open("w", encoding="utf-8") as lines:
            for _ in range(count):
                lines.write(json.dumps({"messages": toy.dialogue()}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()

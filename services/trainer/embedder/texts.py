"""Generates shop-like English texts: titles, descriptions, questions, policies, reviews and plain sentences.
Texts of a corpus that `mercer-lab models corpus` wrote can be mixed in: they are what Mercer itself will ask about.

Every call to `Texts.batch` gives fresh texts. Half of all nouns are swapped for dictionary words or invented ones,
so the student meets far more words than the lists hold. Not here: any text of a real or demo shop.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path

from . import words
from .words import ADJECTIVES, ATTRIBUTES, COLOURS, MATERIALS, NOUNS, PARTS, PEOPLE, TOPICS, UNITS, USES


CORPUS_SHARE = 0.35  # of a batch, where a corpus is given


def of_corpus(path: Path) -> list[str]:
    """Reads what customers say and what tools answer in a corpus's `train.jsonl`, each text once."""
    def texts() -> Iterator[str]:
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                for message in json.loads(line)["messages"]:
                    if message["role"] == "user":
                        yield message["content"]
                    elif message["role"] == "tool":
                        # A record begins with the handle that the turn knows it by.
                        yield from (record.partition(" ")[2] for record in message["content"].split("\n") if " " in record)

    return list(dict.fromkeys(texts()))


class Texts:
    """A seeded stream of texts."""

    def __init__(self, seed: int, fallback_words: list[str], corpus: list[str] | None = None):
        self.random = random.Random(seed)
        self.corpus = corpus or []
        self.dictionary = words.dictionary(fallback_words)
        self.common = [word for word in fallback_words if len(word) > 2]
        self.kinds: list[tuple[Callable[[], str], int]] = [
            (self.title, 16), (self.description, 12), (self.question, 22), (self.keywords, 12), (self.policy, 12),
            (self.order, 5), (self.review, 6), (self.attribute, 5), (self.sentence, 8), (self.loose_words, 4),
        ]

    def batch(self, count: int) -> list[str]:
        """Returns `count` texts of mixed kinds, some with a customer's typing habits."""
        of_corpus = round(CORPUS_SHARE * count) if self.corpus else 0
        makers = [maker for maker, _ in self.kinds]
        weights = [weight for _, weight in self.kinds]
        generated = [self._typed(maker()) for maker in self.random.choices(makers, weights, k=count - of_corpus)]
        return generated + (self.random.choices(self.corpus, k=of_corpus) if of_corpus else [])

    # --- parts of texts -------------------------------------------------------------------------

    def pick(self, options: list[str]) -> str:
        return self.random.choice(options)

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def any_word(self) -> str:
        return self.pick(self.common if self.chance(0.5) else self.dictionary)

    def brand(self) -> str:
        name = self.pick(words.ONSETS) + self.pick(words.VOWELS) + self.pick(words.CODAS)
        if self.chance(0.7):
            name += self.pick(words.ENDINGS)
        return name.capitalize()

    def noun(self) -> str:
        roll = self.random.random()
        if roll < 0.55:
            return self.pick(NOUNS)
        if roll < 0.8:
            return f"{self.any_word()} {self.any_word()}" if self.chance(0.4) else self.any_word()
        if roll < 0.9:
            return f"{self.any_word()} {self.pick(NOUNS).split()[-1]}"
        return f"{self.pick(NOUNS)} {self.pick(PARTS)}"

    def quality(self) -> str:
        return self.pick(self.pick([ADJECTIVES, MATERIALS, COLOURS])) if self.chance(0.85) else self.any_word()

    def amount(self) -> str:
        number = self.pick(["{}", "{}", "{}.5", "{}00", "{}0"]).format(self.random.randint(1, 99))
        return f"{number} {self.pick(UNITS)}"

    def price(self) -> str:
        pounds = self.random.choice([self.random.randint(1, 30), self.random.randint(5, 300), self.random.randint(1, 40) * 10])
        return self.pick([f"£{pounds}", f"{pounds} pounds", f"£{pounds}.99", f"{pounds} quid", f"{pounds}"])

    def code(self) -> str:
        letters = "".join(self.random.choices("ABCDEFGHJKLMNPRSTVWXYZ", k=self.random.randint(1, 3)))
        return f"{letters}-{self.random.randint(10, 99999)}"

    def size(self) -> str:
        return self.pick(["S", "M", "L", "XL", "38", "42", "one size", f"size {self.random.randint(3, 48)}", self.amount()])

    # --- kinds of texts -------------------------------------------------------------------------

    def title(self) -> str:
        noun = self.noun()
        text = self.pick([
            f"{self.brand()} {self.quality()} {noun}", f"{self.quality()} {noun}, {self.pick(COLOURS)}",
            f"{self.brand()} {noun} {self.amount()}", f"{noun} for {self.pick(USES)}", f"{self.brand()} {self.any_word()} {noun} ({self.size()})",
            f"{self.quality()} {self.quality()} {noun}", f"{self.brand()} {self.code()} {noun}", f"{noun} with {self.quality()} {self.pick(PARTS)}",
            f"{noun} set of {self.random.randint(2, 24)}", f"{self.any_word()} {noun}",
        ])
        return text.title() if self.chance(0.4) else text[:1].upper() + text[1:]

    def description(self) -> str:
        noun = self.noun()
        lines = [
            f"A {self.quality()} {noun} made of {self.pick(MATERIALS)}, ideal for {self.pick(USES)}.",
            f"The {self.quality()} {self.pick(PARTS)} keeps your {self.any_word()} {self.quality()}.",
            f"Holds {self.amount()} and weighs only {self.amount()}.", f"Comes with a {self.pick(PARTS)} and a {self.quality()} {self.pick(PARTS)}.",
            f"Available in {self.pick(COLOURS)}, {self.pick(COLOURS)} and {self.pick(COLOURS)}.",
            f"{self.pick(ATTRIBUTES).capitalize()}: {self.amount()}.", f"Designed with {self.pick(USES)} in mind.",
            f"Wipe clean with a damp cloth; do not {self.pick(['machine wash', 'tumble dry', 'bleach', 'immerse in water', 'use abrasive cleaners'])}.",
            f"Unlike a {self.noun()}, it does not need a {self.noun()}.", f"Backed by a {self.random.randint(1, 10)} year guarantee.",
            f"Our customers use this {noun} for {self.pick(USES)} and {self.pick(USES)}.", f"Pairs well with the {self.brand()} {self.noun()}.",
        ]
        chosen = self.random.sample(lines, self.random.randint(1, 5))
        return (f"{self.title()}. " if self.chance(0.4) else "") + " ".join(chosen)

    def question(self) -> str:
        noun = self.noun()
        text = self.pick([
            f"Do you have a {self.quality()} {noun}?", f"do you sell {noun}s under {self.price()}", f"I'm looking for a {noun} for {self.pick(USES)}",
            f"What is the {self.pick(ATTRIBUTES)} of the {noun}?", f"is the {noun} {self.quality()}?", f"Does the {noun} come with a {self.pick(PARTS)}?",
            f"show me {self.quality()} {noun} between {self.price()} and {self.price()}", f"Which {noun} would you recommend for {self.pick(PEOPLE)}?",
            f"How much is the {self.brand()} {noun}?", f"have you got the {self.pick(COLOURS)} one in {self.size()}", f"is {self.code()} in stock?",
            f"cheapest {noun} please", f"I need a present for {self.pick(PEOPLE)} who likes {self.any_word()}", f"Can I use this {noun} for {self.pick(USES)}?",
            f"what's the difference between the {self.brand()} and the {self.brand()} {noun}", f"how do I clean my {noun}?",
            f"the {self.pick(PARTS)} of my {noun} is broken, can I get a replacement?", f"what is your policy on {self.pick(TOPICS)}?",
            f"Can I return a {noun} I bought {self.random.randint(2, 60)} days ago?", f"How long does {self.pick(TOPICS)} take?",
            f"do you offer {self.pick(TOPICS)}?", f"How do I {self.pick(['send back', 'exchange', 'cancel', 'pay for', 'track', 'repair', 'collect'])} my {noun}?",
            f"when will it be delivered to {self.any_word()}?", f"Do you ship to {self.pick(['France', 'Ireland', 'Spain', 'the US', 'Germany', 'Norway', 'Scotland', 'Jersey'])}?",
            f"is there a discount on {noun}s at the moment?", f"anything {self.quality()} but not {self.quality()}?", f"who makes the {noun}",
        ])
        return self.pick(["hi, ", "hello! ", "Good morning. ", "hey ", "please ", ""]) + text if self.chance(0.3) else text

    def keywords(self) -> str:
        noun = self.noun()
        return self.pick([
            noun, f"{self.quality()} {noun}", f"{noun} {self.pick(COLOURS)}", f"{noun} {self.size()}", f"{self.brand()} {noun}", f"{noun} for {self.pick(USES)}",
            f"{self.pick(MATERIALS)} {noun} {self.price()}", self.pick(TOPICS), self.pick(USES), f"{noun} {self.pick(PARTS)}", f"{noun} under {self.price()}", self.code(),
        ])

    def policy(self) -> str:
        topic, days = self.pick(TOPICS), self.random.choice([1, 2, 3, 5, 7, 10, 14, 21, 28, 30, 45, 60, 90, 100, 365])
        lines = [
            f"You can return most items within {days} days of delivery for a full refund.", f"{topic.capitalize()} is free on orders over {self.price()}.",
            f"Standard delivery costs {self.price()} and takes {self.random.randint(1, 5)} to {self.random.randint(5, 9)} working days.",
            f"Questions about {topic}? Contact our team within {days} days.", f"{self.noun().capitalize()}s can't be returned once the seal is broken, for hygiene reasons.",
            f"Every {self.noun()} has a {self.random.randint(1, 10)} year guarantee that covers faults in the {self.pick(PARTS)} but not normal wear.",
            f"Use the code {self.any_word().upper()}{self.random.randint(5, 50)} at the checkout to save {self.random.randint(5, 60)} % on {self.noun()}s.",
            f"Orders placed before {self.random.randint(1, 11)} pm are sent the same day.", f"We do not offer {topic} outside the United Kingdom.",
            f"Refunds reach your account {self.random.randint(2, 10)} working days after we receive the parcel.",
            f"If your parcel is damaged, send us a photo within {days} days and we will replace it.", f"To cancel, tell us before the order is {self.pick(['packed', 'shipped', 'processed'])}.",
            f"{topic.capitalize()} cannot be combined with {self.pick(TOPICS)}.", f"Please keep the {self.pick(['receipt', 'original packaging', 'labels', 'order number'])}.",
        ]
        return (f"{topic.capitalize()}: " if self.chance(0.4) else "") + " ".join(self.random.sample(lines, self.random.randint(1, 3)))

    def order(self) -> str:
        number = self.pick([self.code(), str(self.random.randint(1000, 999999))])
        return self.pick([
            f"where is my order {number}?", "has my parcel been sent yet", f"I want to cancel order {number}", "my order never arrived",
            f"order {number} came with the wrong {self.noun()}", "can I change the delivery address", f"the {self.noun()} I ordered arrived broken",
            f"My postcode is {self.code().replace('-', '')[:4]} {self.random.randint(1, 9)}AB", "I want to talk to a person", "thanks, that's all",
            "Your order has been shipped and should arrive tomorrow.", f"track {number}", "I have been charged twice", "this is the third time I ask, I'm not happy",
        ])

    def review(self) -> str:
        noun = self.noun()
        return self.pick([
            f"Bought this {noun} for {self.pick(PEOPLE)}, very {self.pick(['pleased', 'happy', 'disappointed', 'surprised'])} with the {self.pick(PARTS)}.",
            f"The {self.pick(PARTS)} broke after {self.random.randint(2, 11)} weeks. Would not buy this {noun} again.",
            f"Great {noun} for {self.pick(USES)}, but smaller than I expected.", f"Exactly as described: {self.quality()}, {self.quality()} and easy to clean.",
            f"The {self.pick(COLOURS)} is darker than in the picture but the {noun} fits well.", f"Best {noun} I have had in {self.random.randint(2, 20)} years!",
        ])

    def attribute(self) -> str:
        parts = [f"{self.pick(ATTRIBUTES)}: {self.pick([self.amount(), self.quality()])}" for _ in range(self.random.randint(1, 4))]
        return f"{self.noun()}. " * self.chance(0.5) + "; ".join(parts)

    def sentence(self) -> str:
        a, b, c = self.any_word(), self.any_word(), self.any_word()
        return self.pick([
            f"The {a} of the {b} is more {self.quality()} than the {c}.", f"How does {a} change the {b} of a {c}?", f"{a} and {b} are used to make {c}.",
            f"When {a} is {b}, {self.pick(PEOPLE)} should look at the {c}.", f"what does {a} mean", f"In the {a}, {b} was found near the {c}.",
            f"There is no {a} without {b}, said {self.brand()}.", f"Why would anyone {a} a {b}?", f"She put the {self.noun()} on the {a} and left the {b} in the {self.noun()}.",
            f"A {self.noun()} is a kind of {a} that people {b} for {self.pick(USES)}.", f"{self.brand()} is a {a} in {b}, known for its {c}.",
        ])

    def loose_words(self) -> str:
        return " ".join(self.any_word() for _ in range(self.random.randint(1, 12)))

    def _typed(self, text: str) -> str:
        """Adds a customer's habits to some texts: no capitals, a slip of the finger, no question mark."""
        if self.chance(0.1):
            text = text.lower()
        if self.chance(0.05) and len(text) > 6:
            at = self.random.randrange(1, len(text) - 2)
            text = self.pick([text[:at] + text[at + 1:], text[:at] + text[at + 1] + text[at] + text[at + 2:], text[:at] + text[at] + text[at:]])
        if self.chance(0.1):
            text = text.rstrip("?.!")
        return text

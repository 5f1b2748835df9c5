"""Texts to read: English sentences, and syllables that mean nothing in any language."""

from __future__ import annotations

import numpy as np

_OPENINGS = "the|a|my|this|every|our|that|her|his|no|some|another".split("|")
_NOUNS = (
    "morning|river|doctor|window|market|engine|garden|captain|station|letter|mountain|teacher|kitchen|picture|summer"
    "|neighbour|question|hospital|journey|evening|weather|village|machine|story|bottle|building|driver|council|number"
).split("|")
_VERBS = (
    "follows|opens|carries|remembers|watches|answers|leaves behind|turns over|believes in|walks around|measures"
    "|repairs|asks about|throws away|describes|waits for|shares|calls|forgets|chooses|listens to|draws|sells"
).split("|")
_ENDINGS = (
    "before noon|in silence|for a long time|with great care|near the old bridge|again and again|after the meeting"
    "|without a reason|at five o'clock|on the way home|because nobody else would|as usual|twice a week|if you like"
).split("|")
_ONSETS = "b|d|f|g|k|l|m|n|p|r|s|t|v|st|tr|pl|br|ch|kl|sp".split("|")
_VOWELS = "a|e|i|o|u|ai|au|ia|ei".split("|")
_LETTERS = {
    "latin": (_ONSETS, _VOWELS, ["", "", "n", "r", "s", "l"]),
    "cyrillic": (
        "б|в|г|д|з|к|л|м|н|п|р|с|т|ст|пр|ч|ш".split("|"),
        "а|е|и|о|у|я|ы".split("|"),
        ["", "", "н", "р", "й", "л"],
    ),
}


def sentence(rng: np.random.Generator) -> str:
    """A grammatical English sentence of random words."""
    words = [_OPENINGS, _NOUNS, _VERBS, _OPENINGS, _NOUNS, _ENDINGS]
    return " ".join(str(rng.choice(choices)) for choices in words) + str(rng.choice([".", "?", "!", ", and so on."]))


def babble(rng: np.random.Generator, alphabet: str) -> str:
    """Random words, in syllables that most languages can read."""
    onsets, vowels, codas = _LETTERS[alphabet]
    words = [
        "".join(str(rng.choice(part)) for _ in range(rng.integers(1, 5)) for part in (onsets, vowels, codas))
        for _ in range(rng.integers(4, 10))
    ]
    return " ".join(words) + "."

"""Long words in parts that a listener can follow, with a pause between them. Pure."""

import re
from collections.abc import Iterable, Iterator

# Characters of a part, about twenty seconds of talk.
MOST = {"zh": 80, "en": 250}
_SENTENCE = re.compile(r".*?(?:[。！？；!?;]+[”’」』）)]*|\.(?=\s)|\n+|$)", re.DOTALL)
_CLAUSE = re.compile(r"[^，、：,:]*[，、：,:]?")

Texts = list[tuple[str, str]]


def cut(texts: Iterable[tuple[str, str]]) -> list[Texts]:
    """Words by language, in parts of whole sentences as far as they fit: nothing is left out, and
    no part is longer than MOST. At least one part, unless there are no words."""
    parts: list[Texts] = []
    room = 0.0
    for lang, text in texts:
        for piece in filter(None, _pieces(text, MOST[lang])):
            share = len(piece) / MOST[lang]
            if share > room:
                parts.append([])
                room = 1.0
            _add(parts[-1], lang, piece)
            room -= share
    tidy = ([(lang, text.strip()) for lang, text in part] for part in parts)
    return [kept for part in tidy if (kept := [each for each in part if each[1]])]


def _add(part: Texts, lang: str, piece: str) -> None:
    if part and part[-1][0] == lang:
        piece = part.pop()[1] + piece
    part.append((lang, piece))


def _pieces(text: str, most: int) -> Iterator[str]:
    """Sentences; of one that is too long its clauses, and of such a clause what fits."""
    for sentence in _SENTENCE.findall(text):
        if len(sentence) <= most:
            yield sentence
            continue
        for clause in _CLAUSE.findall(sentence):
            while len(clause) > most:
                # At a blank, if there is one: no English word is torn.
                at = clause.rfind(" ", 1, most) + 1 or most
                yield clause[:at]
                clause = clause[at:]
            yield clause

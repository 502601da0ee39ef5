"""What the rules know of English: word tables, and the masking that keeps quoted text and names in one piece."""

from __future__ import annotations

import re

JOIN, JOIN_LINE = "\u02cd", "\u02ec"
"""Letters to every regular expression; they stand for a blank and a line break inside a masked span."""

_STOPS = """
a about above after again all also am an and any anyone anything are around as at be because been before being best
between both but by bye can cannot check compare compared could day days did difference different do does doing done
else evening every everyone explain feel find for friend from get give go going good got great had has have hello
help her here hers hey hi him his hour hours how i if in is it its just kindly know later let like look looking
looks many maybe me mean might mine minute minutes moment month more morning most much must my myself near need
never next nice night no noon not nothing of off oh ok okay old on once one only or other our ours out outside over
parley people place please quick quickly really right s same say see shall she should show since so some someone
something soon sorry still such sure take tell than thank thanks that the their them then there these they thing
think this those to too towards try u until up us use very vs versus via want wanted was way we week weekend well
were what whats when where whether which while who whom whose why will wish with within without wonder wondering
would year yes yesterday yet you your yours we're i'm i'd i've i'll it's what's how's where's who's there's that's
don't doesn't isn't won't can't let's you're they're degrees celsius fahrenheit january february april june july
august september october november december asap lol wow cool awesome
"""
STOPS = frozenset(_STOPS.split())
"""Words in small letters that are no part of a place's name."""

FILLER = STOPS - frozenset(["who", "whom", "whose", "why", "which", "explain", "compare", "know"])
"""Words that carry no wish of their own, so that `and in Rome, please?` reads as a follow-up."""

PREPOSITIONS = frozenset({"in", "for", "at", "of", "near", "around", "about", "between", "inside", "within"})
"""Words before a place."""

MOTIONS = frozenset({"to", "from", "visit", "visiting", "via", "towards", "with"})
"""Words before a place, where its name is capitalised."""

_CONNECTORS = "am an auf bei de del della der des di do du da la le las los el of sur the upon und y"
CONNECTORS = frozenset(_CONNECTORS.split())
"""Small words inside a name: `Frankfurt am Main`, `Rio de Janeiro`, `Isle of Man`."""

ARTICLES = frozenset({"the", "city", "town", "village"})
"""Words between a preposition and a name."""

QUOTED = re.compile(r"```(.+?)```|`([^`]+)`|\"([^\"]+)\"|“([^”]+)”|«([^»]+)»", re.DOTALL)

_PROTECTED = (
    "Trinidad and Tobago|Bosnia and Herzegovina|Antigua and Barbuda|Saint Kitts and Nevis|São Tomé and Príncipe"
    "|Turks and Caicos|Tyne and Wear|Newfoundland and Labrador|Brighton and Hove|Hot Springs|Cold Spring|Cold Lake"
    "|Rainy River|Truth or Consequences|June Lake"
)
"""Place names that hold a conjunction or a word of the weather."""

_MENTION = re.compile(r"<[@#!][^>]*>")
_KEPT = re.compile(rf"\b(?:{_PROTECTED})\b", re.IGNORECASE)
_MASKS = str.maketrans({" ": JOIN, "\n": JOIN_LINE})
_UNMASKS = str.maketrans({JOIN: " ", JOIN_LINE: "\n"})


def mask(text: str) -> str:
    """`text` without mentions, with ’ as ', and with quoted spans and protected names as one word each."""
    text = _MENTION.sub(" ", unmask(text)).replace("’", "'")
    for pattern in (QUOTED, _KEPT):
        text = pattern.sub(lambda found: found[0].translate(_MASKS), text)
    return text


def unmask(text: str) -> str:
    return text.translate(_UNMASKS)


def quotations(text: str) -> list[str]:
    """What stands between quotation marks or backticks."""
    return [next(filter(None, found.groups())).strip() for found in QUOTED.finditer(unmask(text))]


def stem(word: str) -> str:
    """A word without its plural or possessive ending: `orders` and `order's` give `order`."""
    word = word.lower().removesuffix("'s")
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def stems(text: str) -> list[str]:
    """The stems of all words and numbers of `text`, in order."""
    return [stem(word) for word in re.findall(r"[^\W_]+(?:'[^\W_]+)*", text)]


def name_words(name: str) -> list[str]:
    """The words of an identifier: `search_orders` and `searchOrders` both give `search`, `order`."""
    return stems(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).replace("_", " ").replace("-", " "))

"""Made-up texts with labelled spans: sentences of ``personal.toml`` whose slots are filled at random.

Values come from Faker's lists (MIT) in many locales and from ``personal_values.toml``. The same seed gives the same
texts for one version of Faker. No text is anybody's.
"""

import random
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Final

from faker import Faker

LABELS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("person", "first", "last"), "PERSON"),
    **dict.fromkeys(("address", "street", "street_name", "zip"), "STREET_ADDRESS"),
    **dict.fromkeys(("city", "state", "country"), "LOCATION"),
    "org": "ORGANIZATION",
    **dict.fromkeys(("date", "year", "month", "weekday", "time"), "DATE_TIME"),
    "age": "AGE",
    **dict.fromkeys(("title", "job"), "TITLE"),
    "nationality": "NRP",
    "phone": "PHONE_NUMBER",
    **dict.fromkeys(("id", "ssn", "iban", "card"), "ID_NUMBER"),
}
_PLACES: Final = {"STREET_ADDRESS", "LOCATION"}
_SLOT: Final = re.compile(r"\{(\w+)\}")
_ENGLISH: Final = ("en_US", "en_US", "en_GB", "en_AU", "en_CA", "en_IN")
_OTHERS: Final = (
    "de_DE", "fr_FR", "es_ES", "es_MX", "it_IT", "nl_NL", "pt_BR", "pl_PL", "sv_SE", "da_DK", "fi_FI", "no_NO",
    "cs_CZ", "tr_TR", "ro_RO", "hu_HU", "hr_HR", "id_ID", "vi_VN", "de_AT", "fr_CH", "es_CO", "pt_PT", "sk_SK",
)  # fmt: skip
_LOWER_SHARE: Final = 0.07
_UPPER_SHARE: Final = 0.03


@dataclass(frozen=True, slots=True)
class Labelled:
    """A text and its spans: first and past-the-end code point, and label. ``group`` says which sentences it is from."""

    text: str
    spans: tuple[tuple[int, int, str], ...]
    group: str


class Author:
    """Writes labelled texts. ``aside`` chooses the groups that are for measuring only."""

    def __init__(self, seed: int, *, aside: bool) -> None:
        tables = tomllib.loads(_read("personal.toml"))
        self._groups = [group for group in tables["group"] if bool(group.get("aside")) == aside]
        self._values = tomllib.loads(_read("personal_values.toml"))
        self._random = random.Random(seed)  # noqa: S311 - the same seed is to give the same texts
        self._fakers = {name: Faker(name) for name in {*_ENGLISH, *_OTHERS}}
        for index, name in enumerate(sorted(self._fakers)):
            self._fakers[name].seed_instance(seed * 1000 + index)
        self._here = self._fakers["en_US"]

    def write(self, count: int) -> Iterator[Labelled]:
        """``count`` texts, sentences of all groups equally often."""
        sentences = [(group["name"], text) for group in self._groups for text in group["texts"]]
        for _ in range(count):
            group, text = self._random.choice(sentences)
            self._here = self._faker()
            yield self._changed(self._filled(text, group))

    def _faker(self) -> Faker:
        locales = _ENGLISH if self._random.random() < 0.65 else _OTHERS
        return self._fakers[self._random.choice(locales)]

    def _filled(self, template: str, group: str) -> Labelled:
        pieces: list[str] = []
        spans: list[tuple[int, int, str]] = []
        length = position = 0
        for slot in _SLOT.finditer(template):
            pieces.append(template[position : slot.start()].replace("{{", "{").replace("}}", "}"))
            length += len(pieces[-1])
            value = self.value(slot[1])
            if slot[1] in LABELS:
                spans.append((length, length + len(value), LABELS[slot[1]]))
            pieces.append(value)
            length += len(value)
            position = slot.end()
        pieces.append(template[position:].replace("{{", "{").replace("}}", "}"))
        text = "".join(pieces)
        return Labelled(text, tuple(_joined(text, spans)), group)

    def _changed(self, made: Labelled) -> Labelled:
        drawn = self._random.random()
        text = made.text
        if drawn < _LOWER_SHARE:
            text = text.lower()
        elif drawn < _LOWER_SHARE + _UPPER_SHARE:
            text = text.upper()
        return Labelled(text if len(text) == len(made.text) else made.text, made.spans, made.group)

    def value(self, slot: str) -> str:
        """Something to put into the slot, in the language of the text at hand."""
        listed = self._values["lists"].get(slot)
        makers: Mapping[str, Callable[[], str]] = {
            "person": self._person,
            "first": self._here.first_name,
            "last": self._here.last_name,
            "address": self._address,
            "street": self._street,
            "street_name": self._street_name,
            "zip": lambda: str(self._here.postcode()),
            "city": self._city,
            "country": self._country,
            "org": self._organisation,
            "date": self._date,
            "age": lambda: str(self._random.choice([*range(18, 90), *range(1, 18), 101])),
            "job": self._job,
            "phone": self._phone,
            "email": self._email,
            "card": self._here.credit_card_number,
            "iban": self._here.iban,
            "ssn": self._fakers["en_US"].ssn,
            "id": self._identifier,
            "serial": self._identifier,
            "ip": self._here.ipv4,
            "url": self._here.url,
            "number": lambda: str(self._random.randint(1000, 99_999_999)),
            "small": lambda: str(self._random.randint(2, 60)),
            "year": lambda: str(self._random.randint(1890, 2030)),
            "time": self._time,
        }
        return self._random.choice(listed) if listed else makers[slot]()

    def _maybe(self, share: float) -> bool:
        return self._random.random() < share

    def _person(self) -> str:
        first, last = self._here.first_name(), self._here.last_name()
        if self._maybe(0.15):
            first += f" {self._random.choice('ABCDEFGHJKLMNPRSTW')}."
        elif self._maybe(0.08):
            first += f" {self._here.first_name()}"
        elif self._maybe(0.06):
            first = f"{first[0]}."
        if self._maybe(0.06):
            last += f"-{self._here.last_name()}"
        return f"{first} {last}"

    def _pick(self, name: str) -> str:
        return str(self._random.choice(self._values["lists"][name]))

    def _street_name(self) -> str:
        if not self._here.locales[0].startswith("en"):
            return str(self._here.street_name())
        name = str(self._here.last_name()) if self._maybe(0.5) else self._pick("street_word")
        drawn = self._random.random()
        if drawn < 0.12:
            return name
        if drawn < 0.2:
            name = f"{self._random.randint(1, 120)}th"
        return f"{name} {self._pick('street_kind')}"

    def _street(self) -> str:
        number = str(self._random.choice((self._random.randint(1, 300), self._random.randint(1, 99_999))))
        if self._here.locales[0].startswith("en"):
            return f"{number} {self._street_name()}" + (f" {self._unit()}" if self._maybe(0.2) else "")
        if self._maybe(0.5):
            return " ".join(str(self._here.street_address()).split())
        return f"{self._street_name()} {number}"

    def _unit(self) -> str:
        kind = self._random.choice(("Apt.", "Suite", "Flat", "Unit", "Apt", "Room", "Apartment", "Floor"))
        return f"{kind} {self._random.randint(1, 990)}{self._random.choice(('', '', '', 'A', 'b'))}"

    def _city(self) -> str:
        return str(self._here.city()) if self._maybe(0.5) else self._pick("town")

    def _country(self) -> str:
        return str(self._fakers["en_US"].country()) if self._maybe(0.5) else self._pick("land")

    def _address(self) -> str:
        """One of many forms; the parts are joined by commas, blanks or line ends."""
        if self._maybe(0.25):
            return str(self._here.address())
        gap = self._random.choice((", ", ", ", "\n", "\n", " ", ",\n", "\n "))
        parts = [self._street()]
        if self._maybe(0.3):
            parts.append(self._unit())
        code, city = str(self._here.postcode()), self._city()
        state = self._pick("state")
        with_state = self._random.choice((f"{city}, {state} {code}", f"{city} {state}", f"{city}, {state}"))
        parts.append(self._random.choice((with_state, with_state, f"{city} {code}", f"{code} {city}", city)))
        if self._maybe(0.3):
            country = self._country()
            parts.append(country if self._maybe(0.7) else f"{country} {self._here.postcode()}")
        if self._maybe(0.06):
            return f"{'the ' if self._maybe(0.5) else ''}corner of {self._street_name()} and {self._street_name()}"
        if self._maybe(0.06):
            return f"PO Box {self._random.randint(1, 9999)}{gap}{city}{gap}{code}"
        return gap.join(parts)

    def _organisation(self) -> str:
        drawn = self._random.random()
        if drawn < 0.35:
            return str(self._here.company())
        if drawn < 0.5:
            return self._pick("org_form").format(self._city())
        if drawn < 0.6:
            return "".join(self._random.choices("ABCDEFGHIKLMNOPRSTUVW", k=self._random.randint(2, 4)))
        return self._pick("org_word") if drawn < 0.75 else f"{self._pick('org_word')} {self._pick('org_end')}"

    def _date(self) -> str:
        day = self._here.date_between("-60y", "+3y")
        return self._pick("date_word") if self._maybe(0.08) else str(day.strftime(self._pick("date_form")))

    def _time(self) -> str:
        hour, minute = self._random.randint(1, 12), self._random.choice(("00", "15", "30", "45", "10"))
        forms = (f"{hour}:{minute}", f"{hour}:{minute} pm", f"{hour} am", f"{hour + 8}:{minute}")
        return self._random.choice(forms)

    def _job(self) -> str:
        return str(self._here.job()) if self._maybe(0.2) else self._pick("work")

    def _phone(self) -> str:
        if self._maybe(0.5):
            return str(self._here.phone_number())
        form = self._pick("phone_form")
        return re.sub("#", lambda _: str(self._random.randint(0, 9)), form)

    def _email(self) -> str:
        return str(self._here.email())

    def _identifier(self) -> str:
        form = self._pick("id_form")
        letters = re.sub(r"\?", lambda _: self._random.choice("ABCDEFGHJKLMNPRSTUVWXYZ"), form)
        return re.sub("#", lambda _: str(self._random.randint(0, 9)), letters)


def _joined(text: str, spans: list[tuple[int, int, str]]) -> Iterator[tuple[int, int, str]]:
    """First and last name are one person; street, postcode and city are one address."""
    current: tuple[int, int, str] | None = None
    for start, end, label in spans:
        if current is not None:
            gap, labels = text[current[1] : start], (current[2], label)
            if labels == ("PERSON", "PERSON") and gap == " ":
                current = (current[0], end, "PERSON")
                continue
            if set(labels) <= _PLACES and "STREET_ADDRESS" in labels and not gap.strip(" ,\n"):
                current = (current[0], end, "STREET_ADDRESS")
                continue
            yield current
        current = (start, end, label)
    if current is not None:
        yield current


def _read(name: str) -> str:
    return (resources.files("models.training") / name).read_text("utf-8")

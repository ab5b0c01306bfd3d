"""What a policy wants to be found beside, or instead of, what everybody gets."""

from collections.abc import Iterable
from dataclasses import dataclass

from guards.pii.catalog import Entity
from schemas.recognizer import Recognizer


@dataclass(frozen=True, slots=True)
class Wanted:
    """``locales`` are countries (ISO 3166, lower case) whose numbers are looked for, None for all that are known.

    ``recognizers`` are the policy's own.
    """

    locales: frozenset[str] | None = None
    recognizers: tuple[Recognizer, ...] = ()

    def chosen(self, entities: Iterable[Entity]) -> tuple[Entity, ...]:
        """The entities of the chosen countries, and those of none."""
        if self.locales is None:
            return tuple(entities)
        return tuple(
            entity.in_locales(self.locales)
            for entity in entities
            if entity.locale is None or entity.locale in self.locales
        )

    @property
    def digest(self) -> str:
        """Tells this apart from anything else that may be wanted; empty for nothing."""
        if self.locales is None and not self.recognizers:
            return ""
        own = [recognizer.model_dump_json() for recognizer in self.recognizers]
        return repr((None if self.locales is None else sorted(self.locales), own))

"""What a text hides: spelling tricks, encodings, characters nobody sees, turns of a chat that it forges."""

from guards.disguise.marks import Marks
from guards.disguise.rendering import Rendering
from guards.disguise.reveal import Disguises
from guards.disguise.styles import Styles

__all__ = ["Disguises", "Marks", "Rendering", "Styles"]

"""The weather, as a tool of the model. It is made up from the name of the city, so that it is always the same."""

import re
import zlib
from typing import TypedDict

SKIES = ("sunny", "cloudy", "rainy", "snowy")


class Report(TypedDict):
    """What the page shows on a card."""

    city: str
    sky: str
    degrees: int


async def weather(city: str) -> Report:
    """The weather in a city: the sky, and the temperature in degrees Celsius."""
    number = zlib.crc32(city.lower().encode())
    sky = SKIES[number % 4]
    degrees = -12 + number // 4 % 12 if sky == "snowy" else 4 + number // 4 % 24
    return {"city": city, "sky": sky, "degrees": degrees}


def city_in(question: str) -> str:
    """The city of "What is the weather in New York?"."""
    found = re.search(r"\b(?:in|for|of|at)\s+((?!the\b)[^?.!,]{1,60})", question, re.IGNORECASE)
    return found[1].strip() if found else "Oslo"

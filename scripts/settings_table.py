"""Write the tables of docs/configuration.md from the fields of Config.

    python scripts/settings_table.py

tests/test_config.py fails while the page and the fields differ.
"""

from __future__ import annotations

from pathlib import Path

from waypost.config import PREFIX, SETTINGS, Config
from waypost.setting import DURATION, KIB, MIB, SIZE, Setting

PAGE = Path(__file__).parent.parent / "docs" / "configuration.md"
BEGIN = "<!-- settings: written by scripts/settings_table.py -->\n"
END = "<!-- end of settings -->\n"


def render_tables() -> str:
    """Render one heading and one table for each group, in the order of the fields."""
    groups: dict[str, list[str]] = {}
    defaults = Config(root=Path())
    for name, setting in SETTINGS.items():
        variables = f"`{PREFIX}{name.upper()}`" + (f", `{setting.variable}`" if setting.variable else "")
        default = _default(setting, getattr(defaults, name))
        row = f"| `{name}` | {variables} | {setting.kind.name} | {default} | {setting.doc} |\n"
        groups.setdefault(setting.group, []).append(row)
    head = "| key | variable | value | default | meaning |\n|---|---|---|---|---|\n"
    return "\n".join(f"### {group}\n{head}{''.join(rows)}" for group, rows in groups.items())


def _default(setting: Setting, value: object) -> str:
    if setting.kind is SIZE and isinstance(value, int):
        for unit, name in ((MIB, "mb"), (KIB, "kb")):
            if value and value % unit == 0:
                return f"`{value // unit}{name}`"
    if setting.kind is DURATION and isinstance(value, float):
        return f"`{value:g}s`" if value else "`0`"
    if value in (None, "", ()):
        return "none"
    return f"`{str(value).lower()}`"


def render_page(page: str) -> str:
    """Put the tables between the two marks of `page`."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + "\n" + render_tables() + "\n" + END + after


if __name__ == "__main__":
    PAGE.write_text(render_page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")

"""The colours: one set on dark ground, one on light.

Ground and text are always painted together, so that a screen can be read whatever the colours of
the terminal are.
"""

from __future__ import annotations

from typing import Final

from textual.theme import Theme

from axon.tui.wording import Tone


def variable_of(tone: Tone) -> str:
    """The theme's variable with the colour of a tone."""
    return f"tone-{tone}"


def _theme(
    name: str,
    *,
    dark: bool,
    ground: tuple[str, str, str],
    ink: str,
    accent: str,
    tones: dict[Tone, str],
) -> Theme:
    background, surface, panel = ground
    return Theme(
        name=name,
        dark=dark,
        primary=accent,
        accent=accent,
        foreground=ink,
        background=background,
        surface=surface,
        panel=panel,
        success=tones[Tone.GOOD],
        warning=tones[Tone.WARN],
        error=tones[Tone.BAD],
        variables={
            **{variable_of(tone): colour for tone, colour in tones.items()},
            "button-focus-text-style": "bold underline",
            "foreground-muted": tones[Tone.DIM],
            "footer-background": panel,
            "border-blurred": panel,
            "scrollbar": tones[Tone.DIM],
            "scrollbar-background": surface,
        },
    )


DARK: Final = _theme(
    "axon-dark",
    dark=True,
    ground=("#12161d", "#1a2029", "#262e3a"),
    ink="#e8e6e1",
    accent="#f2a33a",
    tones={
        Tone.PLAIN: "#e8e6e1",
        Tone.GOOD: "#7fce8b",
        Tone.WARN: "#f0c35a",
        Tone.BAD: "#ff8a80",
        Tone.DIM: "#939cab",
    },
)

LIGHT: Final = _theme(
    "axon-light",
    dark=False,
    ground=("#fbfaf7", "#f1efe9", "#e0ddd4"),
    ink="#1d2129",
    accent="#a35300",
    tones={
        Tone.PLAIN: "#1d2129",
        Tone.GOOD: "#1b6e35",
        Tone.WARN: "#875a00",
        Tone.BAD: "#b3261e",
        Tone.DIM: "#62676f",
    },
)

"""Cheap deterministic numbers: the same seed and place always give the same draw."""

from __future__ import annotations

_MASK = (1 << 64) - 1


def mixed(seed: int, place: int) -> int:
    """A well-mixed 64-bit number (the splitmix64 finaliser)."""
    z = (seed * 0x9E3779B97F4A7C15 + place * 0xBF58476D1CE4E5B9 + 0x94D049BB133111EB) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


def fraction(seed: int, place: int) -> float:
    """A number in [0, 1)."""
    return (mixed(seed, place) >> 11) / (1 << 53)

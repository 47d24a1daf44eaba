"""Virtual microphone: a file that Chromium hears, a voice-like tone whose pitch tells which end speaks.

Chromium takes the file by `--use-file-for-fake-audio-capture=FILE` and loops it. The tone is rich in overtones,
changes its vowel and makes syllables and pauses, so that noise suppression takes it for speech and lets it through.
"""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cvq_booth.virtual.figure import End

Samples = NDArray[np.float64]

RATE_HZ = 48_000

PITCH_HZ = {End.RESIDENT: 236.0, End.ADVISOR: 152.0}
"""Pitch of each end's voice. No low overtone of one falls on one of the other."""

PITCH_SWING = 0.012
"""How far the pitch wavers, as a share of it."""

OVERTONES = 8
"""Overtones that are compared to tell who speaks; they survive a telephone's band."""

SCORE_MIN = 2.0
"""How much stronger the overtones of one voice must be than those of the other to name it."""

_VOWELS_HZ = ((700.0, 1200.0), (400.0, 2000.0), (300.0, 2300.0), (450.0, 900.0), (320.0, 750.0))


def make_voice(end: End, seconds: int) -> Samples:
    """Return `seconds` of an end's voice at `RATE_HZ`, from -1 to 1, silent at both ends so that it loops."""
    time_s = np.arange(seconds * RATE_HZ) / RATE_HZ
    pitch = PITCH_HZ[end] * (1 + PITCH_SWING * np.sin(2 * np.pi * 0.5 * time_s))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE_HZ
    place = time_s * 1.7
    vowels = np.array(_VOWELS_HZ)
    this = vowels[place.astype(int) % len(vowels)]
    following = vowels[(place.astype(int) + 1) % len(vowels)]
    share = np.clip((place % 1 - 0.7) / 0.3, 0, 1)[:, None]
    formants = this * (1 - share) + following * share
    sound = np.zeros_like(time_s)
    for overtone in range(1, 21):
        frequency = pitch * overtone
        strength = 0.15 + sum(np.exp(-(((frequency - formants[:, i]) / 220) ** 2)) for i in range(2))
        sound += strength / overtone**0.7 * np.sin(overtone * phase)
    sound *= _syllables(time_s, seconds)
    return np.asarray(sound * 0.6 / np.abs(sound).max())


def _syllables(time_s: Samples, seconds: int) -> Samples:
    """Loudness over time: three and a half syllables a second, a breath every two seconds, silence at both ends."""
    syllable = 0.25 + 0.75 * np.abs(np.sin(np.pi * 3.5 * time_s))
    breath = np.clip(np.minimum(time_s % 2, 2 - time_s % 2) / 0.12, 0, 1)
    ends = np.clip(np.minimum(time_s, seconds - time_s) / 0.05, 0, 1)
    return np.asarray(syllable * breath * ends)


def write_voice(path: Path, end: End, *, seconds: int = 8) -> Path:
    """Write a file for Chromium's `--use-file-for-fake-audio-capture`: WAV, mono, 16 bits, 48 kHz."""
    if not 1 <= seconds <= 120:
        raise ValueError(f"a voice of {seconds} s cannot be written: 1 to 120 s")
    samples = np.round(make_voice(end, seconds) * 32767).astype("<i2")
    partial = path.with_name(f".{path.name}.partial")
    with wave.open(str(partial), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(samples.tobytes())
    return partial.replace(path)


def read_voice(samples: Samples, rate_hz: int = RATE_HZ) -> End | None:
    """Tell whose voice a recording of half a second or more is by the overtones it holds; None for neither."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    step_hz = rate_hz / len(samples)
    loudness = {end: _overtones(spectrum, step_hz, pitch) for end, pitch in PITCH_HZ.items()}
    strongest = max(loudness, key=lambda end: loudness[end])
    weakest = min(loudness.values())
    return strongest if loudness[strongest] > SCORE_MIN * max(weakest, 1e-9) else None


def _overtones(spectrum: Samples, step_hz: float, pitch_hz: float) -> float:
    """Return the geometric mean of the peaks at a pitch's overtones."""
    peaks = []
    for overtone in range(1, OVERTONES + 1):
        low, high = (overtone * pitch_hz * (1 + sign * 2 * PITCH_SWING) / step_hz for sign in (-1, 1))
        peaks.append(float(spectrum[int(low) : int(high) + 2].max(initial=1e-9)))
    return float(np.exp(np.mean(np.log(peaks))))

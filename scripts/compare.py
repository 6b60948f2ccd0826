"""What a cell put out beside what is stored: words, HTML, descriptions to the letter, pictures and sounds as they appear.

The last bits of a figure differ between processors. So one in 10 000 of a picture's pixels may differ, and a sound by two of
its 65 536 levels.
"""

import base64
import io
import re
import wave

import numpy as np
from PIL import Image

_DATA = re.compile(r"(?<=base64,)[A-Za-z0-9+/=]+")


def said(output):
    """What an output says in words: printed text or the text form of a value."""
    return output.get("text") or output.get("data", {}).get("text/plain", "")


def differences(new, stored):
    """How the outputs of a cell differ from the stored ones, a list of sentences; empty if nobody can tell them apart."""
    if len(new) != len(stored):
        return [f"the cell has {len(new)} outputs, and {len(stored)} are stored"]
    return [words for pair in zip(new, stored) for words in _between(*pair)]


def _between(new, stored):
    data, kept = new.get("data", {}), stored.get("data", {})
    if new.output_type != stored.output_type or set(data) != set(kept):
        yield f"the cell gives {new.output_type} {sorted(data)}, and {stored.output_type} {sorted(kept)} is stored"
        return
    if said(new) != said(stored):
        yield f"the cell says\n{said(new)}\nand what is stored says\n{said(stored)}"
    if new.get("metadata", {}) != stored.get("metadata", {}):
        yield "the caption or description of a picture is not the stored one"
    if "image/png" in data and _pixels(data) != _pixels(kept) and _share(data, kept) >= 1e-4:
        yield f"the stored picture is another one, in {_share(data, kept):.4%} of its pixels: {said(stored)}"
    if "text/html" in data:
        ours, theirs = (_sounds(one["text/html"]) for one in (data, kept))
        if _DATA.sub("", data["text/html"]) != _DATA.sub("", kept["text/html"]):
            yield "the stored HTML is another one"
        elif any(a.shape != b.shape or np.abs(a - b).max() > 2 for a, b in zip(ours, theirs, strict=True)):
            yield "the stored sound is another one"


def _pixels(data):
    return data["image/png"].replace("\n", "")


def _share(data, kept):
    """The share of the pixels in which two pictures differ."""
    one, other = (np.asarray(Image.open(io.BytesIO(base64.b64decode(_pixels(picture)))).convert("RGB"), dtype=int)
                  for picture in (data, kept))
    return 1.0 if one.shape != other.shape else (np.abs(one - other).max(-1) > 8).mean()


def _sounds(html):
    """The levels of each sound in a piece of HTML; other data comes as it stands."""
    for data in _DATA.findall(html):
        raw = base64.b64decode(data)
        if raw[:4] == b"RIFF":
            with wave.open(io.BytesIO(raw)) as wav:
                raw = wav.readframes(wav.getnframes())
            yield np.frombuffer(raw, dtype="<i2").astype(int)
        else:
            yield np.frombuffer(raw, dtype=np.uint8).astype(int)

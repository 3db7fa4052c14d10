"""The CSA header of classic Siemens MR files: named values packed into one private element.

The layout is described at https://nipy.org/nibabel/dicom/siemens_csa.html.
"""

from __future__ import annotations

import struct

from viewer.imaging.dicom.values import number

_MOST_TAGS = 1000
_MOST_ITEMS = 1000
_CHECKS = (77, 205)


def csa_values(header: bytes, name: str) -> list[str]:
    """The values of one named entry as text; empty when it is absent or the header is damaged.

    Parameters
    ----------
    header : content of (0029,1010) or (0029,1020).
    """
    try:
        return _entry(header, name)
    except (struct.error, ValueError):
        return []


def csa_numbers(header: bytes, name: str) -> tuple[float, ...]:
    """The numbers of an entry; empty unless all of its values are numbers."""
    found = [number(value) for value in csa_values(header, name)]
    return tuple(value for value in found if value is not None) if None not in found else ()


def csa_text(header: bytes, name: str) -> str:
    """The first value of an entry as text, empty when there is none."""
    return next(iter(csa_values(header, name)), "")


def _entry(header: bytes, name: str) -> list[str]:
    second = header[:4] == b"SV10"
    place = 8 if second else 0
    count, check = struct.unpack_from("<II", header, place)
    if check not in _CHECKS or not 0 < count <= _MOST_TAGS:
        return []
    place += 8
    first_length = None
    for _ in range(count):
        title, _, _, _, items, check = struct.unpack_from("<64sI4sIII", header, place)
        if check not in _CHECKS or items > _MOST_ITEMS:
            return []
        place += 84
        wanted = title.split(b"\x00", 1)[0] == name.encode("ascii")
        values: list[str] = []
        for _ in range(items):
            lengths = struct.unpack_from("<4I", header, place)
            place += 16
            if second:
                length = lengths[1]
            else:
                # The first version counts lengths from that of its first item.
                first_length = lengths[0] if first_length is None else first_length
                length = lengths[0] - first_length
            if length > len(header) - place:
                return []
            text = header[place : place + length].split(b"\x00", 1)[0].strip()
            place += (length + 3) // 4 * 4
            if text:
                values.append(text.decode("ascii", "replace"))
        if wanted:
            return values
    return []

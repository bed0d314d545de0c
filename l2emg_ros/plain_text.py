# Copyright 2026 l2emg_ros authors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.
"""What may be in a text that a person or another program sends."""

from __future__ import annotations

import unicodedata

from l2emg_ros.errors import BadRequest

# Control, lone surrogates, private use, not assigned. Joiners of emoji and odd spaces are fine.
_REFUSED = ('Cc', 'Cs', 'Co', 'Cn')


def check_text(name: str, text: str, limit: int) -> None:
    """Check a text; its length first, so that what is too long is not even looked at.

    Args:
        name: What it is, for the message, which never repeats the text.
        text: The text.
        limit: Most characters.

    Raises:
        BadRequest: It is too long, or holds a control character.
    """
    if len(text) > limit:
        raise BadRequest(f'{name} has {len(text)} characters: expected at most {limit}')
    for character in text:
        if unicodedata.category(character) in _REFUSED:
            raise BadRequest(
                f'{name} holds the control character U+{ord(character):04X}: expected plain text'
            )

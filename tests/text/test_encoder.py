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
"""The text path: right weights or none, and words without emotion."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from l2emg_ros.emotion import LABELS
from l2emg_ros.errors import ExpertIntegrityError, ModelNotLoaded
from l2emg_ros.text import encoder, lexicon


def test_features_of_a_text_do_not_depend_on_its_batch(minilm: encoder.MiniLmEncoder) -> None:
    texts = ['wave', 'comfort a child who has lost a balloon', 'bow']
    together = minilm.encode(texts)
    for text, features in zip(texts, together, strict=True):
        (alone,) = minilm.encode([text])
        assert features.shape == alone.shape
        assert features.shape[1] == minilm.width
        np.testing.assert_allclose(features, alone, atol=1e-4)
        np.testing.assert_allclose(
            features[0], features[encoder.SENTENCE_ROWS :].mean(axis=0), atol=1e-5
        )


def test_similar_sentences_have_similar_features(minilm: encoder.MiniLmEncoder) -> None:
    first, second, other = (
        row[0] / np.linalg.norm(row[0])
        for row in minilm.encode(['wave to a guest', 'greet a visitor by waving', 'lift a box'])
    )
    assert first @ second > first @ other + 0.2


def test_long_texts_are_cut(minilm: encoder.MiniLmEncoder) -> None:
    (features,) = minilm.encode(['wave ' * 300])
    assert len(features) == encoder.MAX_ROWS


def test_weights_with_another_hash_are_refused(tmp_path: Path) -> None:
    (tmp_path / 'model.safetensors').write_bytes(b'not the weights')
    with pytest.raises(ExpertIntegrityError, match='SHA-256'):
        encoder.find_minilm(tmp_path)


def test_a_folder_without_weights_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelNotLoaded, match=str(tmp_path)):
        encoder.find_minilm(tmp_path)


def test_the_lexicon_covers_every_label_and_strips_its_words() -> None:
    assert set(lexicon.emotion_words().values()) == set(LABELS)
    assert lexicon.without_emotion('Happily wave to a sad visitor!') == 'wave to a visitor'
    assert lexicon.without_emotion('angrily') == 'angrily'

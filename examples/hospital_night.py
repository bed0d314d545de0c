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
"""Make a scenario to learn: a hospital ward at night, where every gesture is quiet.

Motions may come from anywhere: recordings, another robot's trajectories, an animator. Here they
are the shipped model's own, played as a night nurse might ask for: slower and smaller.

    python examples/hospital_night.py hospital_night
    l2emg train expert --scenario hospital_night
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
import sys

from l2emg_ros import EmpathicGenerator
from l2emg_ros.learning.correction import corrected, understood

REQUESTS = Path(__file__).with_suffix('.txt')
WISH = 'quieter, please'
# Seconds of the longest motion that the model can learn from.
LONGEST = 6.0


def main() -> int:
    """Write the motions and ``scenario.jsonl`` into a folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('folder', type=Path, help='made if it is not there')
    parser.add_argument('--wish', default=WISH, help='how the motions should be played')
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    generator, rows = EmpathicGenerator.load(), []
    for number, line in enumerate(REQUESTS.read_text('utf-8').splitlines()):
        emotion, text = (part.strip() for part in line.split('|'))
        motion = generator.generate(text, emotion=emotion, seed=number)
        if motion.duration > LONGEST:
            print(f'left out, it takes {motion.duration:.1f} s: {text}')
            continue
        quiet = corrected(motion, understood(args.wish), LONGEST)
        name = f'{number:02d}.npz'
        quiet.save(args.folder / name)
        rows.append({'motion': name, 'text': text, 'emotion': emotion, 'intensity': 1.0})
    lines = '\n'.join(json.dumps(row) for row in rows)
    (args.folder / 'scenario.jsonl').write_text(lines + '\n', 'utf-8')
    print(f'{args.folder}: {len(rows)} motions')
    return 0


if __name__ == '__main__':
    sys.exit(main())

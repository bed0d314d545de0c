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
"""`l2emg gallery`: pictures of prompts in several emotions, as a person and as a robot."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

HELP = 'Draw prompts in three emotions each, person above robot, as sheets and short films.'

Prompt = tuple[str, tuple[str, ...]]

# Gesture -> a sentence that the corpus does not hold, and emotions that change it most.
PROMPTS: dict[str, Prompt] = {
    'wave': ('wave to your cousin on the departing train', ('excited', 'sad', 'shy')),
    'stop': ('make the cart halt with your outstretched palm', ('angry', 'fearful', 'calm')),
    'dance': ('dance to the street band on the square', ('happy', 'shy', 'tired')),
    'plead': ('clasp your hands and implore the ferryman to wait', ('sad', 'fearful', 'angry')),
    'bow': ('take a bow in front of the three judges', ('proud', 'shy', 'tired')),
    'comfort': ('console the girl whose kitten ran away', ('compassion', 'fearful', 'tired')),
    'clap': ('clap for the magician who found the card', ('excited', 'tired', 'shy')),
    'cheer': ('cheer for the rowers as they cross the line', ('excited', 'tired', 'proud')),
    'handshake': ('shake hands with the captain of the other team', ('happy', 'angry', 'shy')),
    'hug': ('put your arms around your brother at the station', ('happy', 'sad', 'shy')),
    'beckon': ('wave the plumber over to the leaking tap', ('excited', 'angry', 'tired')),
    'explain': ('explain to the hikers how the water mill works', ('excited', 'shy', 'tired')),
    'shrug': ("shrug, the price of the melons is anybody's guess", ('happy', 'sad', 'angry')),
    'stretch': ('stretch your whole body after the bus ride', ('happy', 'tired', 'proud')),
    'walk_guide': ('lead the inspectors along to the boiler', ('proud', 'tired', 'fearful')),
    'point_forward': ('point at the lighthouse dead ahead', ('excited', 'fearful', 'calm')),
    'throw': ('throw the stick far out for the dog', ('happy', 'angry', 'tired')),
    'toast': ('raise a glass to the retiring postman', ('happy', 'sad', 'proud')),
    'conduct': ('conduct the brass band through the march', ('proud', 'angry', 'calm')),
    'knock': ('knock at the door of the cabin', ('calm', 'angry', 'fearful')),
    'laugh': ('laugh about the parrot that swears', ('happy', 'shy', 'tired')),
    'high_five': ('high five the goalkeeper after the shoot-out', ('excited', 'tired', 'shy')),
    'flex_muscles': ('flex your biceps for the camera at the gym', ('proud', 'shy', 'angry')),
    'facepalm': ('facepalm, the tickets are still on the piano', ('angry', 'sad', 'surprised')),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = (
        'example: l2emg gallery -o docs/gallery\n'
        'A line of the prompts file: nod to the judge | proud, shy, tired'
    )
    parser.add_argument('--model', type=Path, help='model folder; default: the shipped one')
    parser.add_argument('--robot', default='g1', help='robot or map file; default g1')
    parser.add_argument('--prompts', type=Path, help='file of prompts; default: 24 of its own')
    parser.add_argument(
        '--gifs', type=int, help='films, of the first prompts in their first emotion; default 6'
    )
    parser.add_argument('--seed', type=int, default=0, help='random seed of the motions')
    parser.add_argument('-o', '--output', type=Path, required=True, help='folder')


def run(args: argparse.Namespace) -> int:
    """Generate, retarget, draw."""
    from l2emg_ros.cli.progress import progress
    from l2emg_ros.errors import BadRequest
    from l2emg_ros.retarget.robot import Robot

    prompts = list(PROMPTS.values()) if args.prompts is None else read_prompts(args.prompts)
    films = min(6, len(prompts)) if args.gifs is None else args.gifs
    if not 0 <= films <= len(prompts):
        raise BadRequest(f'--gifs is {films}: expected 0 to {len(prompts)}')
    robot = Robot.load(args.robot)
    from l2emg_ros.bench import gallery
    from l2emg_ros.generator.generator import EmpathicGenerator
    from l2emg_ros.retarget.retargeter import Retargeter

    generator, retargeter = EmpathicGenerator.load(args.model), Retargeter(robot)
    written: list[Path] = []
    for number, (text, emotions) in enumerate(progress(prompts, 'draw')):
        motions = [generator.generate(text, emotion=e, seed=args.seed) for e in emotions]
        trajectories = [retargeter.retarget(motion) for motion in motions]
        sheet = args.output / gallery.file_name(text)
        rows = list(zip(emotions, motions, trajectories, strict=True))
        gallery.write_comparison(sheet, text, robot, rows)
        written.append(sheet)
        if number < films:
            film = sheet.with_name(f'{sheet.stem}-{emotions[0]}.gif')
            gallery.write_film(film, robot, motions[0], trajectories[0])
            written.append(film)
    _tell(written, args.output)
    return 0


def read_prompts(path: Path) -> list[Prompt]:
    """Read lines of the form ``sentence | emotion, emotion``; blank ones and ``#`` are skipped.

    Raises:
        BadRequest: A line is of another form, its request is refused, or two would be one file.
    """
    from l2emg_ros.bench.gallery import file_name
    from l2emg_ros.errors import BadRequest

    prompts: dict[str, Prompt] = {}
    for number, line in enumerate(path.read_text('utf-8', 'replace').splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith('#'):
            continue
        try:
            text, emotions = _prompt(line)
            name = file_name(text)
            if name in prompts or not Path(name).suffix:
                raise BadRequest(f'{text!r} makes no file name of its own: expected other words')
        except BadRequest as error:
            raise BadRequest(f'{path}:{number}: {error}') from None
        prompts[name] = text, emotions
    if not prompts:
        raise BadRequest(f'{path} holds no prompt: expected lines of sentence | emotions')
    return list(prompts.values())


def _prompt(line: str) -> Prompt:
    """Read one line and let the generator's checks see it before any work is done."""
    from l2emg_ros.emotion import Emotion
    from l2emg_ros.errors import BadRequest
    from l2emg_ros.generator.request import Request

    text, _, labels = (part.strip() for part in line.rpartition('|'))
    emotions = tuple(label.strip() for label in labels.split(','))
    if not text or not all(emotions):
        raise BadRequest(f'{line.strip()!r}: expected sentence | emotion, emotion')
    for label in emotions:
        Request(text, Emotion(label))
    return text, emotions


def _tell(written: Sequence[Path], folder: Path) -> None:
    """Print how many pictures there are and how large."""
    for what, suffix in (('sheets', '.png'), ('films', '.gif')):
        sizes = [path.stat().st_size / 1e6 for path in written if path.suffix == suffix]
        if sizes:
            total = f'{sum(sizes):.1f} MB, the largest {max(sizes):.2f} MB'
            print(f'{len(sizes)} {what}, {total} -> {folder}')

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
"""`l2emg log`: what has been recorded of interactions; look at it, take it out, erase it."""

from __future__ import annotations

import argparse
from datetime import datetime
import json
from pathlib import Path
import shutil
from typing import Any, TYPE_CHECKING

if TYPE_CHECKING:
    from l2emg_ros.lifelong.interaction import Interaction
    from l2emg_ros.lifelong.log import InteractionLog

HELP = 'List, show, export or erase recorded interactions.'
_DEFAULT = '~/.ros/l2emg/log'
# Lists in a message that are longer are counted instead of printed.
_LONGEST_LIST = 12
_ID_WIDTH = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions."""
    parser.epilog = (
        'example: l2emg log list --scenario reception\n'
        '         l2emg log show 3f2a\n'
        '         l2emg log export -o log.jsonl --motions motions\n'
        '         l2emg log erase --session visitor-17'
    )
    actions = parser.add_subparsers(metavar='ACTION', required=True, dest='action')
    for name, text, example in (
        ('list', 'List interactions, the oldest first.', 'list --scenario reception'),
        ('show', 'Show all of one interaction, with its messages.', 'show 3f2a'),
        ('export', 'Write interactions as JSON lines.', 'export -o log.jsonl --motions motions'),
        ('erase', 'Erase interactions, without a trace.', 'erase --session visitor-17'),
    ):
        action = actions.add_parser(
            name, help=text, description=text, epilog=f'example: l2emg log {example}'
        )
        action.add_argument(
            '--log', type=Path, default=Path(_DEFAULT), metavar='DIR', help='default: %(default)s'
        )
        if name in ('list', 'export'):
            action.add_argument('--scenario', default='', help='only those of this scenario')
            action.add_argument('--session', default='', help='only those of this session')
    chosen = actions.choices
    chosen['show'].add_argument('id', help='id, or as much of its beginning as tells it apart')
    chosen['export'].add_argument('-o', '--output', type=Path, required=True, metavar='FILE')
    chosen['export'].add_argument(
        '--motions', type=Path, metavar='DIR', help='also write every motion, as DIR/ID.npz'
    )
    what = chosen['erase'].add_mutually_exclusive_group(required=True)
    what.add_argument('--session', default='', metavar='S', help='all of this session')
    what.add_argument('--id', default='', help='this one')
    what.add_argument('--all', action='store_true', help='all there are')
    chosen['erase'].add_argument('--yes', action='store_true', help='do not ask')


def run(args: argparse.Namespace) -> int:
    """Run one action."""
    from l2emg_ros.lifelong.log import InteractionLog

    actions = {'list': _list, 'show': _show, 'export': _export, 'erase': _erase}
    with InteractionLog(args.log) as log:
        actions[args.action](log, args)
    return 0


def _list(log: InteractionLog, args: argparse.Namespace) -> None:
    found = log.interactions(args.scenario, args.session)
    line = f'{{:<{_ID_WIDTH + 2}}}{{:<18}}{{:<14}}{{:<12}}{{:<12}}{{:<8}}{{:<8}}'.format
    print(line('id', 'recorded', 'session', 'scenario', 'emotion', 'rating', 'played') + 'text')
    width = max(shutil.get_terminal_size((120, 24)).columns - len(line(*[''] * 7)), 20)
    for item in found:
        said, emotion = item.feedback, item.emotion
        print(
            line(
                item.id[:_ID_WIDTH],
                _time(item.recorded)[:16],
                _short(said.session_id or '-', 13),
                _short(item.scenario or '-', 11),
                _short('-' if emotion is None else str(emotion), 11),
                '-' if said.rating is None else f'{said.rating:+.2f}',
                '-' if item.outcome is None else 'yes' if item.outcome.completed else 'in part',
            )
            + _short(item.text, width)
        )
    print(f'{len(found)} interactions in {log.folder}')


def _show(log: InteractionLog, args: argparse.Namespace) -> None:
    from l2emg_ros.lifelong import recording

    item = _one(log, args.id)
    path = log.recording(item.id)
    value = item.to_dict()
    value['recorded'] = _time(item.recorded)
    value['keep_until'] = value['keep_until'] and _time(value['keep_until'])
    feedback = value.pop('feedback')
    for name, content in (*value.items(), *(feedback | {'recording': str(path)}).items()):
        print(f'{name:<20}{_json(content)}')
    print('messages')
    for record, message in recording.decoded(path):
        fields = _json(_abridged(recording.fields(message)))
        print(f'  {_time(record.stamp * 1e-9)}  {record.topic:<22}{fields}')


def _export(log: InteractionLog, args: argparse.Namespace) -> None:
    from l2emg_ros.files import atomic_write

    found = log.interactions(args.scenario, args.session)
    # Personal, as the log is.
    with atomic_write(args.output, 0o600) as temporary, temporary.open('w', encoding='utf-8') as f:
        for item in found:
            value = item.to_dict()
            if args.motions is not None:
                value['motion'] = str(_export_motion(log, item, args.motions).resolve())
            f.write(_json(value) + '\n')
    beside = '' if args.motions is None else f', their motions to {args.motions}'
    print(f'{len(found)} interactions written to {args.output}{beside}')


def _export_motion(log: InteractionLog, item: Interaction, folder: Path) -> Path:
    from l2emg_ros.files import atomic_write
    from l2emg_ros.lifelong import recording

    motion = recording.motions(log.recording(item.id))[item.motion_id]
    path = folder / f'{item.id}.npz'
    with atomic_write(path, 0o600) as temporary:
        motion.save(temporary)
    return path


def _erase(log: InteractionLog, args: argparse.Namespace) -> None:
    from l2emg_ros.errors import BadRequest

    which = {'session': args.session, 'everything': args.all}
    count = len(log.interactions(session=args.session))
    if args.id:
        which, count = {'id': _one(log, args.id).id}, 1
    if count and not args.yes and not _confirmed(f'Erase {count} interactions? [y/N] '):
        raise BadRequest('not confirmed: nothing was erased')
    print(f'{log.erase(**which)} interactions erased from {log.folder}')


def _confirmed(question: str) -> bool:
    try:
        return input(question).strip().lower() in ('y', 'yes')
    except EOFError:
        print()
        return False


def _one(log: InteractionLog, beginning: str) -> Interaction:
    """Return the only interaction whose id begins so."""
    from l2emg_ros.errors import BadRequest

    found = [item for item in log.interactions() if item.id.startswith(beginning)]
    if not beginning or not found:
        raise BadRequest(f'no interaction {beginning!r} in {log.folder}')
    if len(found) > 1:
        ids = ', '.join(item.id[: len(beginning) + 4] for item in found[:4])
        raise BadRequest(f'{beginning!r} begins {len(found)} ids, such as {ids}: say more of it')
    return found[0]


def _time(seconds: float) -> str:
    """Return a time, s since the epoch, as the local one."""
    return datetime.fromtimestamp(seconds).isoformat(' ', 'milliseconds')


def _short(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + '…'


def _abridged(value: Any) -> Any:
    """Return decoded fields with long lists counted."""
    if isinstance(value, dict):
        return {name: _abridged(item) for name, item in value.items()}
    if isinstance(value, list):
        return (
            f'{len(value)} values'
            if len(value) > _LONGEST_LIST
            else [_abridged(item) for item in value]
        )
    return value


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)

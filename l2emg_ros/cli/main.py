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
"""Entry point of the `l2emg` command: finds the sub-command and turns errors into one line."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
import importlib
import logging
import os
import signal
import sys
from types import ModuleType
from typing import NoReturn

import l2emg_ros
from l2emg_ros.errors import L2EmgError

# Sub-command -> module, imported when it is needed so that one command never loads another's.
COMMANDS = {
    'generate': 'l2emg_ros.cli.generate',
    'retarget': 'l2emg_ros.cli.retarget',
    'render': 'l2emg_ros.cli.render',
    'convert': 'l2emg_ros.cli.convert',
    'train': 'l2emg_ros.cli.train',
    'experts': 'l2emg_ros.cli.experts',
    'log': 'l2emg_ros.cli.log',
    'bench': 'l2emg_ros.cli.bench',
    'robots': 'l2emg_ros.cli.robots',
    'up': 'l2emg_ros.cli.up',
    'demo': 'l2emg_ros.cli.demo',
    'gallery': 'l2emg_ros.cli.gallery',
}
BAD_INPUT = 2
INTERRUPTED = 130


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaint is one line."""

    def error(self, message: str) -> NoReturn:
        """Print what was wrong and where help is, then exit with code 2."""
        self.exit(BAD_INPUT, f'{self.prog}: {_one_line(message)} (see {self.prog} --help)\n')


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one `l2emg` command.

    Args:
        arguments: words after `l2emg`; None takes them from the process.

    Returns:
        Exit code: 0 success, 2 bad usage or bad input, 130 interrupted or terminated.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    logging.basicConfig(level=logging.WARNING, format='%(name)s: %(message)s')
    if arguments is None:
        # What `kill` and `timeout` end leaves no nodes behind, no more than what Ctrl-C ends.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    chosen = words[:1] if words[:1] and words[0] in COMMANDS else COMMANDS
    try:
        try:
            parsed = _parser(chosen).parse_args(words)
            return int(parsed.run(parsed) or 0)
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader (head, less) has left; keep the interpreter from flushing into it again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split('.')[0] == 'l2emg_ros':
            raise
        print(f'l2emg: {error}; `make setup` installs it', file=sys.stderr)
        return BAD_INPUT
    except (L2EmgError, OSError) as error:
        print(f'l2emg: {_describe(error)}', file=sys.stderr)
        return BAD_INPUT


def _parser(commands: Iterable[str]) -> Parser:
    parser = Parser(
        prog='l2emg',
        description=l2emg_ros.__doc__.splitlines()[0] if l2emg_ros.__doc__ else None,
        epilog='example: l2emg generate "wave to greet an old friend" --emotion happy -o wave.npz',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--version', action='version', version=f'l2emg {l2emg_ros.__version__}')
    subparsers = parser.add_subparsers(metavar='COMMAND', required=True)
    for name in commands:
        module: ModuleType = importlib.import_module(COMMANDS[name])
        subparser = subparsers.add_parser(
            name,
            help=module.HELP,
            description=module.HELP,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(subparser)
        subparser.set_defaults(run=module.run)
    return parser


def _describe(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return _one_line(f'{error.filename}: {error.strerror}')
    return _one_line(str(error))


def _one_line(text: str) -> str:
    return ' '.join(text.split())


if __name__ == '__main__':
    sys.exit(main())

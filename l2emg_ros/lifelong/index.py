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
"""The index of the interaction log: one SQLite database of rows, in WAL mode.

It is private to `log.py`, which keeps it and the files beside it the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
import json
import os
from pathlib import Path
import re
import sqlite3
from typing import Any

import numpy as np

from l2emg_ros.emotion import Emotion
from l2emg_ros.errors import L2EmgError, LogError
from l2emg_ros.lifelong.interaction import Feedback, Interaction, Outcome

# Folder of the recordings and demonstrations, beside the index.
FILES = 'interactions'
# Names that only the log gives, complete or not: what else lies there is left alone.
OURS = re.compile(r'[0-9a-f]{32}\.(mcap|demo\.\w+)|\.tmp-[^/]*')
_SCHEMA = 1
# Says that a database is ours: 'L2EM'.
_APPLICATION = 0x4C32454D
# How long a command waits for another process that is writing or reading, s.
_PATIENCE = 10.0
_CREATE = (
    """CREATE TABLE interactions (
        id TEXT PRIMARY KEY,
        recorded REAL NOT NULL,
        keep_until REAL NOT NULL,
        consent INTEGER NOT NULL CHECK (consent = 1),
        session_id TEXT NOT NULL,
        motion_id TEXT NOT NULL,
        text TEXT NOT NULL,
        scenario TEXT NOT NULL,
        emotion TEXT,
        model TEXT NOT NULL,
        experts TEXT NOT NULL,
        expert_weights TEXT NOT NULL,
        novelty_p_value REAL NOT NULL,
        seed INTEGER NOT NULL,
        tokens BLOB NOT NULL,
        token_levels INTEGER NOT NULL,
        seconds REAL NOT NULL,
        rating REAL,
        human_before TEXT,
        human_after TEXT,
        confidence_before REAL NOT NULL,
        confidence_after REAL NOT NULL,
        correction TEXT NOT NULL,
        preferred_motion_id TEXT NOT NULL,
        demonstration TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        demonstration_sha256 TEXT NOT NULL)""",
    """CREATE TABLE outcomes (
        motion_id TEXT NOT NULL,
        completed INTEGER NOT NULL,
        time_stretch REAL NOT NULL,
        trimmed REAL NOT NULL,
        tracking_error REAL)""",
    # Files whose rows are gone: the next who erases removes what a crash has left of them.
    'CREATE TABLE doomed (file TEXT PRIMARY KEY)',
    *(
        f'CREATE INDEX by_{name} ON interactions ({name})'
        for name in ('motion_id', 'session_id', 'scenario', 'keep_until')
    ),
    'CREATE INDEX outcomes_by_motion ON outcomes (motion_id)',
)
_SELECT = """SELECT i.*, o.completed, o.time_stretch, o.trimmed, o.tracking_error,
    o.motion_id AS outcome FROM interactions i LEFT JOIN outcomes o
    ON o.rowid = (SELECT MAX(rowid) FROM outcomes WHERE motion_id = i.motion_id)"""


class Index:
    """An open index.

    Args:
        path: The database.
        create: Make it where it is not there, and check it; else it must be there.

    Raises:
        LogError: It is missing, damaged, or of another version.
    """

    def __init__(self, path: Path, *, create: bool = False) -> None:
        self.path = path
        if create and not path.exists():
            # SQLite gives its journals the permissions of the database.
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        with self._told():
            # One thread at a time uses it, but not always the one that has opened it.
            self._connection = sqlite3.connect(
                f'{path.absolute().as_uri()}?mode=rw',
                uri=True,
                timeout=_PATIENCE,
                isolation_level=None,
                check_same_thread=False,
            )
        self._inode = path.stat().st_ino
        try:
            self._prepare(create)
        except BaseException:
            self.close()
            raise

    def _prepare(self, create: bool) -> None:
        with self._told():
            self._connection.row_factory = sqlite3.Row
            version = self._pragma('user_version')
            application = self._pragma('application_id')
            tables = self._one('SELECT COUNT(*) FROM sqlite_master')
        if version > _SCHEMA and application == _APPLICATION:
            raise LogError(
                f'{self.path} has schema {version}, made by a newer l2emg_ros: '
                f'this one reads up to {_SCHEMA}'
            )
        if (version or tables) and application != _APPLICATION:
            raise LogError(f'{self.path} is a database of something else: expected a log')
        if not tables and not create:
            raise LogError(f'{self.path} is empty: expected a log of interactions')
        with self._told():
            # FULL: a row that was committed survives a power cut. Nothing that was deleted stays
            # in the file, nor is it put into temporary ones.
            for setting in ('synchronous=FULL', 'secure_delete=ON', 'temp_store=MEMORY'):
                self._connection.execute(f'PRAGMA {setting}')
            if not tables:
                self._connection.execute('PRAGMA journal_mode=WAL')
                with self._transaction():
                    for statement in _CREATE:
                        self._connection.execute(statement)
                    self._connection.execute(f'PRAGMA application_id={_APPLICATION}')
                    self._connection.execute(f'PRAGMA user_version={_SCHEMA}')
            elif create and (found := self._pragma('quick_check')) != 'ok':
                raise LogError(f'{self.path} is damaged: {found}')

    def close(self) -> None:
        """Close the database; idempotent."""
        self._connection.close()

    @property
    def present(self) -> bool:
        """Whether the file that is open is still the one of this name."""
        try:
            return self.path.stat().st_ino == self._inode
        except FileNotFoundError:
            return False

    # Writing.

    def insert(
        self, interaction: Interaction, files: Sequence[str], hashes: Sequence[str]
    ) -> None:
        """Add a row, and the outcome where it is known; on return they are on disk.

        Args:
            interaction: With its id.
            files: Names of the recording and, or '', of the demonstration.
            hashes: Their SHA-256.
        """
        row = _row(interaction) | {
            'demonstration': files[1],
            'sha256': hashes[0],
            'demonstration_sha256': hashes[1],
        }
        with self._told(), self._transaction():
            self._add('interactions', row)
            if interaction.outcome is not None:
                self._add('outcomes', _outcome_row(interaction.motion_id, interaction.outcome))

    def outcome(self, motion_id: str, outcome: Outcome) -> bool:
        """Add what became of a motion, if there are interactions about it."""
        with self._told(), self._transaction():
            known = self._known(motion_id)
            if known:
                self._add('outcomes', _outcome_row(motion_id, outcome))
        return known

    def doom(self, condition: str, *values: Any) -> int:
        """Delete rows and note their files for removal; return how many."""
        with self._told(), self._transaction():
            rows = self._connection.execute(
                f'SELECT id, demonstration FROM interactions WHERE {condition}', values
            ).fetchall()
            for identifier, demonstration in rows:
                names = [f'{identifier}.mcap', *([demonstration] if demonstration else [])]
                for name in map(_checked, names):
                    self._connection.execute('INSERT OR IGNORE INTO doomed VALUES (?)', (name,))
            self._connection.execute(f'DELETE FROM interactions WHERE {condition}', values)
            self._connection.execute(
                'DELETE FROM outcomes WHERE motion_id NOT IN (SELECT motion_id FROM interactions)'
            )
        return len(rows)

    def doomed(self) -> list[str]:
        """Return the names of files that are to be removed.

        Raises:
            LogError: One is no name that a log gives: it could be that of any file.
        """
        with self._told():
            rows = self._connection.execute('SELECT file FROM doomed').fetchall()
        return [_checked(row[0]) for row in rows]

    def scrub(self, names: Sequence[str]) -> None:
        """Leave no byte of deleted rows in the database or its journal, then forget the names.

        Raises:
            LogError: Another process keeps reading the old rows.
        """
        with self._told():
            # Pages that were rebalanced may keep copies that secure_delete does not see.
            self._connection.execute('VACUUM')
            busy = self._connection.execute('PRAGMA wal_checkpoint(TRUNCATE)').fetchone()[0]
            if busy:
                raise LogError(
                    f'{self.path}: erased, but another process still reads the old rows: '
                    'erase again when it has ended'
                )
            with self._transaction():
                for name in names:
                    self._connection.execute('DELETE FROM doomed WHERE file = ?', (name,))

    # Reading.

    def select(self, condition: str = '1', *values: Any) -> list[Interaction]:
        """Return interactions in the order in which they were recorded."""
        order = f'{_SELECT} WHERE {condition} ORDER BY i.recorded, i.rowid'
        with self._told():
            rows = self._connection.execute(order, values).fetchall()
            return [self._interaction(row) for row in rows]

    def files(self, identifier: str) -> list[tuple[str, str]]:
        """Return names and hashes of the files of an interaction; none: there is no such."""
        with self._told():
            row = self._connection.execute(
                'SELECT sha256, demonstration, demonstration_sha256 FROM interactions '
                'WHERE id = ?',
                (identifier,),
            ).fetchone()
        if row is None:
            return []
        named = [(f'{identifier}.mcap', str(row[0]))]
        return [*named, (_checked(row[1]), str(row[2]))] if row[1] else named

    def names(self) -> set[str]:
        """Return the names of all files that belong to rows or are being removed."""
        with self._told():
            rows = self._connection.execute(
                "SELECT id || '.mcap' FROM interactions UNION SELECT demonstration "
                'FROM interactions UNION SELECT file FROM doomed'
            )
            return {str(row[0]) for row in rows}

    def count(self) -> int:
        """Return the number of interactions."""
        with self._told():
            return int(self._one('SELECT COUNT(*) FROM interactions'))

    def _known(self, motion_id: str) -> bool:
        row = 'SELECT EXISTS (SELECT 1 FROM interactions WHERE motion_id = ?)'
        return bool(self._one(row, motion_id))

    def _interaction(self, row: sqlite3.Row) -> Interaction:
        try:
            return _from_row(row, self.path.parent)
        except (L2EmgError, ValueError, TypeError, KeyError) as error:
            raise LogError(f'{self.path}: row {row["id"]} is damaged: {error}') from None

    # SQLite.

    def _add(self, table: str, row: dict[str, Any]) -> None:
        places = ', '.join('?' * len(row))
        self._connection.execute(
            f'INSERT INTO {table} ({", ".join(row)}) VALUES ({places})', tuple(row.values())
        )

    def _one(self, query: str, *values: Any) -> Any:
        return self._connection.execute(query, values).fetchone()[0]

    def _pragma(self, name: str) -> Any:
        return self._one(f'PRAGMA {name}')

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute('BEGIN IMMEDIATE')
        try:
            yield
            self._commit()
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute('ROLLBACK')
            raise

    def _commit(self) -> None:
        self._connection.execute('COMMIT')

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say of every error of SQLite in which file it was."""
        try:
            yield
        except sqlite3.Error as error:
            raise LogError(f'{self.path}: {error}') from None


def _row(interaction: Interaction) -> dict[str, Any]:
    said = interaction.feedback
    return {
        'id': interaction.id,
        'recorded': interaction.recorded,
        'keep_until': interaction.keep_until,
        'consent': 1,
        'session_id': said.session_id,
        'motion_id': interaction.motion_id,
        'text': interaction.text,
        'scenario': interaction.scenario,
        'emotion': _emotion_text(interaction.emotion),
        'model': interaction.model,
        'experts': json.dumps(interaction.experts),
        'expert_weights': json.dumps(interaction.expert_weights),
        'novelty_p_value': interaction.novelty_p_value,
        'seed': interaction.seed,
        'tokens': interaction.tokens.astype('<u2').tobytes(),
        'token_levels': interaction.tokens.shape[1],
        'seconds': interaction.seconds,
        'rating': said.rating,
        'human_before': _emotion_text(said.human_before),
        'human_after': _emotion_text(said.human_after),
        'confidence_before': said.confidence_before,
        'confidence_after': said.confidence_after,
        'correction': said.correction,
        'preferred_motion_id': said.preferred_motion_id,
    }


def _outcome_row(motion_id: str, outcome: Outcome) -> dict[str, Any]:
    return {'motion_id': motion_id, **asdict(outcome)}


def _from_row(row: sqlite3.Row, folder: Path) -> Interaction:
    levels = int(row['token_levels'])
    tokens = np.frombuffer(row['tokens'], dtype='<u2').astype(np.int64)
    demonstration = row['demonstration']
    outcome = None
    if row['outcome'] is not None:
        outcome = Outcome(
            bool(row['completed']), row['time_stretch'], row['trimmed'], row['tracking_error']
        )
    return Interaction(
        id=row['id'],
        recorded=row['recorded'],
        keep_until=row['keep_until'],
        motion_id=row['motion_id'],
        text=row['text'],
        scenario=row['scenario'],
        emotion=_emotion(row['emotion']),
        model=row['model'],
        experts=tuple(json.loads(row['experts'])),
        expert_weights=tuple(json.loads(row['expert_weights'])),
        novelty_p_value=row['novelty_p_value'],
        seed=row['seed'],
        tokens=tokens.reshape(-1, levels) if levels else np.zeros((0, 0), dtype=np.int64),
        seconds=row['seconds'],
        feedback=Feedback(
            motion_id=row['motion_id'],
            session_id=row['session_id'],
            rating=row['rating'],
            human_before=_emotion(row['human_before']),
            human_after=_emotion(row['human_after']),
            correction=row['correction'],
            preferred_motion_id=row['preferred_motion_id'],
            demonstration=str(folder / FILES / _checked(demonstration)) if demonstration else '',
            confidence_before=row['confidence_before'],
            confidence_after=row['confidence_after'],
        ),
        outcome=outcome,
    )


def _checked(name: object) -> str:
    """Return the name of a file of a log; another one could lead anywhere."""
    if not isinstance(name, str) or not OURS.fullmatch(name):
        raise LogError(f'the log is damaged: it names the file {name!r:.80}')
    return name


def _emotion_text(emotion: Emotion | None) -> str | None:
    return None if emotion is None else json.dumps(asdict(emotion))


def _emotion(text: str | None) -> Emotion | None:
    return None if text is None else Emotion(**json.loads(text))

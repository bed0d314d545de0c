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

"""Drafts the map file of a robot from its URDF; what is guessed says ``# check:``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
import os
from pathlib import Path
import re
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray
import pinocchio as pin
import yaml

from l2emg_ros.errors import RobotMapError
from l2emg_ros.motion import rotation, skeleton
from l2emg_ros.motion.motion import Motion
from l2emg_ros.retarget import check, limbs, mapping, urdf
from l2emg_ros.retarget.collision import SelfCollision
from l2emg_ros.retarget.figure import Figure, flexion, recognise
from l2emg_ros.retarget.ik import FrameSolver
from l2emg_ros.retarget.limbs import Limb
from l2emg_ros.retarget.robot import assemble, Robot
from l2emg_ros.retarget.targets import Builder

Array = NDArray[np.float64]
# One line of YAML and the comment behind it.
Line = tuple[str, Any, str]

# rad/s: what next to no gesture of people exceeds, and still safe beside them (see the G1's map).
_FASTEST = {
    'waist': 5.0,
    'head': 4.0,
    'shoulder': 8.0,
    'elbow': 10.0,
    'wrist': 10.0,
    'hip': 8.0,
    'knee': 12.0,
    'ankle': 12.0,
}
# Share of that where the URDF says nothing.
_UNKNOWN = 0.25
# Full speed is reached in this time, s, if the motors can.
_RAMP = 0.1
# Share of the torque above gravity that a drafted acceleration uses.
_TORQUE = 0.8
# A point nearer to the origin of its link than this is the origin, m.
_AT_ORIGIN = 0.004
# An axis of a link counts as the direction of a body part when their cosine is above this.
_ALIGNED = 0.95
# An axis points sideways when its cosine with left is above this.
_SIDEWAYS = 0.7
# Sizes as shares: of the half width of shoulders and hips, and of the length of arm and leg.
_TRUNK, _THIGH, _HAND, _HAND_LENGTH = 0.7, 0.9, 0.15, 0.45
_FOOT = {'heel': -0.08, 'toe': 0.2, 'half': 0.05, 'height': 0.08}
# A socket that moves more than this while the limb does is worth a look, m.
_SPREAD = 0.01
# Tangent of the angle by which the forearm points forward in the home pose.
_ELBOW = 0.35
# How far out hanging arms are held, rad: the first that does not touch the trunk.
_ARMS_OUT = (0.12, 0.25, 0.4, 0.55, 0.7)
_FULL_TURN = 2 * np.pi


def draft(path: Path, target: Path, name: str = '') -> str:
    """Return the text of a map file.

    Args:
        path: The URDF.
        target: Where the map file will lie; the URDF is addressed from there, or by its package.
        name: Name of the robot; empty: that of the URDF.

    Raises:
        RobotMapError: It is not a URDF, or has no two arms.
        OSError: It cannot be read.
    """
    figure = recognise(urdf.read(path), path)
    title = name or _plain(str(ElementTree.parse(path).getroot().get('name', path.stem)))
    links = _links(figure)
    locked = _locked(figure)
    content: dict[str, Any] = {
        'name': title,
        'urdf': str(path.resolve()),
        'locked': [joint for joint, _ in locked],
        'links': {key: value for key, value, _ in links},
        'body': _body(figure),
        'limits': [*_narrowed(figure), {'joints': '*', 'velocity': 1.0, 'acceleration': 1.0}],
    }
    # The velocities above are no limits yet, only there to have a robot to pose.
    robot, _ = assemble(mapping.parse(content, target))
    home = _home(robot)
    joints = len(robot.joint_names)
    limb = 'arms and legs' if figure.legs else 'arms'
    head = [
        ('name', title, ''),
        ('description', f'{title}, {joints} joints, {limb}; drafted by l2emg robots init', ''),
        ('urdf', _address(path, target), ''),
    ]
    parts = [
        '# Drafted by `l2emg robots init`: look at every line that says "check", then run\n'
        '# `l2emg robots check` on this file.',
        *_asymmetries(figure),
        _block('', head),
    ]
    if locked:
        parts.append(
            '# Joints that stay at 0: fingers, wheels, lifts, and what mimics other joints.\n'
            + _flow('locked', [joint for joint, _ in locked])
        )
    parts += [
        '# Which link stands for which part of a person (REP-120 names); points in metres in the\n'
        '# frame of the link, directions along its axes.\n' + _block('links', links),
        '# m, to keep the hands out of trunk and thighs and off each other.\n'
        '# check: guessed from the lengths of the limbs, not from the shapes.\n'
        + _flow('body', content['body']),
        '# rad; joints that are not named rest at 0.\n'
        + _block('home', [(joint, value, '') for joint, value in home.items()]),
        '# rad/s and rad/s^2. Velocities: of the URDF, or less where gestures beside people need\n'
        '# less. Accelerations: full speed after 0.1 s, less where the torque of the motor above\n'
        '# gravity does not give it.\n' + _rules(figure, robot, home),
        _block('groups', [(key, value, '') for key, value in _groups(figure).items()]),
    ]
    return '\n\n'.join(parts) + '\n'


def _links(figure: Figure) -> list[Line]:
    """Return the entries of links, with what is doubtful about them."""
    tree = figure.tree
    base = tree.links(0)[0][0]
    doubt = figure.doubts.get('forward', '')
    forward, up = (_axis(np.eye(3), v) for v in (figure.forward, figure.up))
    lines: list[Line] = [
        ('base_link', {'link': base, 'forward': forward, 'up': up}, doubt and f'forward: {doubt}'),
        _torso(figure),
    ]
    if figure.head:
        line = _oriented(
            figure, 'gaze', figure.head[-1], {'forward': figure.forward, 'up': figure.up}
        )
        if line:
            lines.append(line)
    for side, arm in figure.arms.items():
        lines += _limb_lines(figure, side, arm, ('shoulder', 'elbow', 'wrist'))
        if line := _gripper(figure, side, arm):
            lines.append(line)
    for side, leg in figure.legs.items():
        lines += _limb_lines(figure, side, leg, ('hip', 'knee', 'ankle'))
        lines.append(_sole(figure, side, leg))
    return lines


def _torso(figure: Figure) -> Line:
    """The link that carries the arms; its point is what stays in place when the waist bends."""
    tree = figure.tree
    turning = [j for j in figure.waist if tree.axes[j].any()]
    at = limbs.meeting(tree.at[turning], tree.axes[turning]) if turning else tree.at[0]
    directions = {'forward': figure.forward, 'up': figure.up}
    line = _oriented(figure, 'torso', figure.torso, directions, at)
    if line is None:
        name, _, turn = tree.links(figure.torso)[0]
        nearest = {key: _axis(turn, way, 0.0) for key, way in directions.items()}
        return 'torso', {'link': name, **nearest}, 'no link of the torso is aligned with the root'
    return line


def _oriented(
    figure: Figure, key: str, joint: int, directions: Mapping[str, Array], at: Array | None = None
) -> Line | None:
    """Return the first link of a joint whose axes are aligned with the directions."""
    for name, place, turn in figure.tree.links(joint):
        axes = {word: _axis(turn, way) for word, way in directions.items()}
        if all(axes.values()):
            point = {} if at is None else _point(turn, at - place)
            return key, {'link': name, **point, **axes}, ''
    return None


def _limb_lines(figure: Figure, side: str, limb: Limb, parts: Sequence[str]) -> list[Line]:
    tree = figure.tree
    nearest = min(
        limb.sockets, key=lambda j: float(np.round(np.linalg.norm(tree.at[j] - limb.socket_at), 3))
    )
    doubts = ['', '', '']
    if limb.spread > _SPREAD:
        doubts[0] = (
            f'the axes do not meet, {parts[1]} leaves its sphere by {1e3 * limb.spread:.0f} mm'
        )
    if not limb.hinged:
        doubts[2] = 'no joint found here, taken as the end of the last link'
    lines = []
    for part, joint, at, doubt in zip(
        parts,
        (nearest, limb.bend, limb.end),
        (limb.socket_at, limb.bend_at, limb.end_at),
        doubts,
        strict=True,
    ):
        name, place, turn = tree.links(joint)[0]
        point = _point(turn, at - place)
        if point and not limb.hinged and joint == limb.end:
            # A fixed link right there says it better than numbers.
            there = [n for n, p, _ in tree.links(joint) if np.linalg.norm(p - at) < _AT_ORIGIN]
            name, point = (there[0], {}) if there else (name, point)
        lines.append((f'{side}_{part}', {'link': name, **point} if point else name, doubt))
    return lines


def _gripper(figure: Figure, side: str, arm: Limb) -> Line | None:
    """Return the hand: fingers go on where the forearm ends, the palm is the axis of the elbow.

    An elbow that bends forward turns about an axis that points to the right on both sides, as
    does the palm of the left hand: it is the axis of bending, that of the right hand its opposite.
    Where it points sideways the palm faces the body, whatever the range of the elbow says.
    """
    fingers = arm.end_at - arm.bend_at
    palm = flexion(figure, arm) * (1.0 if side == 'l' else -1.0)
    inwards = figure.left @ palm * (-1.0 if side == 'l' else 1.0)
    if abs(inwards) > _SIDEWAYS:
        palm = palm * np.sign(inwards)
    directions = {'fingers': fingers / np.linalg.norm(fingers), 'palm': palm}
    line = _oriented(figure, f'{side}_gripper', arm.joints[-1], directions)
    if line is None or line[1]['fingers'][1] == line[1]['palm'][1]:
        return None
    return line[0], line[1], 'the directions of fingers and palm'


def _sole(figure: Figure, side: str, leg: Limb) -> Line:
    """Return the foot with the corners of its sole."""
    tree, key = figure.tree, f'{side}_sole'
    foot = leg.joints[-1]
    directions = {'forward': figure.forward, 'up': figure.up}
    line = _oriented(figure, key, foot, directions)
    doubts = [] if line else ['no link of the foot is aligned with the root in the zero pose']
    name = line[1]['link'] if line else tree.links(foot)[0][0]
    place, turn = next((p, r) for n, p, r in tree.links(foot) if n == name)
    axes = {word: _axis(turn, way, 0.0) for word, way in directions.items()}
    ways = np.array([figure.forward, figure.left, figure.up])
    if side in figure.feet:
        points = figure.feet[side] @ ways.T
        (back, inner, low), (front, outer, _) = points.min(axis=0), points.max(axis=0)
    else:
        at = ways @ leg.end_at
        back, front = at[0] + leg.length * _FOOT['heel'], at[0] + leg.length * _FOOT['toe']
        inner, outer = at[1] - leg.length * _FOOT['half'], at[1] + leg.length * _FOOT['half']
        low = at[2] - leg.length * _FOOT['height']
        doubts.append('the foot has no shapes, a careful rectangle; measure the sole')
    corners = [
        np.round(turn.T @ (ways.T @ [x, y, low] - place), 3) + 0.0
        for x, y in ((front, outer), (front, inner), (back, outer), (back, inner))
    ]
    entry = {'link': name, **axes, 'corners': [corner.tolist() for corner in corners]}
    return key, entry, '; '.join(doubts)


def _locked(figure: Figure) -> list[tuple[str, int]]:
    """Return the joints that no part of a person moves."""
    moving = set(figure.moving)
    model = figure.tree.model
    return [(model.names[j], j) for j in range(1, model.njoints) if j not in moving]


def _body(figure: Figure) -> dict[str, float]:
    """Guess the sizes that keep hands out of the body."""
    arm = figure.arms['l']
    shoulders = figure.arms['l'].socket_at - figure.arms['r'].socket_at
    hips = (
        figure.legs['l'].socket_at - figure.legs['r'].socket_at if figure.legs else shoulders * 0.6
    )
    sizes: dict[str, Any] = {
        'trunk': _TRUNK * np.linalg.norm(shoulders) / 2,
        'thigh': _THIGH * np.linalg.norm(hips) / 2,
        'hand': _HAND * arm.length,
        'hand_length': _HAND_LENGTH * arm.length,
    }
    return {key: round(float(size), 3) for key, size in sizes.items()}


def _narrowed(figure: Figure) -> list[dict[str, Any]]:
    """Return rules for joints that turn by more than a full turn: half a turn to either side."""
    model = figure.tree.model
    rules = []
    for joint in figure.moving:
        i = model.joints[joint].idx_q
        low, high = model.lowerPositionLimit[i], model.upperPositionLimit[i]
        if high - low > _FULL_TURN + 1e-6:
            low, high = max(low, -3.14), min(high, 3.14)
            rules.append({'joints': model.names[joint], 'lower': float(low), 'upper': float(high)})
    return rules


def _home(robot: Robot) -> dict[str, float]:
    """Return the pose of a person who stands with hanging arms, knees and elbows slightly bent.

    Where the ankles cannot follow bent knees these are straight; where arms would touch the trunk
    they hang farther out.
    """
    for bent in (True, False):
        q = _posed(robot, _standing(bent, _ARMS_OUT[0]))
        if not check.uneven(replace(robot, home=q)):
            break
    try:
        hulls = SelfCollision(robot)
        for out in _ARMS_OUT[1:]:
            if not hulls.colliding(q):
                break
            q = _posed(robot, _standing(bent, out))
    except RobotMapError:
        pass  # without its meshes nothing is known of how thick the robot is
    return {
        joint: round(value, 2)
        for joint, value, low, high in zip(
            robot.joint_names, q.tolist(), robot.lower, robot.upper, strict=True
        )
        if abs(value) > 0.005 or not low <= 0 <= high
    }


def _posed(robot: Robot, motion: Motion) -> Array:
    """Return the pose (N,) for one frame, to 0.01 rad and inside the limits."""
    builder = Builder(robot, 'fixed')
    targets = builder.build(motion)
    q, _ = FrameSolver(robot, builder).solve(targets.points[0], targets.orientations[0], 1.0)
    rounded = np.clip(
        np.round(q, 2), np.ceil(100 * robot.lower) / 100, np.floor(100 * robot.upper) / 100
    )
    return np.clip(rounded, robot.lower, robot.upper)


def _standing(bent: bool, out: float) -> Motion:
    """Return one frame of a person at rest, arms ``out`` rad from hanging straight down."""
    local = np.tile([0.0, 0.0, 0.0, 1.0], (1, 22, 1))
    local[:, 0] = rotation.SMPL_TO_ROS_QUAT
    knee = 0.3 if bent else 0.0
    for side, sign in (('left', 1.0), ('right', -1.0)):
        # In SMPL's axes: x left, y up, z forward.
        hanging = np.array([sign * np.sin(out), -np.cos(out), 0.0])
        upper = rotation.between(_bone(f'{side}_elbow'), hanging)
        fore = rotation.between(
            rotation.apply(upper, _bone(f'{side}_wrist')), hanging + np.array([0.0, 0.0, _ELBOW])
        )
        turns = {
            'shoulder': upper,
            'elbow': rotation.multiply(rotation.inverse(upper), rotation.multiply(fore, upper)),
            'hip': rotation.from_rotvec([-knee / 2, 0.0, 0.0]),
            'knee': rotation.from_rotvec([knee, 0.0, 0.0]),
            'ankle': rotation.from_rotvec([-knee / 2, 0.0, 0.0]),
        }
        for joint, turn in turns.items():
            local[:, skeleton.index(f'{side}_{joint}')] = turn
    return Motion.from_rotations(local, np.array([[0.0, 0.0, 0.93]]), 30.0)


def _bone(joint: str) -> Array:
    """Return the bone (3,) that ends at a human joint at rest, in SMPL's axes."""
    return np.asarray(skeleton.REST_OFFSETS[skeleton.index(joint)])


def _roles(figure: Figure) -> dict[int, str]:
    """Return what part of a person each joint moves."""
    roles = dict.fromkeys(figure.waist, 'waist') | dict.fromkeys(figure.head, 'head')
    for parts, pair in (
        (('shoulder', 'elbow', 'wrist'), figure.arms),
        (('hip', 'knee', 'ankle'), figure.legs),
    ):
        for limb in pair.values():
            bend = limb.joints.index(limb.bend)
            end = limb.joints.index(limb.end) if limb.hinged else len(limb.joints)
            for number, joint in enumerate(limb.joints):
                at = 0 if number < bend else 1 if number < max(end, bend + 1) else 2
                roles[joint] = parts[at]
    return roles


def _rules(figure: Figure, robot: Robot, home: Mapping[str, float]) -> str:
    """Return the limits: one rule for the joints of a part that have the same ones."""
    model = figure.tree.model
    free = _free_acceleration(robot, home)
    found: dict[tuple[str, float, float, str], list[str]] = {}
    for joint, role in sorted(_roles(figure).items()):
        name = model.names[joint]
        allowed = float(model.velocityLimit[model.joints[joint].idx_v])
        fastest = _FASTEST[role]
        known = 0 < allowed < np.inf
        velocity = min(allowed, fastest) if known else _UNKNOWN * fastest
        comment = f'URDF: {allowed:g} rad/s' if known and allowed > fastest else ''
        if not known:
            comment = f'check: the URDF allows {allowed:g} rad/s; a careful guess'
        acceleration = velocity / _RAMP
        if free[name] < acceleration:
            acceleration = free[name]
            if acceleration <= 0:
                acceleration = velocity
                comment = 'check: the torque of the URDF does not hold the limb'
        key = (role, _down(velocity), _down(acceleration), comment)
        found.setdefault(key, []).append(name)
    lines = ['limits:']
    for (_, velocity, acceleration, comment), joints in found.items():
        rule: dict[str, Any] = {
            'joints': joints,
            'velocity': velocity,
            'acceleration': acceleration,
        }
        lines += [f'  # {comment}'] if comment else []
        lines.append(f'  - {_yaml(rule)}')
    for rule in _narrowed(figure):
        lines += ['  # check: the URDF has more than a turn', f'  - {_yaml(rule)}']
    return '\n'.join(lines)


def _free_acceleration(robot: Robot, home: Mapping[str, float]) -> dict[str, float]:
    """Return what the motors can do above gravity, rad/s^2, in the worse of zero and home pose."""
    model, data = robot.model, robot.model.createData()
    resting = np.array([home.get(name, 0.0) for name in robot.joint_names])
    free = np.full(len(resting), np.inf)
    for q in (resting, robot.home):
        inertia = np.diag(pin.crba(model, data, q))
        gravity = np.abs(pin.computeGeneralizedGravity(model, data, q))
        able = _TORQUE * (model.effortLimit - gravity) / np.maximum(inertia, 1e-6)
        free = np.minimum(free, np.where(model.effortLimit > 0, able, np.inf))
    return dict(zip(robot.joint_names, free.tolist(), strict=True))


def _groups(figure: Figure) -> dict[str, list[str]]:
    names = figure.tree.model.names
    arms = {
        f'{word}_arm': figure.arms[side].joints for side, word in (('l', 'left'), ('r', 'right'))
    }
    found: dict[str, Iterable[int]] = {
        'upper_body': [*figure.waist, *figure.head, *arms['left_arm'], *arms['right_arm']],
        'waist': figure.waist,
        'head': figure.head,
        **arms,
        'arms': [*arms['left_arm'], *arms['right_arm']],
        'legs': [joint for leg in figure.legs.values() for joint in leg.joints],
    }
    return {key: [names[j] for j in joints] for key, joints in found.items() if joints}


def _asymmetries(figure: Figure) -> list[str]:
    """Return a comment for every pair of joints whose ranges do not mirror each other."""
    tree, left = figure.tree, figure.left
    odd = []
    for pair in (figure.arms, figure.legs):
        for one, other in zip(*(limb.joints for limb in pair.values()), strict=False):
            ranges = []
            for joint in (one, other):
                i = tree.model.joints[joint].idx_q
                ranges.append(
                    np.array([tree.model.lowerPositionLimit[i], tree.model.upperPositionLimit[i]])
                )
            # A reflection turns the sense of every rotation but those about its normal.
            axis = tree.axes[one]
            same = (2 * (axis @ left) * left - axis) @ tree.axes[other] > 0
            mirrored = ranges[0] if same else -ranges[0][::-1]
            if np.abs(mirrored - ranges[1]).max() > 0.1:
                odd.append(f'{tree.model.names[one]} / {tree.model.names[other]}')
    if not odd:
        return []
    return [
        '# check: the URDF gives these joints ranges that do not mirror each other; one of them\n'
        '# may be wrong, and then the robot cannot do on one side what it does on the other:\n'
        + '\n'.join(f'#   {pair}' for pair in odd)
    ]


def _address(path: Path, target: Path) -> str:
    """Return the address of the URDF: by package where it is installed, else relative."""
    path = path.resolve()
    for folder in path.parents:
        if (folder / 'package.xml').is_file():
            address = f'{urdf.PACKAGE}{folder.name}/{path.relative_to(folder).as_posix()}'
            shares = [share.resolve() for share in urdf.share_folders(folder.name)]
            if folder in shares:
                return address
    return Path(os.path.relpath(path, target.resolve().parent)).as_posix()


def _axis(turn: Array, way: Array, aligned: float = _ALIGNED) -> str:
    """Return the axis of a link (its rotation given) along a direction; '' where none is."""
    local = turn.T @ way
    number = int(np.abs(local).argmax())
    if abs(local[number]) < aligned:
        return ''
    return f'{"+" if local[number] > 0 else "-"}{"xyz"[number]}'


def _point(turn: Array, away: Array) -> dict[str, list[float]]:
    local = turn.T @ away
    if np.linalg.norm(local) < _AT_ORIGIN:
        return {}
    return {'point': (np.round(local, 3) + 0.0).tolist()}


def _down(value: float) -> float:
    """Round down to two significant digits, so that a limit stays below its source."""
    step = 10.0 ** (np.floor(np.log10(value)) - 1)
    return float(f'{np.floor(value / step + 1e-9) * step:.6g}')


def _plain(name: str) -> str:
    return re.sub(r'\W+', '_', name.strip()).strip('_').lower() or 'robot'


def _yaml(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=88)
    return text.removesuffix('\n').removesuffix('\n...').replace('\n', '\n     ')


def _flow(key: str, value: Any) -> str:
    return f'{key}: {_yaml(value)}'


def _block(key: str, lines: Sequence[Line]) -> str:
    """Return entries of a mapping, one a line, each with its comment."""
    indent = '  ' if key else ''
    rows = [f'{key}:'] if key else []
    for name, value, doubt in lines:
        if doubt:
            rows.append(f'{indent}# check: {doubt}')
        if isinstance(value, dict) and 'corners' in value:
            rows.append(f'{indent}{name}:')
            rows += [f'{indent}  {_flow(part, item)}' for part, item in value.items()]
        else:
            rows.append(f'{indent}{_flow(name, value)}')
    if key and not lines:
        return f'{key}: {{}}'
    return '\n'.join(rows)

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
"""ROS parameters from frozen dataclasses: one table declares, validates and documents them."""

from __future__ import annotations

from collections.abc import Callable
import dataclasses
from dataclasses import dataclass
import math
from pathlib import Path
from typing import Any, Generic, TypeVar

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.exceptions import ParameterException
from rclpy.node import Node
from rclpy.parameter import Parameter

from l2emg_ros.errors import BadRequest
from l2emg_ros.files import expanded


def parameter(
    default: Any,
    text: str,
    *,
    unit: str = '',
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[str, ...] = (),
    read_only: bool = False,
) -> Any:
    """Return a dataclass field that describes one parameter.

    Args:
        default: Value that works; its type (bool, int, float or str) is the parameter's type.
        text: What it does, for `ros2 param describe`.
        unit: Unit of a number.
        minimum: Smallest value of a number; given together with ``maximum``.
        maximum: Largest value of a number.
        choices: The only values of a string.
        read_only: True where it is read once, at start.
    """
    return dataclasses.field(
        default=default,
        metadata={
            'help': text,
            'unit': unit,
            'min': minimum,
            'max': maximum,
            'choices': choices,
            'read_only': read_only,
        },
    )


def folder(value: str) -> Path | None:
    """Return the path that a parameter names, `~` being the user's home; empty is None."""
    return expanded(value) if value else None


@dataclass(frozen=True)
class Parameters:
    """Base of a node's parameters: every field made by ``parameter``.

    Raises:
        BadRequest: A value has the wrong type, is not finite, out of range or not a choice.
    """

    def __post_init__(self) -> None:
        """Check every field against its own description."""
        for field in dataclasses.fields(self):
            _check(field, getattr(self, field.name))


def _check(field: dataclasses.Field, value: Any) -> None:
    name, rules = field.name, field.metadata
    kind: Any = type(field.default)
    if type(value) is not kind:
        raise BadRequest(f'{name} is {value!r}: expected a value of type {kind.__name__}')
    if isinstance(value, str):
        if rules['choices'] and value not in rules['choices']:
            raise BadRequest(f'{name} is {value!r}: expected one of {", ".join(rules["choices"])}')
    elif not math.isfinite(value):
        raise BadRequest(f'{name} is {value}: expected a finite number')
    elif rules['min'] is not None and not rules['min'] <= value <= rules['max']:
        wanted = f'{rules["min"]} to {rules["max"]} {rules["unit"]}'.rstrip()
        raise BadRequest(f'{name} is {value}: expected {wanted}')


def descriptor(field: dataclasses.Field) -> ParameterDescriptor:
    """Return what `ros2 param describe` shows for a field."""
    rules = field.metadata
    result = ParameterDescriptor(
        description=rules['help'] + (f' [{rules["unit"]}]' if rules['unit'] else ''),
        read_only=rules['read_only'],
    )
    if rules['choices']:
        result.additional_constraints = 'one of: ' + ', '.join(rules['choices'])
    if rules['min'] is not None and isinstance(field.default, int):
        result.integer_range = [
            IntegerRange(from_value=int(rules['min']), to_value=int(rules['max']), step=0)
        ]
    elif rules['min'] is not None:
        result.floating_point_range = [
            FloatingPointRange(
                from_value=float(rules['min']), to_value=float(rules['max']), step=0.0
            )
        ]
    return result


P = TypeVar('P', bound=Parameters)


class ParameterTable(Generic[P]):
    """Keeps a node's ROS parameters and their dataclass the same.

    Args:
        node: Node to declare them on.
        kind: Dataclass with the defaults.
        on_change: Called with the new values after a change has been accepted.

    Attributes:
        value: The current values.

    Raises:
        BadRequest: A value given at start is refused.
    """

    def __init__(self, node: Node, kind: type[P], on_change: Callable[[P], None]) -> None:
        self._names = {field.name for field in dataclasses.fields(kind)}
        self._on_change = on_change
        given = {}
        for field in dataclasses.fields(kind):
            try:
                declared = node.declare_parameter(field.name, field.default, descriptor(field))
            except ParameterException as error:
                raise BadRequest(f'parameter {field.name}: {error}') from None
            given[field.name] = declared.value
        self.value: P = kind(**given)
        node.add_on_set_parameters_callback(self._validate)
        node.add_post_set_parameters_callback(self._apply)

    def _changed(self, parameters: list[Parameter]) -> P:
        changes = {item.name: item.value for item in parameters if item.name in self._names}
        return dataclasses.replace(self.value, **changes)

    def _validate(self, parameters: list[Parameter]) -> SetParametersResult:
        try:
            self._changed(parameters)
        except BadRequest as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _apply(self, parameters: list[Parameter]) -> None:
        before = self.value
        self.value = self._changed(parameters)
        if self.value != before:
            self._on_change(self.value)

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
"""The one training loop: one-cycle AdamW with resumable checkpoints."""

from __future__ import annotations

from collections.abc import Callable
import io
import logging
from pathlib import Path
from pickle import UnpicklingError
import time

import torch
from torch import nn, Tensor

from l2emg_ros.errors import BadRequest
from l2emg_ros.files import atomic_write

_LOG = logging.getLogger(__name__)
# A killed run loses at most this much work.
_CHECKPOINT_SECONDS = 60.0

Step = Callable[[int], tuple[Tensor, dict[str, float]]]


class Unfinished(Exception):
    """Raised by a report to end a run early; its state is saved, so that it can go on."""


def precision(device: torch.device) -> torch.autocast:
    """Return a context that computes in bfloat16 where the device does so in hardware.

    Elsewhere it changes nothing: emulated bfloat16 is twenty times slower than single precision.
    """
    if device.type == 'cuda':
        hardware = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        has = torch.cpu.get_capabilities()
        hardware = any(has.get(name, False) for name in ('amx_bf16', 'avx512_bf16', 'bf16'))
    return torch.autocast(device.type, torch.bfloat16, enabled=hardware)


def run(
    modules: nn.Module,
    step: Step,
    *,
    steps: int,
    lr: float,
    checkpoint: Path,
    report: Callable[[int, dict[str, float]], None] | None = None,
    every: int = 50,
) -> None:
    """Minimise ``step``'s loss over the trainable parameters of ``modules``.

    AdamW (0.9, 0.98), weight decay 0.01, one cycle with 10 % warm-up, gradients clipped to norm 1.
    The state is written every minute and read back if ``checkpoint`` exists, so the same command
    continues a run that was stopped; the finished state stays.

    Args:
        modules: Everything that trains and every buffer that changes.
        step: Gives the loss of a step number and figures to report.
        steps: How many.
        lr: Peak learning rate.
        checkpoint: File of the state.
        report: Called with the step number and the means of the figures.
        every: After how many steps it is.

    Raises:
        Unfinished: ``report`` raised it.
        BadRequest: The checkpoint is damaged or of another run.
        OSError: The state cannot be written.
    """
    trained = [p for p in modules.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=lr, betas=(0.9, 0.98), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=lr, total_steps=max(steps, 20), pct_start=0.1
    )
    done = 0
    if checkpoint.is_file():
        done = _restore(checkpoint, modules, optimizer, schedule)
        _LOG.info('continuing at step %d of %d', done, steps)

    def save(count: int) -> None:
        _save(
            checkpoint,
            {
                'modules': modules.state_dict(),
                'optimizer': optimizer.state_dict(),
                'schedule': schedule.state_dict(),
                'rng': torch.get_rng_state(),
                'cuda_rng': torch.cuda.get_rng_state_all(),
                'step': count,
            },
        )

    saved = time.monotonic()
    window: list[dict[str, float]] = []
    for number in range(done, steps):
        loss, figures = step(number)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        schedule.step()
        window.append({'loss': float(loss.detach()), **figures})
        if report and ((number + 1) % every == 0 or number + 1 == steps):
            means = {k: sum(w[k] for w in window) / len(window) for k in window[0]}
            window = []
            try:
                report(number + 1, means)
            except Unfinished:
                save(number + 1)
                raise
        if time.monotonic() - saved > _CHECKPOINT_SECONDS:
            save(number + 1)
            saved = time.monotonic()
    if done < steps:
        save(steps)


def _save(checkpoint: Path, state: dict[str, object]) -> None:
    """Write a state.

    Raises:
        OSError: It cannot be written; the state before is as it was.
    """
    # Torch's own writer says neither which file nor why.
    content = io.BytesIO()
    torch.save(state, content)
    try:
        with atomic_write(checkpoint) as temporary:
            temporary.write_bytes(content.getvalue())
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(checkpoint)) from None


def _restore(
    checkpoint: Path,
    modules: nn.Module,
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
) -> int:
    """Read a state back and return the number of steps that are done.

    Raises:
        BadRequest: The checkpoint is damaged or of another run.
    """
    try:
        state = torch.load(checkpoint, map_location='cpu', weights_only=True)
        modules.load_state_dict(state['modules'])
        optimizer.load_state_dict(state['optimizer'])
        schedule.load_state_dict(state['schedule'])
        torch.set_rng_state(state['rng'])
        torch.cuda.set_rng_state_all(state['cuda_rng'])
        return int(state['step'])
    except (OSError, EOFError, KeyError, ValueError, RuntimeError, UnpicklingError) as error:
        reason = str(error).splitlines()[0]
        raise BadRequest(
            f'{checkpoint} is no state of this run ({reason}): remove it or use --restart'
        ) from None

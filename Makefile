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

PYTHON ?= python3
# Processes of `make test`; each takes about 1.5 GB.
WORKERS ?= 2
BIN := .venv/bin
BENCHMARKS := l2emg retarget modulation latency load lifelong
# Needs recorded people to compare with.
ifneq ($(L2EMG_MOCAP_DIR),)
BENCHMARKS += style
endif
# Options of the quick sizes; the published ones are the defaults.
QUICK_l2emg := --seeds 1
QUICK_modulation := --minutes 1 --events 10
QUICK_latency := --repeats 5
QUICK_lifelong := --scenarios 2 --interactions 32 --steps 20 --tests 13 --prompts 48 --poisoned 4 --clean 2
FULL_lifelong := --scenarios 20 --seeds 3 --poisoned 40 --clean 20 --work out/bench-full/lifelong
QUICK_load := --rounds 2 --repeats 10

# With a sourced ROS 2 the interfaces lie in install/; from wheels they are in .venv already.
ifdef ROS_DISTRO
ENTER := . install/local_setup.sh &&
endif

FORCE:
.PHONY: FORCE help setup demo test bench bench-full lint format colcon clean

help:  ## show the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

setup:  ## create .venv with everything; nothing to do if nothing changed
	@command -v $(PYTHON) > /dev/null || \
	  { echo 'setup needs Python: sudo apt-get install -y python3 python3-venv python3-dev' >&2; exit 1; }
	@$(PYTHON) scripts/bootstrap.py

demo: setup  ## two requests through the whole system, videos in out/demo
	$(ENTER) $(BIN)/l2emg demo

test: setup  ## every test
	$(ENTER) $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile

bench: setup $(BENCHMARKS:%=out/bench/%.json)  ## the benchmarks in quick sizes, results in out/bench

# The results of a benchmark that has ended are kept, so that an interrupted run goes on.
bench-full: setup $(BENCHMARKS:%=out/bench-full/%.json)  ## the published sizes, resumable

out/bench/%.json: FORCE | setup
	@mkdir -p $(@D)
	$(ENTER) $(BIN)/l2emg bench $* $(QUICK_$*) --json $@

out/bench-full/%.json: | setup
	@mkdir -p $(@D)
	$(ENTER) $(BIN)/l2emg bench $* $(FULL_$*) --json $@

lint: setup  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup  ## let ruff rewrite what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

colcon: setup  ## build and test both packages in a scratch folder, as a ROS user would
	scripts/colcon.sh

clean:  ## remove what make setup and the other targets have created
	rm -rf .venv build install log out *.egg-info

